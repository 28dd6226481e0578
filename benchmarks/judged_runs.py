"""Many flights judged on a few processes, each written down as soon as it is known."""

from __future__ import annotations

import multiprocessing
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.judging import Judged, judged_line
from benchmarks.running import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.flight_cache import Flown


class Flight(Protocol):
    """Something that can be processed and held against its truth, in another process too.

    A dataclass. `worlds` are the simulated ones it needs, `choices` what is chosen beyond what
    the data asks for, as pairs of name and value.
    """

    @property
    def name(self) -> str: ...

    @property
    def worlds(self) -> tuple[Flown, ...]: ...

    @property
    def choices(self) -> tuple[tuple[str, Any], ...]: ...

    def judged(self) -> Judged: ...


def judged_all(
    flights: Sequence[Flight], log: Path, *, processes: int, resume: bool = False
) -> list[Judged]:
    """Judge flights and write a line of JSON for each into `log`.

    With `resume`, what `log` holds already is not measured again. A flight on which the program
    fails is told with its traceback and left out; the others go on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, Judged] = {}
    if resume and log.exists():
        lines = log.read_text(encoding="utf-8").splitlines()
        known = {one.name: one for one in map(judged_line, lines)}
    wanted = [flight for flight in flights if flight.name not in known]
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    failed = 0
    try:
        waiting = {pool.submit(_judged, flight): flight for flight in wanted}
        with log.open("a" if resume else "w", encoding="utf-8", newline="\n") as stream:
            for number, future in enumerate(as_completed(waiting), start=1):
                trouble = future.exception()
                if trouble is not None:
                    failed += 1
                    say("".join(traceback.format_exception(trouble)))
                    say(f"{number}/{len(wanted)} FAILED: {waiting[future].name}")
                    continue
                one = future.result()
                known[one.name] = one
                stream.write(one.line() + "\n")
                stream.flush()
                say(f"{number}/{len(wanted)} {told(one)}")
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        say(f"{failed} of {len(wanted)} flights FAILED and are in no row")
    return [known[flight.name] for flight in flights if flight.name in known]


def told(one: Judged) -> str:
    """A flight in one line."""
    return (
        f"{one.name}: {one.verdict}, p {one.p_any:.3f}, told {one.told} of {one.sources}, "
        f"error {one.error_m:.1f} m (across {one.across_m:.1f}), 90 % within "
        f"{one.area_radius_90_m:.1f} m: {'yes' if one.inside_90 else 'no'}, "
        f"rate x {one.rate_ratio:.2f}, {one.cpu_s:.1f} s"
        f"{', CONFIDENTLY WRONG' if one.misleading else ''}"
    )


def _judged(flight: Flight) -> Judged:
    return flight.judged()
