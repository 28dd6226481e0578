"""What one instrument said at one moment, and columns of the same.

A single record exists on live paths only; files are read as `RecordBatch` columns. Each carries
UTC and the standard deviation of that time [s], NaN where it is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "GOOD",
    "Clock",
    "EnvironmentSample",
    "Event",
    "GasSample",
    "PoseSample",
    "Quality",
    "RecordBatch",
    "RecordKind",
    "WindSample",
]


class Quality(IntFlag):
    """Quality bits of a reading; 0 is a good one. The same bits are CF `flag_masks` in a Flight."""

    MISSING = 1  # no value, or a void one
    OUT_OF_RANGE = 2  # outside what the instrument can read
    SATURATED = 4  # at the upper end of its range
    WARMING_UP = 8
    FAULT = 16  # the device reports an error
    INTERPOLATED = 32  # position or time comes from neighbours
    CLOCK_POOR = 64  # time uncertain by more than a second
    NO_POSITION = 128  # no position within the gap rule
    DISTURBED = 256  # the instrument was upset: a step of humidity, its own cleaning


GOOD = Quality(0)


@dataclass(frozen=True, slots=True)
class GasSample:
    """One gas reading: `value` in SI (mole fraction 1, kg m-3, ohm or V as `unit` says)."""

    time_ns: int
    source: str
    channel: str
    value: float
    unit: str
    quality: Quality = GOOD
    time_sigma_s: float = float("nan")


@dataclass(frozen=True, slots=True)
class PoseSample:
    """Where the vehicle was: degrees WGS 84, heights [m] kept apart by datum, NaN if unknown."""

    time_ns: int
    source: str
    latitude: float
    longitude: float
    altitude_amsl_m: float = float("nan")
    height_above_home_m: float = float("nan")
    height_above_ground_m: float = float("nan")
    quality: Quality = GOOD
    time_sigma_s: float = float("nan")


@dataclass(frozen=True, slots=True)
class WindSample:
    """The vector the air moves *towards* [m s-1].

    With ``frame="vehicle"`` "north" is the mark of the instrument, and what is measured is the
    air's movement past it: attitude and velocity of the vehicle turn it into wind.
    """

    time_ns: int
    source: str
    eastward: float
    northward: float
    upward: float = float("nan")
    quality: Quality = GOOD
    time_sigma_s: float = float("nan")
    frame: Literal["earth", "vehicle"] = "earth"


@dataclass(frozen=True, slots=True)
class EnvironmentSample:
    """Air temperature [K], relative humidity [1], pressure [Pa]; NaN if not measured."""

    time_ns: int
    source: str
    temperature: float = float("nan")
    relative_humidity: float = float("nan")
    pressure: float = float("nan")
    quality: Quality = GOOD
    time_sigma_s: float = float("nan")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a mode change, a lost device, a message to the pilot."""

    time_ns: int
    source: str
    kind: str
    text: str
    time_sigma_s: float = float("nan")


RecordKind = Literal["gas", "pose", "wind", "environment", "event", "clock"]

# "utc": ns since 1970. "boot": ns since the autopilot started. "receiver": ns since 1970 by
# the clock of whoever recorded, which may be any number of seconds off.
Clock = Literal["utc", "boot", "receiver"]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Columns of one kind of record from one source, in file order.

    Attributes
    ----------
    kind : {"gas", "pose", "wind", "environment", "event", "clock"}
        "clock" pairs the batch's own clock with another: its columns say which.
    source : str
        Device, topic or message the records come from, for example ``"GLOBAL_POSITION_INT"``.
    time_ns : ndarray of int64, shape (n,)
        Sample time on `clock`.
    columns : dict of str to ndarray, shape (n,)
        Named as the fields of the record class of that kind; gas has one column per channel;
        events have ``kind`` and ``text`` (object arrays); clock has ``utc_ns`` (int64).
    clock : {"utc", "boot", "receiver"}
    units : dict of str to str
        Unit of each gas channel, UDUNITS.
    quality : ndarray of uint16, shape (n,)
    """

    kind: RecordKind
    source: str
    time_ns: NDArray[np.int64]
    columns: dict[str, NDArray[np.generic]]
    clock: Clock = "utc"
    units: dict[str, str] = field(default_factory=dict)
    quality: NDArray[np.uint16] = field(default_factory=lambda: _no_flags(0))

    def __post_init__(self) -> None:
        if self.quality.size == 0 and self.time_ns.size:
            object.__setattr__(self, "quality", _no_flags(self.time_ns.size))
        lengths = {name: column.shape for name, column in self.columns.items()}
        wrong = {name for name, shape in lengths.items() if shape != self.time_ns.shape}
        if wrong or self.quality.shape != self.time_ns.shape:
            raise ValueError(
                f"{self.source}: columns {sorted(wrong)} differ in length from time_ns"
            )

    def __len__(self) -> int:
        return int(self.time_ns.size)


def _no_flags(count: int) -> NDArray[np.uint16]:
    import numpy as np  # noqa: PLC0415 - half of the time the flight side takes to start

    return np.zeros(count, np.uint16)
