"""Gas in the TUNNEL messages of telemetry logs."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from pymavlink.dialects.v20 import all as mavlink

from firmware_bridge.logfile import ReadReport, read_log
from firmware_bridge.summary import summarise
from firmware_bridge.telemetry_names import species_and_unit, value_name
from firmware_bridge.tunnel import PAYLOAD_TYPE, Batch, Channel, TunnelFlag
from sensors.assemble import assemble
from sensors.records import Quality
from sensors.units import unit_of
from tests import log_samples as truth

UTC_US = int(truth.UTC_S * 1e6)
BOOT_US = int(truth.BOOT_S * 1e6)
CH4 = Channel(index=0, species=1, unit=1, value=2.5, sigma=0.1)


class Log:
    """A .tlog whose vehicle tells its place and UTC ten times a second; gas by hand."""

    def __init__(self, *, knows_utc=True):
        self.records, self.sequence, self.knows_utc = [], {}, knows_utc

    def add(self, time_s, message, *, component=1):
        sequence = self.sequence.get(component, 0)
        self.sequence[component] = (sequence + 1) % 256
        sender = mavlink.MAVLink(None, 1, component)
        sender.seq = sequence
        received_us = UTC_US + round((time_s + 3.4) * 1e6)
        self.records.append((time_s, struct.pack(">Q", received_us) + message.pack(sender)))

    def tunnel(self, time_s, batch, *, component=191, payload=None, length=None):
        octets = batch.encode() if payload is None else payload
        self.add(
            time_s,
            mavlink.MAVLink_tunnel_message(
                255, 0, PAYLOAD_TYPE, len(octets) if length is None else length,
                list(octets.ljust(128, b"\0")),
            ),
            component=component,
        )  # fmt: skip

    def value(self, time_s, name, value):
        boot_ms = BOOT_US // 1000 + round(time_s * 1e3)
        message = mavlink.MAVLink_named_value_float_message(boot_ms, name, value)
        self.add(time_s, message, component=191)

    def fly(self, seconds=20):
        for tick in range(seconds * 10):
            time_s = tick / 10
            boot_ms = BOOT_US // 1000 + tick * 100
            utc_us = UTC_US + tick * 100_000 if self.knows_utc else 0
            if tick % 10 == 0:
                self.add(time_s, mavlink.MAVLink_heartbeat_message(2, 3, 209, 5, 4, 3))
            self.add(time_s, mavlink.MAVLink_system_time_message(utc_us, boot_ms))
            place = 521000000 + tick * 90, 51200000, 61000, 60000
            self.add(
                time_s, mavlink.MAVLink_global_position_int_message(boot_ms, *place, 0, 0, 0, 65535)
            )

    def write(self, path):
        self.records.sort(key=lambda one: one[0])
        path.write_bytes(b"".join(data for _, data in self.records))
        return path


def utc_batch(number, *channels, device=1, flags=TunnelFlag.UTC, lag_s=0.25, **fields):
    """What was sampled `lag_s` before it was sent at `number` fifths of a second."""
    return Batch(
        device=device,
        sequence=number,
        time_us=UTC_US + number * 200_000 - round(lag_s * 1e6),
        channels=channels,
        flags=flags,
        **fields,
    )


@pytest.fixture
def log():
    made = Log()
    made.fly()
    return made


def gas_of(path, **options):
    report = ReadReport(path=path, **options)
    batches = list(read_log(path, report))
    return [one for one in batches if one.kind == "gas"], batches, report


def values_of(batches, channel):
    own = [one for one in batches if channel in one.columns]
    return np.concatenate([one.columns[channel] for one in own])


def test_readings_come_back_at_their_own_time(log, tmp_path):
    for number in range(100):
        channel = Channel(index=0, species=1, unit=1, value=2.0 + number / 8)
        log.tunnel(number / 5, utc_batch(number, channel))
    _, batches, report = gas_of(log.write(tmp_path / "flight.tlog"))
    flight = assemble(batches)
    assert list(flight.channels) == ["ch4"]
    assert flight.channels["ch4"].unit == "1e-6"
    assert flight.channels["ch4"].gas == "methane"
    np.testing.assert_array_equal(flight.channels["ch4"].values, 2.0 + np.arange(100) / 8)
    sampled = (UTC_US + np.arange(100) * 200_000 - 250_000) * 1000
    np.testing.assert_array_equal(flight.time_ns, sampled)
    assert not flight.channels["ch4"].quality.any()
    assert not report.warnings


def test_time_since_boot_becomes_the_same_utc(log, tmp_path):
    batch = Batch(device=1, sequence=7, time_us=BOOT_US + 5_000_000, channels=(CH4,))
    log.tunnel(5.1, batch)
    _, batches, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    assert assemble(batches).time_ns.tolist() == [(UTC_US + 5_000_000) * 1000]


def test_what_came_over_two_links_is_there_once(log, tmp_path):
    for number in range(100):
        log.tunnel(number / 5, utc_batch(number, CH4))
        log.tunnel(number / 5 + 1.5, utc_batch(number, CH4))  # over the slow radio
    path = log.write(tmp_path / "flight.tlog")
    for options in ({}, {"chunk_bytes": 4096}):
        gas, _, _ = gas_of(path, **options)
        assert sum(map(len, gas)) == 100


def test_a_gas_told_twice_is_taken_from_tunnel_and_said(log, tmp_path):
    for number in range(100):
        value = float(np.float32(2.0 + number / 8))
        channel = Channel(index=0, species=1, unit=1, value=value)
        log.tunnel(number / 5, utc_batch(number, channel))
        if number % 5 == 0:
            log.value(number / 5, b"CH4_PPM", value)
            log.value(number / 5, b"H2S_PPB", 40.0 + number)
    gas, _, report = gas_of(log.write(tmp_path / "flight.tlog"))
    assert values_of(gas, "ch4").size == 100
    assert values_of(gas, "h2s").size == 20
    (note,) = report.warnings
    assert "CH4_PPM" in note
    assert "H2S" not in note


def test_resistances_are_named_by_the_values_they_share(log, tmp_path):
    rng = np.random.default_rng(4)
    table = rng.uniform(1e4, 1e6, (100, 4)).astype(np.float32).astype(float)
    for number, row in enumerate(table):
        channels = [Channel(index=i, species=201, unit=8, value=v) for i, v in enumerate(row)]
        log.tunnel(number / 5, utc_batch(number, *channels, device=2))
        if number % 5 == 0:
            for place in (2, 0, 1):  # no room on the link for the fourth
                log.value(number / 5, f"MOX{place + 1}_OHM".encode(), row[place])
    gas, _, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    assert len(gas) == 1
    assert set(gas[0].units.values()) == {"ohm"}
    for place, name in enumerate(["mox1", "mox2", "mox3", "raw"]):
        np.testing.assert_array_equal(gas[0].columns[name], table[:, place])


def test_sensors_of_one_gas_keep_apart(log, tmp_path):
    for device in (1, 2):
        channels = [Channel(index=i, species=1, unit=1, value=device + i / 8) for i in (0, 1)]
        log.tunnel(5.0, utc_batch(25, *channels, device=device))
    log.tunnel(5.0, utc_batch(25, CH4, device=9), component=192)
    log.tunnel(5.0, utc_batch(25, Channel(index=0, species=2, unit=1, value=400.0), device=3))
    gas, _, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    names = sorted(name for batch in gas for name in batch.columns)
    assert names == sorted(
        ["ch4_device1_0", "ch4_device1_1", "ch4_device2_0", "ch4_device2_1", "ch4_device9", "co2"]
    )
    flight = assemble(gas_of(tmp_path / "flight.tlog")[1])
    assert {flight.channels[name].gas for name in names[:-1]} == {"methane"}


def test_quality_is_that_of_each_channel(log, tmp_path):
    warm = Channel(index=0, species=1, unit=1, value=2.0)
    cold = Channel(index=1, species=2, unit=1, value=400.0, quality=int(Quality.WARMING_UP))
    void = Channel(index=2, species=3, unit=1, value=math.nan)
    log.tunnel(4.0, utc_batch(20, warm, cold, void, flags=TunnelFlag.UTC | TunnelFlag.WARMING_UP))
    log.tunnel(5.0, utc_batch(25, warm, flags=TunnelFlag.UTC | TunnelFlag.SATURATED))
    log.tunnel(6.0, utc_batch(30, warm, flags=TunnelFlag.UTC | TunnelFlag.FAULT))
    log.tunnel(7.0, utc_batch(35, warm, flags=TunnelFlag.UTC | TunnelFlag.CLOCK_POOR))
    _, batches, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    flight = assemble(batches)

    def told(name):
        column = flight.channels[name]
        pairs = zip(column.values.tolist(), column.quality.tolist(), strict=True)
        return [(value, Quality(bits)) for value, bits in pairs if not math.isnan(value)]

    assert told("ch4") == [
        (2.0, Quality(0)),
        (2.0, Quality.SATURATED),
        (2.0, Quality.CLOCK_POOR),
    ]  # a device at fault says nothing
    assert told("co2") == [(400.0, Quality.WARMING_UP)]
    assert told("co") == []


def test_what_is_not_ours_or_broken_is_no_reading(log, tmp_path):
    good = utc_batch(25, CH4).encode()
    log.tunnel(5.0, None, payload=good)
    log.tunnel(5.1, None, payload=b"\x02" + good[1:])  # another version
    log.tunnel(5.2, None, payload=good, length=len(good) - 1)
    log.tunnel(5.3, None, payload=good[:30] + b"\x09" + good[31:])
    log.tunnel(5.4, None, payload=b"", length=0)
    other = mavlink.MAVLink_tunnel_message(255, 0, 200, len(good), list(good.ljust(128, b"\0")))
    log.add(5.5, other, component=191)
    wind = utc_batch(26, CH4, kind=2)
    log.tunnel(5.6, wind)
    index = Channel(index=0, species=200, unit=10, value=100.0)
    log.tunnel(5.7, utc_batch(27, index, device=5))
    gas, _, report = gas_of(log.write(tmp_path / "flight.tlog"))
    assert values_of(gas, "ch4").tolist() == [2.5]
    assert sum(map(len, gas)) == 1
    assert any("4 gas TUNNEL payload(s)" in line for line in report.warnings)
    assert any("1 TUNNEL value(s) in no unit" in line for line in report.warnings)


def test_a_wrong_clock_aboard_does_not_misplace_readings(log, tmp_path):
    wrong = Batch(
        device=1, sequence=1, time_us=86_400_000_000, channels=(CH4,), flags=TunnelFlag.UTC
    )
    log.tunnel(5.0, wrong)
    log.tunnel(6.0, Batch(device=1, sequence=2, time_us=2**64 - 1, channels=(CH4,)))
    gas, batches, report = gas_of(log.write(tmp_path / "flight.tlog"))
    flight = assemble(batches)
    np.testing.assert_allclose(flight.time_ns / 1e9 - truth.UTC_S, [5.0, 6.0], atol=0.2)
    assert gas[0].quality[0] & Quality.CLOCK_POOR
    assert any("by their arrival" in line for line in report.warnings)


def test_without_utc_readings_stay_beside_their_positions(tmp_path):
    log = Log(knows_utc=False)
    log.fly()
    log.tunnel(5.0, utc_batch(25, CH4))
    gas, batches, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    assert {one.clock for one in batches if one.kind in {"gas", "pose"}} == {"receiver"}
    assert gas[0].time_ns[0] == (UTC_US + 8_400_000) * 1000


def test_alarms_are_events(log, tmp_path):
    begin = Channel(index=0, species=1, unit=1, value=3.25)
    over = Channel(index=0, species=1, unit=1, value=0.0)
    log.tunnel(5.0, utc_batch(25, begin, kind=3))
    log.tunnel(9.0, utc_batch(45, over, kind=3))
    log.tunnel(9.2, utc_batch(46, CH4))
    _, batches, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    texts = [
        text
        for one in batches
        if one.kind == "event" and one.source == "TUNNEL"
        for text in one.columns["text"]
    ]
    assert texts == ["ch4: 3.25 ppm above clean air", "ch4: over"]


def test_replayed_readings_are_said_to_be(log, tmp_path):
    log.tunnel(5.0, utc_batch(25, CH4, flags=TunnelFlag.UTC | TunnelFlag.REPLAYED))
    _, _, report = gas_of(log.write(tmp_path / "flight.tlog"))
    assert any("replayed or simulated" in line for line in report.warnings)


def test_info_sees_gas_and_a_torn_log_gives_what_is_whole(log, tmp_path):
    for number in range(100):
        log.tunnel(number / 5, utc_batch(number, CH4))
    path = log.write(tmp_path / "flight.tlog")
    told = summarise(path)
    assert told["messages"]["TUNNEL"]["count"] == 100
    assert told["start"].endswith("59.750Z")  # a quarter of a second before it was sent
    octets = path.read_bytes()
    rng = np.random.default_rng(1)
    for cut in rng.integers(500, len(octets), 10).tolist():
        path.write_bytes(octets[:cut])
        gas, _, _ = gas_of(path)
        assert set(values_of(gas, "ch4").tolist() if gas else []) <= {2.5}


# as drivers hand them to the recording, in SI
CHANNELS = {
    "ch4": ("1", 2.0e-6),
    "pid": ("1", 350e-9),
    "hcho": ("1", 40e-9),
    "pm2_5": ("kg m-3", 12e-9),
    "mox1": ("ohm", 1.2e5),
    "mox2": ("ohm", 3.4e5),
}


def test_tlog_bin_and_recording_call_a_channel_the_same(tmp_path):
    """The recording has a driver's own names and SI values; the logs give them back."""
    log, parts = Log(), [truth.dataflash_formats()]
    log.fly()
    for number in range(100):
        growth = 1.0 + number / 1000
        sent = {}
        for name, (unit, value) in CHANNELS.items():
            species, code, scale = species_and_unit(name, unit)
            told = float(np.float32(value * growth * scale))
            sent[name] = told, species, code, value_name(name, unit).encode()
        channels = [
            Channel(index=place, species=species, unit=code, value=told)
            for place, (told, species, code, _) in enumerate(sent.values())
        ]
        log.tunnel(number / 5, utc_batch(number, *channels, lag_s=0.0))
        if number % 5:
            continue
        boot_us = BOOT_US + number * 200_000
        for told, _, _, name in sent.values():
            log.value(number / 5, name, told)
            nval = truth.dataflash_message(
                "NVAL", boot_us + 4000, boot_us // 1000, name, told, 1, 191
            )
            parts.append(nval)
    path = tmp_path / "flight.BIN"
    path.write_bytes(b"".join(parts))
    of_tlog, _, _ = gas_of(log.write(tmp_path / "flight.tlog"))
    of_bin, _, _ = gas_of(path)
    for name, (unit, value) in CHANNELS.items():
        kind = unit_of(unit).kind
        for gas, growths in ((of_tlog, np.arange(100)), (of_bin, np.arange(0, 100, 5))):
            (told_unit,) = {one.units[name] for one in gas if name in one.units}
            assert unit_of(told_unit).kind == kind
            in_si = values_of(gas, name) * unit_of(told_unit).scale
            np.testing.assert_allclose(in_si, value * (1 + growths / 1000), rtol=1e-6)
    for gas in (of_tlog, of_bin):
        assert {name for one in gas for name in one.columns} == set(CHANNELS)
    by_tlog, by_bin = (
        {name: unit for one in gas for name, unit in one.units.items()} for gas in (of_tlog, of_bin)
    )
    assert by_tlog == by_bin


def test_where_the_vehicle_is_silent_the_payload_tells_the_place(tmp_path):
    log = Log()
    for second in range(20):
        boot_ms = BOOT_US // 1000 + second * 1000
        log.add(second, mavlink.MAVLink_heartbeat_message(2, 3, 209, 5, 4, 3))
        log.add(second, mavlink.MAVLink_system_time_message(UTC_US + second * 1_000_000, boot_ms))
    for number in range(100):
        place = {"latitude": 52.1 + number * 1e-6, "longitude": 5.12, "altitude_amsl_m": 61.0}
        log.tunnel(number / 5, utc_batch(number, CH4, **(place if number != 50 else {})))
    _, batches, report = gas_of(log.write(tmp_path / "flight.tlog"))
    flight = assemble(batches)
    np.testing.assert_allclose(flight.latitude, 52.1 + np.arange(100) * 1e-6, atol=1.1e-7)
    np.testing.assert_allclose(flight.altitude, 61.0)
    assert any("positions are those in the TUNNEL" in line for line in report.warnings)
