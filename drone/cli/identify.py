"""``sniffdrone identify`` tells what is on a port."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, answer_json, progress_bar

if TYPE_CHECKING:
    from drone.cli.terminal import Progress
    from drone.identifying import Guess

__all__ = ["EXAMPLES", "identify"]

EXAMPLES = """\b
Examples:
  sniffdrone identify --port /dev/serial/by-id/usb-FTDI_…
  sniffdrone identify --port /dev/ttyAMA0 --baud 9600 --ask
Exit code 0: something was recognised; 3: nothing was.
"""
NOTHING_RECOGNISED = 3


def identify(
    *,
    port: Annotated[str, typer.Option("--port", "-p", help="Where something is plugged in.")],
    baud: Annotated[
        list[int] | None, typer.Option("--baud", help="Try only this; repeat for more.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--for", min=0.5, help="Listen so long at each baud rate [s].")
    ] = 2.5,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="If nothing speaks, send each device's own request to read."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say what device is on a port and at which baud rate. It listens, and sends nothing.

    With --ask it then sends requests that only read; never settings.
    """
    with progress_bar(quiet=quiet) as progress:
        heard, found = _tried(port, baud or [], seconds, ask=ask, progress=progress)
    if as_json:
        told = [{"baud": rate, **asdict(guess)} for rate, guess in found]
        answer_json({"port": port, "heard_bytes": heard, "devices": told})
    elif not quiet:
        answer("\n".join(_lines(port, heard, found)))
    return 0 if found else NOTHING_RECOGNISED


def _tried(
    port: str, asked_for: list[int], seconds: float, *, ask: bool, progress: Progress
) -> tuple[dict[int, int], list[tuple[int, Guess]]]:
    """Bytes heard at each baud rate, and what was recognised, the likeliest first."""
    from drone import identifying
    from firmware_bridge.link import SerialLink

    rates = asked_for or identifying.bauds()
    heard: dict[int, int] = {}
    found: list[tuple[int, Guess]] = []
    for number, rate in enumerate(rates):
        progress(f"{rate} baud", number / len(rates))
        link = SerialLink(port, rate)
        link.open()
        try:
            data = identifying.heard(link, seconds)
            heard[rate] = len(data)
            found += [(rate, guess) for guess in identifying.guesses(data)] if data else []
            if ask and not data:
                found += [(rate, guess) for guess in identifying.asked(link, rate)]
        finally:
            link.close()
        if found and max(guess.share for _, guess in found) >= identifying.CERTAIN_SHARE:
            break
    found.sort(key=lambda one: identifying.likelihood(one[1]))
    return heard, found


def _lines(port: str, heard: dict[int, int], found: list[tuple[int, Guess]]) -> list[str]:
    if found:
        return [
            f"{guess.name} at {rate} baud: {guess.frames} frames, {guess.faults} faults, "
            f"{100 * guess.share:.0f} % of the bytes"
            for rate, guess in found
        ]
    spoke: dict[str, Any] = {str(rate): count for rate, count in heard.items() if count}
    if spoke:
        told = ", ".join(f"{count} bytes at {rate} baud" for rate, count in spoke.items())
        return [f"{port}: {told}, and none of them a known frame"]
    return [f"{port}: silence at {', '.join(map(str, heard))} baud; try --ask, or check the wiring"]
