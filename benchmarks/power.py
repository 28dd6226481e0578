"""Detection power against the estimator itself: sources put into flights without any.

``python -m benchmarks.power --pairs 60`` prints the chapter. Each pair of a place and a rate is
tried twice: with a plume of the estimator's forward model, patchy as `detection.source.patches`
says, and with the filaments of `sims`; both in the raw log, before drift is taken out.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.running import results
from benchmarks.tables import markdown
from benchmarks.worlds import GAS, TURBULENCES
from detection.source.effort import detection_power
from detection.source.estimators import grid
from detection.source.footprint import path_of
from detection.source.lattice import Lattice
from detection.source.observations import nuisances_of
from detection.source.patches import Patchiness
from detection.source.prior import Prior
from detection.source.proposals import normal_points
from detection.source.tables import response_of
from drone.analysis import corrected_flight, observations_of
from drone.choices import Choices
from drone.inputs import read_inputs
from mapping.area import survey_domain
from mapping.grid import to_metric
from sensors.flight import channel_mass_concentration
from sims.recording import flight_csv
from sims.scenario import draw_scenario
from sims.settings import Source
from sims.simulate import simulate
from sims.site import geographic

FIRST_SEED = 730_000
PAIRS_A_FLIGHT = 4
RATES_KG_S = (1e-5, 1e-3)  # drawn evenly in the logarithm
HEIGHT_M = 1.5
BINS = (0.0, 0.15, 0.4, 0.6, 0.85, 1.0)
COLUMN = "pid_ppb"
CHANNEL = "pid"
# whether there is any source is settled by the first; fewer draws cost a tenth of the noise of p
SETTINGS = grid.Settings(
    pilots=16, hypotheses=16, scouts=8, coarse_cells=2000, fine_cells=1200, max_sources=1
)
SPACING_M = 8.0
HALF_SIDE_M = 200.0  # of the ground about the flight on which places are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A place and a rate, what the map says of it, and what the whole estimator said."""

    turbulence: str
    rate: float
    power: float
    p_model: float
    p_filaments: float


