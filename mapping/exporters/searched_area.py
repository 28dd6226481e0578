"""``searched_area.geojson``: ground that was searched, perhaps, or not, as RFC 7946."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapping.exporters.geojson import bounding_box, region_geometry, write_collection
from mapping.searched import searched_ground

if TYPE_CHECKING:
    from pathlib import Path

    from mapping.survey import Survey

__all__ = ["searched_collection", "write"]


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write `searched_area.geojson`.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path
    """
    return [write_collection(searched_collection(survey), folder / "searched_area.geojson")]


def searched_collection(survey: Survey) -> dict[str, Any]:
    """FeatureCollection of the domain by whether a source would have been noticed.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    dict
        Ready for JSON; a feature for each class that there is.
    """
    features = [
        {
            "type": "Feature",
            "geometry": region_geometry(ground.shape, survey.domain.crs),
            "properties": {
                "ground": ground.name,
                "power_from": ground.power_from,
                "power_to": ground.power_to,
                "reference_rate_g_s": survey.reference_rate_g_s,
                "area_ha": round(ground.area_ha, 4),
            },
        }
        for ground in searched_ground(survey)
    ]
    return {
        "type": "FeatureCollection",
        **bounding_box(features),
        "gas": survey.gas,
        "sniffdrone_version": survey.version,
        "note": "nothing noticed is not the same as nothing there: see power_from and power_to",
        "features": features,
    }
