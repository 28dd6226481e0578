"""How far a plume has spread, risen and travelled after a given time or distance.

Everything is a function of age (time since release) but `briggs_sigma`, which is the
published function of distance that plain Gaussian-plume models use.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "briggs_sigma",
    "layer_sigma",
    "reflected_density",
    "taylor_sigma",
    "transport_fraction",
]

# (a, b, power): sigma = a x (1 + b x) ** power
_RURAL_Y = {
    stability: (a, 1e-4, -0.5)
    for stability, a in zip("ABCDEF", (0.22, 0.16, 0.11, 0.08, 0.06, 0.04), strict=True)
}
_RURAL_Z = {
    "A": (0.20, 0.0, 0.0),
    "B": (0.12, 0.0, 0.0),
    "C": (0.08, 2e-4, -0.5),
    "D": (0.06, 1.5e-3, -0.5),
    "E": (0.03, 3e-4, -1.0),
    "F": (0.016, 3e-4, -1.0),
}
_URBAN_Y = {
    stability: (a, 4e-4, -0.5)
    for stability, a in zip("ABCDEF", (0.32, 0.32, 0.22, 0.16, 0.11, 0.11), strict=True)
}
_URBAN_Z = {
    "A": (0.24, 1e-3, 0.5),
    "B": (0.24, 1e-3, 0.5),
    "C": (0.20, 0.0, 0.0),
    "D": (0.14, 3e-4, -0.5),
    "E": (0.08, 1.5e-3, -0.5),
    "F": (0.08, 1.5e-3, -0.5),
}
_TERRAIN = {"rural": (_RURAL_Y, _RURAL_Z), "urban": (_URBAN_Y, _URBAN_Z)}

_SUBSTEPS = 3  # from one age to the next, in which the time scale is held

# Five-point Gauss-Hermite rule for the mean of a function of a standard normal variable.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def briggs_sigma(
    distance: ArrayLike, stability: str, *, terrain: str = "rural"
) -> tuple[FloatArray, FloatArray]:
    """Plume standard deviations across the wind and vertically, after Briggs.

    Parameters
    ----------
    distance : array_like, shape (n,)
        Downwind distance from the source [m]; upwind (<= 0) gives NaN.
    stability : {"A", "B", "C", "D", "E", "F"}
        Pasquill class, very unstable to stable.
    terrain : {"rural", "urban"}

    Returns
    -------
    sigma_y, sigma_z : ndarray, shape (n,)
        Across the wind and vertical [m].

    Raises
    ------
    ValueError
        `stability` or `terrain` is not one of the values above.

    Notes
    -----
    Fitted for 0.1-10 km; nearer it extrapolates. A time-mean plume, not what one pass meets.
    Equations: Hanna, Briggs & Hosker (1982), doi:10.2172/5591108.

    Examples
    --------
    >>> sigma_y, sigma_z = briggs_sigma([100.0, 1000.0], "D")  # 80/sqrt(1.1) = 76.3
    >>> sigma_y.round(1), sigma_z.round(1)
    (array([ 8. , 76.3]), array([ 5.6, 37.9]))
    """
    if terrain not in _TERRAIN or stability not in _RURAL_Y:
        raise ValueError(
            f"stability {stability!r} or terrain {terrain!r} is not of the Briggs sets"
        )
    x = np.asarray(distance, dtype=np.float64)
    x = np.where(x > 0, x, np.nan)
    across, vertical = _TERRAIN[terrain]
    (ay, by, py), (az, bz, pz) = across[stability], vertical[stability]
    return ay * x * (1 + by * x) ** py, az * x * (1 + bz * x) ** pz


def taylor_sigma(age_s: ArrayLike, velocity_sd: float, time_scale_s: float) -> FloatArray:
    """Standard deviation of displacement in homogeneous turbulence.

    Parameters
    ----------
    age_s : array_like
        Time since release [s], >= 0.
    velocity_sd : float
        Standard deviation of the turbulent velocity [m s-1].
    time_scale_s : float
        Lagrangian integral time scale [s], > 0.

    Returns
    -------
    ndarray, shape of `age_s`
        [m]; grows as ``velocity_sd * age`` at first, as its square root later.

    Notes
    -----
    Taylor (1921), doi:10.1112/plms/s2-20.1.196, with an exponential correlation.

    Examples
    --------
    >>> taylor_sigma([0.0, 1.0, 1000.0], 0.5, 10.0).round(2)  # last: 0.5*sqrt(2*10*990)
    array([ 0.  ,  0.49, 70.36])
    """
    ratio = np.asarray(age_s, dtype=np.float64) / time_scale_s
    return velocity_sd * time_scale_s * np.sqrt(2.0 * (ratio + np.expm1(-ratio)))


def layer_sigma(
    age_s: ArrayLike,
    velocity_sd: ArrayLike,
    release_height: ArrayLike,
    *,
    eddy_length_m: ArrayLike,
    eddy_growth: ArrayLike,
) -> FloatArray:
    """Vertical spread of a plume in a layer whose eddies grow with height.

    A plume from the ground meets small eddies first and reaches larger ones as it rises, so it
    rises late and then steadily, where homogeneous turbulence would lift it at once.

    Parameters
    ----------
    age_s : array_like, shape (..., a)
        Ascending along the last axis, >= 0 [s].
    velocity_sd : array_like, shape (...,)
        Standard deviation of the vertical velocity [m s-1], > 0.
    release_height : array_like, shape (...,)
        Above ground [m].
    eddy_length_m : array_like, shape (...,)
        Time scale times `velocity_sd` at a height of 10 m [m], > 0.
    eddy_growth : array_like, shape (...,)
        Power of the height it grows with: 0 is homogeneous turbulence, 1 a neutral surface layer.

    Returns
    -------
    ndarray, shape of `age_s`
        Standard deviation [m].

    Notes
    -----
    Second moments of an Ornstein-Uhlenbeck process, as in `taylor_sigma`, with the time scale at
    the mean height of the plume, stepped exactly while that is held. Neutral air has
    T = 0.5 z / sigma_w: Hanna (1982), in Nieuwstadt & van Dop, Atmospheric Turbulence and Air
    Pollution Modelling, ch. 7.

    Examples
    --------
    >>> layer_sigma([1.0, 1000.0], 0.5, 0.0, eddy_length_m=5.0, eddy_growth=0.0).round(2)
    array([ 0.49, 70.36])
    """
    ages = np.asarray(age_s, dtype=np.float64)
    of_each = (
        np.ascontiguousarray(np.broadcast_to(one, ages.shape[:-1]), dtype=np.float64).ravel()
        for one in (velocity_sd, release_height, eddy_length_m, eddy_growth)
    )
    table = np.ascontiguousarray(ages).reshape(-1, ages.shape[-1])
    return _layer_sigma(table, *of_each).reshape(ages.shape)


@njit(cache=True, nogil=True)
def _layer_sigma(
    ages: FloatArray,
    velocity_sd: FloatArray,
    release_height: FloatArray,
    eddy_length_m: FloatArray,
    eddy_growth: FloatArray,
) -> FloatArray:
    """`layer_sigma` of some plumes, ages of shape (p, a), all else (p,)."""
    out = np.empty(ages.shape)
    for plume in range(ages.shape[0]):
        speed, height = velocity_sd[plume], release_height[plume]
        variance = covariance = before = 0.0  # of the height; with the velocity
        for k in range(ages.shape[1]):
            step = (ages[plume, k] - before) / _SUBSTEPS
            for _ in range(_SUBSTEPS):
                level = math.sqrt(height**2 + 2.0 / math.pi * variance)  # mean of a folded normal
                grown = ((level + 1.0) / 11.0) ** eddy_growth[plume]
                scale = eddy_length_m[plume] / speed * grown
                gone = -math.expm1(-step / scale)
                driven = 2.0 * speed**2 * scale * (step - scale * gone)
                variance += 2.0 * covariance * scale * gone + driven
                covariance += (speed**2 * scale - covariance) * gone
            before = ages[plume, k]
            out[plume, k] = math.sqrt(variance)
    return out


def reflected_density(height: ArrayLike, release_height: float, sigma: ArrayLike) -> FloatArray:
    """Vertical density of a plume that the ground reflects [m-1].

    Parameters
    ----------
    height : array_like
        Above ground [m]; negative heights give NaN.
    release_height : float
        [m].
    sigma : array_like
        Vertical standard deviation [m], > 0; broadcasts against `height`.

    Returns
    -------
    ndarray
        Integrates to 1 over heights >= 0.

    Examples
    --------
    >>> reflected_density(0.0, 0.0, 2.0).round(4)  # 2/(2*sqrt(2 pi))
    np.float64(0.3989)
    """
    z = np.asarray(height, dtype=np.float64)
    spread = np.asarray(sigma, dtype=np.float64)
    direct = np.exp(-0.5 * ((z - release_height) / spread) ** 2)
    image = np.exp(-0.5 * ((z + release_height) / spread) ** 2)
    density = (direct + image) / (spread * np.sqrt(2.0 * np.pi))
    return np.asarray(np.where(z < 0, np.nan, density))


def transport_fraction(
    height: ArrayLike,
    release_height: float,
    sigma: ArrayLike,
    *,
    reference_height_m: float,
    roughness_m: float,
) -> FloatArray:
    """Speed at which gas travelled, as a fraction of the wind at the reference height.

    Gas that arrives at `height` has spent its life between there and the release height,
    nearer the ground, in slower air. Its height at a fraction f of the way is taken as
    normal about the straight line, with the variance f (1 - f) sigma^2 of a Brownian
    bridge, folded at the ground; the log-law wind is averaged over that.

    Parameters
    ----------
    height : array_like
        Where the gas arrives, above ground [m].
    release_height : float
        [m].
    sigma : array_like
        Vertical standard deviation at arrival [m]; broadcasts against `height`.
    reference_height_m : float
        Height at which the wind is known [m].
    roughness_m : float
        Aerodynamic roughness length [m], > 0.

    Returns
    -------
    ndarray
        Broadcast shape; 1 when all the air moves as at the reference height.

    Examples
    --------
    >>> transport_fraction(10.0, 10.0, 1e-6, reference_height_m=10.0, roughness_m=0.1).round(3)
    np.float64(1.0)
    >>> bool(transport_fraction(10.0, 0.0, 5.0, reference_height_m=10.0, roughness_m=0.1) < 1)
    True
    """
    z = np.asarray(height, dtype=np.float64)
    spread = np.asarray(sigma, dtype=np.float64)
    total = np.zeros(np.broadcast_shapes(z.shape, spread.shape))
    fractions = (np.arange(8) + 0.5) / 8
    for fraction in fractions:
        middle = release_height + fraction * (z - release_height)
        bridge = spread * np.sqrt(fraction * (1 - fraction))
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            total += weight * np.log1p(np.abs(middle + node * bridge) / roughness_m)
    return np.asarray(total / fractions.size / np.log1p(reference_height_m / roughness_m))
