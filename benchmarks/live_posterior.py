"""``python -m benchmarks.live_posterior``: what following a flight costs, and how well it is told.

Two flights of half an hour (a PID alone, and eight channels at 10 Hz) are played second by
second into `drone.locating.Locator`, as `sniffdrone locate` does: processor time of every second,
memory. Of these a minute in every so many is played (``--whole``: all); what lies between is
handed over at once. Shorter flights with a known source then say how far the live posterior is
from what a search of the same records finds at that moment, and how the error falls.
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
from benchmarks.tables import markdown, median, quantile
from drone.choices import Choices
from drone.inputs import read_inputs
from drone.located import Located
from drone.locating import Locator
from drone.played_batches import played

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensors.records import RecordBatch

OUT = FOLDER.parent / "live"
GAS = "acetone"
EVERY_MINUTES = 7  # minutes 0, 7, 14, 21 and 28
COMPARED_EVERY_S = 45
AFTER_S = (0, 10, 30, 60, 120, 240)  # since the first gas
METRES_PER_DEGREE = 111_195.0
MEBIBYTE = 1024.0  # ru_maxrss counts KiB


def costs(path: Path, every: int) -> dict[str, Any]:
    """Processor time of the seconds of one minute in so many, in a process of its own."""
    updates, totals, ages = [], [], []
    with closing(Locator(Choices(gas=GAS))) as locator:
        for second, (_, new) in enumerate(played(read_inputs([path]).batches)):
            locator.take(new)
            minute, in_minute = divmod(second, 60)
            if minute % every:
                continue
            if every > 1 and in_minute == 0:  # as if it had been followed all the time
                locator.update()
                locator.settle()
            begin, own = time.process_time(), time.thread_time()
            told = locator.update()
            updates.append(time.thread_time() - own)
            locator.keep_pace()
            totals.append(time.process_time() - begin)
            if told.searched_ns:
                ages.append((told.time_ns - told.searched_ns) * 1e-9)
            if in_minute == 59:
                say(f"{path.name}: minute {minute}, {np.mean(totals[-60:]):.2f} CPU s a second")
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
    """A flight followed, and held against searches of the same records now and then."""
    pieces = list(played(read_inputs([log]).batches))
    rows, compared = [], []
    so_far: list[RecordBatch] = []
    first_gas: int | None = None
    with closing(Locator(Choices(gas=GAS))) as locator:
        for second, (_, new) in enumerate(pieces):
            so_far += new
            locator.take(new)
            told = locator.update()
            locator.keep_pace()
            if first_gas is None and told.p_any_source > 0.5:
                first_gas = second
            if first_gas is None:
                continue
            rows.append(_row(told, source) | {"after_s": second - first_gas})
            if (second - first_gas) % COMPARED_EVERY_S == 0:
                compared.append(_compared(locator, told, so_far, source))
    return {"name": log.stem, "rows": rows, "compared": compared, "first_gas_s": first_gas}


def _compared(
    locator: Locator, told: Located, batches: Sequence[RecordBatch], source: dict[str, float]
) -> dict[str, float]:
    with closing(Locator(Choices(gas=GAS))) as whole:
        whole.take(batches)
        whole.update()
        searched = whole.finish()
        assert locator.live is not None
        assert whole.live is not None
        ours, theirs = locator.live.places(), whole.live.places()
        return {
            "overlap": ours.overlap(theirs),
            "p_ours": told.p_any_source,
            "p_theirs": searched.p_any_source,
            "radius_ours": float(np.sqrt(ours.area_m2(0.9) / np.pi)),
            "radius_theirs": float(np.sqrt(theirs.area_m2(0.9) / np.pi)),
            "error_ours": _row(told, source)["error_m"],
            "error_theirs": _row(searched, source)["error_m"],
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
    rows = [
        ["places in common, median", median((one["overlap"] for one in pairs), "{:.2f}")],
        [
            "places in common, 10th percentile",
            quantile((p["overlap"] for p in pairs), 0.1, "{:.2f}"),
        ],
        [
            "difference of the probability of a source, 90th percentile",
            quantile((abs(one["p_ours"] - one["p_theirs"]) for one in pairs), 0.9, "{:.2f}"),
        ],
        [
            "radius of the 90 % region over the search's, 10th to 90th percentile",
            " to ".join(
                quantile((p["radius_ours"] / p["radius_theirs"] for p in pairs), level, "{:.2f}")
                for level in (0.1, 0.9)
            ),
        ],
        ["error, median [m]", median(one["error_ours"] for one in pairs)],
        ["error of the search, median [m]", median(one["error_theirs"] for one in pairs)],
        ["age of the live posterior's search, median [s]", median(one["age_s"] for one in pairs)],
    ]
    return markdown((f"{len(pairs)} moments of {len(found)} flights", "live"), rows)


def _skill_table(found: Sequence[dict[str, Any]]) -> str:
    rows = []
    for after_s in AFTER_S:
        told = [row for one in found for row in one["rows"] if row["after_s"] == after_s]
        rows.append(
            [
                f"{after_s} s",
                len(told),
                median((one["p"] for one in told), "{:.2f}"),
                median(one["error_m"] for one in told),
                quantile((one["error_m"] for one in told), 0.9),
                median(one["radius_90_m"] for one in told),
                f"{100 * np.mean([one['is_held'] for one in told]):.0f} %" if told else "-",
            ]
        )
    header = (
        "after p first passed 0.5", "flights", "p", "error, median [m]", "90th percentile [m]",
        "radius told, median [m]", "held",
    )  # fmt: skip
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
        paths = [] if asked.no_cost else _long_flights(asked.out)
        kept = [kept_flight(world) for world in blind_worlds("single", asked.n, first_seed=900)]
        costly = pool.map(costs, paths, [1 if asked.whole else EVERY_MINUTES] * len(paths))
        followers = pool.map(
            followed, [one.path for one in kept], [one.truth["sources"][0] for one in kept]
        )
        for name, found, tables in (
            ("costs", list(costly), (_cost_table,)),
            ("followed", list(followers), (_agreement_table, _skill_table)),
        ):
            (asked.out / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
            text += [table(found) for table in tables if found]
    page = "\n\n".join(text)
    (asked.out / "live_posterior.md").write_text(page + "\n", encoding="utf-8")
    print(page)
    return 0


def _long_flights(folder: Path) -> list[Path]:
    whole = folder / "8 channels.csv"
    if not whole.exists():
        write_long_flight(whole)
    alone = without_columns(whole, "mox", folder / "1 channel.csv")
    return [alone, whole]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
