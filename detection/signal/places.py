"""Where the readings of a Flight were taken, as far as it says how to take their background off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detection.signal.airborne import seconds
from detection.signal.shared_background import FEWEST_TOGETHER, usually_together
from detection.signal.stations import place_at_once, station_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Places", "averaging_s", "places_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Sensors that stand still, or one that moves.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
    stations : ndarray of int, shape (n,)
        Fixed sensor of each reading, -1 of a moving one.
    few : ndarray of int, shape (n,)
        The same for sensors with too few readings to tell each one's offset; -1 where there are
        stations.
    rows : tuple of ndarray of int
        Rows of each station, or all rows if there is none.
    averaging_s : float
        Of each reading; 0 if it is of a moment.
    step_s : float
        Time between readings of a fixed sensor, or that of which they are means.
    leave : bool
        Drift and background are not in the readings, or cannot be told from gas.
    share_background : bool
        So many fixed sensors read at once that one background can be told from them.
    """

    time_s: FloatArray
    stations: IntArray
    few: IntArray
    rows: tuple[IntArray, ...]
    averaging_s: float
    step_s: float
    leave: bool
    share_background: bool

    @property
    def are_fixed(self) -> bool:
        """Whether there are stations."""
        return bool(self.stations.max(initial=-1) >= 0)

    @property
    def are_few(self) -> bool:
        """Whether there are fixed sensors with few readings each."""
        return bool(self.few.max(initial=-1) >= 0)


def places_of(ds: xr.Dataset, *, background_removed: bool) -> Places:
    """Fixed sensors of a Flight, if it is of any.

    Parameters
    ----------
    ds : Dataset
        A Flight.
    background_removed : bool
        Its readings are free of drift and background.

    Returns
    -------
    Places
    """
    time_s, average_s = seconds(ds), averaging_s(ds)
    positions = ds["latitude"].values, ds["longitude"].values
    stations = station_of(*positions)
    is_fixed = bool(stations.max(initial=-1) >= 0)
    few = np.full(stations.size, -1)
    if not is_fixed and not background_removed:
        few = place_at_once(time_s, *positions)
    are_few = bool(few.max(initial=-1) >= 0)
    rows = _rows_of(stations)
    step_s = average_s or _step_s(time_s, _rows_of(np.minimum(few, 0)) if are_few else rows)
    enough = is_fixed and usually_together(time_s, stations, step_s) >= FEWEST_TOGETHER
    return Places(
        time_s=time_s,
        stations=stations,
        few=few,
        rows=rows,
        averaging_s=average_s,
        step_s=step_s,
        leave=background_removed or (average_s > 0.0 and not is_fixed and not are_few),
        share_background=not background_removed and (enough or are_few),
    )


def averaging_s(ds: xr.Dataset) -> float:
    """Time of which each reading of a Flight is a mean [s]; 0 if it is of a moment."""
    return float(ds.attrs.get("averaging_time_s", 0.0))


def _rows_of(stations: IntArray) -> tuple[IntArray, ...]:
    count = int(stations.max(initial=-1)) + 1
    if count == 0:
        return (np.arange(stations.size),)
    return tuple(np.flatnonzero(stations == station) for station in range(count))


def _step_s(time_s: FloatArray, rows: tuple[IntArray, ...]) -> float:
    steps = np.concatenate([np.diff(np.unique(time_s[some])) for some in rows])
    return float(np.median(steps)) if steps.size else 1.0
