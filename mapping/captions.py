"""What the picture says in words: the verdict, the places, and what it does not claim."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mapping.grid import to_geographic
from mapping.survey import INDICATED, INSUFFICIENT

if TYPE_CHECKING:
    from mapping.hotspots import Hotspot
    from mapping.survey import Survey, Track

__all__ = ["MeanWind", "footer", "mean_wind", "place", "subtitle", "title", "wind_text"]

MOST_LINES = 2
HECTARE_M2 = 10_000.0
CALM_M_S = 0.05


class MeanWind(NamedTuple):
    """Wind of a flight: mean speed [m s-1], and the mean vector's true bearings [degrees]."""

    speed: float
    towards_deg: float
    from_deg: int


def title(survey: Survey) -> str:
    """Verdict in one sentence, with its probability."""
    if survey.verdict == INSUFFICIENT:
        return "Insufficient data"
    if survey.verdict != INDICATED:
        return f"Nothing indicated (probability of any source {survey.p_any_source:.2f})"
    shown = ", ".join(_probability(spot.probability) for spot in survey.told)
    if len(survey.told) == 1:
        return f"Source indicated (p {shown})"
    return f"{len(survey.told)} sources indicated (p {shown})"


def subtitle(survey: Survey) -> str:
    """Where each source is, how sure and how strong; or how much ground was searched."""
    if survey.verdict == INSUFFICIENT:
        return "Too few readings to say anything about sources."
    if not survey.told:
        return _searched_text(survey)
    lines = [_source_text(spot, survey) for spot in survey.told[:MOST_LINES]]
    more = len(survey.told) - MOST_LINES
    if more > 0:
        lines[-1] += f"   and {more} more"
    return "\n".join(lines)


def footer(survey: Survey) -> str:
    """What the picture claims, and what not."""
    if survey.verdict == INDICATED:
        return "Indication, confirm by sampling."
    if survey.verdict == INSUFFICIENT:
        return "Nothing can be said: fly again."
    return "Nothing indicated is not the same as nothing there: look at what was not searched."


def mean_wind(track: Track) -> MeanWind | None:
    """Mean wind along a track; None if it is unknown or calm."""
    east, north = track.eastward_wind, track.northward_wind
    known = np.isfinite(east) & np.isfinite(north)
    if not known.any():
        return None
    u, v = float(east[known].mean()), float(north[known].mean())
    if math.hypot(u, v) < CALM_M_S:
        return None
    towards = math.degrees(math.atan2(u, v)) % 360.0
    return MeanWind(
        speed=float(np.hypot(east[known], north[known]).mean()),
        towards_deg=towards,
        from_deg=round((towards + 180.0) % 360.0) % 360,
    )


def wind_text(track: Track) -> tuple[float, str] | None:
    """True bearing the air goes to [degrees] and the wind in words; None if unknown or calm."""
    wind = mean_wind(track)
    if wind is None:
        return None
    return wind.towards_deg, f"wind {wind.speed:.1f} m/s\nfrom {wind.from_deg}°"


def place(latitude: float, longitude: float) -> str:
    """Position in degrees and hemispheres, to a metre.

    Examples
    --------
    >>> place(52.370121, -4.895211)
    '52.37012° N  4.89521° W'
    """
    north = "N" if latitude >= 0 else "S"
    east = "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.5f}° {north}  {abs(longitude):.5f}° {east}"


def _source_text(spot: Hotspot, survey: Survey) -> str:
    latitude, longitude = to_geographic(survey.domain.crs, [spot.east], [spot.north])
    number = f"{spot.rank}:  " if len(survey.told) > 1 else ""
    return (
        f"{number}{place(float(latitude[0]), float(longitude[0]))}   ·   "
        f"within {_length(spot.radius_50_m)} (50 %), {_length(spot.radius_90_m)} (90 %)   ·   "
        f"{survey.gas} {spot.rate_g_s:.2g} g/s ({spot.rate_g_s_p05:.2g} to {spot.rate_g_s_p95:.2g})"
    )


def _searched_text(survey: Survey) -> str:
    power = survey.maps["detection_power"].to_numpy()
    cell_ha = float(survey.maps.attrs["cell_m"]) ** 2 / HECTARE_M2
    if not np.isfinite(power).any():
        return f"{survey.gas} as read by {survey.channel}"
    shown = float((power >= 0.9).sum()) * cell_ha
    inside = np.isfinite(survey.source_map["source_probability"].to_numpy()).sum()
    ground = float(inside) * float(survey.source_map.attrs["cell_m"]) ** 2 / HECTARE_M2
    missed = max(0.0, ground - float((power >= 0.2).sum()) * cell_ha)
    return (
        f"{shown:.1f} ha would have shown {survey.reference_rate_g_s:g} g/s of {survey.gas}"
        f"   ·   {missed:.1f} ha of {ground:.1f} not searched"
    )


def _probability(value: float) -> str:
    return "> 0.99" if value > 0.995 else f"{value:.2f}"


def _length(metres: float) -> str:
    return f"{metres:.0f} m" if metres >= 10 else f"{metres:.1f} m"
