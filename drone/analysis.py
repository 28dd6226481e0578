"""The steps between a flight's records and its survey: each a function of the one before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from detection.signal.flight import correct_flight
from detection.source.effort import standing_out
from detection.source.observe import shortage
from detection.source.search import Search
from drone.channels import observed
from drone.left_out import left_out_notes
from drone.strays import without_strays
from drone.version import software_version
from mapping.area import survey_domain
from mapping.explanations import Sensor, explain
from mapping.grid import convergence_deg, to_geographic, to_metric
from mapping.hotspots import find_hotspots, probability_grid
from mapping.located import locate
from mapping.rasters import concentration_grid, hotspot_map, source_map
from mapping.reference_system import conversion_of, read_crs
from mapping.survey import INDICATED, INSUFFICIENT, Survey, Track, verdict_of
from sensors.assemble import assemble
from sensors.flight import add_history, from_columns
from sensors.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations
    from drone.checks import Checks
    from drone.choices import Choices
    from drone.inputs import Inputs
    from mapping.area import Domain
    from mapping.known import Known

    FloatArray = NDArray[np.float64]

__all__ = [
    "Analysis",
    "Seen",
    "axis_turn_deg",
    "corrected_flight",
    "domain_of",
    "observations_of",
    "search_of",
    "survey_of",
    "track_of",
]

NOISE_EXCEEDED = 3.0  # standard deviations of noise that the exceedance map counts from


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the chosen channel of a flight has to say.

    Attributes
    ----------
    channel : str
    shortage : str or None
        Why it says nothing about sources.
    observations : Observations or None
        None where there is a shortage.
    notes : tuple of str
        Why another channel is looked at in its place.
    rate_factor : float
        By which rates found with it are to be multiplied.
    """

    channel: str
    shortage: str | None
    observations: Observations | None
    notes: tuple[str, ...] = ()
    rate_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A flight and everything found in it.

    Attributes
    ----------
    inputs : Inputs
    choices : Choices
    flight : xarray.Dataset
        Corrected.
    shortage : str or None
        Why nothing could be said about sources.
    posterior : xarray.Dataset or None
        None where there is a shortage.
    survey : Survey
        As exporters take it.
    notes : tuple of str
        What a reader must know, one line each.
    checks : Checks or None
        None where there is no posterior.
    """

    inputs: Inputs
    choices: Choices
    flight: xr.Dataset
    shortage: str | None
    posterior: xr.Dataset | None
    survey: Survey
    notes: tuple[str, ...]
    checks: Checks | None = None


def corrected_flight(inputs: Inputs, choices: Choices) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The flight in some records, its channels corrected, and what to know about it."""
    columns = assemble(
        inputs.batches,
        offset_s=choices.offset_s,
        wind=choices.wind,
        gas=choices.gas,
        name=inputs.files[0].file.rpartition(".")[0],
        wind_height_m=choices.wind_height_m,
        averaging_time_s=choices.averaging_time_s,
        background_removed=choices.background_removed,
        source_files=[one.file for one in inputs.files],
    )
    flight, notes = without_strays(from_columns(columns))
    flight = add_history(correct_flight(flight), f"sniffdrone {software_version()}: process")
    return flight, (*columns.notes, *notes, *left_out_notes(flight))


def domain_of(flight: xr.Dataset, choices: Choices) -> tuple[Domain, list[str]]:
    """Ground that is mapped, in the reference system asked for, and how exact that is."""
    crs = None if choices.crs is None else read_crs(choices.crs)
    domain = survey_domain(flight["latitude"], flight["longitude"], area=choices.area, crs=crs)
    notes = [] if crs is None else conversion_of(crs.to_wkt()).notes(crs)
    return domain, notes


def observations_of(
    flight: xr.Dataset,
    domain: Domain,
    channel: str,
    *,
    gas: str | None = None,
    may_stand_in: bool = False,
) -> Seen:
    """What a channel of a flight, or one in its place, has seen, on the domain's axes."""
    reason = shortage(flight, channel)
    if reason is not None:
        return Seen(channel=channel, shortage=reason, observations=None)
    east, north = to_metric(domain.crs, flight["latitude"], flight["longitude"])
    heard = observed(
        _on_grid_axes(flight, domain),
        channel,
        east=east,
        north=north,
        gas=gas,
        may_stand_in=may_stand_in,
    )
    name = str(flight["trajectory"].values)
    return Seen(
        channel=channel,
        shortage=None,
        observations=replace(heard.observations, flight=name),
        notes=heard.notes,
        rate_factor=heard.rate_factor,
    )


