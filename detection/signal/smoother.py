"""The baseline of a whole channel, from both sides, with the plumes left out.

Readings are averaged to one-second bins first (a baseline needs no more). A stiff trend under an
asymmetric weight, that of arPLS, finds what is surely clean air; how the channel drifts is
estimated there (`drift.py`); then who is plume is asked of the smoothed residuals, and the bins
are smoothed without them, in turn. Where the sensor recovers from a plume, what it is exposed to
(`recovery.py`) stands in for its reading. Nothing in this depends on a threshold: each bin pulls
by the probability that it is clean air.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal import kernels, layout
from detection.signal.bins import Bins, bin_means, lower_spread, quiet_noise
from detection.signal.deconvolution import RESPONSE, RESPONSE_LOG_SD
from detection.signal.drift import PRIORS, Drift, fitted_drift, started, with_air
from detection.signal.recovery import Decay, exposure, is_recovering, measured_decay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["Baseline", "lower_spread", "smooth_baseline"]

TREND = (0.02, 30.0)  # walk of the level [noises in a second] and span [s] of the first trend
TREND_ROUNDS = 12
ROUNDS = 3  # of drift, then twice the baseline
NOISIEST = 1.15  # residuals count as noisier than neighbours by at most this: the rest is gas
SLOW_S = 6.0  # decay from which a recovering sensor is looked through
CAUTION = 0.8  # of the family's decay, before it is measured: less is safer than more
HESITANT = 16.0  # by how much the variance of an exposure exceeds its noise: decays are not known
WARM_UPS_S = (20.0, 60.0, 180.0)  # time constants tried for the transient after power-on
WARM_UP_GAIN = 10.0  # log likelihood a warm-up must gain to be believed
WARM_UP_SPAN_S = 20.0  # time over which the baseline averages meanwhile
LONGEST_S = 150.0  # what is high for longer, and as quiet as the baseline, is the baseline
QUIET = 3.0  # times the noise and walk by which a baseline's readings five seconds apart differ


class Baseline(NamedTuple):
    """Baseline of each reading, its variance, and the warm-up part of it; shape (n,).

    `drift` and `decay` are what was estimated on the way.
    """

    level: FloatArray
    variance: FloatArray
    warm_up: FloatArray
    drift: Drift
    decay: Decay


class _Heard(NamedTuple):
    """Which bins are clean air, and which of these only through the sensor's recovery."""

    trust: FloatArray
    recovering: BoolArray


def smooth_baseline(
    time_s: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    resolution: float,
    *,
    family: str = "unknown",
) -> Baseline:
    """Baseline of a channel whose every reading is known.

    Parameters
    ----------
    time_s, reading : ndarray, shape (n,)
        Non-decreasing times [s]; finite readings in any unit.
    temperature, humidity : ndarray, shape (n,)
        [K] and [1], NaN where unknown.
    resolution : float
        Smallest step between readings, in their unit; noise is taken to be at least a third.
    family : str
        Sensor family, for its priors.

    Returns
    -------
    Baseline
    """
    bins = bin_means(time_s, reading, temperature, humidity)
    least = resolution / np.sqrt(12.0)
    noise = max(quiet_noise(bins.reading), least)
    warm_up_s, amplitude = _warm_up(bins, noise)
    bins = bins._replace(reading=bins.reading - _fading(bins.time_s, bins, warm_up_s, amplitude))
    level, variance, drift, decay = _settled(bins, noise, least, family)
    level = np.interp(time_s, bins.time_s, level)
    fading = _fading(time_s, bins, warm_up_s, amplitude)
    variance = np.interp(time_s, bins.time_s, variance)
    return Baseline(level + fading, variance, fading, drift, decay)


