"""A corrected Flight as the source inference wants it, or why it says too little."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detection.signal.deconvolution import RESPONSE
from detection.signal.flight import is_usable
from detection.signal.mox import NOMINAL
from detection.signal.slow_noise import drift_inflation, lasting_inflation
from detection.source.gusts import error_of_one_wind
from detection.source.observations import Observations, bin_samples
from sensors.flight import channel_mass_concentration
from sensors.flight_contract import gas_channels
from sensors.units import is_concentration

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "GAIN_LOG_SD",
    "best_channel",
    "mass_of_fraction",
    "observe",
    "observed_at",
    "response_of",
    "seconds_of",
    "shortage",
    "usable",
]

PREFERENCE = ("pid", "tdlas", "ndir", "electrochemical", "unknown", "mox")
FEWEST_READINGS = 30  # fewer say nothing about a place
SHORTEST_TRACK_M = 20.0  # a drone that never moved has seen one place only
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
    samples = usable(flight, channel)
    if samples.sum() < FEWEST_READINGS:
        return (
            f"only {int(samples.sum())} usable readings of {channel} with a position in flight, "
            f"{FEWEST_READINGS} are needed"
        )
    if not np.isfinite(flight["eastward_wind"].values[samples]).any():
        return "no wind along the flight; give --wind-speed and --wind-from"
    latitude = np.deg2rad(flight["latitude"].values[samples])
    longitude = np.unwrap(np.deg2rad(flight["longitude"].values[samples]))
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
    A metal oxide's relative signal is turned into a concentration by the law of a usual element
    (`detection.signal.mox`), with a gain known to a factor of three: places do not depend on it,
    rates say so. Noise is that over the time of a crossing, what is left of drift included.
    """
    reason = shortage(flight, channel)
    if reason is not None:
        raise ValueError(reason)
    samples = usable(flight, channel)
    columns = {
        "concentration": _mass(flight, channel, f"{channel}_corrected")[samples],
        "variance": _mass(flight, channel, f"{channel}_sigma")[samples] ** 2,
    }
    count = np.ones(int(samples.sum()))
    averaged = float(flight.attrs["averaging_time_s"]) > 0
    if not averaged:
        seconds = seconds_of(flight)[samples]
        _, columns, count = bin_samples(seconds, columns, width_s=bin_s)
    concentration, sigma = columns["concentration"], np.sqrt(columns["variance"] / count)
    if not averaged:
        sigma = sigma * drift_inflation(concentration / sigma)
    return observed_at(
        flight,
        samples,
        concentration=concentration,
        sigma=sigma,
        east=east,
        north=north,
        bin_s=bin_s,
        response_s=response_of(flight, channel),
        gain_log_sd=GAIN_LOG_SD[is_concentration(flight[channel].attrs["units"])],
        channel=channel,
    )


def observed_at(
    flight: xr.Dataset,
    samples: NDArray[np.bool_],
    *,
    concentration: FloatArray,
    sigma: FloatArray,
    east: FloatArray,
    north: FloatArray,
    bin_s: float,
    response_s: tuple[float, float],
    gain_log_sd: float,
    channel: str,
) -> Observations:
    """Observations of what has been made of some of a flight's readings.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`, n readings.
    samples : ndarray of bool, shape (n,)
        The readings used.
    concentration, sigma : ndarray, shape (k,)
        [kg m-3] in the bins that `bin_samples` makes of them; of each one if time averages.
    east, north : ndarray, shape (n,)
        Projected positions [m].
    bin_s : float
        Width of the bins [s].
    response_s, gain_log_sd
        As in `Observations`.
    channel : str
        A channel of the flight, or several joined by ``+``.

    Returns
    -------
    Observations
    """
    seconds = seconds_of(flight)
    averaging_s = float(flight.attrs["averaging_time_s"])
    columns = {"east": east, "north": north, "height": _height(flight)}
    time, places = seconds[samples], {name: column[samples] for name, column in columns.items()}
    if averaging_s <= 0:
        time, places, _ = bin_samples(time, places, width_s=bin_s)
    wind_time, wind_east, wind_north = _wind(flight, seconds, bin_s)
    about = flight[channel.partition("+")[0]].attrs
    observations = Observations(
        time_s=time,
        east=places["east"],
        north=places["north"],
        height=np.maximum(places["height"], 0.1),
        concentration=concentration,
        sigma=sigma,
        wind_time_s=wind_time,
        eastward_wind=wind_east,
        northward_wind=wind_north,
        wind_height_m=float(flight.attrs["wind_height_m"]),
        wind_error=error_of_one_wind(wind_east, wind_north, source=flight.attrs["wind_source"]),
        response_s=response_s,
        averaging_time_s=averaging_s,
        gain_log_sd=gain_log_sd,
        channel=channel,
        gas=about["gas"],
        sensor_family=about["sensor_family"],
    )
    if not observations.is_sure_only_of_clear:
        return observations
    lasting = lasting_inflation(concentration / sigma)
    return replace(observations, sigma=lasting * sigma, lasting=lasting)


def response_of(flight: xr.Dataset, channel: str) -> tuple[float, float]:
    """Rise and decay time constants of a channel [s].

    As measured in this flight, where the corrected channel says so (`rise_s`, `decay_s`), else
    those of its family; none of time averages, which last longer.
    """
    if float(flight.attrs["averaging_time_s"]) > 0:
        return (0.0, 0.0)
    measured = flight[f"{channel}_corrected"].attrs
    rise_s, decay_s = RESPONSE[flight[channel].attrs["sensor_family"]]
    return (float(measured.get("rise_s", rise_s)), float(measured.get("decay_s", decay_s)))


def usable(flight: xr.Dataset, channel: str) -> NDArray[np.bool_]:
    """Readings of a channel that say something about a place, shape (n,)."""
    placed = np.isfinite(flight["latitude"].values) & np.isfinite(flight["longitude"].values)
    return np.asarray(is_usable(flight, channel) & placed & np.isfinite(_height(flight)))


def seconds_of(flight: xr.Dataset) -> FloatArray:
    """Seconds since the first reading, shape (n,)."""
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
    return mass_of_fraction(flight, channel, values * NOMINAL)


def mass_of_fraction(flight: xr.Dataset, channel: str, values: FloatArray) -> FloatArray:
    """Mass [kg m-3] of a mole fraction [1] of an uncalibrated channel's gas, shape (n,) both."""
    fraction = flight[channel].copy(data=values)
    fraction.attrs = {**flight[channel].attrs, "units": "1", "reads_as": fraction.attrs["gas"]}
    return channel_mass_concentration(flight.assign({channel: fraction}), channel, values)


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
