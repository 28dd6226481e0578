"""What the ground is told: names, places, changes of state."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from drone.telling import RELATIVE, Alarm, Place, Teller, in_words, place_of
from firmware_bridge.health import AutopilotHealth, ClockHealth, DeviceHealth, DiskHealth, Health
from firmware_bridge.outlet import Outlet
from firmware_bridge.telemetry import Telemetry
from firmware_bridge.tunnel import decode_batch
from sensors.records import GasSample, Quality
from tests.mavlink_vehicle import NS, PacketDecoder

NOW = 1000 * NS


class Link:
    """Telemetry without a vehicle; what went out."""

    def __init__(self):
        self.sent = []
        self.telemetry = Telemetry(Outlet(self.keep, system=1, budget_bytes_s=100_000))
        self.vehicle = SimpleNamespace(latest={}, boot_ms=lambda _ns: 4000)

    def keep(self, frame):
        self.sent.append(frame)
        return True

    def said(self, name, now_ns=NOW):
        self.telemetry.step(now_ns)
        frames = PacketDecoder().feed(b"".join(self.sent))
        packets = [frame.fields["packet"] for frame in frames]
        return [one.fields() for one in packets if one.name == name]


def sample(channel, value, unit="1", quality=0):
    return GasSample(5 * NS, "nose", channel, value, unit, Quality(quality))


def health(**disk):
    told = {
        "state": "recording",
        "text": "recording",
        "news": "",
        "is_recording": True,
        "file": "x",
        "written_bytes": 1,
        "lost_bytes": 0,
        "waiting_bytes": 0,
        "free_bytes": 1,
        "minutes_left": math.inf,
    }
    return Health(
        time_ns=0,
        running_s=9.0,
        devices=(),
        autopilot=AutopilotHealth(link="udp:x:1", is_heard=True),
        clock=ClockHealth(source="host", sigma_s=0.1),
        disk=DiskHealth(**(told | disk)),
    )


def test_a_device_is_told_with_place_flags_and_what_people_read():
    link = Link()
    teller = Teller(link, ["other", "nose"])
    samples = [sample("pid", 3e-7), sample("mox1", 9e4, "ohm", Quality.WARMING_UP)]
    teller.readings(samples, {"pid": 2e-9}, Place(52.0, 5.0, 30.0), NOW)
    (tunnel,) = link.said("TUNNEL")
    batch = decode_batch(bytes(tunnel["payload"][: tunnel["payload_length"]]))
    assert (batch.kind, batch.device, batch.time_us) == (1, 2, 5_000_000)
    assert (batch.latitude, batch.longitude, batch.altitude_amsl_m) == (52.0, 5.0, 30.0)
    assert batch.flags & 8
    assert [one.value for one in batch.channels] == pytest.approx([300.0, 9e4])
    assert batch.channels[0].sigma == pytest.approx(2.0)
    assert math.isnan(batch.channels[1].sigma)
    names = {one["name"]: one["value"] for one in link.said("NAMED_VALUE_FLOAT")}
    assert names == pytest.approx({"PID_PPB": 300.0, "MOX1_OHM": 9e4})


def test_disturbed_does_not_spill_over_the_quality_byte():
    link = Link()
    Teller(link, ["nose"]).readings([sample("a", 1.0, "V", 256 | 8)], {}, Place(), NOW)
    payload = bytes(link.said("TUNNEL")[0]["payload"])
    assert decode_batch(payload[:44]).channels[0].quality == 8


def test_of_two_channels_with_one_name_only_the_first_has_it():
    link = Link()
    teller = Teller(link, ["nose"])
    teller.readings(
        [sample("temperature_a", 1e-7), sample("temperature_b", 2e-7)], {}, Place(), NOW
    )
    assert [one["value"] for one in link.said("NAMED_VALUE_FLOAT")] == pytest.approx([100.0])


def test_readings_of_a_device_are_offered_no_faster_than_the_link_takes_them():
    link = Link()
    teller = Teller(link, ["nose"])
    for step in range(20):
        teller.readings([sample("pid", step * 1e-9)], {}, Place(), NOW + step * NS // 20)
        link.telemetry.step(NOW + step * NS // 20)
    assert 3 <= len(link.said("TUNNEL")) <= 6


def alarm(**fields):
    told = {
        "time_ns": 5 * NS,
        "source": "nose",
        "channel": "pid",
        "unit": "1",
        "index": 1,
        "is_begin": True,
        "excess": 3.4e-7,
        "sigma": 2e-9,
        "strength": 12.4,
        "place": Place(52.0, 5.0),
    }
    return Alarm(**(told | fields))


def test_an_alarm_is_told_to_the_pilot_and_with_place_and_strength_to_the_ground():
    link = Link()
    teller = Teller(link, ["nose"])
    teller.alarms([alarm(), alarm(channel="mox1", unit=RELATIVE, index=2, excess=0.5)], NOW)
    (tunnel,) = link.said("TUNNEL")
    batch = decode_batch(bytes(tunnel["payload"][: tunnel["payload_length"]]))
    assert (batch.kind, batch.device, batch.latitude) == (3, 1, 52.0)
    assert [(one.index, one.species) for one in batch.channels] == [(1, 11), (2, 201)]
    assert [one.value for one in batch.channels] == pytest.approx([340.0, 0.5])
    (text,) = link.said("STATUSTEXT")
    assert text == {"severity": 4, "text": "GAS pid +340 ppb (12x noise)", "id": 0, "chunk_seq": 0}


def test_every_text_fits_a_statustext():
    for channel in ("pid", "bme688_s7_step9", "x" * 20):
        for unit in ("1", "kg m-3", "ohm", RELATIVE):
            assert len(alarm(channel=channel, unit=unit, excess=1.23456e-7).text().encode()) <= 50


def test_the_end_is_told_as_nothing_above_the_baseline():
    link = Link()
    Teller(link, ["nose"]).alarms([alarm(is_begin=False)], NOW)
    payload = bytes(link.said("TUNNEL")[0]["payload"])
    assert decode_batch(payload[:44]).channels[0].value == 0.0
    assert link.said("STATUSTEXT")[0]["text"] == "gas over: pid"


def test_changes_of_state_are_told_once_and_when_they_are_over():
    teller = Teller(Link(), ["nose"])
    assert teller.health(health()) == []
    bad = health(is_recording=False, state="full", text="the disk is full: make room")
    assert teller.health(bad) == ["recording: the disk is full: make room"]
    assert teller.health(bad) == []
    assert teller.health(health()) == ["recording: in order again"]
    assert teller.health(health(news="a card was gone")) == ["recording: a card was gone"]
    assert teller.health(health(news="a card was gone")) == []
    assert teller.health(health(minutes_left=4.2)) == ["disk full in 4 min"]


def test_a_device_in_trouble_is_told_by_name():
    teller = Teller(Link(), ["nose"])
    fields = dict.fromkeys(("rate_hz", "age_s", "warm_up_s", "frames", "faults", "dropped"), 0)
    sick = DeviceHealth(
        name="nose",
        driver="mcu_cobs",
        port="p",
        is_open=False,
        step="streaming",
        garbage_bytes=0,
        trouble="no such port",
        **fields,
    )
    state = health()
    told = Health(
        time_ns=0,
        running_s=9.0,
        devices=(sick,),
        autopilot=state.autopilot,
        clock=state.clock,
        disk=state.disk,
    )
    assert teller.health(told) == ["nose: no such port"]
    assert told.is_critical
    assert told.as_json()["troubles"] == ["nose: no such port"]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(4.2e-7, "1", "420 ppb"), (0.25, RELATIVE, "25 % of clean air"), (math.nan, "1", "-")],
)
def test_values_in_words(value, unit, words):
    assert in_words(value, unit) == words


def test_a_place_is_only_believed_while_it_is_fresh():
    told = {"lat_deg": 52.0, "lon_deg": 5.0, "alt_amsl_m": None}
    autopilot = SimpleNamespace(
        vehicle=SimpleNamespace(latest={"GLOBAL_POSITION_INT": (NOW, told)})
    )
    assert place_of(autopilot, NOW + NS).latitude == 52.0
    assert math.isnan(place_of(autopilot, NOW + NS).altitude_amsl_m)
    assert math.isnan(place_of(autopilot, NOW + 3 * NS).latitude)
    autopilot.vehicle.latest.clear()
    assert math.isnan(place_of(autopilot, NOW).latitude)


def test_an_alarm_goes_out_at_once_where_readings_have_used_up_the_link():
    sent = []
    telemetry = Telemetry(
        Outlet(lambda frame: sent.append(frame) or True, system=1, budget_bytes_s=500)
    )
    link = SimpleNamespace(
        telemetry=telemetry, vehicle=SimpleNamespace(latest={}, boot_ms=lambda _ns: 4000)
    )
    names = [f"nose{number}" for number in range(8)]
    teller = Teller(link, names)
    for step in range(40):
        for name in names:
            one = GasSample(5 * NS, name, "pid", step * 1e-9, "1")
            teller.readings([one], {}, Place(), NOW + step * NS // 20)
        telemetry.step(NOW + step * NS // 20)
    sent.clear()
    teller.alarms([alarm(source="nose3")], NOW + 2 * NS)
    telemetry.step(NOW + 2 * NS)
    packets = [frame.fields["packet"] for frame in PacketDecoder().feed(b"".join(sent))]
    tunnels = [one for one in packets if one.name == "TUNNEL"]
    assert bytes(tunnels[0].fields()["payload"])[1] == 3
