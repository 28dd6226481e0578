"""The autopilot's clock: exchanges over a link, its UTC, and what upsets both."""

from __future__ import annotations

import math

import numpy as np
import pytest

from firmware_bridge.vehicle_clock import VehicleClock

NS = 1_000_000_000
BOOT_S = 700.0  # how long the vehicle had been on when our clock began
UTC_AT_BOOT_US = 1_790_000_000_000_000


def exchange(clock, rng, sent_s, *, boot_s=BOOT_S, skew=6e-5, trip=None, asked=True):
    there, back = trip or (0.0004 + rng.gamma(2.0, 0.0006, 2))
    remote = boot_s + (sent_s + there) * (1.0 + skew)
    if asked:
        clock.asked(round(sent_s * NS))
    return clock.add_timesync(
        round(sent_s * NS), round(remote * NS), round((sent_s + there + back) * NS)
    )


def error_s(clock, host_s, *, boot_s=BOOT_S, skew=6e-5):
    boot = boot_s + host_s * (1.0 + skew)
    return clock.boot_to_monotonic(round(boot * NS)).time_ns / NS - host_s


@pytest.fixture
def synced(rng):
    clock = VehicleClock()
    for k in range(120):
        exchange(clock, rng, float(k))
    return clock


def test_loopback_is_within_two_milliseconds(synced):
    assert abs(error_s(synced, 120.0)) < 0.002
    told = synced.boot_to_monotonic(round((BOOT_S + 120.0) * NS))
    assert 0.0 < told.sigma_s < 0.003


def test_slow_round_trips_are_left_out(rng, synced):
    for k in range(120, 150):
        exchange(synced, rng, float(k), trip=(0.03, 0.001))
    assert abs(error_s(synced, 150.0)) < 0.002


def test_answers_to_others_are_left_out(rng, synced):
    for k in range(120, 130):
        exchange(synced, rng, float(k), boot_s=5.0, asked=False)
    assert abs(error_s(synced, 130.0)) < 0.002


def test_an_answer_counts_once(rng):
    clock = VehicleClock()
    clock.asked(10)
    clock.add_timesync(10, 5 * NS, 20)
    clock.add_timesync(10, 50 * NS, 20)
    assert abs(clock.boot_to_monotonic(5 * NS).time_ns - 15) <= 1


def test_a_reboot_is_seen_after_three_exchanges(rng, synced):
    synced.add_system_time(UTC_AT_BOOT_US, 0)
    said = [exchange(synced, rng, 120.0 + k, boot_s=-110.0) for k in range(10)]
    assert said.index("reboot") == 2
    assert said.count("reboot") == 1
    assert abs(error_s(synced, 130.0, boot_s=-110.0)) < 0.003
    assert not synced.has_utc  # of the vehicle as it was


def test_one_wild_exchange_is_no_reboot(rng, synced):
    assert exchange(synced, rng, 121.0, boot_s=9.0) is None
    assert exchange(synced, rng, 122.0) is None
    assert exchange(synced, rng, 123.0, boot_s=9.0) is None
    assert abs(error_s(synced, 123.0)) < 0.002


def test_without_timesync_the_messages_serve(rng):
    clock = VehicleClock()
    for k in range(1200):
        host = k * 0.1
        clock.add_message(
            round((BOOT_S + host) * 1000), round((host + rng.uniform(0.003, 0.02)) * NS)
        )
    assert abs(error_s(clock, 119.0, skew=0.0)) < 0.005
    clock.add_system_time(UTC_AT_BOOT_US, 0)
    told = clock.utc_of_monotonic(119 * NS)
    assert abs(told.time_ns - (UTC_AT_BOOT_US * 1000 + round((BOOT_S + 119.0) * NS))) < 0.006 * NS


