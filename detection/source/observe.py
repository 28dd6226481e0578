"""A corrected Flight as the source inference wants it, or why it says too little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.deconvolution import RESPONSE
from detection.signal.flight import is_usable
from detection.source.observations import Observations, bin_samples
from sensors.flight import channel_mass_concentration
from sensors.flight_contract import gas_channels
from sensors.units import is_concentration

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["best_channel", "observe", "shortage"]

PREFERENCE = ("pid", "tdlas", "ndir", "electrochemical", "unknown", "mox")
FEWEST_READINGS = 30  # fewer say nothing about a place
SHORTEST_TRACK_M = 20.0  # a drone that never moved has seen one place only
NOMINAL_CLEAN_AIR = 1e-6  # mole fraction that doubles a metal oxide's relative signal; see Notes
GAIN_LOG_SD = {True: 0.2, False: 1.2}  # calibrated channel, uncalibrated one


def best_channel(flight: xr.Dataset, *, gas: str | None = None) -> str:
    """Channel to find sources with: of the gas looked for, linear, and with readings.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    gas : str, optional
        Gas looked for; channels of it come first.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        The flight has no gas channel, which `validate` does not let through.
    """
    names = gas_channels(flight)
    if not names:
        raise ValueError("a Flight without gas channels")

    def rank(name: str) -> tuple[bool, bool, int, int]:
        attrs = flight[name].attrs
        readings = int(is_usable(flight, name).sum())
        return (
            readings < FEWEST_READINGS,
            gas is not None and attrs["gas"] != gas,
            PREFERENCE.index(attrs["sensor_family"]),
            names.index(name),
        )

    return min(names, key=rank)


def shortage(flight: xr.Dataset, channel: str) -> str | None:
    """Why nothing can be said about sources, in a few words; None if something can.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    channel : str

    Returns
    -------
    str or None
    """
    usable = _usable(flight, channel)
    if usable.sum() < FEWEST_READINGS:
        return (
            f"only {int(usable.sum())} usable readings of {channel} with a position in flight, "
            f"{FEWEST_READINGS} are needed"
        )
    if not np.isfinite(flight["eastward_wind"].values[usable]).any():
        return "no wind along the flight; give --wind-speed and --wind-from"
    latitude = np.deg2rad(flight["latitude"].values[usable])
    longitude = np.unwrap(np.deg2rad(flight["longitude"].values[usable]))
    extent = 6.371e6 * np.hypot(np.ptp(latitude), np.ptp(longitude) * np.cos(latitude[0]))
    if extent < SHORTEST_TRACK_M:
        return f"the sensor moved only {extent:.0f} m; fly at least a few lines"
    return None


def observe(
    flight: xr.Dataset,
    channel: str,
    *,
    east: FloatArray,
    north: FloatArray,
    bin_s: float = 1.0,
) -> Observations:
    """Observations of one channel of a flight.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`, n readings.
    channel : str
        Raw gas channel.
    east, north : ndarray, shape (n,)
        Projected positions [m], NaN where unknown.
    bin_s : float
        Readings are averaged over this time [s]; time averages are left as they are.

    Returns
    -------
    Observations

    Raises
    ------
    ValueError
        `shortage` would have said why this flight cannot be used.

    Notes
    -----
    A metal oxide's relative signal is turned into a concentration by a nominal 1 ppm, with a
    gain known to a factor of three: places do not depend on it, rates say so.
    """
    reason = shortage(flight, channel)
    if reason is not None:
        raise ValueError(reason)
    usable = _usable(flight, channel)
    seconds = _seconds(flight)
    averaging_s = float(flight.attrs["averaging_time_s"])
    columns = {
        "east": east,
        "north": north,
        "height": _height(flight),
        "concentration": _mass(flight, channel, f"{channel}_corrected"),
        "variance": _mass(flight, channel, f"{channel}_sigma") ** 2,
    }
    time, binned = seconds[usable], {name: column[usable] for name, column in columns.items()}
    count = np.ones(time.size)
    if averaging_s <= 0:
        time, binned, count = bin_samples(time, binned, width_s=bin_s)
    wind_time, wind_east, wind_north = _wind(flight, seconds, bin_s)
    family = flight[channel].attrs["sensor_family"]
    return Observations(
        time_s=time,
        east=binned["east"],
        north=binned["north"],
        height=np.maximum(binned["height"], 0.1),
        concentration=binned["concentration"],
        sigma=np.sqrt(binned["variance"] / count),
        wind_time_s=wind_time,
        eastward_wind=wind_east,
        northward_wind=wind_north,
        wind_height_m=float(flight.attrs["wind_height_m"]),
        response_s=(0.0, 0.0) if averaging_s > 0 else RESPONSE[family],
        averaging_time_s=averaging_s,
        gain_log_sd=GAIN_LOG_SD[is_concentration(flight[channel].attrs["units"])],
        channel=channel,
        gas=flight[channel].attrs["gas"],
    )


def _usable(flight: xr.Dataset, channel: str) -> NDArray[np.bool_]:
    placed = np.isfinite(flight["latitude"].values) & np.isfinite(flight["longitude"].values)
    return np.asarray(is_usable(flight, channel) & placed & np.isfinite(_height(flight)))


def _seconds(flight: xr.Dataset) -> FloatArray:
    time = flight["time"].values.astype("datetime64[ns]").astype(np.int64)
    return np.asarray((time - time.min()) * 1e-9)


def _height(flight: xr.Dataset) -> FloatArray:
    """Height above ground, or above the lowest point flown where that is all there is [m]."""
    height = flight["height_above_ground"].values.astype(np.float64)
    altitude = flight["altitude"].values.astype(np.float64)
    if np.isfinite(height).any() or not np.isfinite(altitude).any():
        return height
    return np.asarray(altitude - np.nanmin(altitude))


def _mass(flight: xr.Dataset, channel: str, variable: str) -> FloatArray:
    values = flight[variable].values.astype(np.float64)
    if is_concentration(flight[channel].attrs["units"]):
        return channel_mass_concentration(flight, channel, values)
    relative = flight[channel].copy(data=values * NOMINAL_CLEAN_AIR)
    relative.attrs = {**flight[channel].attrs, "units": "1", "reads_as": relative.attrs["gas"]}
    return channel_mass_concentration(flight.assign({channel: relative}), channel, relative.values)


def _wind(
    flight: xr.Dataset, seconds: FloatArray, bin_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    eastward = flight["eastward_wind"].values.astype(np.float64)
    northward = flight["northward_wind"].values.astype(np.float64)
    # on the ground an anemometer stands in the wake of the vehicle and in slower air
    known = np.isfinite(eastward) & np.isfinite(northward) & (flight["airborne"].values == 1)
    time, binned, _ = bin_samples(
        seconds[known], {"east": eastward[known], "north": northward[known]}, width_s=bin_s
    )
    return time, binned["east"], binned["north"]
