"""``sniffdrone demo``: the whole way once, in a world of which the truth is known."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from drone.cli import is_program
from drone.cli.options import OutputFolder, Overwrite, Quiet, Seed
from drone.cli.terminal import answer, progress_bar

__all__ = ["EXAMPLES", "demo"]

EXAMPLES = """\b
Examples:
  sniffdrone demo
  sniffdrone demo --output demo-output --overwrite
"""


def demo(
    *,
    output: OutputFolder = Path("demo-output"),
    seed: Seed = 1,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a flight, find its source, tell the error."""
    from drone.output import check_output
    from drone.writing_process import writing_process

    check_output(output, overwrite=overwrite)
    with writing_process() if is_program() else nullcontext() as writer:
        from drone.demonstration import demonstrate

        with progress_bar(quiet=quiet) as progress:
            paragraph = demonstrate(
                output, seed=seed, overwrite=overwrite, progress=progress, writer=writer
            )
    if not quiet:
        answer(paragraph)