def test_boot_time_going_back_forgets_all(synced):
    synced.add_message(800_000, 100 * NS)
    said = [synced.add_message(3_000 + 100 * k, 121 * NS + k * NS // 10) for k in range(5)]
    assert said == [None, None, "reboot", None, None]
    assert abs(synced.boot_to_monotonic(3 * NS).time_ns - 121 * NS) < 0.01 * NS


def test_messages_by_a_slower_route_are_no_reboot(synced):
    for k in range(100):
        host_ns, boot_ms = (120 + k) * NS, round((BOOT_S + 120 + k) * 1000)
        assert synced.add_message(boot_ms, host_ns) is None
        assert synced.add_message(boot_ms - 1500, host_ns) is None
    assert abs(error_s(synced, 120.0)) < 0.002


def test_a_simulated_vehicle_whose_computer_was_busy_has_not_rebooted(rng, synced):
    synced.add_system_time(UTC_AT_BOOT_US, 0)
    said = [exchange(synced, rng, 120.0 + k, boot_s=BOOT_S - 0.4) for k in range(10)]
    assert [one for one in said if one] == ["step"]
    assert synced.has_utc  # its UTC stood still as well
    assert abs(error_s(synced, 130.0, boot_s=BOOT_S - 0.4)) < 0.003


@pytest.mark.parametrize("has_timesync", [False, True])
def test_the_counter_of_milliseconds_wraps_after_49_days(rng, has_timesync):
    clock, wrap_s, boot_s = VehicleClock(), 2**32 / 1000, 2**32 / 1000 - 60.0
    for k in range(1200):
        host = k * 0.1
        boot_ms = round((boot_s + host) * 1000)
        if has_timesync and k % 10 == 0:
            assert exchange(clock, rng, host, boot_s=boot_s, skew=0.0) is None
        told = clock.add_message(boot_ms % 2**32, round((host + rng.uniform(0.003, 0.02)) * NS))
        assert told is None
        if k % 10 == 0:
            assert clock.add_system_time(UTC_AT_BOOT_US + boot_ms * 1000, boot_ms % 2**32) is None
        utc_ns = UTC_AT_BOOT_US * 1000 + round((boot_s + host) * NS)
        assert abs(clock.utc_of_boot(boot_ms % 2**32 * 1_000_000).time_ns - utc_ns) < 5e6
        host_ns = clock.boot_to_monotonic(boot_ms % 2**32 * 1_000_000).time_ns
        assert abs(host_ns / NS - host) < 0.02
        assert abs(clock.utc_of_monotonic(round(host * NS)).time_ns - utc_ns) < 0.02 * NS
    assert boot_s + 119.9 > wrap_s


def test_a_reboot_after_a_month_is_seen_too():
    clock, month_ms = VehicleClock(), 30 * 86_400_000
    for k in range(100):
        clock.add_message(month_ms + 100 * k, k * NS // 10)
    said = [clock.add_message(2_000 + 100 * k, (150 + k) * NS // 10) for k in range(5)]
    assert said.count("reboot") == 1


@pytest.mark.parametrize(
    "unix_us", [0, 315_964_800_000_000, 1_000_000, 1_420_000_000_000_000, 2**63]
)
def test_time_before_a_fix_is_no_time(synced, unix_us):
    """1970, GPS's own 1980, boot time, 2014, and nonsense."""
    synced.add_system_time(unix_us, 1000)
    assert not synced.has_utc
    assert math.isinf(synced.utc_of_boot(5 * NS).sigma_s)


def test_utc_is_the_median_of_pairs(rng, synced):
    for k in range(40):
        stray = 200_000 if k == 20 else 0
        synced.add_system_time(
            UTC_AT_BOOT_US + k * 1_000_000 + stray + int(rng.integers(0, 1000)), k * 1000
        )
    told = synced.utc_of_boot(50 * NS)
    assert abs(told.time_ns - (UTC_AT_BOOT_US + 50_000_000) * 1000) < 2_000_000
    assert told.sigma_s < 0.005
    by_ours = synced.utc_of_monotonic(100 * NS)
    assert by_ours.sigma_s > told.sigma_s


def test_the_vehicle_s_utc_may_step_when_leap_seconds_arrive(synced):
    for k in range(10):
        synced.add_system_time(UTC_AT_BOOT_US + k * 1_000_000 + 18_000_000, k * 1000)
    said = [synced.add_system_time(UTC_AT_BOOT_US + k * 1_000_000, k * 1000) for k in range(10, 20)]
    assert said.count("step") == 1
    assert abs(synced.utc_of_boot(0).time_ns - UTC_AT_BOOT_US * 1000) < 1_000_000


def test_nothing_known_is_an_error_and_not_a_time():
    with pytest.raises(LookupError):
        VehicleClock().boot_to_monotonic(0)


def test_uncertainty_is_honest():
    within = []
    for seed in range(30):
        rng, clock = np.random.default_rng(seed), VehicleClock()
        for k in range(90):
            exchange(clock, rng, float(k))
            if k > 60:
                told = clock.boot_to_monotonic(round((BOOT_S + k * (1 + 6e-5)) * NS))
                within.append(abs(told.time_ns / NS - k) < 2 * told.sigma_s)
    assert np.mean(within) > 0.9
