"""Gas readings and alarms from our TUNNEL messages, window by window of a .tlog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firmware_bridge.formats._columns import event_batch, position_batch
from firmware_bridge.formats._mavlink_tunnel import IDENTITY, tunnels_in
from firmware_bridge.telemetry_names import channel_of_species
from firmware_bridge.tunnel import SPECIES, UNITS, TunnelFlag
from sensors.records import Quality, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_tunnel import ChannelKey, Tunnels
    from firmware_bridge.formats._mavlink_tunnel_names import TunnelSurvey
    from firmware_bridge.formats._mavlink_window import VehicleWindow
    from firmware_bridge.logfile import ReadReport
    from sensors.records import Clock

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    QualityArray = NDArray[np.uint16]

__all__ = ["TunnelLog"]

_GAS, _STATUS = 1, 3
_LATEST_US = 1 << 52
_FAR_NS = 30_000_000_000  # between UTC in a payload and its arrival: one of the clocks is wrong
_VOID = Quality.MISSING | Quality.FAULT | Quality.OUT_OF_RANGE
_OF_DEVICE = {
    TunnelFlag.WARMING_UP: Quality.WARMING_UP,
    TunnelFlag.SATURATED: Quality.SATURATED,
    TunnelFlag.FAULT: Quality.FAULT,
}
# as bytes, which numpy can sort if the last is not 0
_KEY = np.dtype(
    [
        ("component", "u1"),
        ("device", "<u2"),
        ("sequence", "<u4"),
        ("time_us", "<u8"),
        ("end", "u1"),
    ]
)


class TunnelLog:
    """Makes batches of the TUNNEL messages of a file.

    Parameters
    ----------
    survey : TunnelSurvey
        What the channels are called, and where UTC lies on the boot clock.
    report : ReadReport
        Is told, at the end, what was wrong.
    """

    def __init__(self, survey: TunnelSurvey, report: ReadReport) -> None:
        self._survey, self._report = survey, report
        self._seen = np.zeros(0, f"S{_KEY.itemsize}")
        self._broken = self._misdated = self._unread = 0
        self._is_replay = False

    def batches(self, window: VehicleWindow) -> Iterator[RecordBatch]:
        """Gas and events of a window."""
        found = tunnels_in(window)
        if found is None:
            return
        self._broken += found.broken
        found = self._once(found)
        self._is_replay |= bool((found.head["flags"] & TunnelFlag.REPLAYED).any())
        yield from self._gas(window, found.where(found.head["kind"] == _GAS))
        alarms = found.where(found.head["kind"] == _STATUS)
        if alarms.row.size:
            events = event_batch("TUNNEL", self._alarms(window, alarms), clock=window.clock_name)
            if events is not None:
                yield events

    def close(self) -> None:
        """Say what was wrong, and what is left out."""
        path, said = self._report.path, self._report.warnings
        if self._broken:
            said.append(f"{path}: {self._broken} gas TUNNEL payload(s) not as they should be")
        if self._misdated:
            said.append(
                f"{path}: {self._misdated} gas TUNNEL message(s) are dated more than 30 s from "
                "their arrival; they are placed by their arrival instead"
            )
        if self._unread:
            said.append(
                f"{path}: {self._unread} TUNNEL value(s) in no unit of a gas channel left out"
            )
        if self._is_replay:
            said.append(f"{path}: holds gas readings that were replayed or simulated")
        said += [f"{path}: {note}" for note in self._survey.notes]

    def _once(self, found: Tunnels) -> Tunnels:
        """Without what came again, over another link: the same device, sequence and time."""
        head = found.head
        keys = np.zeros(head.size, _KEY)
        keys["component"], keys["device"] = found.component, head["device"]
        keys["sequence"], keys["time_us"] = head["sequence"], head["time_us"]
        keys["end"] = 1
        octets = keys.view(f"S{_KEY.itemsize}").reshape(-1)
        _, first = np.unique(octets, return_index=True)
        chosen = np.sort(first)
        chosen = chosen[~np.isin(octets[chosen], self._seen)]
        self._seen = octets
        return found.where(chosen)

    def _times(self, window: VehicleWindow, found: Tunnels) -> tuple[IntArray, QualityArray]:
        """Sample times on the window's clock, and what is to be said of them."""
        head, arrival_ns = found.head, found.arrival_ns
        interpolated = np.full(head.size, Quality.INTERPOLATED, np.uint16)
        if window.clock_name != "boot" or self._survey.utc_minus_boot_ns is None:
            return arrival_ns, interpolated
        is_utc = (head["flags"] & TunnelFlag.UTC) > 0
        told_ns = np.minimum(head["time_us"], _LATEST_US).astype(np.int64) * 1000
        on_line_ns = window.boot_time_ns(found.row, told_ns)
        time_ns = np.where(is_utc, told_ns - self._survey.utc_minus_boot_ns, on_line_ns)
        is_far = np.abs(time_ns - arrival_ns) > _FAR_NS
        self._misdated += int(is_far.sum())
        poor = np.uint16(Quality.INTERPOLATED | Quality.CLOCK_POOR)
        quality = np.where(is_far, poor, np.uint16(0))
        quality[(head["flags"] & TunnelFlag.CLOCK_POOR) > 0] |= np.uint16(Quality.CLOCK_POOR)
        return np.where(is_far, arrival_ns, time_ns), quality

    def _gas(self, window: VehicleWindow, found: Tunnels) -> Iterator[RecordBatch]:
        if not found.row.size:
            return
        time_ns, clock_quality = self._times(window, found)
        if not self._survey.has_place:
            yield _places(found, time_ns, window.clock_name)
        for rows in _same_layout(found):
            some = found.where(rows)
            yield from self._device(window, some, time_ns[rows], clock_quality[rows])

    def _device(
        self, window: VehicleWindow, found: Tunnels, time_ns: IntArray, clock: QualityArray
    ) -> Iterator[RecordBatch]:
        """Batches of messages that all have the same channels.

        A row has one quality: where channels differ in it, a message becomes several rows.
        """
        component, device = int(found.component[0]), int(found.head["device"][0])
        values: list[FloatArray] = []
        quality: list[QualityArray] = []
        names: list[tuple[str, str]] = []
        for place in range(int(found.head["number"][0])):
            column = found.channels[:, place]
            told = self._survey.channels.get(_key(component, device, column[0]))
            if told is None:
                self._unread += found.row.size
                continue
            bits = column["quality"].astype(np.uint16)
            value = column["value"].astype(np.float64) * told.scale
            values.append(value)
            quality.append(np.where(np.isfinite(value), bits, bits | np.uint16(Quality.MISSING)))
            names.append((told.channel, told.unit))
        if not names:
            return
        bits = np.stack(quality, axis=1) | _device_bits(found.head["flags"], quality)
        table = np.where(bits & np.uint16(_VOID), np.nan, np.stack(values, axis=1))
        for rows, flags, is_of_it in _by_quality(bits):
            columns = np.where(is_of_it, table[rows], np.nan)
            told_of = np.flatnonzero(is_of_it.any(axis=0)).tolist()
            yield RecordBatch(
                kind="gas",
                source=f"TUNNEL {component}.{device}",
                time_ns=time_ns[rows],
                columns={names[place][0]: columns[:, place] for place in told_of},
                clock=window.clock_name,
                units=dict(names[place] for place in told_of),
                quality=clock[rows] | flags,
            )

    def _alarms(self, window: VehicleWindow, found: Tunnels) -> Iterator[tuple[int, str, str]]:
        time_ns, _ = self._times(window, found)
        for place, moment in enumerate(time_ns.tolist()):
            head = found.head[place]
            for channel in found.channels[place, : int(head["number"])]:
                key = _key(int(found.component[place]), int(head["device"]), channel)
                yield moment, "alarm", self._alarm_text(key, float(channel["value"]))

    def _alarm_text(self, key: ChannelKey, excess: float) -> str:
        told = self._survey.channels.get(key) or channel_of_species(key[3], key[4])
        name = told.channel if told else SPECIES.get(key[3], f"species {key[3]}")
        if excess == 0.0:
            return f"{name}: over"
        return f"{name}: {excess:.4g} {UNITS.get(key[4], f'unit {key[4]}')} above clean air"


