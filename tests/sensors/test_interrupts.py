"""An interrupt during work that cannot stand it: late, never lost."""

from __future__ import annotations

import signal
import threading

import pytest

from sensors.interrupts import uninterrupted


def test_an_interrupt_waits_for_the_end_of_the_block():
    done = []

    def interrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done


def test_afterwards_interrupts_arrive_as_before():
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_the_block_is_what_is_raised():
    with pytest.raises(ValueError, match="full"), uninterrupted():
        raise ValueError("full")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_may_use_it():
    done = []

    def work():
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
