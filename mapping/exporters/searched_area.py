"""``searched_area.geojson``: ground that was searched, perhaps, or not, as RFC 7946."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mapping.exporters.geojson import bounding_box, region_geometry
from mapping.searched import searched_ground
from sensors.whole_file import whole_file

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
    path = folder / "searched_area.geojson"
    text = json.dumps(searched_collection(survey), indent=1, allow_nan=False)
    with whole_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
    return [path]


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
