"""What simpler methods say of the same flights: the largest reading, a plain Gaussian plume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from benchmarks.scoring import Guess
from detection.source.dispersion import briggs_sigma, reflected_density
from drone.analysis import observations_of

if TYPE_CHECKING:
    from detection.source.observations import Observations
    from drone.analysis import Analysis

_CELL_M = 10.0
_RELEASE_M = 1.0
_STARTS = 5
# Pasquill classes of a day with moderate sun, by wind speed: Turner (1970), AP-26, table 3-1.
_CLASSES = ((2.0, "B"), (5.0, "C"), (np.inf, "D"))


def largest_reading(analysis: Analysis) -> Guess:
    """Where the corrected reading was largest."""
    track = analysis.survey.track
    place = int(np.nanargmax(track.reading))
    return Guess(float(track.east[place]), float(track.north[place]))


def plume_fit(analysis: Analysis) -> Guess:
    """One steady Gaussian plume in the mean wind, fitted by least squares.

    Spread after Briggs, stability by wind speed, release at 1 m; the best rate of every 10 m
    cell of the domain gives the starts, from the best five of which place and rate are fitted.
    """
    seen = observations_of(
        analysis.flight,
        analysis.survey.domain,
        analysis.survey.channel,
        gas=analysis.choices.gas,
    ).observations
    if seen is None:
        return Guess(float("nan"), float("nan"))
    west, south, east, north = analysis.survey.domain.bounds
    cells = np.stack(
        np.meshgrid(np.arange(west, east, _CELL_M), np.arange(south, north, _CELL_M)), axis=-1
    ).reshape(-1, 2)
    unit = [_per_rate(seen, cell) for cell in cells]
    rates = np.array([_best_rate(one, seen.concentration) for one in unit])
    misfit = [
        np.sum((seen.concentration - rate * one) ** 2)
        for rate, one in zip(rates, unit, strict=True)
    ]
    scale = np.array([_CELL_M, _CELL_M, 1.0])
    noise = float(np.median(seen.sigma))
    fits = [
        least_squares(
            lambda p: (np.exp(p[2]) * _per_rate(seen, p[:2]) - seen.concentration) / noise,
            np.array([*cells[start], np.log(max(rates[start], 1e-7))]),
            x_scale=scale,
            max_nfev=60,
        )
        for start in np.argsort(misfit)[:_STARTS]
    ]
    best = min(fits, key=lambda fit: fit.cost).x
    return Guess(float(best[0]), float(best[1]), 1e3 * float(np.exp(np.clip(best[2], -50, 50))))


def _best_rate(unit: np.ndarray, concentration: np.ndarray) -> float:
    power = float(unit @ unit)
    return max(float(unit @ concentration) / power, 0.0) if power > 0 else 0.0


def _per_rate(seen: Observations, place: np.ndarray) -> np.ndarray:
    """Concentration per emission rate [s m-3] of a plume from `place` in the mean wind."""
    wind = np.array([np.nanmean(seen.eastward_wind), np.nanmean(seen.northward_wind)])
    speed = max(float(np.hypot(*wind)), 0.3)
    along = wind / max(float(np.hypot(*wind)), 1e-9)
    x = (seen.east - place[0]) * along[0] + (seen.north - place[1]) * along[1]
    y = -(seen.east - place[0]) * along[1] + (seen.north - place[1]) * along[0]
    downwind = x > 0.5
    stability = next(name for limit, name in _CLASSES if speed < limit)
    across, vertical = briggs_sigma(np.where(downwind, x, 1.0), stability)
    plume = (
        np.exp(-0.5 * (y / across) ** 2)
        / (np.sqrt(2 * np.pi) * across * speed)
        * reflected_density(seen.height, _RELEASE_M, vertical)
    )
    return np.where(downwind, plume, 0.0)


BASELINES = {"largest reading": largest_reading, "Gaussian-plume fit": plume_fit}