def _warm_up(bins: Bins, noise: float) -> tuple[float, float]:
    """Time constant [s] and amplitude of the transient after power-on; zeros if there is none."""
    early = bins.time_s < bins.time_s[0] + 5.0 * max(WARM_UPS_S)
    bins = Bins(*(column[early] for column in bins))
    runs = {warm_up_s: _filtered(bins, noise, warm_up_s) for warm_up_s in (0.0, *WARM_UPS_S)}
    likeliest = min(runs, key=lambda warm_up_s: runs[warm_up_s][1])
    if runs[likeliest][1] > runs[0.0][1] - WARM_UP_GAIN:
        return 0.0, 0.0
    trust = 1.0 - runs[likeliest][0]
    estimate = _smoothed(bins, _found(noise), WARM_UP_SPAN_S, likeliest, trust)[0]
    return likeliest, float(estimate[-1, 4])


def _fading(time_s: FloatArray, bins: Bins, warm_up_s: float, amplitude: float) -> FloatArray:
    if warm_up_s == 0.0:
        return np.zeros(time_s.size)
    fading: FloatArray = amplitude * np.exp(-(time_s - bins.time_s[0]) / warm_up_s)
    return fading


def _settled(
    bins: Bins, noise: float, least: float, family: str
) -> tuple[FloatArray, FloatArray, Drift, Decay]:
    """Baseline of each bin whose plumes agree with its residuals, and its variance."""
    rise_s, decay_s = RESPONSE[family]
    decay = Decay(decay_s, RESPONSE_LOG_SD[family], 0)
    first = Drift(TREND[0] * noise, TREND[1], 6.0, noise)
    level = _looked_through(bins, first, rise_s, decay._replace(decay_s=CAUTION * decay_s))
    decay = measured_decay(bins.time_s, bins.reading - level, noise, prior=decay)
    usable = decay if decay.timings else decay._replace(decay_s=CAUTION * decay_s)
    level = _looked_through(bins, first, rise_s, usable)
    heard = _heard(bins, level, np.zeros(level.size), NOISIEST * noise, rise_s, usable)
    drift = first
    for _ in range(ROUNDS):
        away = np.where(heard.recovering, 0.0, heard.trust)
        drift = fitted_drift(bins, away, noise, prior=PRIORS[family], begin=drift)
        now = with_air(bins, drift.air_lag_s)
        for _ in range(2):
            level, variance = _between_plumes(now, drift, heard, usable)
            spread = lower_spread(bins.reading - level)
            spread = max(min(spread, NOISIEST * drift.noise), least)
            heard = _heard(bins, level, variance, spread, rise_s, usable)
            heard.trust[_is_baseline_itself(bins, heard.trust, drift)] = 1.0
    level, variance = _between_plumes(now, drift, heard, usable)
    return level, variance, drift, decay


def _looked_through(bins: Bins, drift: Drift, rise_s: float, decay: Decay) -> FloatArray:
    """A first baseline: a stiff trend through the exposure, then through the readings.

    Asymmetrically reweighted (arPLS, Baek et al. 2015, doi:10.1039/C4AN01061B).
    """
    now = with_air(bins, drift.air_lag_s)
    if decay.decay_s < SLOW_S:
        return _trend(now, drift)[0]
    exposed, noisier = exposure(bins.time_s, bins.reading, decay.decay_s)
    through = now._replace(reading=exposed, inflation=bins.inflation * noisier**2)
    level, clean = _trend(through, drift, noisier)
    recovering = is_recovering(
        bins.time_s, exposed - level, clean, drift.noise, rise_s=rise_s, decay_s=decay.decay_s
    )
    mixed = now._replace(
        reading=np.where(recovering, exposed, bins.reading),
        inflation=np.where(recovering, noisier**2, 1.0) * bins.inflation,
    )
    return _trend(mixed, drift)[0]


