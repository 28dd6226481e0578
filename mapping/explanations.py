"""Innocent explanations of hotspots: known emitters in the region or where its air came from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from mapping.report.lookalikes import lookalikes
from sensors.gases import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapping.hotspots import Hotspot
    from mapping.known import Known
    from mapping.survey import Track

__all__ = ["Explanation", "Sensor", "explain", "explanation_text", "wind_sector"]

LEAST_ANGLE_DEG = 15.0  # either side of the wind, however steady it was
FADES_OVER_M = 150.0  # upwind distance at which an emitter is a third as plausible as in the region
MOST = 5  # explanations of one hotspot
LEAST_WEIGHT = 0.02
UNKNOWN_KIND = 0.5  # weight of a kind that no table knows
OTHER_GAS = 0.3  # of one that emits something else the sensor sees
NOTHING_SEEN = 0.03  # of one that emits nothing the sensor sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """What the channel behind a hotspot can have smelt.

    Attributes
    ----------
    gas : str
        Looked for.
    family : str
        One of `sensors.gases.FAMILIES`.
    lamp_ev : float
        Of a photo-ionisation detector [eV].
    is_named : bool
        The channel is made for `gas` alone.
    """

    gas: str
    family: str = "unknown"
    lamp_ev: float = 10.6
    is_named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A known emitter that may be what a hotspot is.

    Attributes
    ----------
    hotspot : int
        Rank of the hotspot.
    rank : int
        1 is the most plausible explanation of that hotspot.
    known : Known
    distance_m : float
        From the hotspot's position to the emitter [m].
    bearing_deg : float
        The same way, clockwise from true north [degree].
    is_inside : bool
        It stands in the hotspot's 90 % region, or within `emitter.size_m` of it.
    is_upwind : bool
        It lies where the measured wind came from, seen from the hotspot.
    emits : {"gas looked for", "other gas", "nothing seen", "unknown"}
        What its kind is known to emit that this sensor sees.
    weight : float
        For the order only; no probability.
    """

    hotspot: int
    rank: int
    known: Known
    distance_m: float
    bearing_deg: float
    is_inside: bool
    is_upwind: bool
    emits: str
    weight: float


def explain(
    hotspots: Sequence[Hotspot],
    known: Sequence[Known],
    track: Track,
    *,
    sensor: Sensor,
    axis_turn_deg: float = 0.0,
) -> tuple[Explanation, ...]:
    """Known emitters that may be what hotspots are, the most plausible of each first.

    Parameters
    ----------
    hotspots : sequence of Hotspot
    known : sequence of Known
    track : Track
        For its wind.
    sensor : Sensor
    axis_turn_deg : float
        Clockwise angle from true to grid north (`convergence_deg`).

    Returns
    -------
    tuple of Explanation
        By the hotspots' order; at most five of each.

    Notes
    -----
    A hotspot's place is least certain along the wind, so an emitter farther upwind on the same
    line can be the same source; one beside that line, or downwind of the region, cannot.
    """
    wind = wind_sector(track)
    told: list[Explanation] = []
    for spot in hotspots:
        found = [_explanation(spot, one, wind, sensor, axis_turn_deg) for one in known]
        found = sorted(
            (one for one in found if one.weight >= LEAST_WEIGHT),
            key=lambda one: (-one.weight, one.distance_m, one.known.emitter.name),
        )
        told += [replace(one, rank=rank) for rank, one in enumerate(found[:MOST], start=1)]
    return tuple(told)


def wind_sector(track: Track) -> tuple[float, float] | None:
    """Where the wind came from, and how far to either side it swung; None if nobody knows.

    Parameters
    ----------
    track : Track

    Returns
    -------
    from_deg, half_width_deg : float
        Clockwise from true north; half the width is at least `LEAST_ANGLE_DEG` [degree].

    Notes
    -----
    The circular standard deviation, Mardia & Jupp (1999), doi:10.1002/9780470316979, section 2.3,
    of the wind's direction weighted by its speed.
    """
    east, north = track.eastward_wind, track.northward_wind
    known = np.isfinite(east) & np.isfinite(north)
    speed = float(np.hypot(east[known], north[known]).sum())
    if speed <= 0:
        return None
    mean_east, mean_north = float(east[known].sum()), float(north[known].sum())
    steadiness = min(math.hypot(mean_east, mean_north) / speed, 1.0)
    from_deg = math.degrees(math.atan2(-mean_east, -mean_north)) % 360.0
    spread = math.degrees(math.sqrt(-2.0 * math.log(max(steadiness, 1e-9))))
    return from_deg, min(max(spread, LEAST_ANGLE_DEG), 180.0)


def explanation_text(one: Explanation) -> str:
    """One line of plain English; names are as their owners wrote them.

    Parameters
    ----------
    one : Explanation

    Returns
    -------
    str
    """
    emitter = one.known.emitter
    kind = f" ({emitter.kind})" if emitter.kind else ""
    if one.is_inside:
        where = f"inside the 90 % region, {one.distance_m:.0f} m from its middle"
    else:
        where = f"{one.distance_m:.0f} m upwind, towards {one.bearing_deg:.0f}°"
    gas = {
        "gas looked for": "such places emit the gas looked for",
        "other gas": "such places emit other gases this sensor answers to",
        "nothing seen": "such places emit nothing this sensor answers to",
        "unknown": "what it emits is not known",
    }[one.emits]
    return f"{emitter.name}{kind}: {where}; {gas}"


def _explanation(
    spot: Hotspot,
    known: Known,
    wind: tuple[float, float] | None,
    sensor: Sensor,
    axis_turn_deg: float,
) -> Explanation:
    emitter = known.emitter
    east, north = emitter.east - spot.east, emitter.north - spot.north
    distance = math.hypot(east, north)
    bearing = (math.degrees(math.atan2(east, north)) - axis_turn_deg) % 360.0
    region = spot.regions.get(0.9)
    away = distance - spot.radius_90_m if region is None else region.distance(
        shapely.Point(emitter.east, emitter.north)
    )  # fmt: skip
    inside = away <= emitter.size_m
    upwind = False
    if wind is not None and not inside:
        # a wide region opens the sector: its near edge, not its middle, may be downwind of it
        opening = math.degrees(math.asin(min(spot.radius_50_m / max(distance, 1e-9), 1.0)))
        off = abs((bearing - wind[0] + 180.0) % 360.0 - 180.0)
        upwind = off <= min(wind[1] + opening, 180.0)
    emits = _emits(known.kind, sensor)
    near = 1.0 if inside else math.exp(-max(away, 0.0) / FADES_OVER_M) if upwind else 0.0
    gas = {
        "gas looked for": 1.0,
        "unknown": UNKNOWN_KIND,
        "other gas": OTHER_GAS,
        "nothing seen": NOTHING_SEEN,
    }[emits]
    return Explanation(
        hotspot=spot.rank,
        rank=0,
        known=known,
        distance_m=distance,
        bearing_deg=bearing,
        is_inside=inside,
        is_upwind=upwind,
        emits=emits,
        weight=near * gas,
    )


def _emits(kind: str | None, sensor: Sensor) -> str:
    gases = next((one.gases for one in lookalikes() if one.name == kind), None)
    if gases is None:
        return "unknown"
    if sensor.gas in gases:
        return "gas looked for"
    seen = not sensor.is_named and any(
        visible(gas, sensor.family, lamp_ev=sensor.lamp_ev) for gas in gases
    )
    return "other gas" if seen else "nothing seen"
