"""How the bridge is doing, once a second: what the screen shows and the recording keeps."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_bridge.mavlink import Autopilot
    from firmware_bridge.reader import Status
    from firmware_bridge.recorder import RecorderStatus
    from sensors.config import DeviceTable

__all__ = [
    "AutopilotHealth",
    "ClockHealth",
    "DeviceHealth",
    "DiskHealth",
    "Health",
    "autopilot_health",
    "device_health",
    "disk_health",
]

NS = 1_000_000_000
RECENT_S = 5.0
SILENT_S, SILENT_PERIODS = 5.0, 5.0  # without a frame a device is in trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHealth:
    """One device.

    Attributes
    ----------
    name, driver, port : str
    is_open : bool
    step : str
        What is being done with it: listening, opening, polling, streaming.
    rate_hz : float
        Frames a second.
    age_s : float
        Since the last frame; infinite before the first.
    warm_up_s : float
        Left until its readings can be used.
    frames, faults, garbage_bytes, dropped : int
        Whole frames, broken ones, bytes in neither, records nobody took in time.
    trouble : str
        What is wrong, in words; empty if nothing is.
    """

    name: str
    driver: str
    port: str
    is_open: bool
    step: str
    rate_hz: float
    age_s: float
    warm_up_s: float
    frames: int
    faults: int
    garbage_bytes: int
    dropped: int
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopilotHealth:
    """The vehicle and the link to it; None is not known."""

    link: str
    is_heard: bool
    vehicle: str | None = None
    mode: int | None = None
    armed: bool | None = None
    has_fix: bool | None = None
    satellites: int | None = None
    hdop: float | None = None
    battery_v: float | None = None
    battery_remaining: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    height_above_home_m: float | None = None
    wind_speed_m_s: float | None = None
    wind_from_deg: float | None = None
    counters: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockHealth:
    """Where UTC comes from, ``"vehicle"`` or ``"host"``, and how uncertain it is [s]."""

    source: str
    sigma_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskHealth:
    """The recording.

    Attributes
    ----------
    state : str
        As `RecorderStatus` names it.
    text : str
        The same for people, with what to do.
    news : str
        What went wrong last and is over, or empty.
    is_recording : bool
        What comes in reaches the disk.
    file : str
    written_bytes, lost_bytes, waiting_bytes, free_bytes : int
    minutes_left : float
        Until the disk is full, at the present rate.
    """

    state: str
    text: str
    news: str
    is_recording: bool
    file: str
    written_bytes: int
    lost_bytes: int
    waiting_bytes: int
    free_bytes: int
    minutes_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of it at one moment (`time_ns` is UTC)."""

    time_ns: int
    running_s: float
    devices: tuple[DeviceHealth, ...]
    autopilot: AutopilotHealth
    clock: ClockHealth
    disk: DiskHealth

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong, one line each, worst first."""
        found = [] if self.disk.is_recording else [f"recording: {self.disk.text}"]
        found += [f"{one.name}: {one.trouble}" for one in self.devices if one.trouble]
        if not self.autopilot.is_heard:
            found.append(f"autopilot: not heard on {self.autopilot.link}; readings have no place")
        elif self.autopilot.has_fix is False:
            found.append("autopilot: no GNSS fix; readings have no place")
        return tuple(found)

    @property
    def is_critical(self) -> bool:
        """Whether something that is needed does not work."""
        return not self.disk.is_recording or any(one.trouble for one in self.devices)

    def as_json(self) -> dict[str, Any]:
        """For the recording; infinite and unknown numbers are None."""
        told: dict[str, Any] = _plain(self)
        return {**told, "troubles": list(self.troubles)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(item) for name, item in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def device_health(
    status: Status, table: DeviceTable, *, running_s: float, is_running: bool, link_text: str
) -> DeviceHealth:
    """How a device is doing, and what is wrong with it.

    Parameters
    ----------
    status : Status
        Of its reader.
    table : DeviceTable
    running_s : float
        Since the bridge was started [s].
    is_running : bool
        Its reader's thread lives.
    link_text : str
        What was last said of its port.
    """
    counters = status.counters
    return DeviceHealth(
        name=status.name,
        driver=table.driver,
        port=table.port,
        is_open=status.is_open,
        step=status.step,
        rate_hz=status.rate_hz,
        age_s=status.age_s,
        warm_up_s=status.warm_up_s,
        frames=counters.frames_ok,
        faults=sum(counters.errors.values()),
        garbage_bytes=counters.garbage_bytes,
        dropped=status.dropped,
        trouble=_trouble(status, running_s, is_running, link_text),
    )


def _trouble(status: Status, running_s: float, is_running: bool, link_text: str) -> str:
    if not is_running:
        return "its reader has stopped, a fault of this program; start anew"
    if not status.is_open:
        return link_text or "its port is not open"
    if status.age_s > running_s:  # none yet
        silent_s = running_s
        heard = "no frame yet"
    else:
        silent_s = status.age_s
        heard = f"silent for {silent_s:.0f} s"
    if silent_s <= max(SILENT_S, SILENT_PERIODS / max(status.rate_hz, 0.1)):
        return ""
    garbage = status.counters.garbage_bytes
    hint = f"; {garbage} bytes in no frame, another device or baud rate?" if garbage else ""
    return heard + (hint or "; check power and wiring")


def autopilot_health(autopilot: Autopilot, link: str, now_ns: int) -> AutopilotHealth:
    """What the vehicle said of itself in the last `RECENT_S`."""
    latest = autopilot.vehicle.latest

    def told(name: str) -> dict[str, Any]:
        arrival_ns, fields = latest.get(name, (-(1 << 62), {}))
        return fields if now_ns - arrival_ns < RECENT_S * NS else {}

    heartbeat, gps, power = told("HEARTBEAT"), told("GPS_RAW_INT"), told("SYS_STATUS")
    place = told("GLOBAL_POSITION_INT")
    wind = told("WIND") or told("WIND_COV")
    return AutopilotHealth(
        link=link,
        is_heard=autopilot.vehicle.is_heard,
        vehicle=heartbeat.get("vehicle"),
        mode=heartbeat.get("custom_mode"),
        armed=heartbeat.get("armed"),
        has_fix=gps["lat_deg"] is not None if gps else None,
        satellites=gps.get("satellites"),
        hdop=gps.get("hdop"),
        battery_v=power.get("voltage_V"),
        battery_remaining=power.get("remaining"),
        latitude=place.get("lat_deg"),
        longitude=place.get("lon_deg"),
        height_above_home_m=place.get("alt_above_home_m"),
        wind_speed_m_s=wind.get("wind_speed_m_s"),
        wind_from_deg=wind.get("wind_from_deg"),
        counters=autopilot.counters(),
    )


def disk_health(status: RecorderStatus) -> DiskHealth:
    """How the recording is doing."""
    return DiskHealth(
        state=status.state,
        text=status.text,
        news=status.news,
        is_recording=status.is_recording,
        file=str(status.file or ""),
        written_bytes=status.bytes_written,
        lost_bytes=status.lost_bytes,
        waiting_bytes=status.queue_bytes,
        free_bytes=status.free_bytes,
        minutes_left=status.minutes_left,
    )
