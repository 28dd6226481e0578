"""The background that fixed sensors share, and what each reads above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from detection.signal import kernels
from detection.signal.baseline import Corrected
from detection.signal.bins import lower_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

__all__ = ["FEWEST_TOGETHER", "above_shared_background", "usually_together"]

FEWEST_TOGETHER = 4  # sensors at a time, of which most are outside the plume
ROUNDS = 30
SETTLED = 1e-3  # of the noise
CLEAN = 0.1  # least share of a sensor's readings that no plume reaches
ALIKE = 0.9995  # chance that an offset as high as a sensor's would not be met; else it is in gas
BESIDE = 2.0  # spreads beside the background at which a reading counts half, above and below alike


class _Offsets(NamedTuple):
    """What settles: of each sensor, moment, sensor (its noise) and reading (its weight)."""

    offset: FloatArray
    background: FloatArray
    spread: FloatArray
    trust: FloatArray


def usually_together(time_s: FloatArray, station: IntArray, step_s: float) -> int:
    """How many sensors read within the same `step_s`, in the median.

    Parameters
    ----------
    time_s, station : ndarray, shape (n,)
        [s]; -1 is no station.
    step_s : float
        [s].

    Returns
    -------
    int
    """
    at = station >= 0
    if not at.any():
        return 0
    moment = np.floor(time_s[at] / step_s).astype(np.int64)
    together = np.unique(np.stack((moment, station[at])), axis=1)[0]
    return int(np.median(np.unique(together, return_counts=True)[1]))


def above_shared_background(
    time_s: FloatArray,
    reading: FloatArray,
    station: IntArray,
    *,
    step_s: float,
    alike: bool = False,
) -> Corrected:
    """Readings above an offset of each sensor and a background that all share at each moment.

    Parameters
    ----------
    time_s, reading, station : ndarray, shape (n,)
        [s], any unit with NaN where missing, and number of the sensor; -1 takes no part.
    step_s : float
        Readings within the same `step_s` share a background [s].
    alike : bool
        Too few readings of each sensor to tell its offset: how far those lie apart is noise.

    Returns
    -------
    Corrected
        NaN where the reading is. `plume` takes the sensors one by one.

    Notes
    -----
    Reading = offset of the sensor + background of the moment + plume + noise. Offsets and
    backgrounds are means in turn, weighted much as in arPLS (Baek et al. 2015,
    doi:10.1039/C4AN01061B): what lies off the rest, by the spread of what lies below, counts
    ever less, on both sides alike, since a bias of a fifth of the noise in all sensors would be
    taken for a source afar. A sensor that is downwind for an hour keeps its plume, since the
    others tell the background; one that never leaves it, so that even its lowest readings stand
    higher than the sensors' offsets lie apart, is given the usual offset and their spread as an
    error. Slow drift of one sensor against the others is not followed.
    """
    use = np.flatnonzero((station >= 0) & np.isfinite(reading))
    value = reading[use]
    if use.size == 0:
        unknown = np.full(reading.size, np.nan)
        return Corrected(unknown, unknown, unknown, unknown, np.zeros(reading.size, np.bool_))
    _, place = np.unique(station[use], return_inverse=True)
    sensor = np.zeros_like(place) if alike else place
    _, moment = np.unique(np.floor(time_s[use] / step_s), return_inverse=True)
    moments, sensors = int(moment.max()) + 1, int(sensor.max()) + 1
    background = _grouped_quantiles(value, moment, moments, 0.5)
    offset = _grouped_quantiles(value - background[moment], sensor, sensors, 0.5)
    found = _Offsets(offset, background, np.ones(sensors), np.ones(value.size))
    found = _settled(value, sensor, moment, found, held=np.zeros(sensors, np.bool_))
    offset, apart, immersed = _lowered(value - found.background[moment], sensor, found)
    found = _settled(value, sensor, moment, found._replace(offset=offset), held=immersed)
    unsure = np.where(immersed, apart, 0.0)
    return _placed(time_s / step_s, reading, (use, sensor, moment, place), found, unsure)


def _placed(
    time: FloatArray,
    reading: FloatArray,
    rows: tuple[NDArray[np.intp], IntArray, IntArray, IntArray],
    found: _Offsets,
    unsure: FloatArray,
) -> Corrected:
    """The corrected channel; `time` in steps, `unsure` the error of each sensor's offset."""
    use, sensor, moment, place = rows
    offset, background, spread, trust = found
    baseline, sigma, plume = (np.full(reading.size, np.nan) for _ in range(3))
    baseline[use] = offset[sensor] + background[moment]
    # the weights add up to the precision of the background
    precision = np.bincount(moment, weights=trust, minlength=background.size)[moment]
    sigma[use] = np.sqrt(spread[sensor] ** 2 + 1.0 / precision + unsure[sensor] ** 2)
    for number in range(int(place.max()) + 1):
        own = np.flatnonzero(place == number)
        own = own[np.argsort(time[use[own]], kind="stable")]
        at, noise = use[own], spread[sensor[own]]
        variance = sigma[at] ** 2 - noise**2
        plume[at], _ = kernels.plume_probability(
            time[at], reading[at] - baseline[at], noise, variance
        )
    return Corrected(reading - baseline, baseline, sigma, plume, np.zeros(reading.size, np.bool_))


