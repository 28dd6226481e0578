"""A file that appears whole or not at all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["whole_file"]


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes it when the block ends without an error.

    Parameters
    ----------
    path : Path
        In a folder that exists; a file there is replaced.

    Yields
    ------
    Path
        Where to write; gone when the block ends, however it ends.

    Raises
    ------
    OSError
        The disk refuses.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
