"""All that smells the gas on a drone, as the source inference wants it: a series a family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal.deconvolution import apply_lag
from detection.signal.flight import is_usable
from detection.signal.mox import NOMINAL, agreed, fitted_laws, log_excess
from detection.signal.slow_noise import drift_inflation
from detection.signal.smoother import lower_spread
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
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["left_out", "observe_array"]

STUCK_S = 60.0  # the same value this long, though it is not the channel's least
CLIPPED = 5  # readings in a row at the extreme value, which noise would have told apart
CLIPPED_NOISES = 10.0
BRIGHT = 4.0  # noises above which the others tell of gas
CORRELATED_S = 5.0
OPPOSITE = 3.0  # standard deviations by which a channel falls where all others rise
CALIBRATED_LOG_SD = 0.3  # of elements held against a calibrated channel in the same plume


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
    what the fused series shows below its baseline over the time of a crossing.
    """
    best = best_channel(flight, gas=gas)
    reason = shortage(flight, best)
    if reason is not None:
        raise ValueError(reason)
    bad = left_out(flight, gas=gas)
    names = [best, *(name for name in _candidates(flight, best) if name not in (best, *bad))]
    if best in bad and len(names) > 1:
        names = names[1:]
    resistive = [name for name in names if _is_resistance(flight, name)]
    series = [
        observe(flight, name, east=east, north=north, bin_s=bin_s)
        for name in names
        if name not in resistive
    ]
    if resistive:
        series.append(_fused(flight, resistive, series, east=east, north=north, bin_s=bin_s))
    return tuple(series)


def left_out(flight: xr.Dataset, *, gas: str | None = None) -> dict[str, str]:
    """Channels that cannot be believed, and why in a few words.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    gas : str, optional
        Gas looked for; only channels of it are judged.

    Returns
    -------
    dict of str to str
        Only what is a fault: a channel of another gas, or without a position, is not named.
    """
    names = [n for n in gas_channels(flight) if flight[n].attrs["gas"] == _gas(flight, gas)]
    faults = {name: _fault(flight, name) for name in names}
    found = {name: why for name, why in faults.items() if why is not None}
    sound = [name for name in names if name not in found and shortage(flight, name) is None]
    return found | _opposed(flight, sound)


def _gas(flight: xr.Dataset, gas: str | None) -> str:
    return str(flight[best_channel(flight, gas=gas)].attrs["gas"])


def _candidates(flight: xr.Dataset, best: str) -> list[str]:
    gas = flight[best].attrs["gas"]
    return [
        name
        for name in gas_channels(flight)
        if flight[name].attrs["gas"] == gas and shortage(flight, name) is None
    ]


def _is_resistance(flight: xr.Dataset, name: str) -> bool:
    return flight[name].attrs["units"] == "ohm" and float(flight.attrs["averaging_time_s"]) <= 0


def _fault(flight: xr.Dataset, name: str) -> str | None:
    """A constant, stuck or clipped channel."""
    known = np.isfinite(flight[f"{name}_corrected"].values) & (flight["airborne"].values == 1)
    values = flight[name].values[known].astype(np.float64)
    if values.size < CLIPPED:
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"reads {low:g} throughout"
    time = seconds_of(flight)[known]
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0.0)
    ends = np.append(starts[1:], values.size) - 1
    least = high if _is_resistance(flight, name) else low
    held = np.where(values[starts] == least, 0.0, time[ends] - time[starts])
    if held.max() >= STUCK_S:
        return f"stuck at {values[starts[held.argmax()]]:g} for {held.max():.0f} s"
    top = low if least == high else high
    excess = flight[f"{name}_corrected"].values[known] / flight[f"{name}_sigma"].values[known]
    clipped = (values[starts] == top) & (ends - starts + 1 >= CLIPPED)
    if clipped.any() and np.nanmax(excess[values == top]) > CLIPPED_NOISES:
        return f"clipped at {top:g}"
    return None


def _opposed(flight: xr.Dataset, names: Sequence[str]) -> dict[str, str]:
    """Of three channels or more, those that fall where all others rise."""
    if len(names) < 3:
        return {}
    seconds, columns = seconds_of(flight), {}
    for name in names:
        ratio = flight[f"{name}_corrected"].values / flight[f"{name}_sigma"].values
        columns[name] = np.where(is_usable(flight, name), np.clip(ratio, -30.0, 30.0), np.nan)
    together = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    if not together.any():
        return {}
    time, binned, count = bin_samples(
        seconds[together], {name: c[together] for name, c in columns.items()}, width_s=1.0
    )
    scores = np.stack([binned[name] for name in names]) * np.sqrt(count)
    independent = max(
        1.0, CORRELATED_S / max(float(np.median(np.diff(time, append=time[-1]))), 1.0)
    )
    found = {}
    for place, name in enumerate(names):
        others = np.median(np.delete(scores, place, axis=0), axis=0)
        bright = others > BRIGHT
        if bright.sum() >= 2 * independent:
            mean = float(np.mean(scores[place][bright]))
            if mean < -OPPOSITE * np.sqrt(independent / bright.sum()) - 1.0:
                found[name] = "falls where all other channels rise; check its wiring"
    return found


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
    reference, noise = (None, 0.0) if known is None else known
    laws = fitted_laws(
        elements.log_excess,
        elements.sigma,
        step_s=bin_s,
        reference=reference,
        reference_sigma=noise,
    )
    met = agreed(elements.log_excess, elements.sigma, laws)
    rise_s, decay_s = met.share @ responses
    return observed_at(
        flight,
        elements.samples,
        concentration=mass * met.gas,
        sigma=mass * met.sigma * drift_inflation(met.gas / met.sigma),
        east=east,
        north=north,
        bin_s=bin_s,
        response_s=(float(rise_s), float(decay_s)),
        gain_log_sd=GAIN_LOG_SD[False] if known is None else CALIBRATED_LOG_SD,
        channel="+".join(names),
    )


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


def _reference(
    beside: Sequence[Observations],
    time_s: FloatArray,
    mass: FloatArray,
    response: tuple[float, float],
) -> tuple[FloatArray, float] | None:
    """What a calibrated channel says the elements met, in `NOMINAL` units, and its noise."""
    quick = [one for one in beside if one.response_s[0] <= response[0]]
    if not quick:
        return None
    best = quick[0]
    gas = np.interp(time_s, best.time_s, best.concentration, left=np.nan, right=np.nan) / mass
    # behind a quick sensor a slow one is as far behind as their time constants differ
    further = [max(slow - fast, 0.0) for slow, fast in zip(response, best.response_s, strict=True)]
    lagged = apply_lag(time_s, gas, rise_s=further[0], decay_s=further[1])
    seen = np.isfinite(gas)
    if not seen.any():
        return None
    noise = lower_spread(lagged[seen])
    # in the tails after a plume the two differ by what is least known, the time of recovery
    bright = seen & (gas > BRIGHT * lower_spread(gas[seen]))
    return np.where(bright, lagged, np.nan), noise
