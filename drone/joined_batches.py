"""Records of a flight that goes on, in as few pieces as they can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.records import RecordBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["joined"]


def joined(batches: Iterable[RecordBatch]) -> list[RecordBatch]:
    """One batch for all that agree in kind, source, clock, columns and units.

    Parameters
    ----------
    batches : iterable of RecordBatch

    Returns
    -------
    list of RecordBatch
        Rows of each in the order they came; empty batches are left out.
    """
    groups: dict[object, list[RecordBatch]] = {}
    for one in batches:
        if len(one):
            key = (one.kind, one.source, one.clock, tuple(one.columns), tuple(one.units.items()))
            groups.setdefault(key, []).append(one)
    return [group[0] if len(group) == 1 else _together(group) for group in groups.values()]


def _together(group: Sequence[RecordBatch]) -> RecordBatch:
    first = group[0]
    return RecordBatch(
        kind=first.kind,
        source=first.source,
        time_ns=np.concatenate([one.time_ns for one in group]),
        columns={
            name: np.concatenate([one.columns[name] for one in group]) for name in first.columns
        },
        clock=first.clock,
        units=first.units,
        quality=np.concatenate([one.quality for one in group]),
    )