def survey_of(
    flight: xr.Dataset,
    domain: Domain,
    flights: Sequence[Seen],
    posterior: xr.Dataset | None,
    choices: Choices,
    *,
    search: Search | None,
    known: tuple[Known, ...] = (),
) -> tuple[Survey, list[str]]:
    """Verdict, sources and maps of one or more flights, and what to know about the maps."""
    seen = flights[0]
    track = track_of(flight, domain, seen.channel)
    sources = None if posterior is None else locate(posterior)
    hotspots = tuple(find_hotspots(sources or ()))
    cells, notes = concentration_grid(domain, track)
    fine_cells, more_notes = probability_grid(domain, hotspots)
    p_any = math.nan if posterior is None else float(posterior.attrs["p_any_source"])
    reference = 1e-3 * choices.reference_rate_g_s
    noise = float(np.nanmedian(flight[f"{seen.channel}_sigma"])) if posterior is not None else 0.0
    survey = Survey(
        name=str(flight["trajectory"].values),
        verdict=_verdict(posterior, choices),
        p_any_source=p_any,
        indicate_above=choices.indicate_above,
        hotspots=hotspots,
        domain=domain,
        track=track,
        maps=hotspot_map(
            cells,
            domain,
            track,
            sources,
            detection_power=None if search is None else partial(search.power, rate=reference),
            threshold=NOISE_EXCEEDED * noise,
            axis_turn_deg=axis_turn_deg(domain),
            method=choices.map_method,
        ),
        source_map=source_map(fine_cells, domain, sources),
        channel=seen.channel,
        gas=flight[seen.channel].attrs["gas"],
        reference_rate_g_s=choices.reference_rate_g_s,
        version=software_version(),
        known=known,
        explanations=explain(
            hotspots,
            known,
            track,
            sensor=_sensor(flight, seen.channel),
            axis_turn_deg=axis_turn_deg(domain),
        ),
    )
    return survey, [*notes, *more_notes]


def search_of(
    series: Sequence[Observations], domain: Domain, posterior: xr.Dataset | None, choices: Choices
) -> Search | None:
    """What the flights could have found; None where they say nothing.

    Gas of a source that is indicated is no disturbance to the search for others.
    """
    if not series:
        return None
    is_indicated = _verdict(posterior, choices) == INDICATED
    return Search.of(
        series,
        domain.bounds,
        explained=[standing_out(one) for one in series] if is_indicated else None,
        indicate_above=choices.indicate_above,
    )


def _verdict(posterior: xr.Dataset | None, choices: Choices) -> str:
    if posterior is None:
        return INSUFFICIENT
    p_any = float(posterior.attrs["p_any_source"])
    return verdict_of(p_any, indicate_above=choices.indicate_above)


def _sensor(flight: xr.Dataset, channel: str) -> Sensor:
    attrs = flight[channel].attrs
    return Sensor(
        gas=attrs["gas"],
        family=attrs["sensor_family"],
        lamp_ev=float(flight.attrs["pid_lamp_ev"]),
        is_named=attrs["reads_as"] == attrs["gas"],
    )


def track_of(flight: xr.Dataset, domain: Domain, channel: str) -> Track:
    """A channel's readings along the track, as maps take them."""
    east, north = to_metric(domain.crs, flight["latitude"], flight["longitude"])
    corrected = flight[f"{channel}_corrected"]
    raw = flight[channel]
    return Track(
        time=flight["time"].values,
        east=east,
        north=north,
        height_m=flight["height_above_ground"].values,
        altitude_m=flight["altitude"].values,
        reading=corrected.values,
        raw=raw.values,
        quality=flight["quality"].values | flight[raw.attrs["ancillary_variables"]].values,
        eastward_wind=flight["eastward_wind"].values,
        northward_wind=flight["northward_wind"].values,
        unit=_unit_for_people(corrected.attrs["units"]),
        raw_unit=_unit_for_people(raw.attrs["units"]),
    )


def _unit_for_people(udunits: str) -> str:
    return udunits if udunits == "1" else unit_of(udunits).suffix.replace("_m3", "/m³")


def _on_grid_axes(flight: xr.Dataset, domain: Domain) -> xr.Dataset:
    """The flight with its wind along the projection's axes, which are not true east and north."""
    turn = math.radians(axis_turn_deg(domain))
    east, north = flight["eastward_wind"], flight["northward_wind"]
    return flight.assign(
        eastward_wind=east * math.cos(turn) - north * math.sin(turn),
        northward_wind=east * math.sin(turn) + north * math.cos(turn),
    )


def axis_turn_deg(domain: Domain) -> float:
    """Clockwise angle from true to grid north in the middle of a domain [degree]."""
    west, south, east, north = domain.bounds
    latitude, longitude = to_geographic(domain.crs, [0.5 * (west + east)], [0.5 * (south + north)])
    return convergence_deg(domain.crs, float(latitude[0]), float(longitude[0]))
