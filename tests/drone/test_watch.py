"""``sniffdrone watch``: what the ground hears."""

from __future__ import annotations

import math

import pytest

from drone.heard import Alarm, GasMessage, Said
from drone.watch_screen import lines_of, summary_line
from firmware_bridge.tunnel import Batch, Channel, TunnelFlag
from sensors.records import Quality
from tests.drone.ground import CH4, NOON_US, NS, Ground, gas, tunnel_frame
from tests.mavlink_vehicle import FakeAutopilot


class TestWhatIsHeard:
    def test_a_reading_has_value_time_place_and_flags(self, ground):
        (message,) = ground.tunnel(gas(7, flags=TunnelFlag.UTC | TunnelFlag.WARMING_UP))
        assert isinstance(message, GasMessage)
        assert message.time_ns == (NOON_US + 1_400_000) * 1000
        assert message.latitude == pytest.approx(52.1)
        (reading,) = message.readings
        assert (reading.channel, reading.value, reading.unit) == ("ch4", 2.5, "ppm")
        assert reading.flags == ("warming_up",)
        assert (
            "ch4 2.5 +-0.12 ppm (device 1)  52.10000 N 5.12000 E 61 m  [warming_up]"
            in (lines_of(message)[0])
        )

    def test_flags_of_one_channel_are_not_those_of_its_neighbour(self, ground):
        cold = Channel(index=1, species=2, unit=1, value=400.0, quality=int(Quality.WARMING_UP))
        (message,) = ground.tunnel(gas(1, CH4, cold, flags=TunnelFlag.UTC | TunnelFlag.WARMING_UP))
        assert [one.flags for one in message.readings] == [(), ("warming_up",)]

    def test_a_device_at_fault_shows_no_value(self, ground):
        (message,) = ground.tunnel(gas(1, flags=TunnelFlag.UTC | TunnelFlag.FAULT))
        assert math.isnan(message.readings[0].value)
        assert "missing" in lines_of(message)[0]

    def test_time_since_boot_is_turned_into_utc(self, ground):
        boot = Batch(device=1, sequence=1, time_us=5_000_000, channels=(CH4,))
        (undated,) = ground.tunnel(boot)
        assert not undated.is_dated
        system_time = ground.autopilot.frame(
            "SYSTEM_TIME", time_unix_usec=NOON_US + 9_000_000, time_boot_ms=9000
        )
        ground.hear(system_time)
        later = Batch(device=1, sequence=2, time_us=5_500_000, channels=(CH4,))
        (dated,) = ground.tunnel(later)
        assert dated.is_dated
        assert dated.time_ns == (NOON_US + 5_500_000) * 1000

    def test_what_is_broken_or_foreign_is_counted_and_never_shown(self, ground):
        good = gas(1).encode()
        for payload, options in (
            (b"\x02" + good[1:], {}),
            (good, {"length": len(good) - 4}),
            (good, {"length": 255}),
            (b"", {}),
            (good, {"kind": 200}),
        ):
            assert ground.hear(tunnel_frame(ground.companion, payload, **options)) == []
        assert ground.watch.counters["broken"] == 4
        assert ground.watch.counters["foreign"] == 1
        assert not ground.watch.newest
        assert "4 broken; 1 of other programs" in summary_line(ground.watch, "", ground.now_ns)

    def test_what_comes_twice_is_told_once(self, ground):
        frame = tunnel_frame(ground.companion, gas(1).encode())
        again = tunnel_frame(ground.companion, gas(1).encode())  # numbered anew by a router
        assert [len(ground.hear(one)) for one in (frame, frame, again)] == [1, 0, 0]
        assert ground.watch.counters["duplicates"] == 1
        assert ground.watch.counters["repeated"] == 1

    def test_what_comes_late_does_not_replace_what_is_newer(self, ground):
        late = Channel(index=0, species=1, unit=1, value=9.0)
        ground.tunnel(gas(5))
        assert len(ground.tunnel(gas(4, late))) == 1
        ((_, newest),) = ground.watch.newest.values()
        assert newest.value == 2.5

    def test_a_bridge_that_began_anew_is_heard(self, ground):
        for number in range(5000, 5003):
            ground.tunnel(gas(number))
        again = Channel(index=0, species=1, unit=1, value=9.0)
        batch = Batch(
            device=1, sequence=0, time_us=NOON_US, channels=(again,), flags=TunnelFlag.UTC
        )
        ground.tunnel(batch)
        ((_, newest),) = ground.watch.newest.values()
        assert newest.value == 9.0
        assert ground.watch.missing(191, 1) == 0.0

    def test_gaps_are_shares(self, ground):
        for number in (0, 1, 2, 5, 6, 9):
            ground.autopilot.sequence = number + 1
            ground.hear(ground.autopilot.heartbeat(armed=True))
            ground.tunnel(gas(number))
        assert ground.watch.missing(191, 1) == pytest.approx(0.4)
        assert ground.watch.loss == pytest.approx(4 / 11)

    def test_other_vehicles_are_left_out(self, ground):
        stranger = FakeAutopilot(system=2, component=191)
        assert ground.hear(tunnel_frame(stranger, gas(1).encode())) == []
        assert ground.watch.counters["other_vehicles"] == 1
        chosen = Ground(system=2)
        chosen.hear(chosen.autopilot.heartbeat())
        assert chosen.watch.heartbeat_ns is None

    def test_texts_are_newest_first_and_alarms_stand_out(self, ground):
        for text, severity in (("pid lost", 4), ("GAS ch4 +3 ppm", 4), ("EKF failsafe", 2)):
            ground.hear(ground.companion.frame("STATUSTEXT", severity=severity, text=text))
            ground.now_ns += NS
        assert ground.watch.texts[0].text == "EKF failsafe"
        assert [one.is_alarm for one in ground.watch.texts] == [True, True, False]
        said = ground.hear(ground.companion.frame("STATUSTEXT", severity=6, text="\x1b[2J gone"))
        assert isinstance(said[0], Said)
        assert "\x1b" not in lines_of(said[0])[0]

    def test_an_alarm_begins_and_ends_with_place_and_strength(self, ground):
        ground.tunnel(gas(1))
        excess = Channel(index=0, species=1, unit=1, value=12.5)
        (alarm,) = ground.tunnel(gas(2, excess, kind=3))
        assert isinstance(alarm, Alarm)
        assert "ch4 +12.5 ppm above clean air (device 1) at 52.10000 N" in lines_of(alarm)[0]
        assert "GAS" in ground.picture()
        over = Channel(index=0, species=1, unit=1, value=0.0)
        ground.tunnel(gas(3, over, kind=3))
        assert not ground.watch.alarms

    def test_the_screen_tells_age_and_silence(self, ground):
        ground.tunnel(gas(1))
        assert "silent" not in ground.picture()
        ground.now_ns += 8 * NS
        picture = ground.picture()
        assert "8.0 s" in picture
        assert "silent" in picture
        assert "heartbeat 8.0 s ago" in picture
