"""The reference firmware as a process of its own, against the driver that reads it."""

from __future__ import annotations

import importlib.util
import os
import pty
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from sensors.devices import driver_for
from sensors.framing import Frame

FIRMWARE = Path(__file__).parents[2] / "firmware_bridge" / "reference_mcu"
BOARD = Path(__file__).parent / "fake_board"


def module(name):
    spec = importlib.util.spec_from_file_location(f"mcu_{name}", FIRMWARE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


FRAME = module("frame")
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.binary(max_size=700))
def test_stuffing_equals_that_of_the_library(data):
    assert FRAME.cobs_encoded(data) in (cobs.encode(data), cobs.encode(data) + b"\x01")
    assert cobs.decode(FRAME.cobs_encoded(data)) == data


@given(
    st.lists(SINGLE, max_size=100),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**63),
    st.integers(0, 255),
)
def test_every_frame_is_read_as_it_was_made(values, sequence, device_us, flags):
    decoder = driver_for("mcu_cobs").decoder()
    data = FRAME.frame(1, 7, sequence, device_us, values, flags)
    (found,) = decoder.feed(data)
    assert isinstance(found, Frame)
    assert found.fields["values"] == pytest.approx(values)
    told = [found.fields[name] for name in ("device", "sequence", "device_us", "flags")]
    assert told == [7, sequence, device_us, flags]


def test_the_firmware_speaks_over_a_port():
    master, slave = pty.openpty()
    tty.setraw(slave)
    board = subprocess.Popen(
        [sys.executable, "-u", str(FIRMWARE / "main.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BOARD), str(FIRMWARE)])},
        stdout=slave,
        stderr=subprocess.PIPE,
    )
    decoder = driver_for("mcu_cobs").decoder()
    frames = []
    try:
        end = time.monotonic() + 20
        while len(frames) < 30 and time.monotonic() < end and board.poll() is None:
            frames += decoder.feed(os.read(master, 4096), time.monotonic_ns())
    finally:
        board.kill()
        _, said = board.communicate()
        os.close(master)
        os.close(slave)
    assert len(frames) >= 30, said
    assert all(isinstance(one, Frame) for one in frames)
    assert [one.fields["sequence"] for one in frames] == list(range(len(frames)))
    wanted = [pin * 1000 / 65535 * 3.3 for pin in (26, 27, 28)]
    assert frames[0].fields["values"] == pytest.approx(wanted, rel=1e-6)
    times = [one.fields["device_us"] for one in frames]
    assert abs((times[-1] - times[0]) / (len(times) - 1) - 50_000) < 2_000
    assert decoder.counters.gaps == 0
