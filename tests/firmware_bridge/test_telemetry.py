"""What goes out: nothing that moves the vehicle, within a budget, the newest first."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import all as mavlink

import firmware_bridge
from firmware_bridge.mavlink_dialect import definition_of
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.outlet import COMMANDS, MESSAGES, ByteBudget, Outlet
from firmware_bridge.signing import Signer
from firmware_bridge.telemetry import INFO, WARNING, Telemetry
from firmware_bridge.tunnel import Batch, Channel, decode_batch
from tests.mavlink_vehicle import Bridge, FakeAutopilot

NS = 1_000_000_000


class Wire:
    """Takes frames and reads them back."""

    def __init__(self, *, budget=10_000, signer=None):
        self.frames = []
        self.is_open = True
        self.outlet = Outlet(self.write, system=1, budget_bytes_s=budget, signer=signer)
        self.telemetry = Telemetry(self.outlet)

    def write(self, frame):
        if self.is_open:
            self.frames.append(frame)
        return self.is_open

    def packets(self, name=None):
        found = PacketDecoder().feed(b"".join(self.frames))
        packets = [frame.fields["packet"] for frame in found]
        return [one for one in packets if name in {None, one.name}]

    def names(self):
        return [one.fields()["name"] for one in self.packets("NAMED_VALUE_FLOAT")]


def batch(*, device=1, sequence=0, value=2.0, channels=1):
    values = tuple(Channel(index=i, species=1, unit=1, value=value) for i in range(channels))
    return Batch(device=device, sequence=sequence, time_us=1, channels=values)


class TestWhatMayBeSent:
    def test_this_is_all_the_bridge_can_ever_send(self):
        ids = {definition_of(name).message_id: name for name in MESSAGES}
        assert ids == {
            0: "HEARTBEAT",
            20: "PARAM_REQUEST_READ",
            66: "REQUEST_DATA_STREAM",
            76: "COMMAND_LONG",
            77: "COMMAND_ACK",
            111: "TIMESYNC",
            148: "AUTOPILOT_VERSION",
            251: "NAMED_VALUE_FLOAT",
            253: "STATUSTEXT",
            385: "TUNNEL",
        }
        assert sorted(COMMANDS) == [511, 512]  # SET_MESSAGE_INTERVAL, REQUEST_MESSAGE

    def test_every_other_message_and_command_is_refused(self):
        wire = Wire(budget=10**9)
        for message in mavlink.mavlink_map.values():
            if message.msgname not in MESSAGES:
                with pytest.raises(ValueError, match="never sends"):
                    wire.outlet.send(message.msgname, {}, 0)
        for command in mavlink.enums["MAV_CMD"]:
            if command not in COMMANDS:
                with pytest.raises(ValueError, match="never sends"):
                    wire.outlet.send("COMMAND_LONG", {"command": command}, 0)
        assert not wire.frames

    def test_no_other_module_makes_frames(self):
        """Frames are made in the outlet alone: there is no second way out."""
        folder = Path(firmware_bridge.__file__).parent
        makers = {
            path.name
            for path in folder.rglob("*.py")
            if re.search(r"frame_bytes\(|\.pack\(mav|_encode\(|_send\(", path.read_text())
            and "mavlink" in path.read_text().lower()
        }
        assert makers <= {"mavlink_frames.py", "outlet.py"}


class TestBudget:
    @given(
        offers=st.lists(st.tuples(st.integers(0, 5 * NS), st.integers(1, 300)), max_size=200),
        budget=st.integers(300, 2000),
    )
    def test_no_second_holds_more_than_the_budget(self, offers, budget):
        meter, sent = ByteBudget(budget), []
        for now_ns, size in sorted(offers):
            if meter.take(size, now_ns):
                sent.append((now_ns, size))
        for end, _ in sent:
            assert sum(size for at, size in sent if end - NS < at <= end) <= budget

    @pytest.mark.parametrize("is_signed", [False, True])
    def test_a_full_link_carries_its_budget_and_the_heartbeat(self, tmp_path, is_signed):
        signer = Signer(bytes(32), tmp_path / "state") if is_signed else None
        wire, sent = Wire(budget=400, signer=signer), []
        for tick in range(1000):  # 10 s
            now_ns = tick * NS // 100
            before = len(wire.frames)
            for device in range(8):
                wire.telemetry.batch(batch(device=device), now_ns=now_ns)
            wire.telemetry.step(now_ns)
            sent += [(now_ns, len(frame)) for frame in wire.frames[before:]]
        for end, _ in sent:
            assert sum(size for at, size in sent if end - NS < at <= end) <= 400
        assert sum(size for _, size in sent) > 0.5 * 10 * 400
        assert len(wire.packets("HEARTBEAT")) == 10
        assert wire.telemetry.counters["replaced"] > 1000
        assert {one.fields()["payload"][2] for one in wire.packets("TUNNEL")} == set(range(8))

    def test_the_newest_of_a_value_is_what_is_sent(self):
        wire = Wire()
        for value in range(10):
            wire.telemetry.value("CH4_PPM", value, boot_ms=value, now_ns=value)
        wire.telemetry.step(10)
        (packet,) = wire.packets("NAMED_VALUE_FLOAT")
        assert packet.fields()["value"] == 9.0
        assert wire.telemetry.counters["replaced"] == 9

    def test_what_was_offered_last_goes_first_when_not_all_fits(self):
        wire = Wire(budget=70)  # 52 bytes for values: two of them
        wire.telemetry.value("OLD_A", 1.0, boot_ms=1, now_ns=0)
        wire.telemetry.value("OLD_B", 1.0, boot_ms=1, now_ns=0)
        wire.telemetry.value("NEW", 1.0, boot_ms=1, now_ns=2 * NS)
        wire.telemetry._heartbeat_ns = 2 * NS
        wire.telemetry.step(2 * NS)
        assert wire.names()[0] == "NEW"
        assert len(wire.names()) == 2

    def test_what_is_old_is_not_sent(self):
        wire = Wire()
        wire.telemetry.value("CH4_PPM", 1.0, boot_ms=1, now_ns=0)
        wire.telemetry.step(6 * NS)
        assert not wire.names()
        assert wire.telemetry.counters["stale"] == 1


class TestRates:
    def test_a_name_goes_out_once_a_second_and_a_device_five_times(self):
        wire = Wire()
        for tick in range(500):
            now_ns = tick * NS // 100
            wire.telemetry.value("CH4_PPM", tick, boot_ms=tick, now_ns=now_ns)
            wire.telemetry.batch(batch(sequence=tick), now_ns=now_ns)
            wire.telemetry.step(now_ns)
        assert len(wire.packets("NAMED_VALUE_FLOAT")) == 5
        assert len(wire.packets("TUNNEL")) == 25
        assert len(wire.packets("HEARTBEAT")) == 5

    def test_there_are_at_most_six_names(self):
        wire = Wire()
        taken = [wire.telemetry.value(f"V{i}", 1.0, boot_ms=0, now_ns=0) for i in range(8)]
        assert taken == [True] * 6 + [False] * 2
        assert wire.telemetry.value("V0", 2.0, boot_ms=0, now_ns=1)
        assert wire.telemetry.counters["names_refused"] == 2

    @pytest.mark.parametrize("name", ["", "ELEVEN_CHAR", "CH₄"])
    def test_a_name_that_would_be_cut_is_refused(self, name):
        with pytest.raises(ValueError, match="ASCII"):
            Wire().telemetry.value(name, 1.0, boot_ms=0, now_ns=0)


class TestTexts:
    def test_one_in_five_seconds_the_worst_first(self):
        wire = Wire()
        wire.telemetry.text("pid is back", severity=INFO)
        wire.telemetry.text("pid lost", severity=WARNING)
        for tick in range(70):
            wire.telemetry.step(tick * NS // 10)
        texts = [one.fields()["text"] for one in wire.packets("STATUSTEXT")]
        assert texts == ["pid lost", "pid is back"]

    @pytest.mark.parametrize("why", ["closed", "silent"])
    def test_a_text_waits_until_somebody_hears(self, why):
        wire = Wire()
        wire.telemetry.text("pid lost")
        wire.is_open = why != "closed"
        wire.telemetry.step(0, is_heard=why != "silent")
        assert not wire.packets("STATUSTEXT")
        wire.is_open = True
        wire.telemetry.step(NS, is_heard=True)
        assert len(wire.packets("STATUSTEXT")) == 1
        assert wire.packets()[0].sequence == 0

    def test_a_long_text_is_cut_between_characters(self):
        wire = Wire()
        wire.telemetry.text("x" * 49 + "µg")
        wire.telemetry.step(0)
        (packet,) = wire.packets("STATUSTEXT")
        assert packet.fields()["text"] == "x" * 49

    def test_the_queue_has_an_end_and_keeps_warnings(self):
        wire = Wire()
        wire.telemetry.text("alarm", severity=2)
        for number in range(20):
            wire.telemetry.text(f"note {number}", severity=INFO)
        assert wire.telemetry.counters["texts_dropped"] == 13
        wire.telemetry.step(0)
        assert wire.packets("STATUSTEXT")[0].fields()["text"] == "alarm"


class TestHeartbeat:
    def test_it_stops_with_the_loop(self):
        wire = Wire()
        for tick in range(30):
            wire.telemetry.step(tick * NS // 10)
        assert len(wire.packets("HEARTBEAT")) == 3  # and no thread goes on sending it
        beat = wire.packets("HEARTBEAT")[0].fields()
        assert (beat["type"], beat["autopilot"], beat["system_status"]) == (18, 8, 4)

    def test_it_says_when_something_is_wrong(self):
        wire = Wire()
        wire.telemetry.step(0, is_critical=True)
        assert wire.packets("HEARTBEAT")[0].fields()["system_status"] == 5

    def test_frames_are_numbered_without_gaps(self):
        wire = Wire()
        for tick in range(300):
            wire.telemetry.step(tick * NS)
        assert [one.sequence for one in wire.packets()] == [n % 256 for n in range(300)]


def test_a_batch_arrives_as_it_was_offered():
    wire = Wire()
    sent = Batch(
        device=16,
        sequence=7,
        time_us=1_700_000_000_123_456,
        latitude=47.1234567,
        longitude=-8.54321,
        channels=(Channel(index=0, species=1, unit=1, value=2.125, sigma=math.inf),),
    )
    wire.telemetry.batch(sent, now_ns=0)
    wire.telemetry.step(0)
    fields = wire.packets("TUNNEL")[0].fields()
    assert (fields["target_system"], fields["payload_type"]) == (255, 42497)
    got = decode_batch(bytes(fields["payload"][: fields["payload_length"]]))
    assert got.latitude == pytest.approx(47.1234567)
    assert got.channels[0].value == 2.125


def test_readings_go_to_all_where_a_ground_station_is_not_255():
    """An autopilot passes what is addressed to a system on to where it has heard that system."""
    bridge, channel = Bridge(), Channel(index=0, species=1, unit=1, value=1.0)
    telemetry = Telemetry(bridge.vehicle._outlet, bridge.vehicle.stations)

    def target():
        bridge.now_ns += NS
        telemetry.batch(Batch(device=1, sequence=1, time_us=1, channels=(channel,)),
                        now_ns=bridge.now_ns)  # fmt: skip
        telemetry.step(bridge.now_ns)
        (packet,) = bridge.said("TUNNEL")
        return packet.fields()["target_system"]

    bridge.hear(FakeAutopilot(system=255, component=190, vehicle=6, autopilot=8).heartbeat())
    bridge.hear(FakeAutopilot(system=9).heartbeat())  # another vehicle
    assert target() == 255
    bridge.hear(FakeAutopilot(system=245, component=190, vehicle=6, autopilot=8).heartbeat())
    assert target() == 0
    for system in range(100, 200):
        bridge.hear(FakeAutopilot(system=system, vehicle=6, autopilot=8).heartbeat())
    assert len(bridge.vehicle.stations) == 8
