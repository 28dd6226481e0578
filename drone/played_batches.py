"""A finished flight handed out second by second, as it came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drone.joined_batches import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

__all__ = ["played"]

NS = 1_000_000_000


def played(
    batches: Sequence[RecordBatch], *, step_s: float = 1.0
) -> Iterator[tuple[int, list[RecordBatch]]]:
    """Records of each second, in order of their times.

    Parameters
    ----------
    batches : sequence of RecordBatch
        On UTC; those on other clocks come all at once, with the first second.
    step_s : float
        [s].

    Yields
    ------
    time_ns : int
        End of the second, UTC.
    batches : list of RecordBatch
    """
    whole = joined(batches)
    others = [one for one in whole if one.clock != "utc"]
    dated = [
        _rows(one, np.argsort(one.time_ns, kind="stable")) for one in whole if one.clock == "utc"
    ]
    if not dated:
        return
    now = min(int(one.time_ns[0]) for one in dated)
    end = max(int(one.time_ns[-1]) for one in dated)
    at = [0] * len(dated)
    while now <= end:
        now += round(step_s * NS)
        found, others = others, []
        for place, one in enumerate(dated):
            upto = int(np.searchsorted(one.time_ns, now))
            if upto > at[place]:
                found.append(_rows(one, slice(at[place], upto)))
                at[place] = upto
        yield now, found


def _rows(batch: RecordBatch, rows: slice | NDArray[np.intp]) -> RecordBatch:
    return replace(
        batch,
        time_ns=batch.time_ns[rows],
        columns={name: column[rows] for name, column in batch.columns.items()},
        quality=batch.quality[rows],
    )