def _trend(bins: Bins, drift: Drift, noisier: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Stiff trend that leaves out what lies above it, and the weights it settles on."""
    trust = np.ones(bins.time_s.size)
    for _ in range(TREND_ROUNDS):
        level, _ = _smoothed_level(bins, drift, np.maximum(trust, 1e-3))
        excess = bins.reading - level
        spread = max(lower_spread(excess), noisier * drift.noise)
        before = trust
        trust = 1.0 / (1.0 + np.exp(np.clip(2.0 * (excess - 2.0 * spread) / spread, -30.0, 30.0)))
        if np.abs(trust - before).sum() < 0.5:
            break
    return level, trust


def _heard(
    bins: Bins,
    level: FloatArray,
    variance: FloatArray,
    noise: float,
    rise_s: float,
    decay: Decay,
) -> _Heard:
    """Probability that each bin is clean air, told from its reading or from its exposure."""
    excess = bins.reading - level
    each = noise * np.sqrt(bins.inflation)
    _, trust = kernels.plume_probability(bins.time_s, excess, each, variance)
    if decay.decay_s < SLOW_S:
        return _Heard(trust, np.zeros(trust.size, np.bool_))
    exposed, noisier = exposure(bins.time_s, bins.reading, decay.decay_s)
    exposed = exposed - level
    _, clean = kernels.plume_probability(bins.time_s, exposed, noisier * each, variance)
    trust = np.where(clean < 0.2, 0.2 * trust, trust)
    recovering = is_recovering(
        bins.time_s, exposed, clean, noise, rise_s=rise_s, decay_s=decay.decay_s
    )
    recovering &= (trust < 0.5) & (clean > 0.5)
    return _Heard(np.where(recovering, clean, trust), recovering)


def _between_plumes(
    bins: Bins, drift: Drift, heard: _Heard, decay: Decay
) -> tuple[FloatArray, FloatArray]:
    """Baseline and its variance, from clean air and from exposures while the sensor recovers."""
    if heard.recovering.any():
        exposed, noisier = exposure(bins.time_s, bins.reading, decay.decay_s)
        inflation = HESITANT * noisier**2 * bins.inflation
        bins = bins._replace(
            reading=np.where(heard.recovering, exposed, bins.reading),
            inflation=np.where(heard.recovering, inflation, bins.inflation),
        )
    return _smoothed_level(bins, drift, heard.trust)


def _is_baseline_itself(bins: Bins, trust: FloatArray, drift: Drift) -> BoolArray:
    """Bins of a plume too long and too quiet for one: there the baseline itself has risen."""
    doubted = np.concatenate(([False], trust < 0.5, [False]))
    edges = np.flatnonzero(np.diff(doubted))
    itself = np.zeros(trust.size, np.bool_)
    usual = QUIET * np.sqrt(2.0 * drift.noise**2 + 5.0 * drift.level_walk**2)
    for first, last in edges.reshape(-1, 2):
        if bins.time_s[last - 1] - bins.time_s[first] > LONGEST_S:
            reading = bins.reading[first:last]
            if np.median(np.abs(reading[5:] - reading[:-5])) < 0.6745 * usual:
                itself[first:last] = True
    return itself


def _filtered(bins: Bins, noise: float, warm_up_s: float) -> tuple[FloatArray, float]:
    """Plume probability of each bin from those before, and the surprise of them all."""
    _, _, plume, _, surprise = kernels.filter_pass(
        _found(noise),
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        WARM_UP_SPAN_S,
        warm_up_s,
    )
    return plume, surprise


def _smoothed_level(bins: Bins, drift: Drift, trust: FloatArray) -> tuple[FloatArray, FloatArray]:
    estimate, regressors, variance = _smoothed(bins, started(bins, drift), drift.span_s, 0.0, trust)
    return (estimate * regressors).sum(axis=1), variance


def _smoothed(
    bins: Bins, state: FloatArray, span_s: float, warm_up_s: float, trust: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    return kernels.smooth_pass(
        state,
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        trust,
        span_s,
        warm_up_s,
    )


def _found(noise: float) -> FloatArray:
    """State of a filter that the first bins found."""
    state = np.array(layout.new_state())
    state[layout.ADAPTS] = 0.0
    state[layout.SCALE] = noise
    return state
