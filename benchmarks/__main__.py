"""``python -m benchmarks``: measure, and write the results to docs/benchmarks.md."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks import (
    accuracy,
    alarm,
    bridge_load,
    clock,
    drivers,
    empty,
    flying,
    fuzz,
    peers,
    real,
    recorder,
    recordings,
    replaying,
    report,
    speed,
)
from benchmarks.running import say

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("accuracy", "empty", "real", "peers", "speed", "bridge", "devices", "detector")


@dataclass(frozen=True, slots=True)
class _Effort:
    """How many flights: of each kind and turbulence, without a source, beside each log, peers.

    Then bytes a decoder gets, hours a recorder runs, and flights and hours of a live detector.
    """

    each: int
    empty: int
    logs: int
    peers: int
    fuzzed_bytes: int
    recorded_hours: float
    alarm_flights: dict[str, int]


_FULL = _Effort(
    each=5,
    empty=100,
    logs=5,
    peers=8,
    fuzzed_bytes=10_000_000,
    recorded_hours=24.0,
    alarm_flights={"flights": 48, "each": 12, "empties": 180},
)
_QUICK = _Effort(
    each=1,
    empty=8,
    logs=1,
    peers=1,
    fuzzed_bytes=100_000,
    recorded_hours=1.0,
    alarm_flights={"flights": 2, "each": 1, "empties": 8},
)


def main(arguments: Sequence[str]) -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few flights, to try the benchmark")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part; repeat")
    parser.add_argument("--each", type=int, help="flights of each kind and turbulence")
    parser.add_argument("--empty", type=int, help="flights without a source")
    asked = parser.parse_args(arguments)
    effort = _QUICK if asked.quick else _FULL
    chapters = _measured(
        tuple(asked.only or PARTS),
        replace(effort, each=asked.each or effort.each, empty=asked.empty or effort.empty),
    )
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    say(f"results are in {report.write(chapters, command)}")


def _measured(parts: tuple[str, ...], effort: _Effort) -> dict[str, str]:
    """Text of each chapter; speed first, while nothing else runs."""
    chapters: dict[str, str] = {}
    if "speed" in parts:
        chapters["speed"] = speed.section()
    if "bridge" in parts:
        chapters["bridge"] = _joined(
            flying.section(),
            bridge_load.section(),
            clock.section(),
            recorder.section(effort.recorded_hours),
            recordings.section(),
            replaying.section(),
        )
    if "devices" in parts:
        chapters["devices"] = _joined(
            drivers.section(effort.fuzzed_bytes), fuzz.section(effort.fuzzed_bytes)
        )
    if "detector" in parts:
        chapters["detector"] = alarm.section(**effort.alarm_flights)
    known = None
    if "accuracy" in parts:
        known = accuracy.scores(effort.each)
        chapters["accuracy"] = accuracy.section(known)
    if "empty" in parts:
        without = empty.scores(effort.empty)
        known = known or empty.source_scores(effort.each)
        chapters["empty"] = empty.section(without, [one for one in known if one.sources])
    if "real" in parts:
        chapters["real"] = real.section(effort.logs)
    if "peers" in parts:
        chapters["peers"] = peers.section(peers.scores(effort.peers))
    return chapters


def _joined(*sections: str) -> str:
    return "\n\n".join(sections)


if __name__ == "__main__":
    main(sys.argv[1:])
