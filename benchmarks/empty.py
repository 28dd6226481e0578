"""Flights without any source: how often the program sees one, and what that costs in sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from benchmarks.accuracy import line_of
from benchmarks.running import results
from benchmarks.scoring import Score, judged_world
from benchmarks.tables import markdown, share
from benchmarks.worlds import worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_SEED = 500_000
SOURCE_KINDS = ("single", "weak", "double")
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)


def scores(flights: int) -> list[Score]:
    """Judge that many flights (rounded up to an even number) without a source."""
    without = worlds((flights + 1) // 2, kinds=("none",), first_seed=FIRST_SEED)
    return results("empty", judged_world, without, told=line_of)


def source_scores(each: int) -> list[Score]:
    """Judge flights with sources, where the accuracy part has not done so."""
    some = worlds(each, kinds=SOURCE_KINDS, first_seed=FIRST_SEED + 100_000)
    return results("sources", judged_world, some, told=line_of)


def section(empty: Sequence[Score], sources: Sequence[Score]) -> str:
    """The chapter on false alarms."""
    p_empty = _probabilities(empty)
    alarms = sum(one.indicated for one in empty)
    single = [one for one in sources if one.world and one.world.kind in ("single", "weak")]
    double = [one for one in sources if one.sources == 2]
    visible = [one for one in single if one.visible]
    parts = [
        "## Flights without a source",
        f"{len(empty)} flights through worlds with drift, humidity fronts, warm-up and noise, "
        "but no gas. Quantiles of the probability of any source:",
        markdown(
            ("quantile", *(f"{100 * level:g} %" for level in _QUANTILES)),
            [["p", *(f"{value:.3f}" for value in np.quantile(p_empty, _QUANTILES))]],
        ),
        f"Reading: {alarms} false alarms in {len(empty)} flights at the threshold of the verdict "
        f"(0.95); with 95 % confidence the rate is below {100 * _upper(alarms, len(empty)):.1f} %.",
    ]
    if single:
        parts += [
            "### Receiver operating characteristic",
            f"Sources: {len(single)} flights of kind single and weak ({len(visible)} with a "
            f"visible plume), and {len(double)} of kind double. Area under the curve against the "
            f"empty flights: {_area(p_empty, _probabilities(single)):.3f} for single and weak, "
            f"{_area(p_empty, _probabilities(visible)):.3f} for those with a visible plume.",
            _characteristic(empty, single, visible, double),
            "Reading: each row is a threshold on the probability of any source. A source whose "
            "plume never met the drone cannot be found at any threshold.",
        ]
    return "\n\n".join(parts)


def _characteristic(
    empty: Sequence[Score],
    single: Sequence[Score],
    visible: Sequence[Score],
    double: Sequence[Score],
) -> str:
    header = ("threshold", "false alarms", "single and weak found", "with visible plume", "double")
    groups = (empty, single, visible, double)
    return markdown(
        header,
        [
            [f"{level:g}", *(share([one.p_any >= level for one in group]) for group in groups)]
            for level in THRESHOLDS
        ],
    )


def _probabilities(flights: Sequence[Score]) -> np.ndarray:
    return np.array([one.p_any for one in flights if np.isfinite(one.p_any)])


def _area(empty: np.ndarray, sources: np.ndarray) -> float:
    """Probability that a flight with a source scores above one without; ties count half."""
    if not empty.size or not sources.size:
        return float("nan")
    above = sources[:, None] > empty[None, :]
    level = sources[:, None] == empty[None, :]
    return float((above + 0.5 * level).mean())


def _upper(alarms: int, flights: int) -> float:
    """Upper end of the one-sided 95 % interval of a rate, after Clopper and Pearson (1934)."""
    return float(beta.ppf(0.95, alarms + 1, flights - alarms)) if alarms < flights else 1.0
