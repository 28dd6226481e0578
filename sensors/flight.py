"""The Flight: one dataset of readings along a track, after CF-1.11, and its NetCDF file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sensors import gases
from sensors.errors import FlightError
from sensors.flight_contract import gas_channels, validate
from sensors.flight_file import read_netcdf, write_netcdf
from sensors.flight_variables import (
    COORDINATES,
    FLAG_MASKS,
    FLAG_MEANINGS,
    VARIABLES,
    standard_name,
)
from sensors.units import is_concentration, unit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.assemble import FlightColumns
    from sensors.channels import Channel

__all__ = [
    "add_history",
    "channel_mass_concentration",
    "from_columns",
    "gas_channels",
    "read_netcdf",
    "validate",
    "write_netcdf",
]


def from_columns(columns: FlightColumns) -> xr.Dataset:
    """Flight made of assembled columns.

    Parameters
    ----------
    columns : FlightColumns

    Returns
    -------
    xarray.Dataset
        Valid; see `validate`.

    Raises
    ------
    FlightError
        The columns do not make a Flight.
    """
    coords: dict[str, Any] = {
        "time": (
            "obs",
            columns.time_ns.astype("datetime64[ns]"),
            {"standard_name": "time", "long_name": "time of the reading, UTC", "axis": "T"},
        )
    }
    variables: dict[str, Any] = {
        "trajectory": ((), columns.name, {"cf_role": "trajectory_id", "long_name": "flight"}),
        "quality": ("obs", columns.quality, _flag_attributes("position, time and wind")),
    }
    for target, table in ((coords, COORDINATES), (variables, VARIABLES)):
        for name, cf_attributes in table.items():
            target[name] = ("obs", getattr(columns, name), dict(cf_attributes))
    for name, channel in columns.channels.items():
        variables[name] = ("obs", channel.values, _channel_attributes(name, channel))
        variables[f"{name}_quality"] = ("obs", channel.quality, _flag_attributes(name))
    global_attributes: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "featureType": "trajectory",
        "title": columns.name,
        "history": "\n".join(columns.history),
        "wind_source": columns.wind_source,
        "wind_height_m": columns.wind_height_m,
        "averaging_time_s": columns.averaging_time_s,
        "background_removed": int(columns.background_removed),
        "clock_offset_s": columns.clock_offset_s,
        "pid_lamp_ev": columns.lamp_ev,
        "source_files": "\n".join(columns.source_files),
    }
    return validate(xr.Dataset(variables, coords, global_attributes))


def add_history(flight: xr.Dataset, line: str) -> xr.Dataset:
    """Return the flight with a line more in its history; call it after the step has succeeded."""
    past = str(flight.attrs.get("history", ""))
    return flight.assign_attrs(history=f"{past}\n{line}" if past else line)


def channel_mass_concentration(
    flight: xr.Dataset, channel: str, values: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Readings of a channel as mass of its gas per volume of air.

    Parameters
    ----------
    flight : xarray.Dataset
    channel : str
        A gas channel whose unit is one of concentration.
    values : ndarray, shape (obs,), optional
        Instead of the raw readings, in the same unit: corrected ones, or a standard deviation.

    Returns
    -------
    ndarray, shape (obs,)
        [kg m-3]. Air of 293.15 K and 101325 Pa where the flight knows no better.

    Raises
    ------
    FlightError
        The channel has no unit of concentration.
    """
    attrs = flight[channel].attrs
    if not is_concentration(attrs["units"]):
        raise FlightError(
            f'channel "{channel}" is in {attrs["units"]}, which has no calibration to a '
            "concentration; give a calibrated channel"
        )
    temperature, pressure = flight["air_temperature"].values, flight["air_pressure"].values
    return gases.mass_concentration(
        flight[channel].values if values is None else values,
        attrs["units"],
        attrs["gas"],
        family=attrs["sensor_family"],
        isobutylene_equivalent=attrs["reads_as"] != attrs["gas"],
        temperature_k=np.where(np.isfinite(temperature), temperature, 293.15),
        pressure_pa=np.where(np.isfinite(pressure), pressure, 101325.0),
        lamp_ev=float(flight.attrs["pid_lamp_ev"]),
    )


def _flag_attributes(what: str) -> dict[str, Any]:
    return {
        "standard_name": "quality_flag",
        "long_name": f"quality of {what}",
        "flag_masks": np.array(FLAG_MASKS, np.uint16),
        "flag_meanings": FLAG_MEANINGS,
    }


def _channel_attributes(name: str, channel: Channel) -> dict[str, Any]:
    kind = unit_of(channel.unit).kind
    cf_name = None if channel.is_equivalent else standard_name(channel.gas, kind)
    return {
        **({"standard_name": cf_name} if cf_name else {}),
        "long_name": f"{channel.gas} by {name}, {kind}",
        "units": channel.unit,
        "channel_role": "gas",
        "gas": channel.gas,
        "sensor_family": channel.family,
        "reads_as": gases.REFERENCE_GAS if channel.is_equivalent else channel.gas,
        "ancillary_variables": f"{name}_quality",
    }
