"""What makes a dataset a Flight: the contract, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sensors import gases
from sensors.errors import FlightError
from sensors.flight_variables import COORDINATES, VARIABLES, WIND_SOURCES
from sensors.units import unit_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["gas_channels", "validate"]

_NUMBERS = ("wind_height_m", "averaging_time_s", "clock_offset_s", "pid_lamp_ev")
_TEXTS = ("history", "source_files")
_CHANNEL_TEXTS = ("long_name", "gas", "sensor_family", "reads_as", "ancillary_variables")


def gas_channels(flight: xr.Dataset) -> list[str]:
    """Names of the raw gas channels, in the order of the dataset."""
    return [
        str(name)
        for name, var in flight.variables.items()
        if var.attrs.get("channel_role") == "gas"
    ]


def validate(flight: xr.Dataset) -> xr.Dataset:
    """Return the flight if it keeps the contract; the only gate.

    Parameters
    ----------
    flight : xarray.Dataset
        Extra variables are allowed.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    FlightError
        Names the variable at fault and the remedy.
    """
    _check_attributes(flight)
    _check_time(flight)
    for name, attributes in {**COORDINATES, **VARIABLES}.items():
        _check_series(flight, name, np.dtype(np.float64))
        if flight[name].attrs.get("units") != attributes["units"]:
            raise FlightError(
                f'"{name}" has units {flight[name].attrs.get("units")!r}; convert it and set '
                f'units = "{attributes["units"]}"'
            )
    _check_series(flight, "quality", np.dtype(np.uint16))
    _check_pairs(flight)
    channels = gas_channels(flight)
    if not channels:
        raise FlightError(
            'the flight has no gas channel; set channel_role = "gas" on the variable that is one'
        )
    for name in channels:
        _check_channel(flight, name)
    return flight


def _check_attributes(flight: xr.Dataset) -> None:
    attrs = flight.attrs
    if attrs.get("featureType") != "trajectory":
        raise FlightError('the dataset is not a flight; set featureType = "trajectory"')
    if attrs.get("wind_source") not in WIND_SOURCES:
        raise FlightError(f"wind_source must be one of {', '.join(WIND_SOURCES)}")
    for name in _NUMBERS:
        if not isinstance(attrs.get(name), int | float | np.number):
            raise FlightError(f'attribute "{name}" must be a number; set it')
    for name in _TEXTS:
        if not isinstance(attrs.get(name), str):
            raise FlightError(f'attribute "{name}" must be a text; set it')
    if attrs.get("background_removed") not in {0, 1}:
        raise FlightError('attribute "background_removed" must be 0 or 1; set it')
    trajectory = flight.variables.get("trajectory")
    if trajectory is None or trajectory.attrs.get("cf_role") != "trajectory_id":
        raise FlightError('"trajectory" must name the flight and have cf_role = "trajectory_id"')


def _check_time(flight: xr.Dataset) -> None:
    _check_series(flight, "time", np.dtype("datetime64[ns]"))
    times = flight["time"].values
    if times.size == 0:
        raise FlightError("the flight has no readings; give a log that holds some")
    if np.isnat(times).any():
        raise FlightError('"time" has missing values; drop those rows')
    backward = np.flatnonzero(np.diff(times.astype(np.int64)) < 0)
    if backward.size:
        raise FlightError(f'"time" goes back after row {int(backward[0])}; sort the rows by time')


def _check_series(flight: xr.Dataset, name: str, dtype: np.dtype[Any]) -> None:
    if name not in flight.variables:
        raise FlightError(f'"{name}" is missing; add it along obs, NaN where unknown')
    variable = flight.variables[name]
    if variable.dims != ("obs",):
        raise FlightError(f'"{name}" has dimensions {variable.dims}; it must lie along obs')
    if variable.dtype != dtype:
        raise FlightError(f'"{name}" is {variable.dtype}; convert it to {dtype}')
    if dtype.kind == "f" and np.isinf(variable.values).any():
        raise FlightError(f'"{name}" holds infinity; set those values to NaN')


def _check_pairs(flight: xr.Dataset) -> None:
    for first, second in (("latitude", "longitude"), ("eastward_wind", "northward_wind")):
        alone = np.isnan(flight[first].values) != np.isnan(flight[second].values)
        if alone.any():
            row = int(np.flatnonzero(alone)[0])
            raise FlightError(
                f'"{first}" and "{second}" are not missing together in row {row}; blank both'
            )
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        beyond = np.flatnonzero(np.abs(flight[name].values) > limit)
        if beyond.size:
            raise FlightError(
                f'"{name}" is {flight[name].values[beyond[0]]:g} in row {int(beyond[0])}, outside '
                f"-{limit:g}..{limit:g}; blank or correct it"
            )


def _check_channel(flight: xr.Dataset, name: str) -> None:
    _check_series(flight, name, np.dtype(np.float64))
    attrs = flight[name].attrs
    try:
        unit_of(str(attrs.get("units")))
    except ValueError as error:
        raise FlightError(
            f'"{name}" has no usable units attribute ({error}); set it, for example '
            'units = "1e-9" for ppb'
        ) from error
    missing = [key for key in _CHANNEL_TEXTS if not isinstance(attrs.get(key), str)]
    if missing:
        raise FlightError(f'"{name}" has no attribute {", ".join(missing)}; set it')
    if attrs["gas"] not in gases.GASES:
        raise FlightError(f'"{name}": gas "{attrs["gas"]}" is not in the gas table')
    if attrs["sensor_family"] not in gases.FAMILIES:
        raise FlightError(f'"{name}": sensor_family must be one of {", ".join(gases.FAMILIES)}')
    _check_series(flight, attrs["ancillary_variables"], np.dtype(np.uint16))
