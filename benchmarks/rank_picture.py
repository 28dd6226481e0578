"""Histograms of where the truth ranks among the draws, beside what chance alone would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import binom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CHANCE = 0.99
_TITLES = {
    "along": "along the wind",
    "across": "across the wind",
    "distance": "from the largest reading",
    "rate": "emission rate",
    "height": "release height",
}


def write_rank_picture(ranks: Mapping[str, np.ndarray], path: Path, *, bins: int) -> None:
    """A panel for each quantity; 99 % of bars that differ by chance end between the lines."""
    figure = Figure(figsize=(10.0, 2.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, values) in zip(
        np.atleast_1d(figure.subplots(1, len(ranks))), ranks.items(), strict=True
    ):
        low, high = binom.interval(_CHANCE, values.size, 1.0 / bins)
        axes.hist(values, bins=bins, range=(0.0, 1.0), color="#8fb8d8", rwidth=0.92)
        for edge in (low, high):
            axes.axhline(edge, color="#c0392b", linewidth=1.2, linestyle="--")
        axes.lines[-1].set_label("99 % of what chance does")
        axes.set(
            title=_TITLES.get(name, name),
            xlim=(0.0, 1.0),
            xticks=(0.0, 0.5, 1.0),
            xlabel="rank of the truth",
        )
        axes.title.set_fontsize(10)
    figure.axes[0].set_ylabel("flights")
    figure.axes[0].legend(loc="lower center", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
