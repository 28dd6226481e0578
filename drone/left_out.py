"""Readings of a flight that take no part in the search, and why: said, never silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drone.pads import pad_notes, warm_up_notes
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["left_out_notes"]


def left_out_notes(flight: xr.Dataset) -> list[str]:
    """What was left out of a flight from `correct_flight`, a line for each channel and reason."""
    return [
        *_glitch_notes(flight),
        *_censored_notes(flight),
        *pad_notes(flight),
        *warm_up_notes(flight),
    ]


def _glitch_notes(flight: xr.Dataset) -> list[str]:
    counts = {name: int(flight[f"{name}_corrected"].glitches) for name in gas_channels(flight)}
    return [
        f"{name}: {count} readings that no gas can make (a spike of one reading, or more than all "
        "of the air) were left out; look at the sensor and its wiring"
        for name, count in counts.items()
        if count
    ]


def _censored_notes(flight: xr.Dataset) -> list[str]:
    readings = int(np.sum(flight["airborne"].values == 1))
    counts = {
        name: int(flight[f"{name}_corrected"].held_at_lowest) for name in gas_channels(flight)
    }
    return [
        f"{name}: {100 * count / readings:.0f} % of the readings in flight lie at the lowest value "
        "it can show, so that it was below its zero and would not have shown faint gas; they are "
        "left out as if not flown: zero it in clean air once it is warm"
        for name, count in counts.items()
        if count
    ]
