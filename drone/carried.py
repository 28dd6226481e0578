"""What a flight file of ours already states, so that reading it again does not forget it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firmware_bridge.formats.netcdf import flight_in
from firmware_bridge.logfile import ReadReport
from sensors.flight import gas_channels
from sensors.gases import channel_sensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr

    from drone.choices import Choices
    from drone.inputs import Inputs

__all__ = ["with_what_files_state"]


def with_what_files_state(
    choices: Choices, paths: Sequence[Path], inputs: Inputs
) -> tuple[Choices, tuple[str, ...]]:
    """Choices filled from flight files where nobody chose, and a note of what was taken over.

    Parameters
    ----------
    choices : Choices
    paths : sequence of Path
    inputs : Inputs
        Of the same files.

    Returns
    -------
    choices : Choices
    notes : tuple of str
    """
    notes = []
    for path, file in zip(paths, inputs.files, strict=True):
        if file.format != "netcdf":
            continue
        stated = _stated(flight_in(path, ReadReport(path=path)))
        taken = {name: value for name, value in stated.items() if _is_open(choices, name)}
        if taken:
            choices = replace(choices, **taken)
            said = ", ".join(f"{name} = {value}" for name, value in taken.items())
            notes.append(f"{path.name}: what it states is taken over: {said}")
    return choices, tuple(notes)


def _is_open(choices: Choices, name: str) -> bool:
    """Whether a choice was left to us."""
    chosen = getattr(choices, name)
    return not chosen or (isinstance(chosen, float) and math.isnan(chosen))


def _stated(flight: xr.Dataset) -> dict[str, Any]:
    """Statements of a flight that differ from the defaults; a dict of fields of `Choices`."""
    attrs = flight.attrs
    stated: dict[str, Any] = {}
    for name in gas_channels(flight):
        named, _ = channel_sensor(name, flight[name].attrs["units"])
        if named is None and flight[name].attrs["gas"] != "acetone":
            stated["gas"] = flight[name].attrs["gas"]
    if float(attrs["averaging_time_s"]) > 0.0:
        stated["averaging_time_s"] = float(attrs["averaging_time_s"])
    if int(attrs["background_removed"]):
        stated["background_removed"] = True
    if math.isfinite(float(attrs["wind_height_m"])):
        stated["wind_height_m"] = float(attrs["wind_height_m"])
    return stated
