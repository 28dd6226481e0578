"""Figures with the uncertainty that a limited number of flights leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from benchmarks.tables import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEVEL = 0.95
_RESAMPLES = 2000


def quantile_span(values: Iterable[float], level: float) -> tuple[float, float, float]:
    """A quantile of what is not NaN, and the 95 % interval of it by bootstrap (percentiles).

    NaN where there is nothing to say.
    """
    known = np.array([value for value in values if np.isfinite(value)])
    if not known.size:
        return (np.nan, np.nan, np.nan)
    rng = np.random.default_rng(0)
    again = np.quantile(rng.choice(known, (_RESAMPLES, known.size)), level, axis=1)
    low, high = np.quantile(again, [0.5 - 0.5 * LEVEL, 0.5 + 0.5 * LEVEL])
    return float(np.quantile(known, level)), float(low), float(high)


def share_span(claims: Sequence[bool]) -> tuple[float, float, float]:
    """Share that holds and its 95 % interval, after Clopper and Pearson (1934)."""
    n, held = len(claims), sum(claims)
    if not n:
        return (np.nan, np.nan, np.nan)
    tail = 0.5 - 0.5 * LEVEL
    low = float(beta.ppf(tail, held, n - held + 1)) if held else 0.0
    high = float(beta.ppf(1.0 - tail, held + 1, n - held)) if held < n else 1.0
    return held / n, low, high


def quantile_text(values: Iterable[float], level: float, form: str = "{:.1f}") -> str:
    """`quantile_span` as ``8.1 (6.9-9.4)``."""
    span = quantile_span(values, level)
    return _text(span, form)


def share_text(claims: Sequence[bool]) -> str:
    """`share_span` in per cent, as ``93 % (86-97)``."""
    value, low, high = (100.0 * one for one in share_span(claims))
    return f"{value:.0f} % ({low:.0f}-{high:.0f})" if claims else NOTHING


def _text(span: tuple[float, float, float], form: str) -> str:
    if not np.isfinite(span[0]):
        return NOTHING
    value, low, high = (form.format(one) for one in span)
    return f"{value} ({low}-{high})"
