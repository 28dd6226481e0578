"""A device's clock behind a line that only delays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from firmware_bridge.device_clock import MILLISECONDS_32, DeviceClock, lower_edge
from tests import naive_clock

NS = 1_000_000_000
HOST_0 = 5_000 * NS  # our clock when the device began to speak


def fed(clock, device_s, delay_s, *, host_s=None):
    """Feed pairs; what each call said. `host_s` is the true time of each sample [s]."""
    host_s = device_s if host_s is None else host_s
    return [
        clock.add(round(d * NS), HOST_0 + round((h + late) * NS))
        for d, h, late in zip(device_s, host_s, delay_s, strict=True)
    ]


def error_s(clock, device_s, host_s):
    return (clock.to_host(round(device_s * NS)).time_ns - HOST_0) / NS - host_s


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 1000)),
        min_size=2, max_size=12, unique_by=lambda point: point[0],
    )
)  # fmt: skip
def test_lower_edge_equals_its_naive_twin(points):
    points = sorted((float(x), float(y)) for x, y in points)
    middle = sum(x for x, _ in points) / len(points)
    offset, slope = lower_edge(points, middle)
    _, twin_slope = twin = naive_clock.lower_edge(points)
    total = sum(y - offset - slope * x for x, y in points)
    twin_total = sum(y - twin[0] - twin_slope * x for x, y in points)
    assert_allclose(total, twin_total, rtol=1e-9, atol=1e-6)
    assert min(y - offset - slope * x for x, y in points) > -1e-6


def test_one_point_is_its_own_edge():
    assert lower_edge([(3.0, 7.0)], 3.0) == (7.0, 0.0)


@pytest.mark.parametrize("skew", [-1e-4, 0.0, 1e-4])
def test_jitter_of_an_adapter_hardly_shows_after_a_minute(rng, skew):
    host = np.arange(0.0, 120.0, 0.05)
    device = 30.0 + host * (1.0 + skew)
    clock = DeviceClock(least_delay_s=0.0)
    fed(clock, device, rng.uniform(0.0, 0.016, host.size), host_s=host)
    assert abs(error_s(clock, device[-1], host[-1])) < 0.002
    told = clock.to_host(round(device[-1] * NS))
    assert 0.0 < told.sigma_s < 0.005


def test_delays_now_and_then_change_nothing(rng):
    host = np.arange(0.0, 90.0, 0.05)
    delay = rng.uniform(0.0, 0.004, host.size) + (rng.random(host.size) < 0.3) * 0.2
    clock = DeviceClock(least_delay_s=0.0)
    assert set(fed(clock, host, delay)) == {None}
    assert abs(error_s(clock, host[-1], host[-1])) < 0.002


def test_a_reboot_starts_anew(rng):
    clock = DeviceClock()
    fed(clock, np.arange(0.0, 30.0, 0.1), rng.uniform(0.0, 0.01, 300))
    said = fed(
        clock,
        np.arange(0.0, 30.0, 0.1),
        rng.uniform(0, 0.01, 300),
        host_s=np.arange(0.0, 30.0, 0.1) + 45.0,
    )
    assert said[0] == "reboot"
    assert set(said[1:]) == {None}
    assert abs(error_s(clock, 29.9, 74.9)) < 0.01


def test_a_clock_set_forward_is_told_at_once(rng):
    clock = DeviceClock()
    host = np.arange(0.0, 30.0, 0.1)
    fed(clock, host, rng.uniform(0.0, 0.01, 300))
    said = fed(clock, host + 33.0, rng.uniform(0.0, 0.01, 300), host_s=host + 30.0)
    assert said[0] == "step"
    assert abs(error_s(clock, 62.9, 59.9)) < 0.01


def test_a_clock_set_back_a_little_is_told_within_seconds_and_doubted_at_once(rng):
    clock = DeviceClock()
    host = np.arange(0.0, 30.0, 0.1)
    fed(clock, host, rng.uniform(0.0, 0.01, 300))
    told = clock.time_of(round(29.5 * NS), HOST_0 + round(30.05 * NS))
    assert told.sigma_s > 0.5
    said = fed(clock, host + 29.5, rng.uniform(0.0, 0.01, 300), host_s=host + 30.0)
    assert said.count("step") == 1
    assert said.index("step") < 120
    assert abs(error_s(clock, 59.4, 59.9)) < 0.01


def test_a_burst_from_a_full_buffer_moves_nothing(rng):
    clock = DeviceClock(least_delay_s=0.0)
    host = np.arange(0.0, 30.0, 0.1)
    fed(clock, host, rng.uniform(0.0, 0.005, 300))
    held = np.arange(30.0, 36.0, 0.1)
    assert set(fed(clock, held, 36.0 - held)) == {None}
    assert abs(error_s(clock, 35.0, 35.0)) < 0.003
    waited = clock.time_of(31 * NS, HOST_0 + 36 * NS)
    assert abs((waited.time_ns - HOST_0) / NS - 31.0) < 0.003
    assert waited.sigma_s > 4.0


def test_the_counter_of_milliseconds_may_wrap(rng):
    end_s = MILLISECONDS_32 / NS
    host = np.arange(0.0, 60.0, 0.1)
    device = (end_s - 30.0 + host) % end_s
    clock = DeviceClock(wrap_ns=MILLISECONDS_32, least_delay_s=0.0)
    assert set(fed(clock, device, rng.uniform(0.0, 0.005, host.size), host_s=host)) == {None}
    assert abs(error_s(clock, device[-1], host[-1])) < 0.003
    assert abs(error_s(clock, device[280], host[280])) < 0.003  # before the wrap


def test_going_back_far_from_the_end_is_a_reboot_and_not_a_wrap():
    clock = DeviceClock(wrap_ns=MILLISECONDS_32)
    clock.add(40 * 86_400 * NS, HOST_0)
    assert clock.add(5 * NS, HOST_0 + NS) == "reboot"


def test_a_pause_of_an_hour_is_no_jump(rng):
    clock = DeviceClock()
    host = np.arange(0.0, 60.0, 0.1)
    fed(clock, host * (1 + 8e-5), rng.uniform(0.0, 0.01, host.size), host_s=host)
    later = host + 3600.0
    assert set(fed(clock, later * (1 + 8e-5), rng.uniform(0, 0.01, host.size), host_s=later)) == {
        None
    }


def test_nothing_known_is_an_error_and_not_a_time():
    with pytest.raises(LookupError):
        DeviceClock().to_host(0)


def test_memory_is_bounded():
    clock = DeviceClock(window_s=60.0)
    for k in range(20_000):
        clock.add(k * NS // 100, HOST_0 + k * NS // 100)
    assert len(clock._bins) <= 122
