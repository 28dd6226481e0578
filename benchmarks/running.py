"""Many independent pieces of work, usually on two processes, with progress on standard error."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROCESSES = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def results(
    what: str,
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    told: Callable[[Result], str] = str,
    processes: int = PROCESSES,
) -> list[Result]:
    """Results of `work` in the order of `items`; a failure ends the benchmark with its traceback.

    `told` says a result in a few words, for the progress line; one process is for what is timed.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context)
    try:
        waiting = {pool.submit(work, item): place for place, item in enumerate(items)}
        done: dict[int, Result] = {}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            say(f"{what} {len(done)}/{len(items)}  {told(future.result())}")
    finally:
        pool.shutdown(cancel_futures=True)
    return [done[place] for place in range(len(items))]


def say(line: str) -> None:
    """Tell a person who waits."""
    print(line, file=sys.stderr, flush=True)
