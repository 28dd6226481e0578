"""Messages in SI: what MAVLink calls void is None, whatever number stands there."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import all as mavlink

from firmware_bridge.mavlink_dialect import definition_of
from firmware_bridge.mavlink_frames import Packet, PacketDecoder, frame_bytes, parse_frame
from firmware_bridge.mavlink_messages import IN_SI, in_si
from sensors.framing import Frame

KNOWN = sorted(mavlink.mavlink_map)
PLACE = {"system": 1, "component": 1, "sequence": 0}


def told(name, **fields):
    """What a message says after a trip over the wire."""
    return in_si(name, parse_frame(frame_bytes(name, fields, **PLACE)).fields())


@pytest.mark.parametrize(
    ("name", "key", "void", "good", "expected"),
    [
        ("GLOBAL_POSITION_INT", "heading_rad", {"hdg": 65535}, {"hdg": 9000}, math.pi / 2),
        ("GLOBAL_POSITION_INT", "lat_deg", {}, {"lat": 5, "lon": 7}, 5e-7),
        ("GLOBAL_POSITION_INT", "alt_amsl_m", {"alt": 5}, {"lat": 5, "alt": 5}, 0.005),
        ("GPS_RAW_INT", "lat_deg", {"lat": 5, "fix_type": 2}, {"lat": 5, "fix_type": 3}, 5e-7),
        ("GPS_RAW_INT", "hdop", {"eph": 65535}, {"eph": 121}, 1.21),
        ("GPS_RAW_INT", "ground_speed_m_s", {"vel": 65535}, {"vel": 150}, 1.5),
        ("GPS_RAW_INT", "course_deg", {"cog": 65535}, {"cog": 9000}, 90.0),
        ("GPS_RAW_INT", "satellites", {"satellites_visible": 255}, {"satellites_visible": 9}, 9),
        ("GPS_RAW_INT", "h_acc_m", {"h_acc": 0}, {"h_acc": 1500}, 1.5),
        ("GPS_RAW_INT", "heading_rad", {"yaw": 0}, {"yaw": 18000}, math.pi),
        ("GPS2_RAW", "heading_rad", {"yaw": 65535}, {"yaw": 36000}, 2 * math.pi),
        ("SYS_STATUS", "voltage_V", {"voltage_battery": 65535}, {"voltage_battery": 12600}, 12.6),
        ("SYS_STATUS", "current_A", {"current_battery": -1}, {"current_battery": 250}, 2.5),
        ("SYS_STATUS", "remaining", {"battery_remaining": -1}, {"battery_remaining": 80}, 0.8),
        (
            "BATTERY_STATUS",
            "voltage_V",
            {"voltages": [65535] * 10},
            {"voltages": [4000, 4100] + [65535] * 8},
            8.1,
        ),
        ("BATTERY_STATUS", "temperature_K", {"temperature": 32767}, {"temperature": 2000}, 293.15),
        (
            "WIND",
            "wind_speed_m_s",
            {"direction": -180.0, "speed": 0.0},
            {"direction": -90.0, "speed": 2.0},
            2.0,
        ),
        ("WIND_COV", "wind_speed_m_s", {"wind_x": math.nan}, {"wind_x": 3.0, "wind_y": 4.0}, 5.0),
        ("WIND_COV", "horiz_accuracy_m_s", {}, {"horiz_accuracy": 0.5}, 0.5),
        (
            "SYSTEM_TIME",
            "unix_s",
            {"time_unix_usec": 10**12},
            {"time_unix_usec": 17 * 10**14},
            1.7e9,
        ),
        (
            "DISTANCE_SENSOR",
            "distance_m",
            {"max_distance": 900, "current_distance": 500, "signal_quality": 1},
            {"max_distance": 900, "current_distance": 500, "signal_quality": 0},
            5.0,
        ),
        (
            "TERRAIN_REPORT",
            "height_above_terrain_m",
            {"spacing": 100, "pending": 2, "current_height": 5.0},
            {"spacing": 100, "current_height": 5.0},
            5.0,
        ),
        ("TERRAIN_REPORT", "terrain_amsl_m", {"terrain_height": 4.0}, {"spacing": 9}, 0.0),
        (
            "ALTITUDE",
            "terrain_amsl_m",
            {"altitude_terrain": -1000.0},
            {"altitude_terrain": 12.0},
            12.0,
        ),
        ("ALTITUDE", "alt_amsl_m", {"altitude_amsl": math.nan}, {"altitude_amsl": 5.0}, 5.0),
        (
            "ALTITUDE",
            "height_above_terrain_m",
            {"bottom_clearance": -1.0},
            {"bottom_clearance": 3.0},
            3.0,
        ),
        ("MISSION_CURRENT", "total", {"total": 65535}, {"total": 12}, 12),
        ("HOME_POSITION", "alt_amsl_m", {"altitude": 7000}, {"latitude": 1, "altitude": 7000}, 7.0),
        ("NAMED_VALUE_FLOAT", "value", {"value": math.inf}, {"value": 2.5}, 2.5),
    ],
)
def test_a_void_value_is_none_and_a_good_one_is_scaled(name, key, void, good, expected):
    assert told(name, **void)[key] is None
    assert told(name, **good)[key] == pytest.approx(expected)


def test_both_autopilots_tell_the_same_wind():
    ardupilot = told("WIND", direction=300.0, speed=4.0)
    px4 = told("WIND_COV", wind_x=-4.0 * math.cos(math.radians(300)), wind_y=math.sqrt(12.0))
    assert ardupilot["wind_from_deg"] == pytest.approx(px4["wind_from_deg"], abs=1e-4)
    assert ardupilot["wind_toward_ned_m_s"][:2] == pytest.approx(px4["wind_toward_ned_m_s"][:2])


def test_versions_read_as_the_maker_writes_them():
    assert told("AUTOPILOT_VERSION", flight_sw_version=0x04060AFF)["flight_sw_version"] == "4.6.10"
    assert told("AUTOPILOT_VERSION", flight_sw_version=0x040700C0)["flight_sw_version"] == "4.7.0rc"


def test_time_usec_is_boot_or_unix_by_its_size():
    assert "time_boot_s" in told("GPS_RAW_INT", time_usec=10**15)
    assert "time_unix_s" in told("GPS_RAW_INT", time_usec=10**15 + 1)
    assert "time_boot_s" not in told("GPS_RAW_INT", time_usec=0)


@given(payload=st.binary(max_size=255), name=st.sampled_from(sorted(IN_SI)))
def test_no_payload_breaks_a_reader(payload, name):
    raw = definition_of(name).unpack(payload)
    for value in in_si(name, raw).values():
        assert not isinstance(value, float) or math.isfinite(value)


class TestAgainstPymavlink:
    @given(message_id=st.sampled_from(KNOWN), payload=st.binary(min_size=1, max_size=255))
    def test_every_message_reads_as_pymavlink_reads_it(self, message_id, payload):
        message = mavlink.mavlink_map[message_id]
        payload = payload[: message.unpacker.size]
        ours = definition_of(message.msgname).unpack(payload)
        parser = mavlink.MAVLink(None)
        frame = made(message_id, payload)
        theirs = parser.decode(bytearray(frame))
        for name, value in ours.items():
            other = getattr(theirs, name)
            if isinstance(value, str):
                assert isinstance(other, str)
                assert value.encode()[:3] == other.encode()[:3] or not other.isascii()
            elif isinstance(value, list):
                assert all(map(same, value, other))
            else:
                assert same(value, other), name

    def test_every_message_is_made_as_pymavlink_makes_it(self):
        maker = mavlink.MAVLink(None, srcSystem=1, srcComponent=191)
        for message_id, message in mavlink.mavlink_map.items():
            raw = definition_of(message.msgname).unpack(bytes(range(1, 256)))
            fields = {
                name: value if not isinstance(value, str) else "a" for name, value in raw.items()
            }
            theirs = message(
                *[value.encode() if isinstance(value, str) else value for value in fields.values()]
            ).pack(maker)
            ours = frame_bytes(message.msgname, fields, sequence=0, system=1, component=191)
            assert ours == theirs, message_id


def made(message_id, payload):
    """A frame of any payload, trimmed or not."""
    body = bytes([len(payload), 0, 0, 0, 1, 1]) + message_id.to_bytes(3, "little") + payload
    seed = bytes([mavlink.mavlink_map[message_id].crc_extra])
    return b"\xfd" + body + mavlink.x25crc(body + seed).crc.to_bytes(2, "little")


def same(ours, theirs):
    return ours == theirs or (ours != ours and theirs != theirs)  # noqa: PLR0124 - NaN


def test_mavlink_1_and_2_say_the_same():
    maker = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    message = maker.attitude_encode(5, 0.1, 0.2, 0.3, 0.0, 0.0, 0.0)
    one, two = message.pack(maker, force_mavlink1=True), message.pack(maker)
    assert (one[0], two[0]) == (0xFE, 0xFD)
    assert parse_frame(one).fields() == parse_frame(two).fields()


def test_frames_of_both_versions_can_be_mixed_in_one_stream():
    maker = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    stream = b"".join(
        maker.heartbeat_encode(2, 3, 81, 0, 4).pack(maker, force_mavlink1=is_old)
        for is_old in itertools.islice(itertools.cycle([True, False]), 10)
    )
    found = PacketDecoder().feed(b"ArduCopter V4.6.0\r\n" + stream)
    assert len(found) == 10
    assert all(isinstance(one, Frame) for one in found)
    assert all(isinstance(one.fields["packet"], Packet) for one in found)


def test_a_field_that_does_not_exist_or_fit_is_refused():
    with pytest.raises(ValueError, match="has no speeed"):
        frame_bytes("WIND", {"speeed": 1.0}, **PLACE)
    with pytest.raises(ValueError, match="HEARTBEAT"):
        frame_bytes("HEARTBEAT", {"type": 300}, **PLACE)
    with pytest.raises(ValueError, match="longer"):
        frame_bytes("STATUSTEXT", {"text": "x" * 51}, **PLACE)
