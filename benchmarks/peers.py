"""pyELQ (reversible-jump MCMC over Gaussian plumes) on flights that sniffdrone also gets."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.running import results
from benchmarks.scoring import Guess, Score, judged_world
from benchmarks.tables import markdown
from benchmarks.worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.pyelq_model import Emissions
    from drone.analysis import Analysis

WORLDS = (World("single", "ou", 900_004), World("single", "ou", 900_008))
_CELL_M = 4.0


def is_installed() -> bool:
    """Whether this optional dependency of the benchmark is there."""
    return importlib.util.find_spec("pyelq") is not None


def scores(how_many: int) -> list[Score]:
    """Judge both programs on some flights; only ours where pyELQ is not installed."""
    return results("peers", _judged, WORLDS[:how_many], told=lambda one: one.name)


def section(found: Sequence[Score]) -> str:
    """The chapter on peers."""
    header = ("flight", "program", "error [m]", "90 % radius [m]", "rate ratio", "CPU s")
    rows: list[list[str]] = []
    for one in found:
        rows.append(
            [
                one.name,
                "**sniffdrone**",
                f"{one.error_m:.0f}",
                f"{one.radius_90_m:.0f}",
                f"{one.rate_ratio:.2f}",
                f"{one.cpu_s:.0f}",
            ]
        )
        rows += [
            [
                one.name,
                name,
                f"{error:.0f}",
                "-",
                f"{ratio:.2f}",
                f"{cpu_s:.0f}" if cpu_s > 0.5 else "same run",
            ]
            for name, (error, ratio, cpu_s) in one.baselines.items()
        ]
        if not one.baselines:
            rows.append([one.name, "pyELQ", "not installed", "-", "-", "-"])
    if not is_installed():
        return (
            f"## pyELQ on the same flights\n\npyELQ is not installed.\n\n{markdown(header, rows)}"
        )
    version = importlib.metadata.version("pyelq")
    return "\n\n".join(
        [
            "## pyELQ on the same flights",
            f"pyELQ {version}, 2,000 iterations (the last half kept), 2 s means of the "
            "corrected readings and the measured wind, sources in the flown box up to 5 m; "
            "told are the cell that holds most of the emission, and the mean of the emission.",
            markdown(header, rows),
            "Reading: its authors use 5,000 to 10,000 iterations, so these times flatter it, and "
            "its places may not have settled.",
        ]
    )


def _judged(world: World) -> Score:
    return judged_world(world, _methods() if is_installed() else {})


def _methods() -> dict[str, Callable[[Analysis], Guess]]:
    """Two readings of the same draws; the first one asked for pays for them."""
    model = importlib.import_module("benchmarks.pyelq_model")
    drawn: list[Emissions] = []

    def once(analysis: Analysis) -> Emissions:
        if not drawn:
            drawn.append(model.emissions(analysis))
        return drawn[0]

    return {
        "pyELQ, best cell": lambda analysis: _best_cell(once(analysis)),
        "pyELQ, mean": lambda analysis: _mean_place(once(analysis)),
    }


def _best_cell(found: Emissions) -> Guess:
    """The cell that emits most."""
    if not found.rate.size:
        return Guess(float("nan"), float("nan"))
    at = np.floor(np.stack((found.east, found.north)) / _CELL_M)
    cells, which = np.unique(at, axis=1, return_inverse=True)
    best = int(np.argmax(np.bincount(which.ravel(), weights=found.rate)))
    east, north = (cells[:, best] + 0.5) * _CELL_M
    return Guess(float(east), float(north), float(found.rate.sum() / found.draws))


def _mean_place(found: Emissions) -> Guess:
    """Mean place of all emission."""
    if not found.rate.size:
        return Guess(float("nan"), float("nan"))
    weights = found.rate / found.rate.sum()
    return Guess(
        float(weights @ found.east),
        float(weights @ found.north),
        float(found.rate.sum() / found.draws),
    )
