"""Gusts: how strong, how long, and the eddies in which neighbouring air moves together."""
# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from sims.wind import friction_velocity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Turbulence, Wind

    FloatArray = NDArray[np.float64]

__all__ = ["Gusts", "eddies", "eddy_velocity", "gusts"]

# Velocity deviations over friction velocity in neutral air, along, across and vertical:
# Panofsky & Dutton (1984), Atmospheric Turbulence, table 7.1.
_NEUTRAL_RATIOS = (2.4, 1.9, 1.25)
_EDDY_COUNT = 48
_EDDY_LENGTHS_M = (6.0, 250.0)
# Horizontal motion averaged over heights has this part of its variance on the ground.
_VARIANCE_OFF_GROUND = 0.6


class Gusts(NamedTuple):
    """Scales of the turbulent velocity, as the kernels take them.

    The Lagrangian time scale is ``(scale_base_m + scale_slope z) / sigma_w`` for the vertical
    and `horizontal_ratio` times that for the horizontal; `sigma_*` in m s-1.
    """

    sigma_u: float
    sigma_v: float
    sigma_w: float
    scale_base_m: float
    scale_slope: float
    horizontal_ratio: float


def gusts(turbulence: Turbulence, wind: Wind) -> Gusts:
    """Turbulence that each filament has of its own, in the surface layer.

    Notes
    -----
    ``T = 0.5 z / sigma_w`` near the ground, from Hanna (1982), *Applications in air pollution
    modeling*, in Atmospheric Turbulence and Air Pollution Modelling, ch. 7; the horizontal
    time is twice as long. The deviations do not change with height, so that filaments stay
    well mixed without a drift term (Thomson 1987, doi:10.1017/S0022112087001940).
    """
    unit = turbulence.intensity * friction_velocity(wind.speed_m_s, wind.roughness_m)
    own = 1.0 - turbulence.share if turbulence.kind == "fourier" else 1.0
    sigma_u, sigma_v, sigma_w = (ratio * unit * float(np.sqrt(own)) for ratio in _NEUTRAL_RATIOS)
    return Gusts(
        sigma_u=sigma_u,
        sigma_v=sigma_v,
        sigma_w=sigma_w,
        scale_base_m=0.5 * turbulence.time_scale,
        scale_slope=0.5 * turbulence.time_scale,
        horizontal_ratio=2.0,
    )


def eddies(turbulence: Turbulence, wind: Wind, *, rng: np.random.Generator) -> FloatArray:
    """Random Fourier modes of a flow without divergence that does not cross the ground.

    Returns
    -------
    ndarray, shape (modes, 8)
        Wave number east, north, up [rad m-1]; amplitude east, north, up [m s-1]; frequency
        [rad s-1]; phase [rad]. No rows when the turbulence is of kind "ou".

    Notes
    -----
    Kinematic simulation: Kraichnan (1970), doi:10.1063/1.1692799; Fung et al. (1992),
    doi:10.1017/S0022112092001423. Variance falls as the -5/3 power of wave number.
    The mode is ``(a k + b k') cos(kz z) cos(phi)`` along the ground and
    ``a |k| / kz sin(kz z) sin(phi)`` upward, which is free of divergence.
    """
    if turbulence.kind != "fourier":
        return np.zeros((0, 8))
    small, large = np.log(_EDDY_LENGTHS_M)
    number = 2.0 * np.pi / np.exp(rng.uniform(small, large, _EDDY_COUNT))
    heading = rng.uniform(0.0, 2.0 * np.pi, _EDDY_COUNT)
    upward = number * rng.uniform(1.0, 2.5, _EDDY_COUNT)
    along, across = rng.standard_normal((2, _EDDY_COUNT)) * number ** (-1.0 / 3.0)
    unit = turbulence.intensity * friction_velocity(wind.speed_m_s, wind.roughness_m)
    wanted = turbulence.share * (_NEUTRAL_RATIOS[1] * unit) ** 2
    present = _VARIANCE_OFF_GROUND * float(np.sum(along**2 + across**2)) / 4.0
    along, across = along * np.sqrt(wanted / present), across * np.sqrt(wanted / present)
    east, north = np.cos(heading), np.sin(heading)
    columns = (
        number * east,
        number * north,
        upward,
        along * east - across * north,
        along * north + across * east,
        along * number / upward,
        0.3 * number * unit * rng.standard_normal(_EDDY_COUNT),
        rng.uniform(0.0, 2.0 * np.pi, _EDDY_COUNT),
    )
    return np.stack(columns, axis=1)


@njit(cache=True)
def eddy_velocity(
    modes: FloatArray, east: float, north: float, height: float, time_s: float
) -> tuple[float, float, float]:
    """Velocity of the eddies at a place that moves with the mean wind [m s-1]."""
    u = v = w = 0.0
    for index in range(modes.shape[0]):
        mode = modes[index]
        phase = mode[0] * east + mode[1] * north + mode[6] * time_s + mode[7]
        level = np.cos(mode[2] * height) * np.cos(phase)
        u += mode[3] * level
        v += mode[4] * level
        w += mode[5] * np.sin(mode[2] * height) * np.sin(phase)
    return u, v, w
