"""All devices, the autopilot and the recorder under one roof, stepped by one loop."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING

from firmware_bridge.airborne_wind import AirborneWind
from firmware_bridge.claims import claim_ports
from firmware_bridge.clock import BridgeClock
from firmware_bridge.health import (
    ClockHealth,
    Health,
    autopilot_health,
    device_health,
    disk_health,
)
from firmware_bridge.link import SerialLink
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.mavlink_ports import parse_address
from firmware_bridge.reader import DeviceReader
from firmware_bridge.recording import CLOCK
from sensors.calibration import mission_driver
from sensors.records import Event, WindSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from firmware_bridge.mavlink_link import Arrival
    from firmware_bridge.mavlink_records import Record as VehicleRecord
    from firmware_bridge.recorder import Recorder
    from sensors.config import DeviceTable, Mission
    from sensors.devices import Record as DeviceRecord

    Record = DeviceRecord | VehicleRecord

__all__ = ["AUTOPILOT", "Bridge", "device_name"]

NS = 1_000_000_000
CLOCK_EVERY_NS = NS
GATHER_S = 0.03  # thirty-three rounds a second at most
ANEMOMETER_HZ, USUAL_HZ = 20.0, 10.0
AUTOPILOT = "autopilot"  # what it is called in records
LINK_KINDS = ("link opened", "link back", "link lost", "link down")


def device_name(table: DeviceTable) -> str:
    """What a device is called in records."""
    return table.name or table.driver


class Bridge:
    """Reads everything a mission names and records it.

    Devices are read in threads of their own and their bytes recorded from there; what they say
    is decoded and handed out by `take_readings` and `step_vehicle`. A device that is not there
    yet is waited for.

    Parameters
    ----------
    mission : Mission
    folder : Path
        Where the mission file is: relative paths in it count from there.
    recorder : callable
        Makes the recorder, given what has to be added to the monotonic clock to get UTC by this
        computer's clock [ns].
    clock : BridgeClock, optional
    monotonic_ns : callable

    Attributes
    ----------
    autopilot : Autopilot
    clock : BridgeClock
    recorder : Recorder

    Raises
    ------
    ConfigError
        A device, the link or the key is not as it should be.
    PortInUse
        Another program holds a port; nothing is recorded then.
    """

    def __init__(
        self,
        mission: Mission,
        *,
        folder: Path,
        recorder: Callable[[int], Recorder],
        clock: BridgeClock | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._wake = threading.Event()
        self._is_flowing = False
        self.clock = clock or BridgeClock()
        self._link_address = mission.autopilot.link
        self._tables = {device_name(table): table for table in mission.device}
        drivers = {name: mission_driver(table) for name, table in self._tables.items()}
        has_anemometer = any("wind" in driver.device.measures for driver in drivers.values())
        self._links = {
            name: SerialLink(table.port, table.baud or drivers[name].device.baud)
            for name, table in self._tables.items()
        }
        claim_ports(self._links.values(), parse_address(mission.autopilot.link))
        self.recorder = recorder(self.clock.host.utc_of_monotonic(0).time_ns)
        self.autopilot = Autopilot(
            mission.autopilot,
            clock=self.clock,
            folder=folder,
            tap=self._keep_arrival,
            on_records=self._keeper_of_records(AUTOPILOT),
            attitude_hz=ANEMOMETER_HZ if has_anemometer else USUAL_HZ,
            wake=self._wake,
            monotonic_ns=monotonic_ns,
        )
        self._readers = {
            name: DeviceReader(
                name,
                driver,
                self._links[name],
                utc_of=self.clock.utc_of_monotonic,
                on_bytes=self._keeper_of_bytes(name),
                on_frame=self._keeper_of_records(name),
                wake=self._wake,
                monotonic_ns=monotonic_ns,
            )
            for name, driver in drivers.items()
        }
        self._wind = AirborneWind(self.autopilot.vehicle.latest)
        self._link_texts: dict[str, str] = {}
        self._begun_ns = monotonic_ns()
        self._clock_told_ns = -(1 << 62)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to read; ports that are not there are opened when they come."""
        self.recorder.describe(AUTOPILOT, {"link": self._link_address})
        for name, reader in self._readers.items():
            table = self._tables[name]
            self.recorder.describe(name, {"link": table.port, "driver": table.driver})
            reader.start(wait_for_port=True)

    def close(self) -> None:
        """Stop reading, give all ports back and finish the recording.

        Raises
        ------
        Exception
            What ended a thread before its time: a fault of this program.
        """
        with contextlib.ExitStack() as stack:  # the last one entered is closed first
            stack.callback(self.recorder.close)
            stack.callback(self._keep_clock_fit)
            stack.callback(self.autopilot.close)
            for reader in self._readers.values():
                stack.callback(reader.close)

    @property
    def device_names(self) -> tuple[str, ...]:
        """In the order of the mission file."""
        return tuple(self._tables)

    def wait(self, timeout_s: float) -> None:
        """Wait until anything came from anywhere, at most so long.

        While data flow, rounds are a fixed time apart: what comes together is taken together,
        and nobody is woken for each of hundreds of messages a second.
        """
        if self._is_flowing or self._wake.wait(timeout_s):
            time.sleep(GATHER_S)
        self._is_flowing = self._wake.is_set()
        self._wake.clear()

    def take_readings(self) -> list[DeviceRecord]:
        """What the devices said since the last call, in order for each of them."""
        found: list[DeviceRecord] = []
        for name, reader in self._readers.items():
            reader.work()
            records = list(_waiting(reader))
            self._note_link(name, records)
            found += records
            found += self._wind_over_ground(name, records)
        return found

    def step_vehicle(self, *, is_critical: bool = False) -> list[VehicleRecord]:
        """What the vehicle said since the last call.

        Sends it what is due, our heartbeat too: a bridge whose loop hangs falls silent.

        Parameters
        ----------
        is_critical : bool
            Something that is needed does not work; our heartbeat says so.
        """
        told = self.autopilot.step(is_critical=is_critical)
        self._keep_clock()
        return told

    def monotonic_of(self, utc_ns: int) -> int:
        """The moment on our clock that has this UTC, as far as is known now."""
        now_ns = self._monotonic_ns()
        return now_ns - (self.clock.utc_of_monotonic(now_ns).time_ns - utc_ns)

    def health(self) -> Health:
        """How everything is doing now."""
        now_ns = self._monotonic_ns()
        utc = self.clock.utc_of_monotonic(now_ns)
        running_s = (now_ns - self._begun_ns) / NS
        return Health(
            time_ns=utc.time_ns,
            running_s=running_s,
            devices=tuple(
                device_health(
                    reader.status(),
                    self._tables[name],
                    running_s=running_s,
                    is_running=reader.is_running,
                    link_text=self._link_texts.get(name, ""),
                )
                for name, reader in self._readers.items()
            ),
            autopilot=autopilot_health(self.autopilot, self._link_address, now_ns),
            clock=ClockHealth(source=self._clock_source(now_ns), sigma_s=utc.sigma_s),
            disk=disk_health(self.recorder.status()),
        )

    def _keeper_of_bytes(self, name: str) -> Callable[[bytes, int], None]:
        return lambda data, time_ns: self.recorder.raw(name, data, time_ns)

    def _keeper_of_records(self, name: str) -> Callable[[Sequence[Record], int, int], None]:
        def keep(records: Sequence[Record], arrival_ns: int, sample_ns: int) -> None:
            self.recorder.record(name, records, arrival_ns=arrival_ns, sample_ns=sample_ns)

        return keep

    def _keep_arrival(self, arrival: Arrival) -> None:
        self.recorder.raw(AUTOPILOT, arrival.data, arrival.time_ns, peer=arrival.peer)

    def _keep_clock(self) -> None:
        """What ties the recording's time to UTC."""
        now_ns = self._monotonic_ns()
        if now_ns - self._clock_told_ns < CLOCK_EVERY_NS:
            return
        self._clock_told_ns = now_ns
        utc = self.clock.utc_of_monotonic(now_ns)
        told = {
            "utc_ns": utc.time_ns,
            "sigma_s": utc.sigma_s,
            "source": self._clock_source(now_ns),
            "host_step_s": self.clock.host.step_s(),
        }
        self.recorder.message(CLOCK, told, now_ns)

    def _keep_clock_fit(self) -> None:
        """How the recording's time stands to UTC at the end, for every file's metadata."""
        now_ns = self._monotonic_ns()
        utc = self.clock.utc_of_monotonic(now_ns)
        fit = {
            "monotonic_ns": str(now_ns),
            "utc_ns": str(utc.time_ns),
            "sigma_s": f"{utc.sigma_s:.6g}",
            "source": self._clock_source(now_ns),
        }
        self.recorder.metadata("clock", fit)

    def _clock_source(self, now_ns: int) -> str:
        ours = self.clock.host.utc_of_monotonic(now_ns)
        return "host" if self.clock.utc_of_monotonic(now_ns) == ours else "vehicle"

    def _wind_over_ground(self, name: str, records: Iterable[DeviceRecord]) -> list[DeviceRecord]:
        """Of what a carried anemometer feels; recorded beside it."""
        found: list[DeviceRecord] = []
        for record in records:
            if isinstance(record, WindSample) and record.frame == "vehicle":
                sample_ns = self.monotonic_of(record.time_ns)
                wind = self._wind.of(record, sample_ns)
                if wind is not None:
                    found.append(wind)
                    self.recorder.record(
                        name, [wind], arrival_ns=self._monotonic_ns(), sample_ns=sample_ns
                    )
        return found

    def _note_link(self, name: str, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, Event) and record.kind in LINK_KINDS:
                self._link_texts[name] = record.text


def _waiting(reader: DeviceReader) -> Iterator[DeviceRecord]:
    with contextlib.suppress(queue.Empty):
        while True:
            yield reader.records.get_nowait()
