"""Several flights over one area: told apart by their times, then one dataset for the maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from drone.inputs import Inputs
from sensors.flight import add_history, gas_channels, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensors.records import RecordBatch

__all__ = ["apart", "together"]

PAUSE_S = 120.0  # between two flights, at least; a recording is rolled within a second


def apart(inputs: Inputs) -> list[Inputs]:
    """Files of each flight, the earliest flight first.

    Files are of different flights if each of them holds gas readings, times in UTC and positions
    of its own, and at least two minutes pass between the readings of one and of the next.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    list of Inputs
        All in one if any file cannot stand alone.
    """
    parts: list[list[RecordBatch]] = [[] for _ in inputs.files]
    for batch, origin in zip(inputs.batches, inputs.origins, strict=True):
        parts[origin].append(batch)
    spans = [_span(part) for part in parts]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return [inputs]
    groups: list[list[int]] = []
    end = -np.inf
    for place in sorted(range(len(known)), key=lambda place: known[place]):
        if known[place][0] - end > PAUSE_S:
            groups.append([])
        groups[-1].append(place)
        end = max(end, known[place][1])
    if len(groups) == 1:
        return [inputs]
    return [
        Inputs(
            files=tuple(inputs.files[place] for place in group),
            batches=tuple(batch for place in group for batch in parts[place]),
            notes=(),
            origins=tuple(k for k, place in enumerate(group) for _ in parts[place]),
        )
        for group in groups
    ]


def _span(part: Sequence[RecordBatch]) -> tuple[float, float] | None:
    """First and last gas reading of a file that can stand alone [s]."""
    gas = [one for one in part if one.kind == "gas" and one.clock == "utc" and len(one)]
    if not gas or not any(one.kind == "pose" and len(one) for one in part):
        return None
    return (
        1e-9 * min(int(one.time_ns.min()) for one in gas),
        1e-9 * max(int(one.time_ns.max()) for one in gas),
    )


def together(flights: Sequence[xr.Dataset]) -> tuple[xr.Dataset, list[str]]:
    """One dataset of several corrected flights, for maps and files.

    Parameters
    ----------
    flights : sequence of xarray.Dataset
        From `correct_flight`, in order of time.

    Returns
    -------
    flight : xarray.Dataset
        With the channels that all of them have.
    notes : list of str
        Which channels were left out.
    """
    if len(flights) == 1:
        return flights[0], []
    shared = [
        name for name in gas_channels(flights[0])
        if all(name in gas_channels(one) for one in flights)
        and len({one[name].attrs["units"] for one in flights}) == 1
    ]  # fmt: skip
    names = [str(one["trajectory"].values) for one in flights]
    notes = [
        f"{name}: {channel} is left out, because the other flights have no such channel in its unit"
        for name, one in zip(names, flights, strict=True)
        for channel in gas_channels(one)
        if channel not in shared
    ]
    rows = [_only(one, shared).drop_vars("trajectory") for one in flights]
    joined = xr.concat(
        rows, dim="obs", data_vars="minimal", coords="minimal", compat="override",
        join="override", combine_attrs="override",
    )  # fmt: skip
    name = " + ".join(names)
    joined["trajectory"] = flights[0]["trajectory"].copy(data=np.array(name))
    sources = {str(one.attrs["wind_source"]) for one in flights}
    joined.attrs |= {
        "title": name,
        "wind_source": sources.pop() if len(sources) == 1 else "mixed",
        "source_files": ", ".join(str(one.attrs["source_files"]) for one in flights),
    }
    return validate(add_history(joined, f"{len(flights)} flights, each corrected alone")), notes


def _only(flight: xr.Dataset, shared: Sequence[str]) -> xr.Dataset:
    left_out = [name for name in gas_channels(flight) if name not in shared]
    own = [
        variable
        for variable in flight.data_vars
        for name in left_out
        if variable == name or str(variable).startswith(f"{name}_")
    ]
    return flight.drop_vars(own)
