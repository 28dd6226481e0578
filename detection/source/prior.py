"""What is believed before the flight: about sources, and about what disturbs the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Nuisances", "Prior", "draw_nuisances"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Prior of the sources and of the nuisance parameters.

    Sources are uniform over the domain; the logarithm of the rate is uniform; the release
    height is exponential. Widths are standard deviations, of logarithms where so named.

    Attributes
    ----------
    any_source : float
        Probability that the domain holds any source.
    another_source : float
        Probability of one more source, given some; the number of sources is geometric.
    rate_min, rate_max : float
        [kg s-1].
    release_height_mean_m : float
    lateral_intensity, lateral_log_sd : float
        Turbulent velocity across the wind over the wind speed.
    vertical_intensity, vertical_log_sd : float
    lateral_time_scale_s, vertical_time_scale_s, time_scale_log_sd : float
        Lagrangian time scales.
    roughness_m, roughness_log_sd : float
        Aerodynamic roughness length.
    wind_bias_sd_deg : float
        Error of the wind direction over the whole flight.
    wind_speed_log_sd : float
        Error of the wind speed over the whole flight.
    lag_log_sd : float
        Uncertainty of the sensor's time constants.
    """

    any_source: float = 0.5
    another_source: float = 0.2
    rate_min: float = 1e-6
    rate_max: float = 3e-2
    release_height_mean_m: float = 2.5
    lateral_intensity: float = 0.13
    lateral_log_sd: float = 0.4
    vertical_intensity: float = 0.085
    vertical_log_sd: float = 0.35
    lateral_time_scale_s: float = 30.0
    vertical_time_scale_s: float = 10.0
    time_scale_log_sd: float = 0.6
    roughness_m: float = 0.06
    roughness_log_sd: float = 0.9
    wind_bias_sd_deg: float = 5.0
    wind_speed_log_sd: float = 0.1
    lag_log_sd: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuisances:
    """One value of everything that is not asked for but changes the answer.

    Turbulent velocities [m s-1], time scales and response [s], heights [m].
    """

    release_height_m: float
    lateral_sd: float
    vertical_sd: float
    lateral_time_scale_s: float
    vertical_time_scale_s: float
    roughness_m: float
    wind_bias_rad: float
    wind_speed_factor: float
    rise_s: float
    decay_s: float


def draw_nuisances(
    prior: Prior,
    *,
    count: int,
    wind_speed: float,
    response_s: tuple[float, float],
    rng: np.random.Generator,
) -> list[Nuisances]:
    """Draws from the prior that fill it evenly.

    Parameters
    ----------
    prior : Prior
    count : int
        How many draws.
    wind_speed : float
        Mean wind [m s-1]; turbulence scales with it and does not vanish in a calm.
    response_s : tuple of float
        Rise and decay time constants the sensor's family is known for [s].
    rng : numpy.random.Generator
        Shifts the point set as a whole.

    Returns
    -------
    list of Nuisances

    Notes
    -----
    Points of an additive recurrence (Roberts 2018, generalised golden ratio) with a random
    shift: evener than independent draws, and any number of them.
    """
    dimensions = 9
    ratio = _generalised_golden_ratio(dimensions)
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    uniform = (rng.random(dimensions) + np.outer(np.arange(count), steps)) % 1.0
    uniform = np.clip(uniform, 1e-6, 1 - 1e-6)
    normal = ndtri(uniform)
    speed = float(np.hypot(wind_speed, 1.0))
    return [
        Nuisances(
            release_height_m=float(-prior.release_height_mean_m * np.log1p(-u[0])),
            lateral_sd=prior.lateral_intensity * speed * float(np.exp(prior.lateral_log_sd * z[1])),
            vertical_sd=prior.vertical_intensity
            * speed
            * float(np.exp(prior.vertical_log_sd * z[2])),
            lateral_time_scale_s=prior.lateral_time_scale_s
            * float(np.exp(prior.time_scale_log_sd * z[3])),
            vertical_time_scale_s=prior.vertical_time_scale_s
            * float(np.exp(prior.time_scale_log_sd * z[4])),
            roughness_m=prior.roughness_m * float(np.exp(prior.roughness_log_sd * z[5])),
            wind_bias_rad=float(np.deg2rad(prior.wind_bias_sd_deg * z[6])),
            wind_speed_factor=float(np.exp(prior.wind_speed_log_sd * z[7])),
            rise_s=response_s[0] * float(np.exp(prior.lag_log_sd * z[8])),
            decay_s=response_s[1] * float(np.exp(prior.lag_log_sd * z[8])),
        )
        for u, z in zip(uniform, normal, strict=True)
    ]


def _generalised_golden_ratio(dimensions: int) -> float:
    """Positive root of ``x ** (dimensions + 1) = x + 1``."""
    root = 2.0
    for _ in range(50):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    return root
