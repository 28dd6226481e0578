"""Where the gas in each reading can have come from: footprints along backward trajectories.

A unit source at a cell would have given reading i the concentration ``kernel[i, cell]``.
The sum over ages of separable Gaussians about the path the air took is the forward model of
this package; it works in a calm, where plume formulas divide by the wind speed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detection.source.dispersion import (
    layer_sigma,
    reflected_density,
    taylor_sigma,
    transport_fraction,
)
from detection.source.observations import wind_path
from detection.source.scattering import scatter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.lattice import Lattice
    from detection.source.observations import Observations
    from detection.source.prior import Nuisances

    FloatArray = NDArray[np.float64]

__all__ = ["Path", "Puffs", "footprints", "path_of", "puffs_of"]

NOTHING = 1e-9  # vertical density that is taken as none [m-1]
LEAST_VERTICAL_M = 0.5
INITIAL_SPREAD_M = 1.0  # size of a filament when it leaves, and path of the sampler in a reading
AGE_STEP = 1.8  # spacing of ages in units of the plume's width over the wind speed
FIRST_AGE_STEP_S = 0.5
AGE_RATIO = 0.3  # and at most this share of the age, for light winds


@dataclass(frozen=True, slots=True)
class Path:
    """Readings and the displacement of the air, ready for footprints."""

    time_s: FloatArray
    east: FloatArray
    north: FloatArray
    height: FloatArray
    grid_start_s: float
    grid_step_s: float
    air_east: FloatArray
    air_north: FloatArray
    wind_speed: float
    wind_height_m: float
    oldest_s: float

    def turned(self) -> Path:
        """The same readings in a wind that blows the other way."""
        return replace(self, air_east=-self.air_east, air_north=-self.air_north)


def path_of(
    observations: Observations,
    domain: tuple[float, float, float, float],
    *,
    smoothing_s: float = 0.0,
) -> Path:
    """Trajectories of the air that met the sensor.

    Parameters
    ----------
    observations : Observations
    domain : tuple of float
        West, south, east, north [m]; sets how old gas can be.
    smoothing_s : float
        See `wind_path`.

    Returns
    -------
    Path
    """
    speed = observations.mean_wind_speed
    reach = float(np.hypot(domain[2] - domain[0], domain[3] - domain[1]))
    oldest = float(np.clip(reach / max(0.4 * speed, 0.2), 60.0, 900.0))
    grid, air_east, air_north = wind_path(observations, before_s=oldest, smoothing_s=smoothing_s)
    return Path(
        observations.time_s,
        observations.east,
        observations.north,
        np.maximum(observations.height, 0.1),
        float(grid[0]),
        float(grid[1] - grid[0]),
        air_east,
        air_north,
        speed,
        observations.reference_height_m,
        oldest,
    )


def ages_for(path: Path, nuisances: Nuisances, least_spread_m: float) -> FloatArray:
    """Ages that resolve the plume: neighbours lie less than `AGE_STEP` widths apart [s]."""
    speed = max(path.wind_speed, 0.3)
    ages = [0.25 * least_spread_m / speed]
    while ages[-1] < path.oldest_s and speed * ages[-1] < 1.0e4:
        sigma = float(taylor_sigma(ages[-1], nuisances.lateral_sd, nuisances.lateral_time_scale_s))
        step = AGE_STEP * float(np.hypot(sigma, least_spread_m)) / speed
        ages.append(ages[-1] + min(step, AGE_RATIO * ages[-1] + FIRST_AGE_STEP_S))
    return np.array(ages)


@dataclass(frozen=True, slots=True)
class Puffs:
    """How a puff of a unit source has moved and grown at each of k ages.

    Attributes
    ----------
    ages : ndarray, shape (k,)
        [s].
    sigma, vertical : ndarray, shape (k,)
        Horizontal and vertical spread [m].
    levels : ndarray, shape (l,)
        Heights above ground [m].
    fraction : ndarray, shape (l, k)
        Transport at each level and age, in units of the measured wind's.
    """

    ages: FloatArray
    sigma: FloatArray
    vertical: FloatArray
    levels: FloatArray
    fraction: FloatArray


def puffs_of(path: Path, cell_m: float, nuisances: Nuisances) -> Puffs:
    """Puffs of sources that fill a cell, for readings at the heights of a path."""
    least = float(np.hypot(INITIAL_SPREAD_M, cell_m / np.sqrt(12.0)))
    ages = ages_for(path, nuisances, least)
    sigma = np.hypot(
        taylor_sigma(ages, nuisances.lateral_sd, nuisances.lateral_time_scale_s), least
    )
    vertical = np.hypot(
        layer_sigma(
            ages,
            nuisances.vertical_sd,
            nuisances.release_height_m,
            eddy_length_m=nuisances.eddy_length_m,
            eddy_growth=nuisances.eddy_growth,
        ),
        LEAST_VERTICAL_M,
    )
    low, high = float(path.height.min()), float(path.height.max())
    levels = np.linspace(low, max(high, low + 0.1), 8)
    fraction = nuisances.wind_speed_factor * transport_fraction(
        levels[:, None],
        nuisances.release_height_m,
        vertical[None, :],
        reference_height_m=path.wind_height_m,
        roughness_m=nuisances.roughness_m,
    )
    return Puffs(ages, sigma, vertical, levels, fraction)


def footprints(
    path: Path, lattice: Lattice, nuisances: Nuisances, *, puffs: Puffs | None = None
) -> NDArray[np.float32]:
    """Concentration per unit rate in each reading, for a source at each active cell.

    Parameters
    ----------
    path : Path
        n readings.
    lattice : Lattice
        m active cells.
    nuisances : Nuisances
    puffs : Puffs, optional
        From `puffs_of`, worked out here unless given; heights beyond count as the nearest level.

    Returns
    -------
    ndarray of float32, shape (n, m)
        [s m-3], before the sensor's response.

    Notes
    -----
    Backward trajectory B(tau) = x - f(tau) (W(t) - W(t - tau)) with W the integral of the
    measured wind, turned and scaled by the nuisances, and f from `transport_fraction`; the
    horizontal spread after Taylor (1921), plus that of a cell. See also Flesch, Wilson & Yee
    (1995), doi:10.1175/1520-0450(1995)034<1320:BTLSDM>2.0.CO;2.
    """
    puffs = puffs or puffs_of(path, lattice.cell_m, nuisances)
    density = reflected_density(
        path.height[:, None], nuisances.release_height_m, puffs.vertical[None, :]
    )
    density[density < NOTHING] = 0.0
    kernel = np.zeros((path.time_s.size, lattice.size), dtype=np.float32)
    metres, levels = lattice.cell_m, puffs.levels
    level = (path.height - levels[0]) / (levels[1] - levels[0])
    scatter(
        kernel,
        lattice.index,
        np.array([lattice.west, lattice.south]) / metres,
        (path.time_s - path.grid_start_s) / path.grid_step_s,
        path.east / metres,
        path.north / metres,
        np.clip(level, 0.0, levels.size - 1.0),
        path.air_east / metres,
        path.air_north / metres,
        puffs.ages / path.grid_step_s,
        puffs.sigma / metres,
        density * _age_widths(puffs.ages) / (2.0 * np.pi * puffs.sigma**2),
        puffs.fraction,
        np.array([np.cos(nuisances.wind_bias_rad), np.sin(nuisances.wind_bias_rad)]),
    )
    return kernel


def _age_widths(ages: FloatArray) -> FloatArray:
    """Time each age stands for [s]."""
    before = np.diff(ages, prepend=0.0)
    after = np.append(before[1:], before[-1])
    return np.asarray(0.5 * (before + after))
