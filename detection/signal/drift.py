"""How a channel drifts, found from its own readings between plumes by likelihood."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal import baseline_steps, kernels, layout
from detection.signal.air import without_lag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.signal.bins import Bins

    FloatArray = NDArray[np.float64]

__all__ = ["PRIORS", "Drift", "DriftPrior", "fitted_drift", "started", "with_air"]

LEVELS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)  # tried: walk of the level in a second [noises]
SPANS_S = (160.0, 80.0, 40.0, 20.0, 10.0)  # tried: time over which a slope holds
AIR_LAGS_S = (0.0, 3.0, 6.0, 10.0)  # tried: lag of the temperature and humidity sensor
NOISES = (0.8, 0.9, 1.0, 1.12, 1.25)  # tried: noise over that of neighbouring readings
NOISE_LOG_SD = 0.15
SWEEPS = 2  # each of the four in turn, so often
LEAST_SECONDS = 60.0  # of clean air that a fit needs away from plumes
WIDEST = 1e5  # noises that the level may be off before the first reading


class Drift(NamedTuple):
    """How the baseline of a channel moves.

    `level_walk` is its random walk in a second and `noise` the noise of a one-second mean; the
    slope changes by noise / span_s^2 in a second. `air_lag_s` is the lag of the temperature and
    humidity sensor behind the channel's own response to them.
    """

    level_walk: float
    span_s: float
    air_lag_s: float
    noise: float


class DriftPrior(NamedTuple):
    """What is believed of a sensor family: medians and log standard deviations.

    `level` is the walk of the level in a second over the noise of a second, `clear_s` for how
    long before and after a plume readings say nothing about drift.
    """

    level: float = 0.03
    level_log_sd: float = 0.6
    span_s: float = 60.0
    span_log_sd: float = 0.8
    clear_s: tuple[float, float] = (6.0, 12.0)


# A few hundredths of a noise in a second are some noises in ten minutes, which is what zeros of
# makers' sheets drift by; wide by a factor of two. Clear times are some rises and decays.
PRIORS = {
    "pid": DriftPrior(),
    "mox": DriftPrior(clear_s=(4.0, 30.0)),
    "electrochemical": DriftPrior(clear_s=(10.0, 40.0)),
    "ndir": DriftPrior(),
    "tdlas": DriftPrior(clear_s=(1.0, 1.0)),
    "unknown": DriftPrior(level_log_sd=0.8),
}


def started(bins: Bins, drift: Drift) -> FloatArray:
    """State of the filter before the first bin, which may be anywhere in the readings' range."""
    state = np.array(layout.new_state())
    variance = drift.noise * drift.noise
    slope_sd = 0.2 * drift.noise
    wide = min(10.0 * float(np.ptp(bins.reading)), WIDEST * drift.noise) + drift.noise
    response_sd = baseline_steps.COEFFICIENT * drift.noise
    spreads = (wide, slope_sd, response_sd, response_sd)
    for place, spread in enumerate(spreads):
        state[layout.COVARIANCE[place][place]] = spread * spread
    state[layout.X] = float(np.median(bins.reading))
    state[layout.SCALE] = drift.noise
    state[layout.ADAPTS] = 0.0
    state[layout.COUNT] = 1.0
    state[layout.PLUME] = baseline_steps.PLUME_RATE
    usual = variance / (baseline_steps.LEVEL_SPANS * drift.span_s) ** 2
    state[layout.FREEDOM] = drift.level_walk**2 / usual
    return state


def with_air(bins: Bins, lag_s: float) -> Bins:
    """The bins with temperature and humidity as they were before their own sensor's lag."""
    return bins._replace(
        temperature=without_lag(bins.time_s, bins.temperature, lag_s),
        humidity=without_lag(bins.time_s, bins.humidity, lag_s),
    )


def fitted_drift(
    bins: Bins, trust: FloatArray, noise: float, *, prior: DriftPrior, begin: Drift
) -> Drift:
    """The likeliest drift, given which bins are clean air.

    Parameters
    ----------
    bins : Bins
        Temperature and humidity as measured.
    trust : ndarray, shape (bins,)
        Probability that a bin is clean air.
    noise : float
        Of a one-second mean, from neighbouring readings, in their unit.
    prior : DriftPrior
    begin : Drift
        Where to begin looking.

    Returns
    -------
    Drift

    Notes
    -----
    Maximum a posteriori by coordinates on a grid: minus the log likelihood of the filter's
    innovations (Schweppe 1965, doi:10.1109/TIT.1965.1053737), each weighted by the trust in its
    bin, plus the log-normal priors. Bins near a plume count for nothing: its faint edge would
    pass for a walk.
    """
    weight = _clear_of_plumes(bins.time_s, trust, prior.clear_s)
    if weight.sum() < LEAST_SECONDS:
        weight = trust
    airs = {lag_s: with_air(bins, lag_s) for lag_s in AIR_LAGS_S}
    has_air = bool(np.isfinite(bins.temperature).any() or np.isfinite(bins.humidity).any())

    @cache  # a sweep asks again for what it began with
    def cost(drift: Drift) -> float:
        surprise = kernels.quiet_surprise(
            started(bins, drift),
            bins.time_s,
            bins.reading,
            airs[drift.air_lag_s].temperature,
            airs[drift.air_lag_s].humidity,
            bins.inflation,
            weight,
            drift.span_s,
        )
        return float(surprise) + _improbability(drift, noise, prior)

    best = begin
    for _ in range(SWEEPS):
        best = min((best._replace(level_walk=level * noise) for level in LEVELS), key=cost)
        best = min((best._replace(span_s=span_s) for span_s in SPANS_S), key=cost)
        if has_air:
            best = min((best._replace(air_lag_s=lag_s) for lag_s in AIR_LAGS_S), key=cost)
        best = min((best._replace(noise=share * noise) for share in NOISES), key=cost)
    return best


def _improbability(drift: Drift, noise: float, prior: DriftPrior) -> float:
    """Minus the log of the prior, less a constant."""
    level = math.log(drift.level_walk / noise / prior.level) / prior.level_log_sd
    span = math.log(drift.span_s / prior.span_s) / prior.span_log_sd
    size = math.log(drift.noise / noise) / NOISE_LOG_SD
    return 0.5 * (level * level + span * span + size * size)


def _clear_of_plumes(
    time_s: FloatArray, trust: FloatArray, clear_s: tuple[float, float]
) -> FloatArray:
    plume = trust < 0.5
    before = np.minimum.accumulate(np.where(plume, time_s, np.inf)[::-1])[::-1]
    after = np.maximum.accumulate(np.where(plume, time_s, -np.inf))
    near = (before - time_s < clear_s[0]) | (time_s - after < clear_s[1])
    return np.where(near, 0.0, trust)
