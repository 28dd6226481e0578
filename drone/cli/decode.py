"""``sniffdrone decode``: captured bytes as the frames they hold, one JSON line each."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drone.cli.options import Quiet
from drone.cli.terminal import answer, forget_unread, warn
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensors.framing import Counters, Fault, Frame

__all__ = ["EXAMPLES", "decode", "line_of"]

CHUNK_BYTES = 65_536
STANDARD_INPUT = "-"
EXAMPLES = """\b
Examples:
  sniffdrone decode --device trisonica wind.raw
  sniffdrone decode --device winsen --model mhz19b co2.raw
  cat /dev/serial/by-id/usb-… | sniffdrone decode --device mcu_cobs -
sniffdrone devices lists the names; mavlink, tlog, tunnel_gas and bme688_bmerawdata are known too.
"""


def decode(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Captured bytes; - is standard input.")
    ],
    *,
    device: Annotated[str, typer.Option("--device", "-d", help="What sent them.")],
    model: Annotated[str, typer.Option("--model", help="Of a device that has several.")] = "",
    quiet: Quiet = False,
) -> int:
    """Print what captured bytes hold: one JSON line for each frame and each fault.

    A pipe shows a frame as soon as it is whole. Damaged bytes are results, not errors.
    """
    from drone.decoding import decoder_for

    decoder = decoder_for(device, model=model)
    try:
        for chunk in _chunks(file):
            for one in decoder.feed(chunk):
                answer(line_of(one))
            sys.stdout.flush()
        for one in decoder.flush():
            answer(line_of(one))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        forget_unread()
        return 0
    if not quiet:
        warn(_summary(decoder.counters))
    return 0


def line_of(one: Frame | Fault) -> str:
    """A frame or a fault as one line of JSON; what is invalid is null."""
    from sensors.framing import Frame

    if isinstance(one, Frame):
        told: dict[str, Any] = {"frame": _without_nan(one.as_json()), "offset": one.offset}
    else:
        told = {"error": one.kind, "offset": one.offset, "length": one.length}
    return json.dumps(told, allow_nan=False, ensure_ascii=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return value


def _chunks(file: str) -> Iterator[bytes]:
    """Bytes as they come: a pipe is not waited for until a buffer is full.

    Raises
    ------
    FormatError
        The file cannot be read.
    """
    try:
        descriptor = 0 if file == STANDARD_INPUT else os.open(Path(file), os.O_RDONLY)
    except OSError as error:
        raise FormatError(f"{file}: {error.strerror}; check the name") from error
    try:
        while chunk := os.read(descriptor, CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise FormatError(f"{file}: cannot be read ({error.strerror})") from error
    finally:
        if descriptor:
            os.close(descriptor)


def _summary(counters: Counters) -> str:
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(counters.errors.items()))
    gaps = f", {counters.gaps} lost by sequence" if counters.gaps else ""
    return (
        f"{counters.bytes} bytes: {counters.frames_ok} frames, faults: {faults or 'none'}, "
        f"{counters.garbage_bytes} bytes in no frame{gaps}"
    )
