"""``sniffdrone recover``: a torn or damaged recording, rewritten whole."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, answer_json, progress_bar

if TYPE_CHECKING:
    from firmware_bridge.recovery import Recovery

__all__ = ["EXAMPLES", "recover"]

EXAMPLES = """\b
Examples:
  sniffdrone recover harbour_001.mcap
  sniffdrone recover harbour_001.mcap -o mended.mcap --json
info and process read a torn recording as it is; this is for other programs, such as Foxglove.
"""


def recover(
    file: Annotated[Path, typer.Argument(help="Recording (.mcap). It is not changed.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New file; FILE_recovered.mcap beside it unless told."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Rewrite a torn or damaged recording as a finished file, and say what was lost.

    All messages that are whole are in it, byte for byte as they were recorded.
    """
    from firmware_bridge import recovery

    out = output or recovery.recovered_name(file)
    with progress_bar(quiet=quiet) as progress:
        found = recovery.recover(
            file,
            out,
            progress=lambda done, total: progress(f"reading {file.name}", done / max(total, 1)),
        )
    if as_json:
        answer_json(found.as_json())
    elif not quiet:
        answer("\n".join(_lines(found)))
    return 0


def _lines(found: Recovery) -> list[str]:
    lines = [
        f"{found.out}: {found.messages} messages in {found.chunks} chunks over "
        f"{found.lasted_s:.1f} s"
    ]
    if found.is_intact:
        return [*lines, f"nothing was lost: {found.path} is whole"]
    if found.cut_at is not None:
        lines.append(
            f"cut off: {found.path} is whole up to byte {found.cut_at}; what was to follow is "
            "lost, with our recorder a second at most"
        )
    if found.damaged_bytes:
        lines.append(
            f"lost: {found.damaged_bytes} damaged bytes, {found.lost_chunks} damaged chunks"
        )
    if found.lost_messages:
        lines.append(f"lost: {found.lost_messages} messages of channels that nothing describes")
    lines += [f"lost: the file {name} that was kept in it" for name in found.lost_attachments]
    if found.lost_s:
        lines.append(f"lost: about {found.lost_s:.1f} s of what was in the file")
    return lines
