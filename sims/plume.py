"""Gas as moving filaments, and how much of it is at a sensor.

A source lets go a filament (a round Gaussian puff) several times a second. The wandering,
sheared wind and the turbulence carry each one; it grows slowly by itself; the ground turns
it back. This is the filament model of Farrell et al. (2002), doi:10.1023/A:1016283702837, in
three dimensions over a reflecting ground. It is on purpose not the model that detection uses.
"""
# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from sims.turbulence import Eddies, Gusts, eddy_velocity
from sims.wakes import NO_WAKES, waked
from sims.wind import REFERENCE_HEIGHT_M, WindHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "Release",
    "carry_filament",
    "concentration",
    "filament_density",
    "filament_sum",
    "let_go",
]

# A filament is ignored beyond this many of its radii: it would add less than 4e-6 of its peak.
_REACH = 5.0
# The middle of what floats above the ground of a filament that lies on it, in its radii.
_FOLDED_MEAN = 0.8
_EAST, _NORTH, _UP, _U, _V, _W, _AGE, _MASS = range(8)


class Release(NamedTuple):
    """How filaments start and grow.

    `places` is an array of shape (sources, 4): east, north, height [m] and rate [kg s-1], or of
    shape (wind steps, sources, 4) where they change; a source of no rate lets nothing go.
    Filaments farther than `limit_m` from the origin are forgotten. `wakes` are those of
    `sims.wakes.wake_table`.
    """

    places: FloatArray
    filaments_per_s: float
    sigma_m: float
    growth_m2_s: float
    limit_m: float
    roughness_m: float
    wakes: FloatArray = NO_WAKES


def concentration(
    receptors: FloatArray,
    wind: WindHistory,
    *,
    rate_hz: float,
    release: Release,
    gusts: Gusts,
    eddies: Eddies,
    rng: np.random.Generator,
) -> FloatArray:
    """Gas concentration that sensors meet.

    Parameters
    ----------
    receptors : ndarray, shape (samples, sensors, 3)
        East, north, height above ground [m]; sample 0 is at time 0.
    wind : WindHistory
        From before time 0 (the release starts with it) to the last sample at least. Its step
        is the step of the filaments and a whole multiple of the samples' step.
    rate_hz : float
        Samples per second.
    release : Release
    gusts : Gusts
        Velocity that each filament has for itself.
    eddies : Eddies
        From `sims.turbulence.eddies`; may be empty.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (samples, sensors)
        [kg m-3], instantaneous.

    Raises
    ------
    ValueError
        The wind's step is not a multiple of the samples' step, or the wind ends too early.
    """
    step_s = float(wind.time_s[1] - wind.time_s[0])
    substeps = round(step_s * rate_hz)
    if abs(substeps - step_s * rate_hz) > 1e-6 or substeps < 1:
        raise ValueError(f"a wind step of {step_s} s is no multiple of 1/{rate_hz} s")
    if wind.time_s[-1] < (receptors.shape[0] - 1) / rate_hz:
        raise ValueError("the wind ends before the last sample")
    samples = np.zeros(receptors.shape[:2])
    if release.places.shape[-2]:
        steps = (wind.time_s.size, *release.places.shape[-2:])
        release = release._replace(
            places=np.ascontiguousarray(np.broadcast_to(release.places, steps))
        )
        table = np.stack((wind.east, wind.north, wind.turn_east, wind.turn_north), axis=1)
        _carry(
            samples,
            np.ascontiguousarray(receptors),
            table,
            (float(wind.time_s[0]), step_s, substeps),
            release,
            gusts,
            eddies,
            rng,
        )
    return samples


@njit(cache=True)
def filament_sum(
    place: FloatArray, filaments: FloatArray, sigma_m: float, growth_m2_s: float
) -> float:
    """Concentration at one place of all filaments and their images below the ground [kg m-3].

    Parameters
    ----------
    place : ndarray, shape (3,)
        East, north, height [m].
    filaments : ndarray, shape (n, 8)
        East, north, height [m], velocity [m s-1], age [s], mass [kg].
    sigma_m, growth_m2_s : float
        Radius at release and the growth of its square.
    """
    total = 0.0
    for index in range(filaments.shape[0]):
        puff = filaments[index]
        variance = sigma_m * sigma_m + growth_m2_s * puff[_AGE]
        total += puff[_MASS] * filament_density(
            puff[_EAST] - place[0], puff[_NORTH] - place[1], puff[_UP], place[2], variance
        )
    return total


@njit(cache=True)
def filament_density(
    east: float, north: float, height: float, level: float, variance: float
) -> float:
    """Density of one filament of unit mass, with the part that the ground sends back [m-3]."""
    across = east * east + north * north
    if across > _REACH * _REACH * variance:
        return 0.0
    direct = across + (height - level) ** 2
    if direct > _REACH * _REACH * variance:
        return 0.0
    image = across + (height + level) ** 2
    shape = np.exp(-0.5 * direct / variance) + np.exp(-0.5 * image / variance)
    return float(shape / (2.0 * np.pi * variance) ** 1.5)


