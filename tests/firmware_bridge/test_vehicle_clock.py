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
    assert synced.add_message(3_000, 121 * NS) == "reboot"
    assert abs(synced.boot_to_monotonic(3 * NS).time_ns - 121 * NS) < 0.01 * NS


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
