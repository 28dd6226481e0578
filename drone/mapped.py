"""Concentration maps of a flight without any inference, as xarray: what ``sniffdrone map`` does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drone.analysis import axis_turn_deg, corrected_flight, domain_of, track_of
from drone.carried import with_what_files_state
from drone.channels import believable_channel
from drone.choices import Choices
from drone.flights import apart, together
from drone.inputs import read_inputs
from mapping.concentration import Readings
from mapping.concentration_maps import concentration_maps, readings_of
from mapping.rasters import concentration_grid
from mapping.stacks import height_maps, time_maps
from mapping.survey_lines import kernel_width
from sensors.errors import ConfigError
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from drone.inputs import Inputs
    from mapping.area import Domain
    from mapping.grid import Grid
    from mapping.survey import Track

    FloatArray = NDArray[np.float64]

__all__ = ["MapChoices", "Mapped", "map_flight", "maps_of"]

NOISE_EXCEEDED = 3.0
MOST_LAYERS = 24
LEAST_HEIGHT_WIDTH_M = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MapChoices:
    """What to map.

    Attributes
    ----------
    channel : str or None
        Gas channel; the best that can be believed unless told.
    threshold : float or None
        Reading whose exceedance is mapped, in the channel's unit; three standard deviations of
        its noise unless told.
    heights_m : tuple of float
        Heights above ground to map apart [m], ascending.
    moments : int
        Number of moments to map apart, evenly over the flight.
    """

    channel: str | None = None
    threshold: float | None = None
    heights_m: tuple[float, ...] = ()
    moments: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError for what cannot be mapped."""
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ConfigError(f"--threshold {self.threshold}: must be a number; correct it")
        low, high = min(self.heights_m, default=1.0), max(self.heights_m, default=1.0)
        if not (low >= 0 and high <= 10_000.0):
            raise ConfigError(f"--heights {low:g} to {high:g}: must be from 0 to 10000 m")
        if max(self.moments, len(self.heights_m)) > MOST_LAYERS or self.moments < 0:
            raise ConfigError(f"at most {MOST_LAYERS} heights or moments can be mapped; name fewer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Maps of a flight.

    Attributes
    ----------
    flight : xarray.Dataset
        Corrected.
    domain : Domain
    track : Track
    channel : str
    maps : xarray.Dataset
        As `mapping.concentration_maps.concentration_maps` gives them.
    heights, moments : xarray.Dataset or None
        As `mapping.stacks` gives them; None if not asked for.
    notes : tuple of str
        What a reader must know, one line each.
    inputs : Inputs or None
        Of the files; None if the maps are of a flight in memory.
    """

    flight: xr.Dataset
    domain: Domain
    track: Track
    channel: str
    maps: xr.Dataset
    heights: xr.Dataset | None = None
    moments: xr.Dataset | None = None
    notes: tuple[str, ...] = ()
    inputs: Inputs | None = None


def map_flight(
    paths: Sequence[Path], *, choices: Choices | None = None, wanted: MapChoices | None = None
) -> Mapped:
    """Maps of the flights in some files.

    Parameters
    ----------
    paths : sequence of Path
        Logs of one flight, or of several over one area.
    choices : Choices, optional
        Gas, wind, area, reference system, method: as for ``sniffdrone process``.
    wanted : MapChoices, optional

    Returns
    -------
    Mapped

    Raises
    ------
    SniffdroneError
        The files or the settings are at fault.
    """
    inputs = read_inputs(paths)
    settings, carried = with_what_files_state(choices or Choices(), paths, inputs)
    corrected = [corrected_flight(one, settings) for one in apart(inputs)]
    flight, joined = together([one for one, _ in corrected])
    before = (
        *settings.notes,
        *inputs.notes,
        *carried,
        *(note for _, several in corrected for note in several),
        *joined,
    )
    return maps_of(flight, choices=settings, wanted=wanted, inputs=inputs, notes=before)


def maps_of(
    flight: xr.Dataset,
    *,
    choices: Choices | None = None,
    wanted: MapChoices | None = None,
    inputs: Inputs | None = None,
    notes: tuple[str, ...] = (),
) -> Mapped:
    """Maps of a flight in memory.

    Parameters
    ----------
    flight : xarray.Dataset
        Corrected: `Mapped.flight`, or ``flight.nc`` of ``sniffdrone process``.
    choices : Choices, optional
        Of which gas, area, reference system and method count here.
    wanted : MapChoices, optional
    inputs : Inputs, optional
        Kept in the result.
    notes : tuple of str
        What is to be known already.

    Returns
    -------
    Mapped
    """
    choices, wanted = choices or Choices(), wanted or MapChoices()
    domain, placed = domain_of(flight, choices)
    channel, faults = _channel(flight, wanted.channel, choices.gas)
    track = track_of(flight, domain, channel)
    readings = readings_of(track, axis_turn_deg=axis_turn_deg(domain))
    grid, coarse = concentration_grid(domain, track)
    maps = concentration_maps(
        grid,
        domain,
        readings,
        unit=track.unit,
        method=choices.map_method,
        threshold=_threshold(flight, channel, wanted),
    )
    width_m = maps.attrs.get("kernel_width_m") or kernel_width(track.east, track.north)
    empty = []
    if not np.isfinite(maps["concentration_mean"]).any():
        empty = [f"{channel}: nothing was measured on this ground; the maps are empty"]
    return Mapped(
        flight=flight,
        domain=domain,
        track=track,
        channel=channel,
        maps=maps,
        heights=_heights(grid, domain, track, readings, wanted, width_m),
        moments=_moments(grid, domain, track, readings, wanted, width_m),
        notes=(*notes, *placed, *faults, *coarse, *empty),
        inputs=inputs,
    )


def _channel(flight: xr.Dataset, name: str | None, gas: str | None) -> tuple[str, list[str]]:
    if name is None:
        return believable_channel(flight, gas=gas)
    there = gas_channels(flight)
    if name not in there:
        raise ConfigError(f"--channel {name}: the flight has none; choose {' or '.join(there)}")
    return name, []


def _threshold(flight: xr.Dataset, channel: str, wanted: MapChoices) -> float:
    if wanted.threshold is not None:
        return wanted.threshold
    noise = flight[f"{channel}_sigma"].values
    known = noise[np.isfinite(noise)]
    return NOISE_EXCEEDED * float(np.median(known)) if known.size else math.inf


def _heights(
    grid: Grid,
    domain: Domain,
    track: Track,
    readings: Readings,
    wanted: MapChoices,
    width_m: float,
) -> xr.Dataset | None:
    if not wanted.heights_m:
        return None
    known = _read(track)
    if not np.isfinite(track.height_m[known]).any():
        raise ConfigError("--heights: the flight has no height above ground; leave it out")
    levels = tuple(sorted(set(wanted.heights_m)))
    between = np.median(np.diff(levels)) if len(levels) > 1 else 0.0
    stack = height_maps(
        grid,
        readings,
        track.height_m[known],
        levels_m=levels,
        width_m=width_m,
        height_width_m=max(LEAST_HEIGHT_WIDTH_M, 0.5 * float(between)),
        unit=track.unit,
    )
    return stack.where(_inside(grid, domain, stack))


def _moments(
    grid: Grid,
    domain: Domain,
    track: Track,
    readings: Readings,
    wanted: MapChoices,
    width_m: float,
) -> xr.Dataset | None:
    if not wanted.moments or not len(readings):
        return None
    time = track.time[_read(track)]
    length = time[-1] - time[0]
    parts = (2 * np.arange(wanted.moments) + 1) / (2 * wanted.moments)
    seconds = length / np.timedelta64(1, "s")
    stack = time_maps(
        grid,
        readings,
        time,
        moments=time[0] + (parts * seconds * 1e9).astype("timedelta64[ns]"),
        width_m=width_m,
        scale_s=max(seconds / wanted.moments, 1.0),
        unit=track.unit,
    )
    return stack.where(_inside(grid, domain, stack))


def _read(track: Track) -> NDArray[np.bool_]:
    """Which samples of a track are its readings, as `Readings.of` takes them."""
    columns = (track.east, track.north, track.reading)
    return np.asarray(np.isfinite(columns).all(axis=0))


def _inside(grid: Grid, domain: Domain, stack: xr.Dataset) -> xr.DataArray:
    return (
        stack["confidence"]
        .isel({stack["confidence"].dims[0]: 0}, drop=True)
        .copy(data=grid.inside(domain.area))
    )
