"""UTC of the bridge: the vehicle's where known, ours otherwise, and never moved by a step."""

from __future__ import annotations

import time

from firmware_bridge.clock import BridgeClock, HostClock, VehicleClock

NS = 1_000_000_000


class Computer:
    """Two clocks that a test moves by hand."""

    def __init__(self, wall_ns):
        self.now_ns, self.wall_offset_ns = 50 * NS, wall_ns - 50 * NS

    def wall_ns(self):
        return self.now_ns + self.wall_offset_ns

    def monotonic_ns(self):
        return self.now_ns

    def clock(self, *, synchronised=False):
        return HostClock(
            wall_ns=self.wall_ns, monotonic_ns=self.monotonic_ns, synchronised=lambda: synchronised
        )


def test_an_hour_back_does_not_move_what_is_recorded():
    computer = Computer(1_790_000_000 * NS)
    clock = computer.clock()
    before = clock.utc_of_monotonic(60 * NS)
    assert clock.step_s() is None
    computer.wall_offset_ns -= 3600 * NS
    assert clock.step_s() == -3600.0
    assert clock.step_s() is None  # told once
    assert clock.utc_of_monotonic(60 * NS) == before


def test_a_companion_without_a_time_server_is_not_believed():
    assert Computer(NS).clock().sigma_s > 3600
    assert Computer(NS).clock(synchronised=True).sigma_s < 1


def test_this_computer_tells_its_own_time():
    told = HostClock().utc_of_monotonic(time.monotonic_ns())
    assert abs(told.time_ns - time.time_ns()) < NS // 10


def test_the_vehicle_s_time_wins_when_it_is_surer():
    computer = Computer(1_600_000_000 * NS)  # six years late
    vehicle = VehicleClock()
    clock = BridgeClock(computer.clock(), vehicle)
    assert clock.utc_of_monotonic(50 * NS).time_ns == 1_600_000_000 * NS
    vehicle.asked(50 * NS)
    vehicle.add_timesync(50 * NS, 7 * NS, 50 * NS + 2_000_000)
    vehicle.add_system_time(1_790_000_000_000_000, 7_000)
    told = clock.utc_of_monotonic(50 * NS + 1_000_000)
    assert abs(told.time_ns - 1_790_000_000 * NS) < 3_000_000
    assert told.sigma_s < 0.02