def _settled(
    value: FloatArray, sensor: IntArray, moment: IntArray, found: _Offsets, held: BoolArray
) -> _Offsets:
    """Offsets, but those held, and backgrounds in turn until they change no more."""
    offset, background, spread, trust = found
    for _ in range(ROUNDS):
        excess = value - offset[sensor] - background[moment]
        spread = _spreads(excess, sensor, offset.size)
        score = np.clip(2.0 * (np.abs(excess) / spread[sensor] - BESIDE), -30.0, 30.0)
        trust = 1.0 / (1.0 + np.exp(score)) / spread[sensor] ** 2
        change = _grouped_means(value - offset[sensor], moment, background.size, trust)
        settled = float(np.abs(change - background).max()) < SETTLED * spread.min()
        background = change
        own = _grouped_means(value - background[moment], sensor, offset.size, trust)
        offset = np.where(held, offset, own)
        if settled:
            break
    return _Offsets(offset, background, spread, trust)


def _lowered(
    above: FloatArray, sensor: IntArray, found: _Offsets
) -> tuple[FloatArray, float, BoolArray]:
    """Offsets from each sensor's lowest readings, how far they lie apart, and who is always in gas.

    The first settling takes a plume that is there most of the time for the sensor's own offset.
    """
    noise = float(np.median(found.spread))
    low = _grouped_quantiles(above, sensor, found.offset.size, CLEAN) - ndtri(CLEAN) * noise
    offset = np.minimum(found.offset, low)
    usual = float(np.median(offset))
    below = (offset - usual)[offset < usual]  # where no plume has raised them
    apart = max(float(np.sqrt(np.mean(below**2))) if below.size else 0.0, noise)
    immersed = offset > usual + float(stdtrit(max(below.size, 1), ALIKE)) * apart
    return np.where(immersed, usual, offset), apart, immersed


def _spreads(excess: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Noise of each sensor, from what lies below the background."""
    spreads = np.array([lower_spread(excess[group == number]) for number in range(groups)])
    usual = float(np.median(spreads))
    floored: FloatArray = np.maximum(
        spreads, max(0.1 * usual, 1e-9 * float(np.ptp(excess)), 1e-300)
    )
    return floored


def _grouped_quantiles(
    values: FloatArray, group: IntArray, groups: int, share: float
) -> FloatArray:
    return np.array([np.quantile(values[group == number], share) for number in range(groups)])


def _grouped_means(
    values: FloatArray, group: IntArray, groups: int, weight: FloatArray
) -> FloatArray:
    total = np.bincount(group, weights=weight, minlength=groups)
    summed = np.bincount(group, weights=weight * values, minlength=groups)
    return np.asarray(summed / total, np.float64)
