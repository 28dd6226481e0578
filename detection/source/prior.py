"""What is believed before the flight: about sources, and about what disturbs the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.observations import Observations

__all__ = ["DIMENSIONS", "Nuisances", "Prior", "nuisances_at"]

DIMENSIONS = 10  # of the space of nuisances
VON_KARMAN = 0.4
MOST_LONGER = 8.0  # eddies of a quarter of an hour and more are changes of the weather
AVERAGED_LOG_SD = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Prior of the sources and of the nuisance parameters.

    Sources are uniform over the domain; the rate is log-normal within its bounds. Of release
    heights 1 + h / `release_height_m` is Pareto distributed: most lie near the ground, and vents
    and roofs are no surprise (one in sixteen is above 9 m). Widths are standard deviations, of
    logarithms where so named.

    Attributes
    ----------
    any_source : float
        Probability that the domain holds any source.
    another_source : float
        Probability of one more source, given some; the number of sources is geometric.
    rate, rate_log_sd : float
        Median [kg s-1] and spread of the emission rate.
    rate_min, rate_max : float
        [kg s-1].
    release_height_m : float
        Scale of the release height: a share (1 + h / scale) ** -shape lies above h.
    release_height_shape : float
        How soon greater heights become rare.
    lateral_ratio, lateral_log_sd : float
        Turbulent velocity across the wind over the friction velocity, and its spread.
    vertical_ratio, vertical_log_sd : float
        The same, vertical.
    least_friction_m_s : float
        Friction velocity whose turbulence remains in a calm: the sun stirs the air as well.
    gust_log_sd : float
        Uncertainty of the friction velocity that gusts tell; it grows with the roughness.
    eddy_length_m, eddy_log_sd : float
        Length scale of vertical eddies at 10 m.
    eddy_growth_spread : float
        Of the power of the height it grows with: 1 is uniform from 0 to 1, 0 is one half for sure.
    lateral_time_scale_s, time_scale_log_sd : float
        Lagrangian time scale across the wind, where eddies are not held small by the ground.
    roughness_m, roughness_log_sd : float
        Aerodynamic roughness length.
    meander_exponent : float
        Time averages spread with this power of their duration over a minute.
    wind_bias_sd_deg, wind_speed_log_sd : float
        Error of the wind's direction and speed over the whole flight.
    wind_error_m_s : float
        The same, each component, as it matters in light wind.
    lag_log_sd : float
        Uncertainty of the sensor's time constants.
    """

    any_source: float = 0.5
    another_source: float = 0.02
    rate: float = 3e-4
    rate_log_sd: float = 1.7
    rate_min: float = 1e-6
    rate_max: float = 3e-1
    release_height_m: float = 3.0
    release_height_shape: float = 2.0
    lateral_ratio: float = 1.9
    lateral_log_sd: float = 0.4
    vertical_ratio: float = 1.25
    vertical_log_sd: float = 0.4
    least_friction_m_s: float = 0.08
    gust_log_sd: float = 0.25
    eddy_length_m: float = 5.0
    eddy_log_sd: float = 0.6
    eddy_growth_spread: float = 1.0
    lateral_time_scale_s: float = 30.0
    time_scale_log_sd: float = 0.6
    roughness_m: float = 0.04
    roughness_log_sd: float = 1.2
    meander_exponent: float = 0.2
    wind_bias_sd_deg: float = 5.0
    wind_speed_log_sd: float = 0.1
    wind_error_m_s: float = 0.2
    lag_log_sd: float = 0.3

    def for_readings(self, observations: Observations) -> Prior:
        """Prior of what these readings and their wind leave unknown."""
        direction_deg, log_speed = observations.wind_error
        if observations.has_one_wind:
            return replace(
                self,
                wind_bias_sd_deg=max(self.wind_bias_sd_deg, direction_deg),
                wind_speed_log_sd=max(self.wind_speed_log_sd, log_speed),
            )
        return self.for_averages(observations.averaging_time_s)

    def for_averages(self, averaging_time_s: float) -> Prior:
        """Prior of a plume whose meander is part of the readings, if they are time averages.

        Averages are taken by day and by night, so the spread of turbulence is wider too.

        Notes
        -----
        Power law of the averaging time, Gifford (1975), as in Hanna, Briggs & Hosker (1982),
        doi:10.2172/5591108, chapter 4.
        """
        longer = max(averaging_time_s / 60.0, 1.0)
        if longer == 1.0:
            return self
        return replace(
            self,
            lateral_ratio=self.lateral_ratio * longer**self.meander_exponent,
            lateral_time_scale_s=self.lateral_time_scale_s * min(longer, MOST_LONGER),
            lateral_log_sd=max(self.lateral_log_sd, AVERAGED_LOG_SD),
            vertical_log_sd=max(self.vertical_log_sd, AVERAGED_LOG_SD),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuisances:
    """One value of everything that is not asked for but changes the answer.

    Turbulent velocities [m s-1], response [s], heights and the length of eddies at 10 m [m].
    """

    release_height_m: float
    lateral_sd: float
    vertical_sd: float
    lateral_time_scale_s: float
    eddy_length_m: float
    eddy_growth: float
    roughness_m: float
    wind_bias_rad: float
    wind_speed_factor: float
    rise_s: float
    decay_s: float


def nuisances_at(
    prior: Prior,
    point: NDArray[np.float64],
    *,
    wind_speed: float,
    wind_height_m: float,
    response_s: tuple[float, float],
    friction_m_s: float | None = None,
) -> Nuisances:
    """Nuisances at a point of the space in which their prior is standard normal.

    Parameters
    ----------
    prior : Prior
    point : ndarray, shape (10,)
        Standard normal coordinates, in the order of the fields of `Nuisances`.
    wind_speed : float
        Mean wind [m s-1]; turbulence scales with it and does not vanish in a calm.
    wind_height_m : float
        Height above ground it was measured at [m].
    response_s : tuple of float
        Rise and decay time constants the sensor's family is known for [s].
    friction_m_s : float, optional
        Friction velocity that gusts tell (`gusts.friction_of_gusts`) [m s-1]; without it, that of
        the log-law wind over the roughness drawn.

    Returns
    -------
    Nuisances
    """
    roughness = prior.roughness_m * float(np.exp(prior.roughness_log_sd * point[5]))
    if friction_m_s is None:
        sheared = VON_KARMAN * wind_speed / np.log1p(wind_height_m / roughness)
        friction = float(np.hypot(sheared, prior.least_friction_m_s))
    else:
        friction = friction_m_s * float(np.exp(prior.gust_log_sd * point[5]))
    share = prior.wind_error_m_s / max(wind_speed, prior.wind_error_m_s)
    bias_sd = float(np.hypot(np.deg2rad(prior.wind_bias_sd_deg), share))
    speed_sd = float(np.hypot(prior.wind_speed_log_sd, share))
    lag = float(np.exp(prior.lag_log_sd * point[8]))
    log_share_above = float(log_ndtr(-point[0]))
    return Nuisances(
        release_height_m=prior.release_height_m
        * float(np.expm1(-log_share_above / prior.release_height_shape)),
        lateral_sd=prior.lateral_ratio * friction * float(np.exp(prior.lateral_log_sd * point[1])),
        vertical_sd=prior.vertical_ratio
        * friction
        * float(np.exp(prior.vertical_log_sd * point[2])),
        lateral_time_scale_s=prior.lateral_time_scale_s
        * float(np.exp(prior.time_scale_log_sd * point[3])),
        eddy_length_m=prior.eddy_length_m * float(np.exp(prior.eddy_log_sd * point[4])),
        eddy_growth=float(ndtr(prior.eddy_growth_spread * point[9])),
        roughness_m=roughness,
        wind_bias_rad=bias_sd * float(point[6]),
        wind_speed_factor=float(np.exp(speed_sd * point[7])),
        rise_s=response_s[0] * lag,
        decay_s=response_s[1] * lag,
    )