def trials(pairs: int) -> list[Trial]:
    """Try that many pairs, rounded up to whole flights."""
    flights = -(-pairs // PAIRS_A_FLIGHT)
    return [one for some in results("power", flight_trials, range(flights)) for one in some]


def flight_trials(number: int) -> list[Trial]:
    """Pairs on one flight, the power of their places spread over 0 to 1."""
    turbulence = TURBULENCES[number % 2]
    seed = FIRST_SEED + number
    rng = np.random.default_rng((seed, 1))
    scenario = draw_scenario(np.random.default_rng(seed), "none", turbulence=turbulence)
    empty = flight_csv(simulate(scenario, rng=np.random.default_rng((seed, 2))))
    observations, domain, crs = _seen(empty)
    local = np.arange(-HALF_SIDE_M, HALF_SIDE_M, SPACING_M)
    east_m, north_m = (one.ravel() for one in np.meshgrid(local, local))
    east, north = to_metric(crs, *geographic(scenario.site, east_m, north_m))
    tried = []
    for _ in range(PAIRS_A_FLIGHT):
        rate = float(np.exp(rng.uniform(*np.log(RATES_KG_S))))
        power = np.nan_to_num(detection_power(observations, east, north, rate=rate, domain=domain))
        wanted = rng.uniform(0.0, max(0.05, float(power.max())))
        near = np.argsort(abs(power - wanted))[:10]
        cell = int(rng.choice(near[power[near] > 0]) if (power[near] > 0).any() else near[0])
        place = float(east[cell]), float(north[cell])
        source = Source(
            east_m=float(east_m[cell]),
            north_m=float(north_m[cell]),
            height_m=HEIGHT_M,
            rate_g_s=1e3 * rate,
        )
        with_source = replace(scenario, source=(source,))
        flown = flight_csv(simulate(with_source, rng=np.random.default_rng((seed, 2))))
        modelled = _with_plume(empty, place, rate, rng)
        tried.append(
            Trial(
                turbulence=turbulence,
                rate=rate,
                power=float(power[cell]),
                p_model=_p_any(modelled, domain),
                p_filaments=_p_any(flown, domain),
            )
        )
    return tried


def section(tried: list[Trial]) -> str:
    """The chapter."""
    threshold = Choices().indicate_above
    rows = []
    power = np.array([one.power for one in tried])
    model = np.array([one.p_model >= threshold for one in tried])
    filaments = np.array([one.p_filaments >= threshold for one in tried])
    for low, high in [*pairwise(BINS), (0.0, 1.0)]:
        within = (power >= low) & ((power < high) | (high == 1.0))
        if within.any():
            rows.append(
                (
                    f"{low:g} to {high:g}",
                    int(within.sum()),
                    _percent(power[within].mean()),
                    _said(model[within]),
                    _said(filaments[within]),
                )
            )
    return "\n\n".join(
        [
            "## Detection power",
            f"{len(tried)} pairs of a place and a rate, on {len(tried) // PAIRS_A_FLIGHT} flights "
            "without a source: what the map says of them, and how often the whole estimator "
            "indicates a source put there, in the raw log (one standard error).",
            markdown(
                ("power on the map", "pairs", "mean", "forward model's plume", "filaments"), rows
            ),
            'Reading: shares should be those of the column "mean".',
        ]
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _said(claims: np.ndarray) -> str:
    share = float(claims.mean())
    error = np.sqrt(max(share * (1 - share), 0.25 / claims.size) / claims.size)
    return f"{_percent(share)} ± {100 * error:.0f}"


def _seen(log: str):
    """Observations, domain and projection of a log."""
    choices = Choices(gas=GAS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flight.csv"
        path.write_text(log, encoding="utf-8")
        flight, _ = corrected_flight(read_inputs([path]), choices)
    domain = survey_domain(flight["latitude"], flight["longitude"], area=None)
    seen = observations_of(flight, domain, CHANNEL, gas=GAS)
    if seen.observations is None:
        raise RuntimeError(f"a simulated flight that says nothing: {seen.shortage}")
    return seen.observations, domain.bounds, domain.crs


def _p_any(log: str, bounds: tuple[float, float, float, float]) -> float:
    observations, _, _ = _seen(log)
    posterior = grid.infer(observations, bounds, rng=np.random.default_rng(0), settings=SETTINGS)
    return float(posterior.attrs["p_any_source"])


def _with_plume(log: str, place: tuple[float, float], rate: float, rng: np.random.Generator) -> str:
    """The log with a patchy plume of the forward model in its PID."""
    choices = Choices(gas=GAS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flight.csv"
        path.write_text(log, encoding="utf-8")
        flight, _ = corrected_flight(read_inputs([path]), choices)
    domain = survey_domain(flight["latitude"], flight["longitude"], area=None)
    seen = observations_of(flight, domain, CHANNEL, gas=GAS).observations
    nuisances = replace(
        nuisances_of(seen, Prior(), normal_points(1, rng=rng)[0]),
        release_height_m=HEIGHT_M,
    )
    spot = Lattice(*place, 1.0, np.zeros((1, 1), dtype=np.int32))
    kernel = response_of(path_of(seen, domain.bounds, smoothing_s=15.0), spot, nuisances)[:, 0]
    gas = rate * kernel * Patchiness().factors(seen.time_s, 1, rng=rng)[0]
    mass_of_one = channel_mass_concentration(flight, seen.channel, np.ones(flight.sizes["obs"]))
    unit = float(np.nanmedian(mass_of_one)) / flight_scale(flight, seen.channel)
    table = list(csv.reader(io.StringIO(log)))
    column = table[0].index(COLUMN)
    time = flight["time"].values.astype("datetime64[ns]").astype(np.int64)
    added = np.interp((time - time.min()) * 1e-9, seen.time_s, gas) / unit
    for row, extra in zip(table[1:], added, strict=True):
        if row[column]:
            row[column] = f"{float(row[column]) + extra:.3f}"
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def flight_scale(flight, channel: str) -> float:
    """The log's ppb in one unit of the Flight's channel."""
    return {"1e-9": 1.0, "1e-6": 1e3}[flight[channel].attrs["units"]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    print(section(trials(parser.parse_args().pairs)))
