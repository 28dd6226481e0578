"""Does the model fit this flight, and if not, what may be wrong with the flight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from detection.pacing import in_order
from detection.source.footprint import path_of
from detection.source.injection import thinned
from detection.source.lattice import Lattice
from detection.source.likelihood import attainable_log_ratio, log_ratio
from detection.source.noise import Noise, noise_of
from detection.source.observations import nuisances_of
from detection.source.patches import Patchiness
from detection.source.prior import Prior
from detection.source.proposals import normal_points
from detection.source.tables import response_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["Diagnosis", "diagnose", "ljung_box"]

DRAWS, CELLS, READINGS = 6, 900, 350  # of the coarse fits
RATES = np.geomspace(1e-6, 0.3, 20)  # kg s-1
LEAST_TO_EXPLAIN = 40.0  # log-likelihood ratio below which too little stands out to judge a fit
SHIFTS_S = (-10.0, -5.0, 5.0, 10.0)
LAGS = 10
MUCH_BETTER = {"wind": 0.12, "clock": 0.26}  # share of what can be explained at all
AS_GOOD = -0.05  # as above; one flight in fifty fits a wind turned round as well as this
MUCH_UPWIND = 0.35
UPWIND_M = 20.0
STRONGEST = 8.0  # additive deviations of a reading that some candidate must explain, ...
HARDLY = 0.05  # ... at least this share of it ...
BESIDE_S = 8.0  # ... within this time
STANDS_OUT = 3.0  # additive deviations
REPLICAS = 40  # flights predicted for the posterior-predictive check


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How well the model fits.

    Attributes
    ----------
    values : dict
        Plain numbers for ``summary.json``; None where there is nothing to measure.
    notes : tuple of str
        Sentences for a reader, only where something is wrong.
    """

    values: dict[str, float | int | None]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    """Best of all places, rates and draws of the nuisances for one source."""

    log_ratio: float
    prediction: FloatArray
    east: float
    north: float


