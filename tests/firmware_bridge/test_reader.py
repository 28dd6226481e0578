"""Devices on real pseudo-terminals: cables pulled, halves of frames, floods, strangers."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import queue
import threading
import time

import pytest

from firmware_bridge.clock import Estimate
from firmware_bridge.link import SerialLink
from firmware_bridge.ports import holders, open_serial, stable_name
from firmware_bridge.reader import DeviceReader
from sensors.devices import driver_for
from sensors.errors import LinkError, PortInUse
from sensors.framing import Fault
from sensors.records import Event, GasSample, Quality
from sims.virtual_device import VirtualDevice

CO2 = {"kind": "gas", "species": "CO2", "raw": {"ppm": 636, "temp_byte": 66}}
DUST = {
    "kind": "pm",
    "raw": dict.fromkeys(
        ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm"), 8
    )
    | dict.fromkeys(("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"), 40),
}


def mcu_frames(count=200):
    return [
        {"kind": "mcu", "sequence": k, "device_us": 1_000_000 + k * 50_000, "values": [k / 8]}
        for k in range(count)
    ]


def utc_of(monotonic_ns):
    return Estimate(monotonic_ns, 0.01)


def reader_of(driver, port, **more):
    return DeviceReader("nose", driver, SerialLink(str(port), 9600), utc_of=utc_of, **more)


@pytest.fixture(params=["by the thread", "by who takes them"])
def taken(request):
    """Records of the next seconds, or until one is there that was waited for."""
    is_attended = request.param == "by who takes them"

    def take(reader, seconds, *, until=lambda _: False):
        found, end = [], time.monotonic() + seconds
        while time.monotonic() < end and not (found and until(found[-1])):
            if is_attended:
                reader.work()
            try:
                found.append(reader.records.get(timeout=0.02))
            except queue.Empty:
                continue
        return found

    return take


def is_gas(record):
    return isinstance(record, GasSample)


def is_event(kind):
    return lambda record: isinstance(record, Event) and record.kind == kind


@pytest.fixture
def port(tmp_path):
    return tmp_path / "usb-nose"


def test_a_streaming_device_is_read_with_time_and_warm_up(port, taken):
    driver = driver_for("plantower_pms")
    before = time.monotonic_ns()
    with VirtualDevice(driver, [DUST], port, rate_hz=20), reader_of(driver, port) as reader:
        found = [one for one in taken(reader, 2.0) if is_gas(one)]
        status = reader.status()
    assert len(found) > 60  # three channels
    assert {one.channel for one in found} == {"pm1", "pm2_5", "pm10"}
    assert found[0].value == pytest.approx(8e-9)
    assert all(before < one.time_ns < time.monotonic_ns() for one in found)
    assert all(0.01 <= one.time_sigma_s < 0.1 for one in found)
    assert all(one.quality & Quality.WARMING_UP for one in found)
    assert 10 < status.rate_hz < 25
    assert status.age_s < 0.5
    assert 20 < status.warm_up_s < 30


def test_a_polled_device_is_asked_and_its_echo_is_no_data(port, taken):
    driver = driver_for("winsen_mhz19b")
    device = VirtualDevice(driver, [CO2], port, rate_hz=0, echo=True)
    with device, reader_of(driver, port) as reader:
        found = [one for one in taken(reader, 3.2) if is_gas(one)]
        counters = reader.status().counters
    assert 2 <= len(found) <= 4
    assert found[0].value == pytest.approx(636e-6)
    assert sum(counters.errors.values()) == 0


def test_the_raw_bytes_are_handed_on_as_they_came(port, taken):
    driver = driver_for("plantower_pms")
    raw = bytearray()
    with (
        VirtualDevice(driver, [DUST], port, rate_hz=20) as device,
        reader_of(driver, port, on_bytes=lambda data, _: raw.extend(data)) as reader,
    ):
        device.noise(b"what is this")
        taken(reader, 0.5)
    assert b"what is this" in raw
    assert driver.encode(DUST) in raw


def test_a_pulled_cable_is_told_and_the_device_read_again(port, taken):
    driver = driver_for("plantower_pms")
    with (
        VirtualDevice(driver, [DUST], port, rate_hz=20) as device,
        reader_of(driver, port) as reader,
    ):
        assert taken(reader, 2.0, until=is_gas)
        device.unplug()
        assert is_event("link lost")(taken(reader, 3.0, until=is_event("link lost"))[-1])
        assert not reader.status().is_open
        device.replug()
        assert is_event("link back")(taken(reader, 6.0, until=is_event("link back"))[-1])
        assert is_gas(taken(reader, 3.0, until=is_gas)[-1])


def test_half_a_frame_is_given_up_when_the_line_falls_silent(port, taken):
    driver = driver_for("plantower_pms")
    with (
        VirtualDevice(driver, [DUST], port, rate_hz=20) as device,
        reader_of(driver, port) as reader,
    ):
        taken(reader, 0.5)
        device.mute()
        time.sleep(0.1)
        device.stop_mid_frame()
        taken(reader, 0.5)
        assert [one.kind for one in reader.frames if isinstance(one, Fault)] == ["truncated"]
        device.resume()
        assert is_gas(taken(reader, 2.0, until=is_gas)[-1])


def test_a_flooding_device_delays_no_other(tmp_path, taken):
    dust, co2 = driver_for("plantower_pms"), driver_for("mcu_cobs")
    with (
        VirtualDevice(dust, [DUST], tmp_path / "a", rate_hz=20) as loud,
        VirtualDevice(co2, mcu_frames(), tmp_path / "b", rate_hz=20),
        reader_of(dust, tmp_path / "a") as flooded,
        reader_of(co2, tmp_path / "b") as calm,
    ):
        taken(calm, 0.5)
        loud.flood(1.0)
        assert calm.status().rate_hz > 10
        found = [one for one in taken(calm, 1.0) if is_gas(one)]
        assert len(found) > 10
        assert flooded.records.qsize() <= flooded.records.maxsize


def test_another_device_on_the_port_is_told(port, taken):
    stranger, expected = driver_for("plantower_pms"), driver_for("mcu_cobs")
    with VirtualDevice(stranger, [DUST], port, rate_hz=100), reader_of(expected, port) as reader:
        found = taken(reader, 5.0, until=lambda r: is_event("device")(r) and "identify" in r.text)
    assert "no frame of Sniffdrone microcontroller" in found[-1].text


def test_a_device_clock_beats_arrival(port, taken):
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    with VirtualDevice(driver, mcu_frames(), port, rate_hz=20), reader_of(driver, port) as reader:
        found = [one for one in taken(reader, 8.5) if is_gas(one)]
    late = [one.time_ns - found[0].time_ns for one in found[-40:]]
    steps = [(b - a) / 1e9 for a, b in itertools.pairwise(late)]
    assert all(abs(step - 0.05) < 0.004 for step in steps)  # as the device says, not as it came
    assert {one.unit for one in found} == {"1"}
    assert found[10].value - found[2].value == pytest.approx(1e-9)  # eight readings of 1/8 ppb


def test_a_reboot_of_the_device_is_an_event(port, taken):
    driver = driver_for("mcu_cobs")
    frames = mcu_frames(60)
    with VirtualDevice(driver, frames, port, rate_hz=40), reader_of(driver, port) as reader:
        found = taken(reader, 5.0, until=is_event("clock"))
    assert "reboot" in found[-1].text


def test_records_nobody_takes_do_not_grow(port, monkeypatch):
    monkeypatch.setattr("firmware_bridge.reader.MOST_RECORDS", 50)
    driver = driver_for("plantower_pms")
    with VirtualDevice(driver, [DUST], port, rate_hz=50), reader_of(driver, port) as reader:
        time.sleep(1.5)
        status = reader.status()
        assert reader.records.qsize() <= 50
    assert status.dropped > 50


class TestPorts:
    def test_what_is_not_there_is_said(self, tmp_path):
        with pytest.raises(LinkError, match="no such port"):
            open_serial(str(tmp_path / "usb-nothing"), 9600)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may take rights from itself")
    def test_permission_names_the_group(self, tmp_path, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("serial.Serial", refuse)
        with pytest.raises(LinkError, match=r"join the group \w+ \(sudo usermod -aG"):
            open_serial("/dev/null", 9600)

    def test_a_port_in_use_names_the_program(self):
        master, slave = pty.openpty()
        name = os.ttyname(slave)
        child = os.fork()
        if child == 0:  # another program, which locks it
            mine = os.open(name, os.O_RDWR | os.O_NOCTTY)
            fcntl.flock(mine, fcntl.LOCK_EX)
            time.sleep(20)
            os._exit(0)
        try:
            time.sleep(0.5)
            with pytest.raises(LinkError, match=rf"in use by .*process {child}"):
                open_serial(name, 9600)
            assert any(str(child) in one for one in holders(name))
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)
            os.close(master)
            os.close(slave)

    def test_a_stable_name_is_found_by_id_before_path(self, tmp_path):
        device = tmp_path / "ttyUSB0"
        device.touch()
        by_id, by_path = tmp_path / "by-id", tmp_path / "by-path"
        for folder in (by_id, by_path):
            folder.mkdir()
            (folder / "usb-Gill").symlink_to(device)
        folders = (by_id, by_path)
        assert stable_name(str(device), folders=folders) == str(by_id / "usb-Gill")
        (by_id / "usb-Gill").unlink()
        assert stable_name(str(device), folders=folders) == str(by_path / "usb-Gill")
        assert stable_name("/dev/null", folders=folders) is None


def test_an_adapter_that_holds_bytes_back_is_told_not_to(monkeypatch):
    """FTDI chips wait 16 ms for more; the driver's ASYNC_LOW_LATENCY makes that 1 ms."""
    read_settings, write_settings, low_latency = 0x541E, 0x541F, 1 << 13
    real, written = fcntl.ioctl, []

    def ioctl(descriptor, request, argument=0, *more):
        if request == read_settings:
            argument[4] = 0x40
            return 0
        if request == write_settings:
            written.append(argument[4])
            return 0
        return real(descriptor, request, argument, *more)

    master, slave = pty.openpty()
    monkeypatch.setattr("serial.serialposix.fcntl.ioctl", ioctl)
    with open_serial(os.ttyname(slave), 115_200):
        assert written == [0x40 | low_latency]
    monkeypatch.undo()
    with open_serial(os.ttyname(slave), 115_200) as plain:  # a pseudo-terminal has no such mode
        assert plain.is_open
    os.close(master)
    os.close(slave)