def _places(found: Tunnels, time_ns: IntArray, clock: Clock) -> RecordBatch:
    """Where the vehicle was by what the bridge knew; one row for each moment."""
    head, moments = found.head, np.unique(time_ns, return_index=True)[1]
    flags = head["flags"][moments]
    altitude = head["altitude"][moments] * 1e-3
    return position_batch(
        "TUNNEL",
        time_ns[moments],
        latitude=head["latitude"][moments] * 1e-7,
        longitude=head["longitude"][moments] * 1e-7,
        altitude_amsl_m=np.where(flags & TunnelFlag.ALTITUDE, altitude, np.nan),
        is_fix=(flags & TunnelFlag.POSITION) > 0,
        clock=clock,
    )


def _key(component: int, device: int, channel: Any) -> ChannelKey:
    index, species, unit = (int(channel[name]) for name in IDENTITY)
    return component, device, index, species, unit


def _same_layout(found: Tunnels) -> Iterator[NDArray[np.intp]]:
    """Rows of messages of one device that hold the same channels."""
    kind = found.devices() * 16 + found.head["number"]
    for place in range(int(found.head["number"].max())):
        # whole numbers sort ten times as fast as rows of them
        _, kind = np.unique(kind, return_inverse=True)
        kind = (kind << 24) + found.identity(place)
    _, kind = np.unique(kind, return_inverse=True)
    for each in range(int(kind.max()) + 1):
        yield np.flatnonzero(kind == each)


def _device_bits(flags: NDArray[Any], quality: list[QualityArray]) -> QualityArray:
    """What a device says of all its channels, where it does not say of which."""
    bits = np.zeros((flags.size, 1), np.uint16)
    told = np.bitwise_or.reduce(np.stack(quality, axis=1), axis=1)
    for flag, bit in _OF_DEVICE.items():
        is_all = ((flags & flag) > 0) & ((told & np.uint16(bit)) == 0)
        bits[is_all, 0] |= np.uint16(bit)
    return bits


def _by_quality(
    bits: QualityArray,
) -> Iterator[tuple[NDArray[np.intp], np.uint16, NDArray[np.bool_]]]:
    """Rows, quality, and which channels of those rows have it; all channels of most rows do.

    A void channel goes with the others of its row: its value is NaN.
    """
    is_void = (bits & np.uint16(_VOID)) > 0
    of_row = np.where(is_void, np.uint16(0xFFFF), bits).min(axis=1)
    all_void = is_void.all(axis=1)
    of_row[all_void] = bits[all_void].min(axis=1)
    for value in np.unique(np.concatenate([of_row, bits[~is_void]])):
        has = (bits == value) & ~is_void
        has |= is_void & (of_row == value)[:, np.newaxis]
        rows = np.flatnonzero(has.any(axis=1))
        if rows.size:
            yield rows, np.uint16(value), has[rows]
