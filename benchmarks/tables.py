"""Medians, shares and tables as the report writes them; a dash where there is nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = "-"


def quantile(values: Iterable[float], level: float, form: str = "{:.0f}") -> str:
    """Quantile of what is not NaN."""
    known = np.array([value for value in values if np.isfinite(value)])
    return form.format(np.quantile(known, level)) if known.size else NOTHING


def median(values: Iterable[float], form: str = "{:.0f}") -> str:
    """Median of what is not NaN."""
    return quantile(values, 0.5, form)


def share(claims: Sequence[bool]) -> str:
    """How many hold, of how many, in per cent."""
    if not claims:
        return NOTHING
    return f"{100 * sum(claims) / len(claims):.0f} % ({sum(claims)}/{len(claims)})"


def within_factor(ratios: Iterable[float], factor: float = 2.0) -> str:
    """Share of ratios within a factor of 1; NaN left out."""
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return share([1 / factor <= ratio <= factor for ratio in known])


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, its first column text and all others numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
