"""``python -m benchmarks.live_posterior``: what following a flight costs, and how well it is told.

Two flights of half an hour (a PID alone, and eight channels at 10 Hz) are played second by
second into `drone.locating.Locator`, as `sniffdrone locate` does: processor time of every second,
memory. Of these some windows are played (``--whole``: all); what lies between is handed over at
once. Shorter flights with a known source then say how far the posterior some seconds after a
search is from what a search of that moment finds, and how the error falls.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.blind_worlds import blind_worlds
from benchmarks.flight_cache import FOLDER, kept_flight, without_columns
from benchmarks.running import say
from benchmarks.speed import write_long_flight
from benchmarks.tables import markdown, median, quantile, share
from drone.choices import Choices
from drone.inputs import read_inputs
from drone.located import Located
from drone.locating import Locator
from drone.played_batches import played

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

OUT = FOLDER.parent / "live"
GAS = "acetone"
WINDOWS = ((0, 40), (600, 630), (1710, 1740))  # of the long flights [s]
COMPARED_EVERY_S, SINCE_SEARCH_S = 30, 10
AFTER_S = 60
METRES_PER_DEGREE = 111_195.0
MEBIBYTE = 1024.0  # ru_maxrss counts KiB


def costs(path: Path, windows: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Processor time of the seconds in some windows of a flight, in a process of its own."""
    updates, totals, ages = [], [], []
    with closing(Locator(Choices(gas=GAS))) as locator:
        for second, (_, new) in enumerate(played(read_inputs([path]).batches)):
            locator.take(new)
            window = next((one for one in windows if one[0] <= second < one[1]), None)
            if window is None:
                continue
            if second == window[0] > 0:  # as if it had been followed all the time
                locator.update()
                locator.settle()
            begin, own = time.process_time(), time.thread_time()
            told = locator.update()
            updates.append(time.thread_time() - own)
            locator.keep_pace()
            totals.append(time.process_time() - begin)
            if told.searched_ns:
                ages.append((told.time_ns - told.searched_ns) * 1e-9)
            if second + 1 == window[1]:
                say(f"{path.name}: second {second}, {np.mean(totals):.2f} CPU s a second")
        searches = locator.searches
    return {
        "name": path.stem,
        "seconds": len(totals),
        "updates": updates,
        "totals": totals,
        "ages": ages,
        "searches": searches,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE,
    }


def followed(log: Path, source: dict[str, float]) -> dict[str, Any]:
    """Moments of a flight: told some seconds after a search, and by a search of that moment."""
    pieces = [new for _, new in played(read_inputs([log]).batches)]
    compared = []
    with closing(Locator(Choices(gas=GAS), share=0.0)) as locator:
        for second, new in enumerate(pieces, start=1):
            locator.take(new)
            phase = second % COMPARED_EVERY_S
            if phase == 0:
                locator.update()
                locator.settle()
            elif phase <= SINCE_SEARCH_S and second > COMPARED_EVERY_S:
                told = locator.update()
                if phase == SINCE_SEARCH_S and locator.live is not None:
                    compared.append(_compared(locator, told, source) | {"second": second})
    return {"name": log.stem, "compared": compared}


def _compared(locator: Locator, told: Located, source: dict[str, float]) -> dict[str, float]:
    live = locator.live
    assert live is not None
    locator.settle()
    searched = locator.update()
    assert locator.live is not None
    ours, theirs = live.places(), locator.live.places()
    return {
        "overlap": ours.overlap(theirs),
        "radius_ours": float(np.sqrt(ours.area_m2(0.9) / np.pi)),
        "radius_theirs": float(np.sqrt(theirs.area_m2(0.9) / np.pi)),
        "ours": _row(told, source),
        "theirs": _row(searched, source),
        "age_s": (told.time_ns - told.searched_ns) * 1e-9,
    }


def _row(told: Located, source: dict[str, float]) -> dict[str, float]:
    north = (told.latitude - source["latitude"]) * METRES_PER_DEGREE
    shrunk = np.cos(np.radians(source["latitude"]))
    east = (told.longitude - source["longitude"]) * METRES_PER_DEGREE * shrunk
    error = float(np.hypot(east, north))
    return {
        "p": told.p_any_source,
        "error_m": error,
        "radius_90_m": told.radius_90_m,
        "is_held": error <= told.radius_90_m,
        "factor": told.rate_g_s / source["rate_g_s"],
    }


