"""Readings of a gas channel with drift, humidity and warm-up taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detection.signal import baseline_steps, kernels, layout, smoother
from detection.signal.bins import lower_spread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from detection.signal.drift import Drift
    from detection.signal.recovery import Decay

    FloatArray = NDArray[np.float64]

__all__ = ["MOX_EXPONENT", "NO_WARM_UP", "Corrected", "correct", "relative"]

MOX_EXPONENT = -0.5  # B of Rs/R0 = A C^B, mid-way in -0.35 ... -0.7 (makers' sheets)
NO_WARM_UP = ("tdlas",)  # families that read true from the first second
ONLY_FALLING = ("pid", "tdlas")  # whose transient after power-on has no maximum of its own
FIRST, RISE, RISE_NOISES = 5, 2.0, 10.0  # readings at first; a rise over them no transient makes
SETTLED_S, SETTLED = 4.0, 0.5  # mean over this time, in noises, at which a transient has faded
FEWEST = 8  # readings below which noise and drift cannot be told apart


@dataclass(frozen=True, slots=True)
class Corrected:
    """A channel split into what is plume and what is not; arrays of shape (n,), NaN = unknown.

    Attributes
    ----------
    signal : ndarray
        Reading above its baseline, in the reading's unit; relative [1] on a log scale.
    baseline : ndarray
        What the reading would be without plume, in the reading's unit.
    sigma : ndarray
        1-sigma noise of `signal`, in its unit: that of the reading and of the baseline.
    plume : ndarray
        Probability that the reading is in plume.
    warming_up : ndarray of bool
        The transient after power-on is larger than three noises, or the channel has been high
        ever since, or since the first reading (for up to 90 s): no rise was seen. Afterwards
        (not when `causal`) a photoionisation detector must have come down to its baseline as
        well, within the same 90 s; one that rises far above its first readings, or above what
        is left of the transient, is in gas from there.
    drift, decay : Drift, Decay or None
        What was estimated on the way: how the baseline moves, in the unit of the reading or of
        its logarithm, and how fast the sensor recovers. None when causal, or with few readings.
    """

    signal: FloatArray
    baseline: FloatArray
    sigma: FloatArray
    plume: FloatArray
    warming_up: NDArray[np.bool_]
    drift: Drift | None = None
    decay: Decay | None = None


def correct(
    time_s: ArrayLike,
    reading: ArrayLike,
    *,
    temperature: ArrayLike | None = None,
    humidity: ArrayLike | None = None,
    family: str = "unknown",
    causal: bool = False,
    log_scale: bool = False,
    least_noise: float = 0.0,
) -> Corrected:
    """Reading above a baseline that follows drift, humidity and warm-up but not plumes.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Sample times [s]; repeated or backward ones count as the same moment when `causal`,
        and are put in order otherwise.
    reading : array_like, shape (n,)
        Any unit; NaN where missing.
    temperature, humidity : array_like, shape (n,), optional
        [K] and [1]; NaN where unknown.
    family : str
        Sensor family, for its priors; all but "tdlas" may have a warm-up when `causal`.
        Afterwards the readings themselves tell.
    causal : bool
        Use only what came before each reading, as a live channel would.
    log_scale : bool
        `reading` is the resistance of a metal-oxide sensor [ohm], which gas lowers:
        signal = (baseline / reading)^(1/|B|) - 1 with B = -0.5, relative to clean air.
    least_noise : float
        Of a reading, in its unit, where readings may show less (`censoring.censored`);
        of no use when `causal` or on a log scale.

    Returns
    -------
    Corrected

    Raises
    ------
    ValueError
        The arrays differ in shape.

    Notes
    -----
    A plume is told from drift by being upward, and rougher or shorter than drift is. The model,
    its equations and sources are in docs/signal.md. With fewer than
    eight readings, or a constant channel, the noise is unknown: sigma is NaN.

    Examples
    --------
    >>> time_s = np.arange(120.0)
    >>> reading = 400.0 + 0.1 * time_s + (-1.0) ** time_s + 50.0 * (abs(time_s - 60.0) < 5.0)
    >>> corrected = correct(time_s, reading)
    >>> int(corrected.signal[60].round()), bool(abs(corrected.signal[:50]).max() < 2.0)
    (51, True)
    """
    time, raw = np.broadcast_arrays(np.asarray(time_s, np.float64), np.asarray(reading, np.float64))
    climate = [
        np.full(raw.shape, np.nan) if values is None else np.asarray(values, np.float64)
        for values in (temperature, humidity)
    ]
    if raw.ndim != 1 or any(values.shape != raw.shape for values in (time, *climate)):
        raise ValueError("time_s, reading, temperature and humidity differ in shape")
    if log_scale:
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.where(raw > 0.0, -np.log(raw), np.nan)
        return relative(_corrected(time, logarithm, *climate, family=family, causal=causal))
    return _corrected(time, raw, *climate, family=family, causal=causal, least_noise=least_noise)


def _corrected(
    time: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    *,
    family: str,
    causal: bool,
    least_noise: float = 0.0,
) -> Corrected:
    reading = np.where(np.isfinite(reading), reading, np.nan)
    if causal:
        return _forward(time, reading, temperature, humidity, family)
    known = np.flatnonzero(np.isfinite(reading) & np.isfinite(time))
    order = known[np.argsort(time[known], kind="stable")]
    values = reading[order]
    steps = np.diff(np.unique(values))
    if order.size < FEWEST or steps.size == 0:
        level = np.where(np.isfinite(reading), _middle(values), np.nan)
        unknown = np.full(reading.shape, np.nan)
        flags = np.zeros(reading.shape, np.bool_)
        return Corrected(reading - level, level, unknown, np.where(flags, 0.0, unknown), flags)
    found = smoother.smooth_baseline(
        time[order],
        values,
        temperature[order],
        humidity[order],
        float(steps.min()),
        family=family,
    )
    excess = values - found.level
    noise = max(lower_spread(excess), float(steps.min()) / np.sqrt(12.0), least_noise)
    plume, _ = kernels.plume_probability(
        time[order], excess, np.full(order.size, noise), found.variance
    )
    warming_up = np.abs(found.warm_up) > 3.0 * noise
    unproven = _unproven(time[order], plume, warming_up)
    if family in ONLY_FALLING:
        unproven &= ~_risen(excess, plume, noise)
    if family in ONLY_FALLING and family not in NO_WARM_UP:
        unproven |= _unsettled(time[order], excess / noise, unproven, warming_up)
    return Corrected(
        _placed(excess, order, reading.size),
        _placed(found.level, order, reading.size),
        _placed(np.sqrt(found.variance + noise**2), order, reading.size),
        _placed(plume, order, reading.size),
        _placed(unproven.astype(np.float64), order, reading.size) > 0.0,
        found.drift,
        found.decay,
    )


def _unproven(
    time: FloatArray, plume: FloatArray, warming_up: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Warming up, or high ever since: with no rise seen, plume and transient look alike."""
    unproven = warming_up.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], plume > 0.5, [False]))))
    for first, last in edges.reshape(-1, 2):
        seen = np.flatnonzero(warming_up[first:last])
        if first == 0 or seen.size:
            since = first + (seen[-1] if seen.size else 0)
            within = time[first:last] - time[since] < baseline_steps.LONGEST_PLUME_S
            unproven[first:last] |= within
    return unproven