def test_a_port_that_comes_later_is_waited_for_and_its_device_opened_as_any_other(port, taken):
    driver, wake = driver_for("winsen_mhz19b"), threading.Event()
    reader = reader_of(driver, port, wake=wake)
    with pytest.raises(LinkError, match="no such port"):
        reader.start()
    reader.start(wait_for_port=True)
    try:
        time.sleep(2.5)  # longer than all its requests would be tried
        assert not reader.status().is_open
        with VirtualDevice(driver, [CO2], port, rate_hz=0.0) as device:
            assert taken(reader, 20.0, until=is_gas)
            assert wake.is_set()
            assert device.requests
    finally:
        reader.close()


def test_a_port_of_another_program_is_not_waited_for(port):
    driver = driver_for("plantower_pms")
    with VirtualDevice(driver, [DUST], port), reader_of(driver, port):
        second = reader_of(driver, port)
        with pytest.raises(PortInUse, match="in use by"):
            second.start(wait_for_port=True)


def test_a_frames_records_come_together_with_its_arrival_and_sample_time(port, taken):
    calls, chunks, wake = [], [], threading.Event()
    reader = reader_of(
        driver_for("plantower_pms"),
        port,
        wake=wake,
        on_bytes=lambda data, time_ns: chunks.append(time_ns),
        on_frame=lambda records, arrival_ns, sample_ns: calls.append(
            (records, arrival_ns, sample_ns, threading.current_thread().name)
        ),
    )
    with VirtualDevice(driver_for("plantower_pms"), [DUST], port, rate_hz=20), reader:
        found = taken(reader, 2.0, until=is_gas)
    frames = [call for call in calls if is_gas(call[0][0])]
    assert wake.is_set()
    assert found[0] is calls[0][0][0]  # an event: the port was opened
    assert {len(records) for records, *_ in frames} == {3}
    assert {thread for *_, thread in frames} <= {"device nose", threading.current_thread().name}
    for records, arrival_ns, sample_ns, _ in frames:
        assert arrival_ns in chunks
        assert sample_ns <= arrival_ns
        assert {one.time_ns for one in records} == {sample_ns}  # `utc_of` of these tests


