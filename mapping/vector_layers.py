"""A survey as tables with geometry: what a geographic information system is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from mapping.captions import title
from mapping.flight_layers import readings_layer, track_layer, wind_layer
from mapping.grid import to_geographic
from mapping.searched import searched_ground
from mapping.vector_layer import VectorLayer, numbers, points, shapes, texts

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from mapping.survey import Survey

__all__ = ["NOTICE", "vector_layers"]

NOTICE = "indication, confirm by sampling"


def vector_layers(survey: Survey) -> list[VectorLayer]:
    """Tables of a survey, the undermost on a map first.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    list of VectorLayer
        ``searched_area``, ``credible_regions``, ``track``, ``readings``, ``wind``,
        ``known_emitters``, ``sources``; without rows where there is nothing.
    """
    makers = (
        _searched,
        _regions,
        track_layer,
        readings_layer,
        wind_layer,
        _known,
        _sources,
    )
    return [make(survey) for make in makers]


def _searched(survey: Survey) -> VectorLayer:
    ground = searched_ground(survey)
    rate = survey.reference_rate_g_s
    return VectorLayer(
        name="searched_area",
        description=(
            f"Ground on which a source of {rate:g} g/s would have been noticed with a probability "
            "of power_from to power_to; where that is below 0.1 it was not searched"
        ),
        kind="MultiPolygon",
        geometry=shapes([one.shape for one in ground]),
        columns={
            "ground": texts([one.name for one in ground]),
            "power_from": numbers([one.power_from for one in ground]),
            "power_to": numbers([one.power_to for one in ground]),
            "reference_rate_g_s": np.full(len(ground), rate),
            "area_ha": numbers([one.area_ha for one in ground]),
        },
    )


def _regions(survey: Survey) -> VectorLayer:
    rows = [(spot, level) for spot in survey.told for level in sorted(spot.regions, reverse=True)]
    whole = [_whole(spot.regions[level]) for spot, level in rows]
    return VectorLayer(
        name="credible_regions",
        description="Ground that holds source `rank`, if it exists, with probability `level`",
        kind="MultiPolygon",
        geometry=shapes(whole),
        columns={
            "rank": np.array([spot.rank for spot, _ in rows], dtype=np.int32),
            "level": numbers([level for _, level in rows]),
            "area_ha": numbers([shape.area / 1e4 for shape in whole]),
        },
    )


def _known(survey: Survey) -> VectorLayer:
    known = survey.known
    emitters = [one.emitter for one in known]
    stated = [math.nan if one.rate is None else 1e3 * one.rate for one in emitters]
    return VectorLayer(
        name="known_emitters",
        description=(
            "Known emitters, as their owner named them: stated rate, probability that they "
            "emitted during the flight and the rate found [g/s]; empty where it cannot tell"
        ),
        kind="Point",
        geometry=points(
            numbers([one.east for one in emitters]), numbers([one.north for one in emitters])
        ),
        columns={
            "name": texts([one.name for one in emitters]),
            "kind": texts([one.kind for one in emitters]),
            "stated_rate_g_s": numbers(stated),
            "probability": numbers([one.probability for one in known]),
            "rate_g_s": numbers([one.rate_g_s for one in known]),
            "rate_g_s_p05": numbers([one.rate_g_s_p05 for one in known]),
            "rate_g_s_p95": numbers([one.rate_g_s_p95 for one in known]),
            "file": texts([one.file for one in known]),
        },
    )


def _sources(survey: Survey) -> VectorLayer:
    told = survey.told
    east, north = numbers([one.east for one in told]), numbers([one.north for one in told])
    latitude, longitude = to_geographic(survey.domain.crs, east, north)
    names = (
        "probability",
        "rate_g_s",
        "rate_g_s_p05",
        "rate_g_s_p95",
        "radius_50_m",
        "radius_90_m",
        "height_m",
    )
    return VectorLayer(
        name="sources",
        description=(
            f"{title(survey)}. Position, emission rate and its 5th and 95th percentile "
            f"[g/s], radii that hold half and nine tenths of the probability [m]; {NOTICE}"
        ),
        kind="Point",
        geometry=points(east, north),
        columns={
            "rank": np.array([one.rank for one in told], dtype=np.int32),
            **{name: numbers([getattr(one, name) for one in told]) for name in names},
            "gas": texts([survey.gas] * len(told)),
            "channel": texts([survey.channel] * len(told)),
            "latitude": latitude,
            "longitude": longitude,
            "note": texts([NOTICE] * len(told)),
        },
    )


def _whole(region: BaseGeometry) -> shapely.MultiPolygon:
    """A Polygon or MultiPolygon as the latter."""
    return shapely.MultiPolygon(list(shapely.get_parts(region)))
