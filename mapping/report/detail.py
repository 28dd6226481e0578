"""How much of long lists a report shows, so that it keeps to four pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapping.report.case import Case

__all__ = ["DETAILS", "MOST_PAGES", "Detail", "first_of", "where_all"]

MOST_PAGES = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """The most rows of each list; what is left out is counted, and said where to find.

    Attributes
    ----------
    sources : int
        The first of them by rank.
    explained_by : int
        Known emitters that may be what one source is, where few sources are told.
    known : int
        Known emitters, those with the largest share of the gas first.
    causes : int
    inputs, remarks : int
    is_dense : bool
        Small tables and a small second map.
    """

    sources: int = 20
    explained_by: int = 3
    known: int = 12
    causes: int = 6
    inputs: int = 20
    remarks: int = 30
    is_dense: bool = False


# From roomy to dense; the first that keeps to `MOST_PAGES` is taken
DETAILS = (
    Detail(),
    Detail(is_dense=True),
    Detail(sources=12, explained_by=2, known=6, is_dense=True),
    Detail(sources=8, explained_by=1, known=4, causes=4, remarks=12, is_dense=True),
    Detail(sources=6, explained_by=1, known=3, causes=4, inputs=8, remarks=6, is_dense=True),
)


def first_of(lines: Sequence[T], most: int) -> tuple[list[T], int]:
    """The first lines, and how many there are more; a single one more is shown instead.

    Examples
    --------
    >>> first_of("abcde", 3), first_of("abcd", 3)
    ((['a', 'b', 'c'], 2), (['a', 'b', 'c', 'd'], 0))
    """
    shown = len(lines) if len(lines) <= most + 1 else most
    return list(lines[:shown]), len(lines) - shown


def where_all(case: Case, name: str) -> str:
    """File beside the report that has all of a list: the one named, if it was written."""
    return name if name in case.summary["files"] else "summary.json"
