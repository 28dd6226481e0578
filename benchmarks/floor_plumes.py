"""One flight past a simulated plume from each of many places, through eddies drawn again and again.

The eddies of `sims` are the same everywhere: the plume of a source moved by some metres is the
plume moved by as much, and a flight past it is a moved flight past the plume as it was. So one
run of the filaments serves a whole lattice of sources; only the slow turning of the wind over the
site (at most some degrees in 100 m) stays where it was. Runs are kept on disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from benchmarks.blind_worlds import FAMILIES, GAS, TURBULENCES
from benchmarks.flight_cache import FOLDER, kept_flight
from sensors.gases import resolve
from sims.flightpath import flight_path
from sims.instruments import first_order
from sims.plume import Release, carry_filament, filament_density, let_go
from sims.releases import release_of
from sims.turbulence import Eddies, Gusts, eddies, gusts
from sims.world import world_wind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.blind_worlds import BlindWorld
    from sims.flightpath import FlightPath
    from sims.settings import Scenario
    from sims.wind import WindHistory

    FloatArray = NDArray[np.float64]

__all__ = ["ACROSS", "ALONG", "BIN_S", "PPB", "flight_through", "kept_runs"]

# Offsets of the lattice's sources from the true one, with the mean wind and to its right [m].
ALONG, ACROSS = np.arange(-160.0, 161.0, 8.0), np.arange(-48.0, 49.0, 6.0)
BIN_S = 2.0
PPB = 1e9 * 8.314462618 * 288.0 / (101_325.0 * resolve(GAS).molar_mass_kg_mol)  # in 1 kg m-3
REACH = 5.0  # radii of a filament
MOST_PPB = 6e4  # that half a float holds
BEYOND_M = 30.0  # filaments this far outside all that is flown past are forgotten


@dataclass(frozen=True, slots=True)
class Flown:
    """A flight as it was flown and the world it was flown in; `mean_wind` is a unit vector."""

    scenario: Scenario
    path: FlightPath
    wind: WindHistory
    mean_wind: FloatArray


def kept_runs(world: BlindWorld, count: int) -> FloatArray:
    """Readings of a PID without noise past sources of 1 g/s, in a world but for its eddies.

    Parameters
    ----------
    world : BlindWorld
        Of one source.
    count : int
        Runs; each has eddies of its own.

    Returns
    -------
    ndarray of float16, shape (count, bins, ALONG.size, ACROSS.size)
        Of the gas itself [ppb], in means over `BIN_S`.
    """
    folder = FOLDER.parent / "floor"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"known-{world.family}-{world.turbulence}-{world.seed}.npz"
    if file.exists():
        with np.load(file) as kept:
            if len(kept["y"]) >= count:
                return np.asarray(kept["y"][:count])
    flown = flight_through(world)
    runs = []
    for number in range(count):
        rng = np.random.default_rng((world.seed, world.turbulence == "ou", number, 0))
        runs.append(np.minimum(_run(flown, rng), MOST_PPB).astype(np.float16))
    np.savez(file, y=np.array(runs))
    return np.array(runs)


def flight_through(world: BlindWorld) -> Flown:
    """The flight of a world, without its plume."""
    family = FAMILIES[world.family]
    place = kept_flight(world).scenario["source"][0]
    for attempt in range(10_000):
        key = (family.number, TURBULENCES.index(world.turbulence), world.seed, attempt)
        scenario = family.draw(np.random.default_rng((*key, 0)), world.turbulence)
        if scenario.source[0].east_m == place["east_m"]:
            break
    else:
        raise RuntimeError(f"{world.name}: no attempt of its generator has {json.dumps(place)}")
    # the streams of `sims.simulate.simulate`
    wind_rng, _, path_rng, _, _ = np.random.default_rng((*key, 1)).spawn(5)
    path = flight_path(scenario.survey, rng=path_rng)
    end_s, rate_hz = float(path.time_s[-1]), scenario.survey.rate_hz
    wind = world_wind(scenario, end_s, rate_hz=rate_hz, rng=wind_rng)
    since = wind.time_s >= 0.0
    mean = np.array([wind.east[since].mean(), wind.north[since].mean()])
    return Flown(scenario, path, wind, mean / np.hypot(*mean))


def _run(flown: Flown, rng: np.random.Generator) -> FloatArray:
    """Readings past every source of the lattice, shape (bins, a, b) [ppb]."""
    scenario, wind = flown.scenario, flown.wind
    step_s, rate_hz = float(wind.time_s[1] - wind.time_s[0]), scenario.survey.rate_hz
    whirl = eddies(scenario.turbulence, scenario.wind, rng=rng)
    unit = replace(scenario, source=(replace(scenario.source[0], rate_g_s=1.0),))
    track = np.stack((flown.path.east, flown.path.north, flown.path.height), axis=1)
    samples = np.zeros((len(track), ALONG.size, ACROSS.size))
    _carry(
        samples,
        track,
        flown.mean_wind,
        (ALONG[0], ALONG[1] - ALONG[0], ACROSS[0], ACROSS[1] - ACROSS[0]),
        np.stack((wind.east, wind.north, wind.turn_east, wind.turn_north), axis=1),
        (float(wind.time_s[0]), step_s, round(step_s * rate_hz)),
        release_of(unit, wind.time_s),
        gusts(scenario.turbulence, scenario.wind),
        whirl,
        rng,
    )
    every = round(BIN_S * rate_hz)
    bins = len(track) // every
    pid = scenario.pid
    lagged = np.empty((bins, ALONG.size, ACROSS.size))
    for a in range(ALONG.size):
        for b in range(ACROSS.size):
            column = np.ascontiguousarray(samples[:, a, b])
            read = first_order(column, 1.0 / rate_hz, pid.rise_s, pid.decay_s)
            lagged[:, a, b] = read[: bins * every].reshape(bins, every).mean(axis=1)
    return PPB * lagged


@njit(cache=True)
def _carry(
    samples: FloatArray,
    track: FloatArray,
    mean: FloatArray,
    lattice: tuple[float, float, float, float],
    wind: FloatArray,
    clock: tuple[float, float, int],
    release: Release,
    gusts: Gusts,
    eddies: Eddies,
    rng: np.random.Generator,
) -> None:
    """`sims.plume.concentration` of one source, seen from tracks moved against the lattice."""
    start_s, step_s, substeps = clock
    filaments = np.empty((int(release.filaments_per_s * step_s * (wind.shape[0] + 1)) + 2, 8))
    along = track[:, 0] * mean[0] + track[:, 1] * mean[1]
    across = track[:, 0] * mean[1] - track[:, 1] * mean[0]
    last_a = lattice[0] + (samples.shape[1] - 1) * lattice[1]
    last_b = lattice[2] + (samples.shape[2] - 1) * lattice[3]
    west, east = along.min() - last_a - BEYOND_M, along.max() - lattice[0] + BEYOND_M
    south, north = across.min() - last_b - BEYOND_M, across.max() - lattice[2] + BEYOND_M
    before = np.empty(3)
    swept = np.zeros(2)
    lead = round(-start_s / step_s) * substeps
    count = released = 0
    for step in range(wind.shape[0] - 1):
        first = step * substeps - lead
        if first >= samples.shape[0]:
            break
        due = int((step + 1) * release.filaments_per_s * step_s)
        count = let_go(filaments, count, due - released, step, step_s, release, gusts, rng)
        released = due
        index = 0
        while index < count:
            puff = filaments[index]
            before[:] = puff[:3]
            carry_filament(puff, wind[step], swept, step_s, release, gusts, eddies, rng)
            a = puff[0] * mean[0] + puff[1] * mean[1]
            b = puff[0] * mean[1] - puff[1] * mean[0]
            if a < west or a > east or b < south or b > north:
                count -= 1
                filaments[index] = filaments[count]
                continue
            _add(samples, track, mean, lattice, (first, substeps), before, puff, release)
            index += 1
        swept += wind[step, :2] * step_s


@njit(cache=True)
def _add(
    samples: FloatArray,
    track: FloatArray,
    mean: FloatArray,
    lattice: tuple[float, float, float, float],
    steps: tuple[int, int],
    before: FloatArray,
    puff: FloatArray,
    release: Release,
) -> None:
    """Add one filament, on its way through a step, wherever a moved track meets it."""
    variance = release.sigma_m**2 + release.growth_m2_s * puff[6]
    reach = REACH * np.sqrt(variance)
    west, cell_a, south, cell_b = lattice
    first, substeps = steps
    for part in range(substeps):
        row = first + part + 1
        if row < 0 or row >= samples.shape[0]:
            continue
        done = (part + 1) / substeps
        height = before[2] + done * (puff[2] - before[2])
        if abs(height - track[row, 2]) > reach:
            continue
        east = track[row, 0] - before[0] - done * (puff[0] - before[0])
        north = track[row, 1] - before[1] - done * (puff[1] - before[1])
        a, b = east * mean[0] + north * mean[1], east * mean[1] - north * mean[0]
        low = max(0, int(np.ceil((a - reach - west) / cell_a)))
        high = min(samples.shape[1] - 1, int(np.floor((a + reach - west) / cell_a)))
        left = max(0, int(np.ceil((b - reach - south) / cell_b)))
        right = min(samples.shape[2] - 1, int(np.floor((b + reach - south) / cell_b)))
        for i in range(low, high + 1):
            for j in range(left, right + 1):
                samples[row, i, j] += puff[7] * filament_density(
                    a - west - i * cell_a,
                    b - south - j * cell_b,
                    height,
                    track[row, 2],
                    variance,
                )