class TestWork:
    """What `work` makes of what the thread has read."""

    @pytest.fixture
    def nose(self, port):
        """A streaming device, its reader, and the threads its records came from."""
        driver, threads = driver_for("mcu_cobs"), []
        reader = reader_of(
            driver, port, on_frame=lambda *_: threads.append(threading.current_thread().name)
        )
        with VirtualDevice(driver, mcu_frames(), port, rate_hz=20) as device, reader:
            end = time.monotonic() + 5.0
            while reader.status().step != "streaming" or reader.records.qsize() < 6:
                assert time.monotonic() < end
                time.sleep(0.01)
            yield device, reader, threads

    def test_who_calls_it_often_does_all_the_work(self, nose):
        _, reader, threads = nose
        end = time.monotonic() + 1.0
        reader.work()
        time.sleep(0.06)  # a frame the thread may have begun with
        threads.clear()
        while time.monotonic() < end:
            reader.work()
            time.sleep(0.02)
        assert len(threads) > 10
        assert set(threads) == {threading.current_thread().name}

    def test_the_thread_goes_on_when_the_calls_fail_to_come(self, nose):
        _, reader, threads = nose
        reader.work()
        time.sleep(0.6)
        threads.clear()
        time.sleep(0.5)
        assert len(threads) > 5
        assert set(threads) == {"device nose"}
        assert reader.status().age_s < 0.2

    def test_what_was_read_before_the_end_becomes_records(self, nose):
        device, reader, threads = nose
        reader.work()
        device.mute()
        time.sleep(0.1)
        reader.work()
        before = reader.status().counters.frames_ok
        threads.clear()
        device.resume()
        time.sleep(0.15)  # less than after which the thread does it
        reader.close()
        assert reader.status().counters.frames_ok > before
        assert threads.count(threading.current_thread().name) >= 1
