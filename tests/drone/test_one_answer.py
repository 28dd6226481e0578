"""One flight, three ways: its table, its recording, and the telemetry log of the ground.

A simulated survey goes through the code that flies: driver, vehicle, teller and recorder, with time
by hand. What is read back must tell the same story.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from detection.signal.alarm import LiveDetector
from drone.demonstration import error_m
from drone.telling import Teller, place_of
from firmware_bridge.clock import BridgeClock, HostClock
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.outlet import Outlet
from firmware_bridge.recorder import Recorder
from firmware_bridge.recording import CLOCK
from firmware_bridge.telemetry import Telemetry
from firmware_bridge.vehicle import Vehicle
from sensors.devices import Moment, driver_for
from sensors.framing import Frame
from tests.drone.outcome import summary_of
from tests.mavlink_vehicle import NS, FakeAutopilot

BOOT_NS = 900 * NS
LATE_NS = 2_000_000
HOST_WRONG_NS = 86_400 * NS  # the companion thinks it is yesterday
SEED = "3"
RECEIVER_WRONG_US = 7_000_000


@dataclass
class Air:
    """The bridge without threads: what it hears, records and sends, and a ground station's log."""

    folder: Path
    utc_ns: int
    now_ns: int = 1000 * NS
    log: bytearray = field(default_factory=bytearray)

    def __post_init__(self):
        host = HostClock(
            wall_ns=lambda: self.utc_ns - HOST_WRONG_NS,
            monotonic_ns=lambda: self.now_ns,
            synchronised=bool,
        )
        self.clock = BridgeClock(host)
        self.recorder = Recorder(
            self.folder, name="one answer", anchor_ns=host.utc_of_monotonic(0).time_ns
        )
        outlet = Outlet(self.send, system=1, budget_bytes_s=4000)
        self.vehicle = Vehicle(outlet=outlet, clock=self.clock)
        self.telemetry = Telemetry(outlet)
        self.teller = Teller(self, ["pid"])
        self.decoder = PacketDecoder()
        self.detector = LiveDetector()
        self.driver = driver_for("mcu_cobs", channels=("pid_ppb",))
        self.frames = self.driver.decoder()

    def send(self, frame):
        self.note(frame)
        return True

    def note(self, frame):
        stamp_us = self.utc_ns // 1000 + RECEIVER_WRONG_US
        self.log += stamp_us.to_bytes(8, "big") + frame

    def hear(self, frame):
        self.note(frame)
        for found in self.decoder.feed(frame, self.now_ns):
            packet = found.fields["packet"]
            records = self.vehicle.take(packet, self.now_ns + LATE_NS)
            if records:
                self.recorder.record("autopilot", records, self.now_ns, self.now_ns)
        self.recorder.raw("autopilot", frame, self.now_ns)

    def smell(self, ppb, number):
        told = {"kind": "mcu", "sequence": number, "device_us": number * 100_000, "values": [ppb]}
        data = self.driver.encode(told)
        self.recorder.raw("pid", data, self.now_ns)
        (frame,) = self.frames.feed(data, self.now_ns)
        assert isinstance(frame, Frame)
        utc = self.clock.utc_of_monotonic(self.now_ns)
        moment = Moment(source="pid", time_ns=utc.time_ns, time_sigma_s=utc.sigma_s)
        samples = self.driver.records(frame, moment)
        self.recorder.record("pid", samples, self.now_ns, self.now_ns)
        found = self.detector.feed("pid", self.now_ns / NS, samples[0].value, samples[0].unit)
        place = place_of(self, self.now_ns)
        self.teller.readings(samples, {"pid": found.sigma}, place, self.now_ns)
        self.telemetry.step(self.now_ns)

    def tick(self):
        utc = self.clock.utc_of_monotonic(self.now_ns)
        source = "vehicle" if self.clock.vehicle.has_utc else "host"
        told = {"utc_ns": utc.time_ns, "sigma_s": utc.sigma_s, "source": source}
        self.recorder.message(CLOCK, told, self.now_ns)

    @property
    def autopilot(self):
        return self


def flown(table, folder):
    """The survey once more, through the bridge; its recording and the ground's log."""
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    times = np.array([np.datetime64(row["time"].rstrip("Z"), "ns") for row in rows]).astype(int)
    autopilot = FakeAutopilot(boot_ns=BOOT_NS)
    air = Air(folder / "recordings", int(times[0]))
    with air.recorder:
        begin_ns = air.now_ns
        for number, (row, time_ns) in enumerate(zip(rows, times.tolist(), strict=True)):
            air.now_ns, air.utc_ns = begin_ns + time_ns - int(times[0]), time_ns
            if number % 10 == 0:
                speed, wind_from = float(row["wind_speed_m_s"]), float(row["wind_from_deg"])
                air.hear(autopilot.heartbeat(armed=True))
                air.hear(autopilot.system_time(air.now_ns, unix_us=time_ns // 1000))
                air.hear(autopilot.frame("WIND", direction=wind_from, speed=speed, speed_z=0.0))
                air.tick()
            if number % 2 == 0:
                height_mm = round(float(row["altitude_agl_m"]) * 1000)
                air.hear(
                    autopilot.position(
                        air.now_ns,
                        lat=round(float(row["latitude"]) * 1e7),
                        lon=round(float(row["longitude"]) * 1e7),
                        alt=height_mm,
                        relative_alt=height_mm,
                    )
                )
            air.smell(float(row["pid_ppb"] or "nan"), number)
    log = folder / "ground.tlog"
    log.write_bytes(air.log)
    return air.recorder.files[0], log


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    table, truth = folder / "flight.csv", folder / "truth.json"
    simulate = ["simulate", "-o", str(table), "--truth", str(truth), "--seed", SEED, "--quiet"]
    subprocess.run([sys.executable, "-m", "drone.cli", *simulate], check=True)
    (source,) = json.loads(truth.read_text())["sources"]
    return table, source, *flown(table, folder)


def test_table_recording_and_telemetry_log_give_one_answer(run, survey, tmp_path):
    table, source, recording, log = survey
    found = {}
    for name, path in {"table": table, "recording": recording, "log": log}.items():
        outcome = run("process", path, "-o", tmp_path / name)
        assert outcome.code == 0, outcome.err
        found[name] = summary_of(tmp_path / name)
    errors = {name: error_m(told["sources"][0], source) for name, told in found.items()}
    assert {told["verdict"] for told in found.values()} == {"source indicated"}, found
    for name, told in found.items():
        assert errors[name] < min(told["sources"][0]["radius_90_m"], 60.0), errors
    assert max(errors.values()) - min(errors.values()) < 15.0, errors
    for told in found.values():
        assert told["flight"]["wind_source"] in {"autopilot", "anemometer"}