def diagnose(
    observations: Observations,
    domain: tuple[float, float, float, float],
    *,
    rng: np.random.Generator,
    posterior: xr.Dataset | None = None,
    prior: Prior | None = None,
    noise: Noise | None = None,
) -> Diagnosis:
    """Check the fit of the best single source, and what would fit better.

    Parameters
    ----------
    observations : Observations
        At least one reading.
    domain : tuple of float
        West, south, east, north [m].
    rng : numpy.random.Generator
    posterior : xarray.Dataset, optional
        Of the same flight: for the number of effective draws and its candidates.
    prior, noise : optional

    Returns
    -------
    Diagnosis

    Notes
    -----
    The flight is fitted as it is, with its wind turned by 180 degrees, and with the gas moved
    against the positions by 5 and 10 s; what fits much better is said. Thresholds are shares of
    `attainable_log_ratio`, chosen so that good simulated flights are seldom complained of.
    """
    noise = noise or Noise()
    prior = (prior or Prior()).for_readings(observations)
    few = thinned(observations, max(1, len(observations) // READINGS))
    points = normal_points(DRAWS, rng=rng)
    additive = noise_of(few, noise)
    attainable, standing = attainable_log_ratio(
        few.concentration, additive, relative=noise.relative
    )
    plain = _fitted(few, domain, points, prior, noise)
    scaled = (few.concentration - plain.prediction) / np.hypot(
        additive, noise.relative * plain.prediction
    )
    low, high = _predicted_standing(few, plain.prediction, additive, rng)
    values: dict[str, float | int | None] = {
        "effective_draws": _effective_draws(posterior),
        "readings_that_stand_out": standing,
        "predicted_to_stand_out_p05": low,
        "predicted_to_stand_out_p95": high,
        "residual_whiteness_p": round(ljung_box(scaled, LAGS), 4),
        "share_explained": None,
        "share_explained_wind_reversed": None,
        "share_explained_gas_moved": None,
        "gas_moved_s": None,
        "share_upwind_of_candidates": None,
    }
    if attainable < LEAST_TO_EXPLAIN:
        return Diagnosis(values, ())
    turned = replace(few, eastward_wind=-few.eastward_wind, northward_wind=-few.northward_wind)
    reversed_wind = _fitted(turned, domain, points, prior, noise).log_ratio
    # means over minutes know no seconds, and those of fixed sensors lie side by side in time
    shifts = SHIFTS_S if few.averaging_time_s == 0.0 else (0.0,)
    moved = [
        _fitted(_moved(few, shift), domain, points, prior, noise) if shift else plain
        for shift in shifts
    ]
    best = int(np.argmax([one.log_ratio for one in moved]))
    upwind = _upwind_share(few, additive, _candidates(posterior, plain))
    values |= {
        "share_explained": round(plain.log_ratio / attainable, 3),
        "share_explained_wind_reversed": round(reversed_wind / attainable, 3),
        "share_explained_gas_moved": round(moved[best].log_ratio / attainable, 3),
        "gas_moved_s": shifts[best],
        "share_upwind_of_candidates": round(upwind, 3),
    }
    notes = []
    better_turned = (reversed_wind - plain.log_ratio) / attainable
    better_moved = (moved[best].log_ratio - plain.log_ratio) / attainable
    if better_turned > MUCH_BETTER["wind"] and better_turned >= better_moved:
        notes.append(
            "the wind may be reversed: turned by 180 degrees, it explains the readings far better; "
            "check the wind sensor's mounting and whether its direction means from or towards"
        )
    elif better_moved > MUCH_BETTER["clock"]:
        lags = "lags behind" if shifts[best] > 0 else "runs ahead of"
        notes.append(
            f"clock offset likely: gas {lags} position by some {abs(shifts[best]):.0f} s; "
            "check the clocks, or give --offset-s"
        )
    elif better_turned > AS_GOOD:
        notes.append(
            "the readings fit a wind from the other side as well: unless the wind sensor is known "
            "to be mounted right, look on the far side of where gas was met too"
        )
    if upwind > MUCH_UPWIND:
        notes.append("readings rise upwind of every candidate: check the wind sensor")
    if _is_strongest_unexplained(few, plain.prediction, additive):
        notes.append(
            "the strongest reading is not explained by any candidate: look for a second source, "
            "a sensor that was touched, or gas from outside the area"
        )
    return Diagnosis(values, tuple(notes))


def ljung_box(series: FloatArray, lags: int) -> float:
    """Probability that white noise is as correlated in time as a series.

    Parameters
    ----------
    series : ndarray, shape (n,)
    lags : int

    Returns
    -------
    float
        1 for a series too short or without any variation.

    Notes
    -----
    Ljung & Box (1978), doi:10.1093/biomet/65.2.297, on values clipped at four deviations.
    """
    centred = np.clip(series, -4.0, 4.0)
    centred = centred - centred.mean()
    power = float(centred @ centred)
    if series.size <= lags + 1 or power <= 0:
        return 1.0
    size = series.size
    total = sum(
        (float(centred[lag:] @ centred[:-lag]) / power) ** 2 / (size - lag)
        for lag in range(1, lags + 1)
    )
    return float(chdtrc(lags, size * (size + 2) * total))


def _fitted(
    observations: Observations,
    domain: tuple[float, float, float, float],
    points: FloatArray,
    prior: Prior,
    noise: Noise,
) -> _Fit:
    area = (domain[2] - domain[0]) * (domain[3] - domain[1])
    lattice = Lattice.covering(domain, max(4.0, float(np.sqrt(area / CELLS))))
    path = path_of(observations, domain, smoothing_s=15.0)
    additive = noise_of(observations, noise)
    east, north = lattice.centres()

    def one(point: FloatArray) -> _Fit:
        kernel = response_of(path, lattice, nuisances_of(observations, prior, point))
        ratio = log_ratio(
            kernel, observations.concentration, additive, RATES, relative=noise.relative
        )
        cell, rate = divmod(int(ratio.argmax()), RATES.size)
        prediction = RATES[rate] * kernel[:, cell].astype(np.float64)
        return _Fit(float(ratio.max()), prediction, float(east[cell]), float(north[cell]))

    return max(in_order(one, points), key=lambda fit: fit.log_ratio)


def _moved(observations: Observations, shift_s: float) -> Observations:
    """The readings as if each had been taken `shift_s` earlier than its clock says."""
    time = observations.time_s
    return replace(
        observations, concentration=np.interp(time + shift_s, time, observations.concentration)
    )


def _candidates(posterior: xr.Dataset | None, plain: _Fit) -> tuple[FloatArray, FloatArray]:
    """Places of sources of the posterior's draws, or of the best fit where it has none."""
    if posterior is not None:
        east, north = posterior["east"].to_numpy(), posterior["north"].to_numpy()
        first = np.isfinite(east[:, 0])
        if first.any() and float(posterior.attrs["p_any_source"]) > 0.5:
            return east[first, 0], north[first, 0]
    return np.array([plain.east]), np.array([plain.north])


def _upwind_share(
    observations: Observations, additive: FloatArray, candidates: tuple[FloatArray, FloatArray]
) -> float:
    """Share of what stands out that was met upwind of nearly every candidate."""
    strength = np.log1p(np.maximum(observations.concentration / additive, 0.0) ** 2 / 3.0)
    strength[observations.concentration < STANDS_OUT * additive] = 0.0
    if not strength.any():
        return 0.0
    wind = [
        np.interp(observations.time_s, observations.wind_time_s, one)
        for one in (observations.eastward_wind, observations.northward_wind)
    ]
    speed = np.maximum(np.hypot(*wind), 0.1)
    along = (observations.east[:, None] - candidates[0]) * (wind[0] / speed)[:, None]
    along += (observations.north[:, None] - candidates[1]) * (wind[1] / speed)[:, None]
    is_upwind = (along < -UPWIND_M).mean(axis=1) > 0.95
    return float(strength[is_upwind].sum() / strength.sum())


def _is_strongest_unexplained(
    observations: Observations, prediction: FloatArray, additive: FloatArray
) -> bool:
    strongest = int(np.argmax(observations.concentration / additive))
    reading = observations.concentration[strongest]
    beside = abs(observations.time_s - observations.time_s[strongest]) <= BESIDE_S
    return bool(
        reading > STRONGEST * additive[strongest]
        and prediction[beside].max() < max(HARDLY * reading, additive[strongest])
    )


def _predicted_standing(
    observations: Observations,
    prediction: FloatArray,
    additive: FloatArray,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """5th and 95th percentile of how many readings would stand out, were the best fit true."""
    gas = prediction * Patchiness().factors(observations.time_s, REPLICAS, rng=rng)
    readings = gas + observations.sigma * rng.standard_normal(gas.shape)
    counts = (readings > STANDS_OUT * additive).sum(axis=1)
    low, high = np.quantile(counts, [0.05, 0.95])
    return int(low), int(np.ceil(high))


def _effective_draws(posterior: xr.Dataset | None) -> float | None:
    """Draws of the nuisances that count: one over the sum of their squared shares."""
    if posterior is None:
        return None
    height = posterior["height"].to_numpy()[:, 0]
    _, counts = np.unique(height[np.isfinite(height)], return_counts=True)
    if not counts.size:
        return None
    return round(float(counts.sum() ** 2 / (counts**2).sum()), 1)
