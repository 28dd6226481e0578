"""Ctrl-C that waits until a library which cannot stand it has finished."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["uninterrupted"]


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back an interrupt from the keyboard until the block has ended.

    xarray holds locks while it reads and writes files; an exception between taking one and
    noting so leaves it taken, and closing the file then waits for ever. For short work only.
    Outside the main thread, where no interrupt arrives, nothing is done.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if there was one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, Any]] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: arrived.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if arrived and callable(usual):
        usual(*arrived[0])
