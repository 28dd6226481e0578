"""The command line ``sniffdrone``, a module per command; nothing heavy is imported for --help."""

from __future__ import annotations

import gc
import importlib.util
import sys
from pathlib import Path

__all__ = ["is_program", "main", "program", "shadowed"]

# a command makes much that it keeps and few cycles: to look for those as often as Python does
# takes a tenth of the time of `process`
COLLECTIONS = (100_000, 20, 50)
_SIBLINGS = ("sensors", "firmware_bridge", "detection", "mapping", "sims")


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments after the program's name; those of the process unless given.

    Returns
    -------
    int
        0 done, 2 the input is at fault, 130 interrupted. A fault of the program itself is
        raised, which gives a traceback and exit code 1.
    """
    complaint = shadowed()
    if complaint is not None:
        sys.stderr.write(f"error: {complaint}\n")
        return 2
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTIONS)
    try:
        from drone.cli.app import run  # noqa: PLC0415 - after the check that its imports are ours

        return run(argv)
    finally:
        gc.set_threshold(*before)


def program() -> int:
    """`main` as a process of its own, which ends without looking for garbage once more.

    That would take a third of a second after `process`, for memory that goes back anyway.
    """
    try:
        return main()
    finally:
        gc.freeze()


def is_program() -> bool:
    """Whether this process is `program`, and not one that calls `main`.

    Only what a process of our own was begun with is known to do nothing when it is imported, as
    it is by a second process.
    """
    return getattr(sys.modules["__main__"], "program", None) is program


def shadowed() -> str | None:
    """Which package of another program stands in for one of ours; None if none does."""
    ours = Path(__file__).resolve().parents[2]
    for name in _SIBLINGS:
        spec = importlib.util.find_spec(name)
        places = [*(spec.submodule_search_locations or ()), spec.origin] if spec else []
        found = [Path(place).resolve() for place in places if place]
        if not found:
            return (
                f'the package "{name}" is missing beside {ours / "drone"}; install sniffdrone anew'
            )
        if found[0] != ours / name:
            return (
                f'"{name}" is taken from {found[0]}, which shadows {ours / name}; run from '
                "another folder, or uninstall the package that brings it"
            )
    return None
