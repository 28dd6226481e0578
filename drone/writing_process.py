"""A second process of the program, for what is drawn and written while a survey is checked.

Python does one thing at a time in one process; and what drawing takes is imported there, while
the first process imports what reckoning takes and looks at the flight.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from drone.cli import COLLECTIONS
from drone.product_choices import EXPORTERS
from sensors import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

__all__ = ["writing_process"]

# what a case is made of, and what `drone.products.draw` takes, but for the exporters
_MODULES = (
    "drone.products",
    "mapping.area",
    "mapping.hotspots",
    "mapping.quicklook",
    "mapping.report.pdf",
)


@contextlib.contextmanager
def writing_process() -> Iterator[Executor | None]:
    """A process that begins to make itself ready at once; for a program of our own only.

    It is begun anew from the program's file, which must do nothing when it is imported.

    Yields
    ------
    Executor or None
        Does what it is given one after the other; None where the system has no process to give.
    """
    try:
        writer = _begun()
    except (OSError, ImportError):  # no more processes, or no semaphores to speak to one
        yield None
        return
    with writer:
        yield writer


def _begun() -> Executor:
    spawn = multiprocessing.get_context("spawn")
    writer = ProcessPoolExecutor(1, mp_context=spawn, initializer=_settle)
    with _interrupts_ignored():  # which the new process inherits
        writer.submit(_make_ready)
    return writer


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C means the first process, which ends the second; outside a main thread, as it is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _settle() -> None:
    """End with the first process, should it be killed, and quickly: see `drone.cli`."""
    gc.set_threshold(*COLLECTIONS)
    atexit.register(gc.freeze)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _make_ready() -> None:
    for name in _MODULES:
        importlib.import_module(name)
    for name in plugins.available(EXPORTERS):
        plugins.load(EXPORTERS, name)
