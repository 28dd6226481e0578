"""All that smells the gas on a drone, as the source inference wants it: a series a family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter1d

from detection.signal.air import level_and_slope
from detection.signal.mox import (
    FEWEST_BRIGHT,
    NOMINAL,
    Laws,
    agreed,
    fitted_laws,
    log_excess,
)
from detection.signal.slow_noise import drift_inflation
from detection.signal.smoother import lower_spread
from detection.source.faults import is_resistance, left_out
from detection.source.observations import bin_samples
from detection.source.observe import (
    GAIN_LOG_SD,
    best_channel,
    mass_of_fraction,
    observe,
    observed_at,
    response_of,
    seconds_of,
    shortage,
    usable,
)
from detection.source.scale import lagged_like
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["observe_array"]

BRIGHT = 4.0  # noises above which a calibrated channel tells the elements what they met
CALIBRATED_LOG_SD = 0.3  # of elements held against a calibrated channel in the same plume
# Fall of the log resistance with relative humidity [1] and temperature [1/K] (makers' sheets),
# and how far the time at which an element and the air's own sensor feel a front is in doubt.
AIR_EFFECTS = {"relative_humidity": 0.5, "air_temperature": 0.013}
AIR_LAG_DOUBT_S = 2.0
FRONT_REACH_S = 6.0
ALONE = 2.0  # see `_unconfirmed`; in faint plumes of simulated flights 1.0-2.0 is reached
WITNESS_S = 10.0  # elements of unlike lags answer so far apart


class _Elements(NamedTuple):
    """Log excess of k elements in n common bins, shape (k, n), and its noise, shape (k,)."""

    samples: NDArray[np.bool_]
    time_s: FloatArray
    log_excess: FloatArray
    sigma: FloatArray


def observe_array(
    flight: xr.Dataset,
    *,
    east: FloatArray,
    north: FloatArray,
    gas: str | None = None,
    bin_s: float = 1.0,
) -> tuple[Observations, ...]:
    """Observations of every family of sensors that smells the gas looked for.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`, n readings.
    east, north : ndarray, shape (n,)
        Projected positions [m], NaN where unknown.
    gas : str, optional
        Gas looked for; that of the best channel otherwise.
    bin_s : float
        Readings are averaged over this time [s]; time averages are left as they are.

    Returns
    -------
    tuple of Observations
        One for each calibrated channel, the best first, and one for all metal-oxide elements
        that are read as a resistance, fused: their channel is named after all of them,
        ``mox1+mox2``.

    Raises
    ------
    ValueError
        `shortage` of `best_channel` would have said why this flight cannot be used.

    Notes
    -----
    Elements are fused before the inference sees them, because their errors are not their own:
    they meet the same eddies, the same damp air and the same drift of the drone's supply. A
    sum of their log-likelihoods would count that as often as there are elements. Their noise is
    what the fused series shows below its baseline over the time of a crossing, and more where
    one element stands alone with what it says.
    """
    best = best_channel(flight, gas=gas)
    reason = shortage(flight, best)
    if reason is not None:
        raise ValueError(reason)
    bad = left_out(flight, gas=gas)
    names = [best, *(name for name in _candidates(flight, best) if name not in (best, *bad))]
    if best in bad and len(names) > 1:
        names = names[1:]
    resistive = [name for name in names if is_resistance(flight, name)]
    series = [
        observe(flight, name, east=east, north=north, bin_s=bin_s)
        for name in names
        if name not in resistive
    ]
    if resistive:
        series.append(_fused(flight, resistive, series, east=east, north=north, bin_s=bin_s))
    return tuple(series)


def _candidates(flight: xr.Dataset, best: str) -> list[str]:
    gas = flight[best].attrs["gas"]
    return [
        name
        for name in gas_channels(flight)
        if flight[name].attrs["gas"] == gas and shortage(flight, name) is None
    ]


def _fused(
    flight: xr.Dataset,
    names: Sequence[str],
    beside: Sequence[Observations],
    *,
    east: FloatArray,
    north: FloatArray,
    bin_s: float,
) -> Observations:
    """Metal-oxide elements as one series, beside series that are calibrated."""
    elements = _elements(flight, names, bin_s)
    responses = np.array([response_of(flight, name) for name in names])
    per_unit = mass_of_fraction(flight, names[0], np.full(flight.sizes["obs"], NOMINAL))
    mass = np.interp(elements.time_s, seconds_of(flight), per_unit)
    known = _reference(beside, elements.time_s, mass, tuple(responses.mean(axis=0)))
    reference, reference_sigma = (None, 0.0) if known is None else known
    laws = fitted_laws(
        elements.log_excess,
        elements.sigma,
        step_s=bin_s,
        reference=reference,
        reference_sigma=reference_sigma,
    )
    met = agreed(elements.log_excess, elements.sigma, laws)
    doubt = _front_noise(flight, elements.time_s)
    fronts = laws.slope(met.gas).T @ met.share * doubt
    noise = np.hypot(met.sigma, fronts)
    noise *= _unconfirmed(met.gas / noise, elements, laws, doubt, bin_s)
    rise_s, decay_s = met.share @ responses
    return observed_at(
        flight,
        elements.samples,
        concentration=mass * met.gas,
        sigma=mass * noise * drift_inflation(met.gas / noise),
        east=east,
        north=north,
        bin_s=bin_s,
        response_s=(float(rise_s), float(decay_s)),
        gain_log_sd=GAIN_LOG_SD[False] if known is None else CALIBRATED_LOG_SD,
        channel="+".join(names),
    )


def _unconfirmed(
    loudness: FloatArray, elements: _Elements, laws: Laws, doubt: FloatArray, bin_s: float
) -> FloatArray:
    """Factor on the noise where one element says what the others do not, shape (n,).

    An element's own drift can look like a plume, that of all of them at once cannot. No reading
    counts for more than `ALONE` times the noises reached nearby without the one element that
    matters most.
    """
    count, size = elements.log_excess.shape
    if count < 2:
        return np.ones(size)
    reach = 2 * round(WITNESS_S / max(bin_s, 0.1)) + 1
    least = np.full(size, np.inf)
    for one in range(count):
        others = np.arange(count) != one
        read = elements.log_excess[others]
        known = np.isfinite(read).any(axis=0)
        own = Laws(laws.exponent[others], laws.threshold[others])
        met = agreed(np.where(known, read, 0.0), elements.sigma[others], own)
        fronts = own.slope(met.gas).T @ met.share * doubt
        without = np.where(known, met.gas / np.hypot(met.sigma, fronts), np.inf)
        least = np.minimum(least, maximum_filter1d(without, reach))
    return np.asarray(np.maximum(1.0, loudness / (ALONE * np.maximum(least, 1.0))))


def _elements(flight: xr.Dataset, names: Sequence[str], bin_s: float) -> _Elements:
    which = [usable(flight, name) for name in names]
    samples = np.logical_or.reduce(which)
    columns: dict[str, FloatArray] = {}
    for name, known in zip(names, which, strict=True):
        corrected = flight[f"{name}_corrected"].values[samples].astype(np.float64)
        noise = flight[f"{name}_sigma"].values[samples].astype(np.float64)
        fall, spread = log_excess(corrected, noise)
        some = known[samples]
        columns[f"{name} known"] = some.astype(np.float64)
        columns[f"{name} value"] = np.where(some, fall, 0.0)
        columns[f"{name} variance"] = np.where(some, spread**2, 0.0)
    time, binned, count = bin_samples(seconds_of(flight)[samples], columns, width_s=bin_s)
    values, sigmas = [], []
    for name in names:
        share = binned[f"{name} known"]
        there = share > 0.0
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(there, binned[f"{name} value"] / share, np.nan)
            variance = binned[f"{name} variance"] / share / (share * count)
        sigma = float(np.sqrt(np.median(variance[there])))
        values.append(value)
        sigmas.append(sigma * drift_inflation(value[there] / sigma))
    return _Elements(samples, time, np.stack(values), np.array(sigmas))


def _front_noise(flight: xr.Dataset, time_s: FloatArray) -> FloatArray:
    """Log excess that a change of the air may leave in all elements at once, shape (n,).

    A front passes the humidity sensor and the elements seconds apart, so that what a baseline
    takes out is not quite what came in; averaging over elements does not help.
    """
    seconds = seconds_of(flight)
    left = np.zeros(seconds.size)
    for name, effect in AIR_EFFECTS.items():
        values = flight[name].values.astype(np.float64)
        known = np.isfinite(values)
        if known.any():
            filled = np.interp(seconds, seconds[known], values[known])
            _, slope = level_and_slope(seconds, filled)
            left += effect * AIR_LAG_DOUBT_S * np.abs(slope)
    per_bin = np.interp(time_s, seconds, left)
    step_s = float(np.median(np.diff(time_s))) if time_s.size > 1 else 1.0
    reach = 2 * round(FRONT_REACH_S / max(step_s, 0.1)) + 1
    return np.asarray(maximum_filter1d(per_bin, reach))


def _reference(
    beside: Sequence[Observations],
    time_s: FloatArray,
    mass: FloatArray,
    response: tuple[float, float],
) -> tuple[FloatArray, float] | None:
    """What a calibrated channel says the elements met, in `NOMINAL` units, and its noise.

    None where there is no such channel, none as quick as they are, or it hardly met gas.
    """
    quick = [one for one in beside if one.response_s[0] <= response[0]]
    if not quick:
        return None
    best = quick[0]
    gas = np.interp(time_s, best.time_s, best.concentration, left=np.nan, right=np.nan) / mass
    lagged = lagged_like(best, time_s, response) / mass
    seen = np.isfinite(gas)
    if not seen.any():
        return None
    noise = lower_spread(lagged[seen])
    # in the tails after a plume the two differ by what is least known, the time of recovery
    bright = seen & (gas > BRIGHT * lower_spread(gas[seen]))
    if bright.sum() < FEWEST_BRIGHT:
        return None
    return np.where(bright, lagged, np.nan), noise
