"""``sniffdrone doctor``: is everything a mission needs in order, and if not, what first."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, answer_json, is_terminal, progress_bar, warn
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drone.cli.terminal import Progress
    from drone.doctor_findings import Finding
    from drone.doctor_response import Expected

__all__ = ["EXAMPLES", "doctor"]

EXIT_NOT_READY = 2
LINE_EVERY_S = 10.0
EXAMPLES = """\b
Examples:
  sniffdrone doctor mission.toml
  sniffdrone doctor mission.toml --zero 60
  sniffdrone doctor mission.toml --bump "co=50 ppm" --bump-for 60
Exit code 0: ready to fly (warnings may remain); 2: not ready. It changes nothing on the vehicle.
"""


def doctor(
    mission: Annotated[Path, typer.Argument(help="The mission file (TOML).")],
    zero: Annotated[
        float, typer.Option("--zero", min=0.0, help="Zero test: so long in clean air [s].")
    ] = 0.0,
    bump: Annotated[
        str, typer.Option("--bump", help='Bump test with a known gas: "channel=value unit".')
    ] = "",
    bump_for: Annotated[
        float, typer.Option("--bump-for", min=5.0, help="How long the gas is applied [s].")
    ] = 60.0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Try ports, devices, disk, autopilot and clocks, and say what to fix, in order.

    Takes at most 20 s, and as long as zero and bump tests need. Results of these are kept
    beside the recordings and go into each of them.
    """
    from drone.doctor_findings import as_json as told
    from drone.doctor_findings import in_order, is_ready, lines, verdict
    from drone.doctor_response import expected_gas

    expected = expected_gas(bump) if bump else None
    findings = in_order(
        _found(mission, zero=zero, expected=expected, bump_for=bump_for, quiet=quiet)
    )
    if as_json:
        answer_json(told(findings))
    elif not quiet:
        answer("\n".join([*lines(findings), verdict(findings)]))
    return 0 if is_ready(findings) else EXIT_NOT_READY


def _found(
    path: Path, *, zero: float, expected: Expected | None, bump_for: float, quiet: bool
) -> list[Finding]:
    from drone.doctor import Doctor
    from drone.doctor_findings import CORRECT, one, split_advice
    from drone.doctor_gas import bump_test, zero_test
    from sensors.config import load_mission

    try:
        mission = load_mission(path)
    except ConfigError as error:
        found, fix = split_advice(str(error))
        return [
            one("mission", "file", "failure", found, fix or CORRECT),
            one("device", "and all else", "not checked", "the mission file cannot be read"),
        ]
    say = (lambda _: None) if quiet else warn
    with (
        _ended_by_sigterm(),
        Doctor(mission, folder=path.parent) as examiner,
        progress_bar(quiet=quiet) as progress,
    ):
        findings = examiner.examine(progress)
        tested: list[Finding] = []
        count_down = progress if quiet or is_terminal() else _lines_now_and_then()
        if zero:
            tested += zero_test(examiner, zero, say=say, told=count_down)
        if expected is not None:
            tested += bump_test(examiner, expected, bump_for, say=say, told=count_down)
    # what was just tested says more than how long ago it last was
    now = {(one.area, one.subject) for one in tested}
    return [*tested, *(one for one in findings if (one.area, one.subject) not in now)]


def _lines_now_and_then() -> Progress:
    """A count-down in plain lines, one in ten seconds."""
    told_s = time.monotonic()

    def tell(what: str, _share: float) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= LINE_EVERY_S:
            told_s = time.monotonic()
            warn(what)

    return tell


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: ports are given back, and nothing is left on the disk."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
