"""Anemoment (LI-COR) TriSonica Mini and Sphere: the usual three-axis anemometer on drones."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Dialogue, Moment
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame
from sensors.records import Event, Quality, WindSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["Driver"]

# Tags and the values they can have; below -99 a field is void whatever its range.
LIMITS = {
    "S": (0.0, 60.0),
    "S2": (0.0, 60.0),
    "D": (0.0, 360.0),
    "DV": (-90.0, 90.0),
    "U": (-60.0, 60.0),
    "V": (-60.0, 60.0),
    "W": (-60.0, 60.0),
    "T": (-60.0, 80.0),
    "C": (250.0, 450.0),
    "H": (0.0, 100.0),
    "DP": (-60.0, 80.0),
    "P": (300.0, 1150.0),
    "AD": (0.0, 2.0),
    "AX": (-40_000.0, 40_000.0),
    "AY": (-40_000.0, 40_000.0),
    "AZ": (-40_000.0, 40_000.0),
    "PI": (-180.0, 180.0),
    "RO": (-180.0, 180.0),
    "MX": (-40_000.0, 40_000.0),
    "MY": (-40_000.0, 40_000.0),
    "MZ": (-40_000.0, 40_000.0),
    "MD": (0.0, 360.0),
    "TD": (0.0, 360.0),
}
FEWEST_TAGS = 3  # fewer come by chance out of noise: "H 5" is two letters
LEARNT_AFTER = 10  # lines: a second or two, as it is set up
NEEDED = ("U", "V", "T")
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,7})?")
# name in si, factor and offset
_SI = {
    "S": ("wind_speed_3d_m_s", 1.0, 0.0),
    "D": ("wind_from_deg", 1.0, 0.0),
    "U": ("u_m_s", 1.0, 0.0),
    "V": ("v_m_s", 1.0, 0.0),
    "W": ("w_m_s", 1.0, 0.0),
    "T": ("temperature_K", 1.0, 273.15),
    "C": ("speed_of_sound_m_s", 1.0, 0.0),
    "H": ("relative_humidity_fraction", 0.01, 0.0),
    "P": ("pressure_Pa", 100.0, 0.0),
}


class _Decoder(LineDecoder):
    """There is no checksum: a line counts only if all of it is pairs of known tag and number.

    Tags are known that the first lines had; any may be left out later. A new one is refused,
    unless the line after has it as well: then the instrument was set up anew.
    """

    longest = 400

    def __init__(self) -> None:
        super().__init__()
        self._tags: set[str] = set()
        self._lines = 0
        self._doubted: set[str] = set()

    def parse_line(self, line: str) -> Parsed | None:
        raw = _pairs(line)
        self._check_known(set(raw))
        invalid = [name for name, value in raw.items() if not _is_valid(name, value)]
        good = {name: value for name, value in raw.items() if name not in invalid}
        si: dict[str, float | None] = {}
        for tag, (name, factor, offset) in _SI.items():
            if tag in raw:
                si[name] = good[tag] * factor + offset if tag in good else None
        if "S2" in raw or {"U", "V"} <= raw.keys():
            si["wind_speed_m_s"] = _horizontal(good)
        told: dict[str, Any] = {"raw": raw, "si": si}
        if invalid:
            told["invalid"] = invalid
        return "wind", told

    def _check_known(self, tags: set[str]) -> None:
        new = tags - self._tags
        if new and self._lines >= LEARNT_AFTER and not new <= self._doubted:
            self._doubted = new
            raise BrokenFrame("format")
        self._tags |= new
        self._doubted = set()
        self._lines += 1


def _pairs(line: str) -> dict[str, float]:
    """Tags and numbers of a line.

    Raises
    ------
    BrokenFrame
        Not all of it is pairs of them, or a tag comes twice.
    """
    tokens = line.split()
    if len(tokens) % 2 or len(tokens) < 2 * FEWEST_TAGS:
        raise BrokenFrame("format")
    raw: dict[str, float] = {}
    for tag, text in zip(tokens[::2], tokens[1::2], strict=True):
        name = "PI" if tag == "P" and "P" in raw else tag  # older set-ups call pitch P as well
        if name not in LIMITS or name in raw or not _NUMBER.fullmatch(text):
            raise BrokenFrame("format")
        raw[name] = float(text) if "." in text else int(text)
    return raw


def _is_valid(name: str, value: float) -> bool:
    low, high = LIMITS[name]
    return low <= value <= high


def _horizontal(good: Mapping[str, float]) -> float | None:
    """S2, or what the components make; S is the speed in three dimensions."""
    if "S2" in good:
        return good["S2"]
    return math.hypot(good["U"], good["V"]) if "U" in good and "V" in good else None


class Driver(Base):
    """It speaks by itself; its settings are never entered.

    U and V point where the air moves to, along the instrument's east and north. The
    temperature is that of sound, some tenths of a kelvin above that of humid air.
    """

    device = Device(
        title="Anemoment TriSonica Mini / Sphere (LI-COR LI-550)",
        measures="wind in three axes [m/s], temperature, humidity, pressure",
        wiring="UART, RS-232 or USB 8N1",
        baud=115_200,
        other_bauds=(230_400, 57_600, 9600),
        rate_hz=40.0,
    )

    def __init__(self, *, model: str = "", channels: Sequence[str] = ()) -> None:
        super().__init__(model=model, channels=channels)
        self._heard: list[set[str]] = []

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(listen_s=1.0)

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        pairs = (f"{tag} {_written(value)}" for tag, value in frame["raw"].items())
        return (" ".join(pairs) + " \r\n").encode()

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        si = frame.fields["si"]
        found: list[Record] = [_wind(si, moment)]
        if any(name in si for name in nmea.AIR):
            found.append(nmea.air(moment, si))
        if len(self._heard) < LEARNT_AFTER:
            self._heard.append(set(frame.fields["raw"]))
            if len(self._heard) == LEARNT_AFTER:
                found += self._switched_off(moment)
        return found

    def _switched_off(self, moment: Moment) -> list[Record]:
        """Tags that should be there and are not: said once."""
        off = ", ".join(tag for tag in NEEDED if tag not in set().union(*self._heard))
        if not off:
            return []
        text = f"{off}: switched off in its settings; switch on U, V and T on the ground"
        return [Event(moment.time_ns, moment.source, "device", text, moment.time_sigma_s)]


def _written(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}"


def _wind(si: Mapping[str, float | None], moment: Moment) -> WindSample:
    u, v, w = (si.get(name) for name in ("u_m_s", "v_m_s", "w_m_s"))
    if u is None or v is None:
        return nmea.polar_wind(moment, si.get("wind_speed_m_s"), si.get("wind_from_deg"))
    return WindSample(
        moment.time_ns,
        moment.source,
        u,
        v,
        math.nan if w is None else w,
        quality=Quality(0),
        time_sigma_s=moment.time_sigma_s,
        frame="vehicle",
    )
