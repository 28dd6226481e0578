"""Before a flight: everything a mission needs, tried at once, and what to repair first."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drone.doctor_autopilot import VehicleCheck
from drone.doctor_clock import judged_clock
from drone.doctor_devices import Probe
from drone.doctor_disk import disk_speed, recorded_bytes_per_s, room
from drone.doctor_findings import CORRECT, Finding, in_order, one, split_advice
from drone.doctor_results import RESULTS_FILE, ages
from firmware_bridge.bridge import device_name
from firmware_bridge.clock import BridgeClock
from firmware_bridge.mavlink_ports import parse_address
from sensors.calibration import mission_driver
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Self

    from sensors.config import DeviceTable, Mission

__all__ = ["Doctor", "mission_findings"]

LONGEST_S = 18.0
END_S = 2.0  # for threads that were told to stop
LOOK_S = 0.1


@dataclass(slots=True)
class _Task:
    """A check in a thread of its own."""

    area: str
    subject: str
    work: Callable[[], list[Finding]]
    findings: list[Finding] = field(default_factory=list)
    failure: BaseException | None = None
    is_done: bool = False
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name=f"check {self.subject}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.findings = self.work()
        except Exception as error:  # told by whoever waits, not lost with the thread
            self.failure = error
        self.is_done = True

    def result(self) -> list[Finding]:
        """What it found; a check that is not done in time found nothing good."""
        if self.failure is not None:
            raise self.failure
        if self.is_done:
            return self.findings
        return [
            Finding(
                area=self.area,
                subject=self.subject,
                state="failure",
                found=f"no end after {LONGEST_S:g} s",
                fix="unplug it and plug it in again; replace it if that does not help",
            )
        ]


def mission_findings(mission: Mission) -> list[Finding]:
    """What the mission file itself lacks."""
    told = [
        Finding(
            area="mission",
            subject="file",
            state="ok",
            found=f"{mission.mission.name}, {len(mission.device)} devices",
        )
    ]
    for warning in mission.warnings:
        found, _, fix = warning.partition(": ")
        told.append(
            Finding(area="mission", subject="authority", state="warning", found=found, fix=fix)
        )
    return told


class Doctor:
    """Tries all a mission names, and keeps its devices open for the tests that follow.

    Parameters
    ----------
    mission : Mission
    folder : Path
        Where the mission file is: relative paths in it count from there.
    clock : BridgeClock, optional

    Attributes
    ----------
    probes : list of Probe
    results_file : Path
        Where results of zero and bump tests are.
    """

    def __init__(self, mission: Mission, *, folder: Path, clock: BridgeClock | None = None) -> None:
        self.mission, self.folder = mission, folder
        self.clock = clock or BridgeClock()
        self.recordings = folder / mission.recorder.folder
        self.results_file = self.recordings / RESULTS_FILE
        self.probes: list[Probe] = []
        self._stop = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all ports back."""
        self._stop.set()
        self._stack.close()

    def examine(
        self, told: Callable[[str, float], None] = lambda _what, _share: None
    ) -> list[Finding]:
        """Findings in the order of repair.

        Parameters
        ----------
        told : callable
            Told what is waited for, and how far it is, from 0 to 1.
        """
        findings = mission_findings(self.mission)
        tasks = self._device_tasks(findings)
        vehicle = VehicleCheck(
            self.mission.autopilot,
            clock=self.clock,
            folder=self.folder,
            has_anemometer=any("wind" in one.driver.device.measures for one in self.probes),
            stop=self._stop,
        )
        tasks.append(_Task("autopilot", "link", vehicle.run))
        tasks.append(_Task("disk", "writing", lambda: [disk_speed(self.recordings, self._stop)]))
        self._finish(tasks, told)
        for task in tasks:
            findings += task.result()
        heard = [one for one in self.probes if one.is_answering]
        expected = recorded_bytes_per_s(
            sum(one.bytes_per_s for one in heard),
            sum(one.frames_per_s for one in heard),
            sum(one.records_per_s for one in heard),
            vehicle=vehicle.messages_per_s,
        )
        findings.append(room(self.recordings, expected))
        findings += judged_clock(self.clock, time.monotonic_ns(), is_heard=vehicle.is_heard)
        findings += ages(self.results_file, self.gas_channels())
        return in_order(findings)

    def gas_channels(self) -> list[tuple[str, str]]:
        """Device and channel, of those that tell a mole fraction."""
        found = {
            (one.name, sample.channel): None
            for one in self.probes
            for _, sample in one.taken()
            if sample.unit == "1"
        }
        return list(found)

    def _device_tasks(self, findings: list[Finding]) -> list[_Task]:
        """Checks of devices whose port nobody else in the mission names."""
        shared = _shared_ports(self.mission)
        tasks = []
        for table in self.mission.device:
            name = device_name(table)
            try:
                driver = mission_driver(table)
            except ConfigError as error:
                found, fix = split_advice(str(error))
                findings.append(one("mission", name, "failure", found, fix or CORRECT))
                findings.append(_skipped(name, "its driver is not known"))
                continue
            others = [one for one in shared.get(_place(table), ()) if one != name]
            if others:
                findings.append(
                    Finding(
                        area="port",
                        subject=name,
                        state="failure",
                        found=f"{table.port} is also that of {', '.join(others)}",
                        fix="give each its own port in the mission file",
                    )
                )
                findings.append(_skipped(name, "its port is named twice"))
                continue
            probe = Probe(table, driver, utc_of=self.clock.utc_of_monotonic, stop=self._stop)
            self._stack.callback(probe.close)
            self.probes.append(probe)
            tasks.append(_Task("device", name, lambda probe=probe: _tried(probe)))  # type: ignore[misc]
        return tasks

    def _finish(self, tasks: Iterable[_Task], told: Callable[[str, float], None]) -> None:
        begun = time.monotonic()
        for task in tasks:
            task.start()
        try:
            while True:
                waiting = [one.subject for one in tasks if not one.is_done]
                passed_s = time.monotonic() - begun
                if not waiting or passed_s > LONGEST_S:
                    return
                told(", ".join(waiting), min(passed_s / LONGEST_S, 1.0))
                time.sleep(LOOK_S)
        except BaseException:
            self._stop.set()
            end = time.monotonic() + END_S
            for task in tasks:
                if task.thread is not None:
                    task.thread.join(max(0.0, end - time.monotonic()))
            raise


def _tried(probe: Probe) -> list[Finding]:
    port = probe.open()
    if port.state == "failure":
        return [port, _skipped(probe.name, "its port cannot be opened")]
    return [port, *probe.listen()]


def _skipped(name: str, why: str) -> Finding:
    return Finding(area="device", subject=name, state="not checked", found=why)


def _place(table: DeviceTable) -> str:
    return os.path.realpath(table.port)


def _shared_ports(mission: Mission) -> dict[str, list[str]]:
    """Who names each port, by what it really is."""
    users: dict[str, list[str]] = {}
    for table in mission.device:
        users.setdefault(_place(table), []).append(device_name(table))
    with contextlib.suppress(ConfigError):  # said by the check of the autopilot
        address = parse_address(mission.autopilot.link)
        if address.kind == "serial":
            users.setdefault(os.path.realpath(address.host), []).append("the autopilot")
    return users
