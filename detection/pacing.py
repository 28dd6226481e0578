"""Long work done bit by bit beside something that must not wait, such as a flight.

The work itself only says where it can be held up, by `breathe`; what that does is chosen by
whoever starts it, and nothing by default. Results do not depend on it.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Pace = Callable[[], None]

__all__ = ["at_pace", "breathe", "in_order", "is_paced"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def _at_once() -> None:
    """Hold nothing up."""


_PACE: ContextVar[Pace] = ContextVar("pace", default=_at_once)


@contextlib.contextmanager
def at_pace(pace: Pace) -> Iterator[None]:
    """Within this context, and in what `in_order` runs from it, `breathe` calls `pace`.

    Parameters
    ----------
    pace : callable
        May wait, or raise to give the work up.

    Examples
    --------
    >>> with at_pace(lambda: print("held up")):
    ...     breathe()
    held up
    >>> breathe()
    """
    token = _PACE.set(pace)
    try:
        yield
    finally:
        _PACE.reset(token)


def is_paced() -> bool:
    """Whether work may be held up here, so that it should not be spread over all cores."""
    return _PACE.get() is not _at_once


def breathe() -> None:
    """Be held up here, if anybody wants that: between pieces of work of some 50 ms."""
    _PACE.get()()


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results in the order of the items, the same whatever the number of threads.

    The kernels release Python's lock, so threads are enough. After each item its thread can be
    held up, as by `breathe`.
    """
    pace = _PACE.get()  # other threads have a context of their own

    def paced(item: Item) -> Result:
        result = work(item)
        pace()
        return result

    workers = 1 if is_paced() else min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(paced, items))
