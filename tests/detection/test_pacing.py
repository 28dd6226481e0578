"""Work held up bit by bit, and spread over threads."""

from __future__ import annotations

import threading
import time

import pytest

from detection.pacing import at_pace, in_order, is_paced


def test_results_come_in_the_order_of_the_items():
    def slow_for_the_first(item):
        time.sleep(0.02 if item == 0 else 0.0)
        return item

    assert in_order(slow_for_the_first, range(8)) == list(range(8))


def test_work_at_a_pace_is_held_up_after_each_item_and_on_one_thread():
    held, threads = [], set()

    def work(item):
        threads.add(threading.get_ident())
        return item

    with at_pace(lambda: held.append(len(held))):
        assert is_paced()
        assert in_order(work, range(5)) == list(range(5))
    assert held == list(range(5))
    assert len(threads) == 1
    assert not is_paced()


def test_work_given_up_raises_what_gave_it_up():
    def give_up():
        raise InterruptedError("landed")

    with at_pace(give_up), pytest.raises(InterruptedError, match="landed"):
        in_order(lambda item: item, range(3))