@njit(cache=True)
def _carry(
    samples: FloatArray,
    receptors: FloatArray,
    wind: FloatArray,
    clock: tuple[float, float, int],
    release: Release,
    gusts: Gusts,
    eddies: Eddies,
    rng: np.random.Generator,
) -> None:
    """Release, move and sum filaments from the first wind step to the last sample."""
    start_s, step_s, substeps = clock
    per_step = release.filaments_per_s * step_s
    places = release.places.shape[1]
    filaments = np.empty((places * (int(per_step * (wind.shape[0] + 1)) + 2), 8))
    before = np.empty(3)
    swept = np.zeros(2)
    lead = round(-start_s / step_s) * substeps
    count = 0
    released = 0
    for step in range(wind.shape[0] - 1):
        first = step * substeps - lead
        if first >= samples.shape[0]:
            break
        now = wind[step]
        due = int((step + 1) * per_step)
        count = let_go(filaments, count, due - released, step, step_s, release, gusts, rng)
        released = due
        index = 0
        while index < count:
            puff = filaments[index]
            before[:] = puff[:3]
            carry_filament(puff, now, swept, step_s, release, gusts, eddies, rng)
            if puff[_EAST] ** 2 + puff[_NORTH] ** 2 > release.limit_m**2:
                count -= 1
                filaments[index] = filaments[count]
                continue
            if first + substeps >= 0:
                _add(samples, receptors, first, substeps, before, puff, release)
            index += 1
        swept[0] += now[0] * step_s
        swept[1] += now[1] * step_s


@njit(cache=True)
def let_go(
    filaments: FloatArray,
    count: int,
    due: int,
    step: int,
    step_s: float,
    release: Release,
    gusts: Gusts,
    rng: np.random.Generator,
) -> int:
    """Add the filaments of one step, evenly spread over it; ages below zero start later in it."""
    for source in range(release.places.shape[1]):
        place = release.places[step, source]
        if place[3] <= 0.0:
            continue
        for number in range(due):
            puff = filaments[count]
            puff[_EAST] = place[0]
            puff[_NORTH] = place[1]
            puff[_UP] = place[2]
            puff[_U] = gusts.sigma_u * rng.standard_normal()
            puff[_V] = gusts.sigma_v * rng.standard_normal()
            puff[_W] = gusts.sigma_w * rng.standard_normal()
            puff[_AGE] = -step_s * (number + 0.5) / due
            puff[_MASS] = place[3] / release.filaments_per_s
            count += 1
    return count


@njit(cache=True)
def carry_filament(
    puff: FloatArray,
    wind: FloatArray,
    swept: FloatArray,
    step_s: float,
    release: Release,
    gusts: Gusts,
    eddies: Eddies,
    rng: np.random.Generator,
) -> None:
    """Carry one filament through one step."""
    dt = step_s + min(puff[_AGE], 0.0)
    variance = release.sigma_m**2 + release.growth_m2_s * max(puff[_AGE], 0.0)
    level = np.sqrt(puff[_UP] ** 2 + _FOLDED_MEAN**2 * variance)
    fraction = np.log1p(level / release.roughness_m) / np.log1p(
        REFERENCE_HEIGHT_M / release.roughness_m
    )
    turn = wind[2] * puff[_EAST] + wind[3] * puff[_NORTH]
    east = fraction * (wind[0] - turn * wind[1])
    north = fraction * (wind[1] + turn * wind[0])
    if release.wakes.shape[0]:
        east, north = waked(release.wakes, puff[_EAST], puff[_NORTH], east, north)
    speed = np.sqrt(wind[0] ** 2 + wind[1] ** 2) + 1e-9
    cos, sin = wind[0] / speed, wind[1] / speed
    u, v, w = 0.0, 0.0, 0.0
    if eddies.pace.size:
        u, v, w = eddy_velocity(eddies, puff[_EAST], puff[_NORTH], puff[_UP], swept)
    _gust(puff, dt, gusts, rng)
    puff[_EAST] += dt * (east + u + cos * puff[_U] - sin * puff[_V])
    puff[_NORTH] += dt * (north + v + sin * puff[_U] + cos * puff[_V])
    puff[_UP] += dt * (w + puff[_W])
    if puff[_UP] < 0.0:
        puff[_UP] = -puff[_UP]
        puff[_W] = -puff[_W]
    puff[_AGE] += step_s


@njit(cache=True)
def _gust(puff: FloatArray, dt: float, gusts: Gusts, rng: np.random.Generator) -> None:
    """One exact step of the Ornstein-Uhlenbeck velocity of a filament."""
    time_scale = (gusts.scale_base_m + gusts.scale_slope * puff[_UP]) / gusts.sigma_w
    keep = np.exp(-dt / time_scale)
    kick = np.sqrt(1.0 - keep * keep)
    puff[_W] = keep * puff[_W] + kick * gusts.sigma_w * rng.standard_normal()
    keep = np.exp(-dt / (gusts.horizontal_ratio * time_scale))
    kick = np.sqrt(1.0 - keep * keep)
    puff[_U] = keep * puff[_U] + kick * gusts.sigma_u * rng.standard_normal()
    puff[_V] = keep * puff[_V] + kick * gusts.sigma_v * rng.standard_normal()


@njit(cache=True)
def _add(
    samples: FloatArray,
    receptors: FloatArray,
    first: int,
    substeps: int,
    before: FloatArray,
    puff: FloatArray,
    release: Release,
) -> None:
    """Add one filament, on its way through this step, to every sample within the step."""
    variance = release.sigma_m**2 + release.growth_m2_s * puff[_AGE]
    for part in range(substeps):
        row = first + part + 1
        if row < 0 or row >= samples.shape[0]:
            continue
        done = (part + 1) / substeps
        east = before[0] + done * (puff[_EAST] - before[0])
        north = before[1] + done * (puff[_NORTH] - before[1])
        height = before[2] + done * (puff[_UP] - before[2])
        for sensor in range(receptors.shape[1]):
            place = receptors[row, sensor]
            samples[row, sensor] += puff[_MASS] * filament_density(
                east - place[0], north - place[1], height, place[2], variance
            )
