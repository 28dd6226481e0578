"""The payload our gas readings travel in to the ground: MAVLink TUNNEL, type 42497."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Any

from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MOST_CHANNELS",
    "PAYLOAD_TYPE",
    "SPECIES",
    "UNITS",
    "Batch",
    "Channel",
    "TunnelFlag",
    "batch_from_json",
    "decode_batch",
]

PAYLOAD_TYPE = 42497  # 0xA601; types above 32767 are for local use
VERSION = 1
MOST_CHANNELS = 8
UNKNOWN = 2**31 - 1

_HEAD = struct.Struct("<BBHIQiiiHBB")
_CHANNEL = struct.Struct("<BBBBff")

SPECIES = {
    0: "?", 1: "CH4", 2: "CO2", 3: "CO", 4: "NH3", 5: "H2S", 6: "SO2", 7: "NO2", 8: "NO", 9: "O3",
    10: "HCHO", 11: "VOC", 12: "H2", 13: "O2", 14: "ethanol", 15: "C3H8", 16: "PM1", 17: "PM2.5",
    18: "PM10", 19: "N2O", 20: "HCl", 21: "Cl2", 22: "HF", 23: "PH3", 200: "VOC index", 201: "raw",
}  # fmt: skip
UNITS = {
    0: "", 1: "ppm", 2: "ppb", 3: "%vol", 4: "%LEL", 5: "ug/m3", 6: "mg/m3", 7: "ppm.m", 8: "ohm",
    9: "V", 10: "index", 11: "/cm3",
}  # fmt: skip
_IN_SI = {
    "ppm": ("mole_fraction", 1e-6),
    "ppb": ("mole_fraction", 1e-9),
    "%vol": ("mole_fraction", 1e-2),
    "ug/m3": ("mass_concentration_kg_m3", 1e-9),
    "mg/m3": ("mass_concentration_kg_m3", 1e-6),
    "ppm.m": ("path_integrated_mole_fraction_m", 1e-6),
    "ohm": ("resistance_ohm", 1.0),
    "V": ("voltage_V", 1.0),
    "/cm3": ("number_concentration_per_m3", 1e6),
}


class TunnelFlag(IntFlag):
    """What holds for a whole batch."""

    UTC = 1  # otherwise the time is the autopilot's, since boot
    POSITION = 2
    ALTITUDE = 4
    WARMING_UP = 8
    SATURATED = 16
    BELOW_DETECTION = 32
    FAULT = 64
    CALIBRATED = 128
    CLOCK_POOR = 256
    REPLAYED = 512  # or simulated


NO_FLAGS = TunnelFlag(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One value: `species` and `unit` as `SPECIES` and `UNITS` number them, NaN if unknown."""

    index: int
    species: int
    unit: int
    value: float
    sigma: float = math.nan
    quality: int = 0

    def as_json(self) -> dict[str, Any]:
        """By name where the number has one, and in SI where the unit can be."""
        unit = UNITS.get(self.unit, self.unit)
        told = {
            "index": self.index,
            "species": SPECIES.get(self.species, self.species),
            "unit": unit,
            "quality": self.quality,
            "value": _known(self.value),
            "sigma": _known(self.sigma),
        }
        if unit in _IN_SI:
            name, scale = _IN_SI[str(unit)]
            told[name] = _known(self.value * scale)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one device said at one moment.

    Attributes
    ----------
    kind : int
        1 gas, 2 wind, 3 status.
    device, sequence : int
    time_us : int
        UTC with the flag for it, else since the autopilot started [us].
    latitude, longitude : float
        WGS 84 [deg]; NaN if unknown.
    altitude_amsl_m : float
        NaN if unknown.
    flags : TunnelFlag
        Those of position and altitude follow from the values.
    channels : tuple of Channel
        At most 8.
    """

    device: int
    sequence: int
    time_us: int
    channels: tuple[Channel, ...]
    kind: int = 1
    latitude: float = math.nan
    longitude: float = math.nan
    altitude_amsl_m: float = math.nan
    flags: TunnelFlag = NO_FLAGS

    def encode(self) -> bytes:
        """The payload, 32 + 12 n bytes.

        Raises
        ------
        ValueError
            More than 8 channels, or a number that does not fit.
        """
        if len(self.channels) > MOST_CHANNELS:
            raise ValueError(f"{len(self.channels)} channels; a TUNNEL carries {MOST_CHANNELS}")
        flags = self.flags & ~(TunnelFlag.POSITION | TunnelFlag.ALTITUDE)
        if math.isfinite(self.latitude) and math.isfinite(self.longitude):
            flags |= TunnelFlag.POSITION
            place = (round(self.latitude * 1e7), round(self.longitude * 1e7))
        else:
            place = (UNKNOWN, UNKNOWN)
        altitude = UNKNOWN
        if math.isfinite(self.altitude_amsl_m):
            flags |= TunnelFlag.ALTITUDE
            altitude = round(self.altitude_amsl_m * 1e3)
        try:
            head = _HEAD.pack(
                VERSION,
                self.kind,
                self.device,
                self.sequence & 0xFFFFFFFF,
                self.time_us,
                *place,
                altitude,
                flags,
                len(self.channels),
                0,
            )
            return head + b"".join(
                _CHANNEL.pack(c.index, c.species, c.unit, c.quality, c.value, c.sigma)
                for c in self.channels
            )
        except (struct.error, OverflowError) as error:
            raise ValueError(f"does not fit in a TUNNEL: {error}") from error

    def as_json(self) -> dict[str, Any]:
        """As golden_vectors.json spells it."""
        return {
            "version": VERSION,
            "sample_kind": self.kind,
            "device": self.device,
            "sequence": self.sequence,
            "time_us": self.time_us,
            "lat_deg": _known(self.latitude),
            "lon_deg": _known(self.longitude),
            "alt_amsl_m": _known(self.altitude_amsl_m),
            "flags": int(self.flags),
            "channels": [channel.as_json() for channel in self.channels],
        }


def decode_batch(payload: bytes) -> Batch:
    """What a payload says; `payload` has the length its TUNNEL says, not what was left on the wire.

    Raises
    ------
    BrokenFrame
        "version", or "length".
    """
    if not payload:
        raise BrokenFrame("length")
    if payload[0] != VERSION:
        raise BrokenFrame("version")
    if len(payload) < _HEAD.size or payload[30] > MOST_CHANNELS:
        raise BrokenFrame("length")
    _, kind, device, sequence, time_us, lat, lon, alt, flags, number, _ = _HEAD.unpack_from(payload)
    if len(payload) != _HEAD.size + number * _CHANNEL.size:
        raise BrokenFrame("length")
    channels = []
    for index, species, unit, quality, value, sigma in _CHANNEL.iter_unpack(payload[_HEAD.size :]):
        channels.append(
            Channel(
                index=index, species=species, unit=unit, quality=quality, value=value, sigma=sigma
            )
        )
    has_place = flags & TunnelFlag.POSITION and UNKNOWN not in {lat, lon}
    has_altitude = flags & TunnelFlag.ALTITUDE and alt != UNKNOWN
    return Batch(
        kind=kind,
        device=device,
        sequence=sequence,
        time_us=time_us,
        latitude=lat * 1e-7 if has_place else math.nan,
        longitude=lon * 1e-7 if has_place else math.nan,
        altitude_amsl_m=alt * 1e-3 if has_altitude else math.nan,
        flags=TunnelFlag(flags),
        channels=tuple(channels),
    )


def batch_from_json(told: Mapping[str, Any]) -> Batch:
    """The batch that `Batch.as_json` describes."""
    species = {name: number for number, name in SPECIES.items()}
    units = {name: number for number, name in UNITS.items()}

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    return Batch(
        kind=told["sample_kind"],
        device=told["device"],
        sequence=told["sequence"],
        time_us=told["time_us"],
        latitude=number(told["lat_deg"]),
        longitude=number(told["lon_deg"]),
        altitude_amsl_m=number(told["alt_amsl_m"]),
        flags=TunnelFlag(told["flags"]),
        channels=tuple(
            Channel(
                index=one["index"],
                species=species.get(one["species"], one["species"]),
                unit=units.get(one["unit"], one["unit"]),
                quality=one["quality"],
                value=number(one["value"]),
                sigma=number(one["sigma"]),
            )
            for one in told["channels"]
        ),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
