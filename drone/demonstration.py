"""The whole way once, in a world of which the truth is known, told in one paragraph."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

import numpy as np

from drone.choices import Choices
from drone.output import check_output, output_folder
from drone.pipeline import survey, write_results
from drone.wording import place, probability
from mapping.grid import local_crs, to_metric
from sims.recording import write_flight_csv, write_truth
from sims.scenario import load_scenario
from sims.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

__all__ = ["demonstrate", "error_m"]

_FLIGHT, _TRUTH = "flight.csv", "truth.json"


def demonstrate(
    out: Path,
    *,
    seed: int,
    overwrite: bool = False,
    progress: Callable[[str, float], None] | None = None,
    writer: Executor | None = None,
) -> str:
    """Simulate the demonstration flight, process it, and say how far off the answer is.

    Parameters
    ----------
    out : Path
        Appears with the flight, its truth and all results.
    seed : int
        Of the simulated world.
    overwrite : bool
        Replace earlier results in `out`.
    progress : callable, optional
        Called with what is done and the share of it, 0 to 1.
    writer : Executor, optional
        As in `drone.pipeline.write_results`.

    Returns
    -------
    str
        One plain paragraph.

    Raises
    ------
    SniffdroneError
        `out` cannot be used.
    """
    check_output(out, overwrite=overwrite)
    if progress is not None:
        progress("flying", 0.02)
    with importlib.resources.as_file(importlib.resources.files("sims") / "scenarios") as folder:
        scenario = load_scenario(folder / "demo.toml")
    flight = simulate(scenario, rng=np.random.default_rng(seed))
    with output_folder(out, overwrite=overwrite) as folder:
        write_flight_csv(flight, folder / _FLIGHT)
        write_truth(flight, folder / _TRUTH)
        choices = Choices(gas=scenario.gas, seed=seed)
        found = survey([folder / _FLIGHT], choices=choices, progress=progress)
        summary = write_results(found, folder, beside=(_FLIGHT, _TRUTH), writer=writer)
    return _paragraph(summary, flight.truth, out)


def error_m(found: Mapping[str, Any], true: Mapping[str, Any]) -> float:
    """Distance between a source found and a true one [m].

    Examples
    --------
    >>> here = {"latitude": 52.0, "longitude": 5.0}
    >>> round(error_m(here, {"latitude": 52.001, "longitude": 5.0}))  # 111.2 m a millidegree
    111
    """
    latitude = np.array([found["latitude"], true["latitude"]])
    longitude = np.array([found["longitude"], true["longitude"]])
    east, north = to_metric(local_crs(latitude, longitude), latitude, longitude)
    return float(np.hypot(np.diff(east), np.diff(north))[0])


def _paragraph(summary: Mapping[str, Any], truth: Mapping[str, Any], out: Path) -> str:
    true = truth["sources"][0]
    told = f"Verdict: {summary['verdict']}"
    if summary["p_any_source"] is not None:
        told += f" (probability of any source {probability(summary['p_any_source'])})"
    if summary["sources"]:
        first = summary["sources"][0]
        off = min(error_m(first, one) for one in truth["sources"])
        inside = "inside" if off <= first["radius_90_m"] else "outside"
        told += (
            f". The most probable source is at {place(first['latitude'], first['longitude'])}, "
            f"{first['rate_g_s']:.2g} g/s (90 %: {first['rate_g_s_p05']:.2g} to "
            f"{first['rate_g_s_p95']:.2g}); the simulated one, of {true['rate_g_s']:g} g/s, is "
            f"{off:.0f} m from there, {inside} the radius of {first['radius_90_m']:.0f} m that "
            "should hold it nine times out of ten"
        )
    else:
        told += (
            f". The simulated source of {true['rate_g_s']:g} g/s at "
            f"{place(true['latitude'], true['longitude'])} was missed"
        )
    return (
        f"{told}. This is an indication, to be confirmed by sampling. All files are in {out}; "
        f"begin with {out / 'quicklook.png'}, and load sources.geojson and the .tif files in a GIS."
    )