def _cost_table(found: Sequence[dict[str, Any]]) -> str:
    header = ("what", *(one["name"] for one in found))

    def row(what: str, of: str, level: float) -> list[str]:
        return [what, *(quantile(one[of], level, "{:.2f}") for one in found)]

    rows = [
        ["seconds played", *(str(one["seconds"]) for one in found)],
        row("all CPU a second, median [s]", "totals", 0.5),
        row("all CPU a second, 99th percentile [s]", "totals", 0.99),
        row("all CPU a second, largest [s]", "totals", 1.0),
        row("until the line is told, median [CPU s]", "updates", 0.5),
        row("until the line is told, 99th percentile [CPU s]", "updates", 0.99),
        row("until the line is told, largest [CPU s]", "updates", 1.0),
        ["searches", *(str(one["searches"]) for one in found)],
        row("age of the last search, median [s]", "ages", 0.5),
        row("age of the last search, largest [s]", "ages", 1.0),
        ["peak memory [MiB]", *(f"{one['mebibytes']:.0f}" for one in found)],
    ]
    return markdown(header, rows)


def _agreement_table(found: Sequence[dict[str, Any]]) -> str:
    pairs = [pair for one in found for pair in one["compared"]]
    told = [pair for pair in pairs if pair["theirs"]["p"] > 0.5]

    def ratio(level: float, some: Sequence[dict[str, Any]]) -> str:
        return quantile(
            (one["radius_ours"] / one["radius_theirs"] for one in some), level, "{:.2f}"
        )

    def row(what: str, form: str, of: Callable[[dict[str, Any]], float], level: float) -> list[str]:
        return [what, *(quantile(map(of, some), level, form) for some in (pairs, told))]

    rows = [
        ["moments", len(pairs), len(told)],
        row("age of the search, median [s]", "{:.0f}", lambda one: one["age_s"], 0.5),
        row("places in common, median", "{:.2f}", lambda one: one["overlap"], 0.5),
        row("places in common, 10th percentile", "{:.2f}", lambda one: one["overlap"], 0.1),
        row(
            "difference of p, 90th percentile", "{:.2f}",
            lambda one: abs(one["ours"]["p"] - one["theirs"]["p"]), 0.9,
        ),
        ["radius over the search's, 10th percentile", *(ratio(0.1, one) for one in (pairs, told))],
        ["radius over the search's, 90th percentile", *(ratio(0.9, one) for one in (pairs, told))],
        row("error, median [m]", "{:.0f}", lambda one: one["ours"]["error_m"], 0.5),
        row("error of the search, median [m]", "{:.0f}", lambda one: one["theirs"]["error_m"], 0.5),
    ]  # fmt: skip
    return markdown(("what", "all", "where the search says p > 0.5"), rows)


def _skill_table(found: Sequence[dict[str, Any]]) -> str:
    since: dict[int, list[dict[str, float]]] = {}
    for one in found:
        told = [pair for pair in one["compared"] if pair["ours"]["p"] > 0.5]
        for pair in told:
            after_s = pair["second"] - told[0]["second"]
            since.setdefault(after_s // AFTER_S * AFTER_S, []).append(pair["ours"])
    rows = [
        [
            f"{after_s} s",
            len(some),
            median((one["p"] for one in some), "{:.2f}"),
            median(one["error_m"] for one in some),
            median(one["radius_90_m"] for one in some),
            share([bool(one["is_held"]) for one in some]),
        ]
        for after_s, some in sorted(since.items())
    ]
    header = ("since p first passed 0.5", "lines", "p", "error [m]", "radius told [m]", "held")
    return markdown(header, rows)


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.live_posterior", description=__doc__
    )
    parser.add_argument("--n", type=int, default=12, help="flights followed (default: %(default)s)")
    parser.add_argument("--whole", action="store_true", help="play all minutes of the long flights")
    parser.add_argument("--no-cost", action="store_true", help="leave the long flights out")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="for flights and numbers")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    text = []
    with ProcessPoolExecutor(asked.jobs, mp_context=context, max_tasks_per_child=1) as pool:
        if not asked.no_cost:
            windows = ((0, 100_000),) if asked.whole else WINDOWS
            paths = _long_flights(asked.out)
            found = _kept(pool.map(costs, paths, [windows] * len(paths)), asked.out / "costs.json")
            text.append(_cost_table(found))
        kept = [kept_flight(world) for world in blind_worlds("single", asked.n, first_seed=900)]
        sources = [one.truth["sources"][0] for one in kept]
        if kept:
            done = pool.map(followed, [one.path for one in kept], sources)
            found = _kept(done, asked.out / "followed.json")
            text += [_agreement_table(found), _skill_table(found)]
    page = "\n\n".join(text)
    (asked.out / "live_posterior.md").write_text(page + "\n", encoding="utf-8")
    print(page)
    return 0


def _kept(results: Iterable[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Results, written down as they come."""
    found = []
    for one in results:
        found.append(one)
        path.write_text(json.dumps(found), encoding="utf-8")
        say(f"{path.stem}: {one['name']} is done")
    return found


def _long_flights(folder: Path) -> list[Path]:
    whole = folder / "8 channels.csv"
    if not whole.exists():
        write_long_flight(whole)
    alone = without_columns(whole, "mox", folder / "1 channel.csv")
    return [alone, whole]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
