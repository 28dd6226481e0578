"""Gusts: how strong, how long, and the eddies in which neighbouring air moves together."""
# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from sims.wind import friction_velocity, profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Turbulence, Wind

    FloatArray = NDArray[np.float64]

__all__ = ["Eddies", "Gusts", "eddies", "eddy_velocity", "eddy_wind", "gusts"]

# Velocity deviations over friction velocity in neutral air, along, across and vertical:
# Panofsky & Dutton (1984), Atmospheric Turbulence, table 7.1.
_NEUTRAL_RATIOS = (2.4, 1.9, 1.25)
# Eddies by horizontal wavelength [m]; the pattern of each band repeats after 1,024 m.
_BANDS_M = ((8.0, 20.0), (20.0, 50.0), (50.0, 120.0), (120.0, 300.0))
_CELL_M = 2.0
_CELLS = 512
# An eddy is this much flatter than long, and is carried by the wind at this part of its length.
_UPWARD_RATIO = 1.5
_CARRIED_AT = 0.25
# Heights [m] over which the variance of eddies and filaments is shared out as asked.
_LAYER = np.linspace(0.0, 20.0, 41)


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


class Eddies(NamedTuple):
    """A pattern of eddies that repeats, on a square grid, for a few bands of size.

    `field` has shape (rows, columns, bands, 3): velocity east, north, up [m s-1], the first
    two times ``cos(upward z)``, the last times ``sin(upward z)``; `upward` [rad m-1] and
    `pace` (speed over that of the wind at 10 m) have shape (bands,).
    """

    field: NDArray[np.float32]
    upward: FloatArray
    pace: FloatArray
    cell_m: float


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


def eddies(turbulence: Turbulence, wind: Wind, *, rng: np.random.Generator) -> Eddies:
    """A random flow of eddies, without divergence, that does not cross the ground.

    Returns
    -------
    Eddies
        Of no cells when the turbulence is not of kind "fourier".

    Notes
    -----
    Kinematic simulation with random Fourier modes: Kraichnan (1970), doi:10.1063/1.1692799;
    Fung et al. (1992), doi:10.1017/S0022112092001423. Variance falls as the -5/3 power of
    wave number k. A mode ``a exp(i k x) cos(m z)`` along the ground comes with
    ``-i a |k| / m exp(i k x) sin(m z)`` upward. Eddies keep their shape while the wind
    carries them, large ones faster because they reach higher.
    """
    if turbulence.kind != "fourier":
        return Eddies(np.zeros((0, 0, 0, 3), np.float32), np.zeros(0), np.zeros(0), _CELL_M)
    middle = np.array([np.sqrt(low * high) for low, high in _BANDS_M])
    upward = _UPWARD_RATIO * 2.0 * np.pi / middle
    field = np.stack([_band(*band, upward[i], rng=rng) for i, band in enumerate(_BANDS_M)], axis=2)
    unit = turbulence.intensity * friction_velocity(wind.speed_m_s, wind.roughness_m)
    share = np.mean(np.cos(np.outer(upward, _LAYER)) ** 2, axis=1)
    present = np.mean(field[..., :2] ** 2, axis=(0, 1, 3)) @ share
    field *= _NEUTRAL_RATIOS[1] * unit * np.sqrt(turbulence.share / present)
    pace = profile(_CARRIED_AT * middle, wind.roughness_m)
    return Eddies(field.astype(np.float32), upward, pace, _CELL_M)


def _band(low_m: float, high_m: float, upward: float, *, rng: np.random.Generator) -> FloatArray:
    """Patterns of one band on the ground (east, north) and off it (up), before scaling."""
    east = 2.0 * np.pi * np.fft.rfftfreq(_CELLS, _CELL_M)[np.newaxis, :]
    north = 2.0 * np.pi * np.fft.fftfreq(_CELLS, _CELL_M)[:, np.newaxis]
    number = np.hypot(east, north)
    inside = (number > 2.0 * np.pi / high_m) & (number <= 2.0 * np.pi / low_m)
    safe = np.where(inside, number, 1.0)
    size = np.where(inside, safe ** (-4.0 / 3.0), 0.0)
    parts = rng.standard_normal((4, *number.shape))
    along, across = size * (parts[0] + 1j * parts[1]), size * (parts[2] + 1j * parts[3])
    spectra = (
        (along * east - across * north) / safe,
        (along * north + across * east) / safe,
        -1j * along * safe / upward,
    )
    shape = (_CELLS, _CELLS)
    pattern = np.stack([np.fft.irfft2(spectrum, s=shape) for spectrum in spectra], axis=2)
    return np.asarray(_CELLS**2 * pattern)


@njit(cache=True)
def eddy_velocity(
    eddies: Eddies, east: float, north: float, height: float, swept: FloatArray
) -> tuple[float, float, float]:
    """Velocity of the eddies at a place [m s-1].

    `swept` is how far the wind at 10 m has carried air since the beginning, east and north [m].
    """
    u = v = w = 0.0
    size = eddies.field.shape[0]
    for band in range(eddies.pace.size):
        x = (east - eddies.pace[band] * swept[0]) / eddies.cell_m
        y = (north - eddies.pace[band] * swept[1]) / eddies.cell_m
        left, low = int(np.floor(x)), int(np.floor(y))
        along = np.cos(eddies.upward[band] * height)
        off = np.sin(eddies.upward[band] * height)
        for corner in range(4):
            column, row = left + corner % 2, low + corner // 2
            weight = (1.0 - abs(x - column)) * (1.0 - abs(y - row))
            here = eddies.field[row % size, column % size, band]
            u += weight * along * here[0]
            v += weight * along * here[1]
            w += weight * off * here[2]
    return u, v, w


@njit(cache=True)
def eddy_wind(eddies: Eddies, places: FloatArray, swept: FloatArray) -> FloatArray:
    """Velocity of the eddies along a track [m s-1], shape (n, 3).

    `places` holds east, north, height [m], shape (n, 3); `swept` as for `eddy_velocity`,
    shape (n, 2).
    """
    wind = np.empty(places.shape)
    for index in range(places.shape[0]):
        east, north, height = places[index]
        wind[index] = eddy_velocity(eddies, east, north, height, swept[index])
    return wind
