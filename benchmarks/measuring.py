"""The command line that all benchmarks of judged flights share: rows, cache, lines, tables."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.flight_cache import FOLDER, kept_flight
from benchmarks.judged_runs import judged_all
from benchmarks.report import PAGE, write
from benchmarks.running import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.judged_runs import Flight
    from benchmarks.judging import Judged

    Row = Callable[[int, Path, int], Sequence[Flight]]  # of count, cache and first seed


def measure(
    arguments: Sequence[str],
    *,
    name: str,
    rows: Mapping[str, Row],
    count: int,
    report: Callable[[Mapping[str, Sequence[Judged]], Path], str],
    description: str | None = None,
) -> int:
    """Measure the rows asked for, write lines and tables, and print the tables.

    `report` is given the flights of each row, and the folder of the results.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument(
        "--n", type=int, default=count, help="flights in each row (default: %(default)s)"
    )
    parser.add_argument("--row", action="append", choices=tuple(rows), help="repeat for several")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=FOLDER, help="where simulated logs are kept")
    parser.add_argument("--out", type=Path, default=FOLDER.parent / name, help="for the results")
    parser.add_argument("--estimator", help="instead of the program's own choice")
    parser.add_argument("--resume", action="store_true", help="keep what OUT holds already")
    parser.add_argument("--only-fly", action="store_true", help="fill the cache, measure nothing")
    parser.add_argument(
        "--publish", action="store_true", help="write the tables into docs/benchmarks.md too"
    )
    asked = parser.parse_args(arguments)
    wanted = asked.row or list(rows)
    flights = [
        flight for row in wanted for flight in rows[row](asked.n, asked.cache, asked.first_seed)
    ]
    if asked.estimator:
        chosen = ("estimator", asked.estimator)
        flights = [replace(flight, choices=(*flight.choices, chosen)) for flight in flights]
    if asked.only_fly:
        for flight in flights:
            for world in flight.worlds:
                kept_flight(world, asked.cache)
            say(flight.name)
        return 0
    done = judged_all(
        flights, asked.out / "flights.jsonl", processes=asked.jobs, resume=asked.resume
    )
    by_row: dict[str, list[Judged]] = defaultdict(list)
    for one in done:
        by_row[one.row].append(one)
    text = report(by_row, asked.out)
    (asked.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)
    if asked.publish:
        command = shlex.join(["python", "-m", f"benchmarks.{name}", *_telling(arguments)])
        say(f"results are in {write({name: _with_pictures(text, asked.out)}, command)}")
    return 0 if len(done) == len(flights) else 1


def _telling(arguments: Sequence[str]) -> list[str]:
    """The arguments that results depend on: not where files lie, nor how they were made."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    for name in ("--cache", "--out", "--jobs"):
        parser.add_argument(name)
    for name in ("--publish", "--resume"):
        parser.add_argument(name, action="store_true")
    return parser.parse_known_args(arguments)[1]


def _with_pictures(text: str, folder: Path) -> str:
    """The text as the page needs it, the pictures it shows put beside the page's others."""
    for picture in sorted(folder.glob("*.png")):
        if f"({picture.name})" in text:
            shutil.copyfile(picture, PAGE.parent / "images" / picture.name)
            text = text.replace(f"({picture.name})", f"(images/{picture.name})")
    return text.rstrip()
