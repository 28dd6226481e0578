"""Sources of two surveys told as one list: the same, new or gone, and how their rates changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from mapping.hotspots import find_hotspots
from mapping.located import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from mapping.hotspots import Hotspot

    FloatArray = NDArray[np.float64]
    Power = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["Change", "Side", "p_rate_rose", "p_same_place", "sides_of", "source_changes"]

MOST_DRAWS = 600  # of one source that are compared with as many of the other
APART_M = 3.0  # receivers and charts of two days disagree by so much, standard deviation
MATCHED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One source of one survey.

    Attributes
    ----------
    spot : Hotspot
    east, north : ndarray, shape (n,)
        Its draws [m].
    rate_g_s : ndarray, shape (n,)
        [g s-1].
    is_told : bool
        The survey told it as indicated.
    """

    spot: Hotspot
    east: FloatArray
    north: FloatArray
    rate_g_s: FloatArray
    is_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one source.

    Attributes
    ----------
    before, after : Side or None
        Not both None.
    p_same : float
        Probability that both are one place; NaN where there is only one.
    p_rose, p_doubled, p_halved : float
        Probability that the rate rose at all, at least doubled, at least halved; NaN likewise.
    ratio, ratio_p05, ratio_p95 : float
        Rate after over rate before; NaN likewise.
    p_noticed : float
        Where there is only one side: probability that the other survey would have noticed it.
    p_changed : float
        Where there is only one side: probability that it is there in the one and was not, or is
        no longer, in the other. Otherwise the larger of `p_rose` and its complement.
    """

    before: Side | None
    after: Side | None
    p_same: float = np.nan
    p_rose: float = np.nan
    p_doubled: float = np.nan
    p_halved: float = np.nan
    ratio: float = np.nan
    ratio_p05: float = np.nan
    ratio_p95: float = np.nan
    p_noticed: float = np.nan
    p_changed: float = np.nan

    @property
    def status(self) -> str:
        """``"both"``, ``"new"`` or ``"gone"``."""
        if self.before is None:
            return "new"
        return "both" if self.after is not None else "gone"


def sides_of(posterior: xr.Dataset, *, told: int) -> list[Side]:
    """Sources of a Posterior with their draws, in the order of `locate`.

    Parameters
    ----------
    posterior : xarray.Dataset
        The Posterior contract.
    told : int
        How many of them, the most probable first, the survey told as indicated.

    Returns
    -------
    list of Side
    """
    sources = locate(posterior)
    return [
        Side(
            spot=spot,
            east=source.east,
            north=source.north,
            rate_g_s=1e3 * source.rate,
            is_told=spot.rank <= told,
        )
        for source, spot in zip(sources, find_hotspots(sources), strict=False)
    ]


def source_changes(
    before: Sequence[Side],
    after: Sequence[Side],
    *,
    area_m2: float,
    power_before: Power,
    power_after: Power,
    reference_rate_g_s: float,
) -> list[Change]:
    """What became of each source that either survey told.

    Parameters
    ----------
    before, after : sequence of Side
        In one CRS.
    area_m2 : float
        Of the ground both surveys cover.
    power_before, power_after : callable
        Detection power at places of shape (n,), NaN where not searched.
    reference_rate_g_s : float
        That it is stated for.

    Returns
    -------
    list of Change
        Told sources of the later survey first, then those gone.

    Notes
    -----
    Pairs are those with the greatest total log Bayes factor of one place against two.
    """
    pairs = _pairs(before, after, area_m2)
    changes = []
    for k, side in enumerate(after):
        j = pairs.get(k)
        if j is not None:
            if side.is_told or before[j].is_told:
                changes.append(_matched(before[j], side, area_m2))
        elif side.is_told:
            noticed = _noticed(side, power_before, reference_rate_g_s)
            changes.append(_one_sided(side, noticed, is_gone=False))
    for j, side in enumerate(before):
        if j not in pairs.values() and side.is_told:
            noticed = _noticed(side, power_after, reference_rate_g_s)
            changes.append(_one_sided(side, noticed, is_gone=True))
    return changes


def p_same_place(one: Side, other: Side, *, area_m2: float) -> float:
    """Probability that two sources are one place, which a priori is as likely as not.

    Parameters
    ----------
    one, other : Side
    area_m2 : float
        Over which a place is uniform a priori [m2].

    Returns
    -------
    float

    Notes
    -----
    The Bayes factor of cross-identification, area x integral of p1(x) p2(x), Budavari & Szalay
    (2008), doi:10.1086/587156, with densities of the draws by Gaussian kernels.
    """
    a, b = _thinned(one), _thinned(other)
    spread = _kernel(a) + _kernel(b) + 2.0 * APART_M**2 * np.eye(2)
    apart = a[:, None, :] - b[None, :, :]
    power = np.einsum("ijk,kl,ijl->ij", apart, np.linalg.inv(spread), apart)
    overlap = float(np.exp(-0.5 * power).mean()) / (2 * np.pi * np.sqrt(np.linalg.det(spread)))
    factor = area_m2 * overlap
    return float(factor / (1.0 + factor))


def p_rate_rose(before: FloatArray, after: FloatArray, *, by: float = 1.0) -> float:
    """Probability that a rate rose by more than a factor, from independent draws.

    Parameters
    ----------
    before, after : ndarray, shape (n,), (m,)
    by : float

    Returns
    -------
    float
        Over all pairs; ties count half.

    Examples
    --------
    >>> p_rate_rose(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    0.875
    """
    ordered = np.sort(before * by)
    below = np.searchsorted(ordered, after, side="left")
    at_most = np.searchsorted(ordered, after, side="right")
    return float((below + at_most).mean() / (2 * ordered.size))


def _pairs(before: Sequence[Side], after: Sequence[Side], area_m2: float) -> dict[int, int]:
    """Index before of each matched index after."""
    if not before or not after:
        return {}
    same = np.array([[p_same_place(a, b, area_m2=area_m2) for b in before] for a in after])
    gain = np.log(np.maximum(same, 1e-300) / np.maximum(1.0 - same, 1e-12))
    rows, columns = linear_sum_assignment(-np.maximum(gain, 0.0))
    return {int(k): int(j) for k, j in zip(rows, columns, strict=True) if same[k, j] >= MATCHED}


def _matched(before: Side, after: Side, area_m2: float) -> Change:
    first, second = before.rate_g_s, after.rate_g_s
    rose = p_rate_rose(first, second)
    ratio = np.quantile(second, _LEVELS)[:, None] / np.quantile(first, _LEVELS)[None, :]
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
    return Change(
        before=before,
        after=after,
        p_same=p_same_place(before, after, area_m2=area_m2),
        p_rose=rose,
        p_doubled=p_rate_rose(first, second, by=2.0),
        p_halved=p_rate_rose(second, first, by=2.0),
        ratio=float(middle),
        ratio_p05=float(low),
        ratio_p95=float(high),
        p_changed=max(rose, 1.0 - rose),
    )


_LEVELS = (np.arange(200) + 0.5) / 200  # evenly likely values of a rate


def _one_sided(side: Side, noticed: float, *, is_gone: bool) -> Change:
    """A source of one survey alone: absent from the other, or missed by it.

    Present as likely as not before the other survey looked, and missed with the probability
    1 - `noticed`, it was absent with the probability 1 / (2 - `noticed`).
    """
    return Change(
        before=side if is_gone else None,
        after=None if is_gone else side,
        p_noticed=noticed,
        p_changed=side.spot.probability / (2.0 - noticed),
    )


def _noticed(side: Side, power: Power, reference_rate_g_s: float) -> float:
    """Probability that a survey would have noticed a source; 0 where it did not search.

    Stated for the reference rate; for a weaker source it is lowered in proportion, which is
    more than detection power falls.
    """
    there = np.nan_to_num(power(side.east, side.north))
    weaker = np.minimum(side.rate_g_s / reference_rate_g_s, 1.0)
    return float((there * weaker).mean())


def _thinned(side: Side) -> FloatArray:
    picks = np.unique(np.linspace(0, side.east.size - 1, MOST_DRAWS).round().astype(int))
    return np.column_stack([side.east[picks], side.north[picks]])


def _kernel(places: FloatArray) -> FloatArray:
    """Covariance of the kernel after Scott (1992), doi:10.1002/9780470316849."""
    if len(places) < 3:
        return np.zeros((2, 2))
    return np.asarray(np.cov(places.T) * len(places) ** (-1.0 / 3.0))