def _unsettled(
    time: FloatArray,
    excess: FloatArray,
    unproven: NDArray[np.bool_],
    warming_up: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Above the baseline ever since it was unproven, and no more than it was: the rest fades.

    `excess` is in noises. Gas met while a sensor warms up spoils the fit of the transient, whose
    rest then fades over a minute. What rises far above that rest is gas.
    """
    first = np.searchsorted(time, time - SETTLED_S, side="left")
    total = np.concatenate(([0.0], np.cumsum(excess)))
    end = np.arange(time.size) + 1
    mean = (total[end] - total[first]) / (end - first)
    unsettled = np.zeros(time.size, np.bool_)
    for last in np.flatnonzero(unproven & ~np.append(unproven[1:], False)):
        seen = np.flatnonzero(warming_up[: last + 1])
        since = time[seen[-1] if seen.size else 0]
        falls = excess[last:] <= RISE * max(float(mean[last]), 0.0) + RISE_NOISES
        within = time[last:] - since < baseline_steps.LONGEST_PLUME_S
        is_rest = (mean[last:] > SETTLED) & falls & within
        unsettled[last : last + int(np.argmin(np.append(is_rest, False)))] = True
    return unsettled


def _risen(excess: FloatArray, plume: FloatArray, noise: float) -> NDArray[np.bool_]:
    """Once the first stretch of high readings has risen far above where it began: gas, then."""
    high = np.flatnonzero(~(plume > 0.5))
    end = int(high[0]) if high.size else excess.size
    began = max(float(np.median(excess[: min(end, FIRST)])), 0.0) if end else 0.0
    above = np.flatnonzero(excess[:end] > RISE * began + RISE_NOISES * noise)
    risen = np.zeros(excess.size, np.bool_)
    if above.size:
        risen[above[0] : end] = True
    return risen


def _middle(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else np.nan


def _placed(values: FloatArray, order: NDArray[np.int64], size: int) -> FloatArray:
    placed = np.full(size, np.nan)
    placed[order] = values
    return placed


def _forward(
    time: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    family: str,
) -> Corrected:
    baseline, sigma, plume, warming_up, _ = kernels.filter_pass(
        np.array(layout.new_state()),
        time,
        reading,
        temperature,
        humidity,
        np.ones(reading.size),
        baseline_steps.SPAN_S,
        0.0 if family in NO_WARM_UP else baseline_steps.WARM_UP_S,
    )
    return Corrected(reading - baseline, baseline, sigma, plume, warming_up > 0.0)


def relative(logarithmic: Corrected) -> Corrected:
    """Gas relative to clean air from minus the log resistance above its baseline."""
    power = 1.0 / abs(MOX_EXPONENT)
    ratio = np.exp(np.minimum(power * logarithmic.signal, 50.0))
    return Corrected(
        ratio - 1.0,
        np.exp(-logarithmic.baseline),
        power * ratio * logarithmic.sigma,
        logarithmic.plume,
        logarithmic.warming_up,
        logarithmic.drift,
        logarithmic.decay,
    )
