"""``sources.tak.zip``: the sources told as Cursor-on-Target events, for ATAK, WinTAK and iTAK.

A data package: a zip file with a manifest and one event in each of its other files, which is what
these programs import from a file.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import shapely

from mapping.exporters.geojson import region_geometry
from mapping.grid import to_geographic
from mapping.layers import SOURCE
from mapping.packed import document, write_zip

if TYPE_CHECKING:
    from pathlib import Path

    from mapping.hotspots import Hotspot
    from mapping.survey import Survey

__all__ = ["region_events", "source_event", "write"]

FILE = "sources.tak.zip"
NOTICE = "indication; confirm by sampling"
UNKNOWN = "9999999.0"  # the standard's number for a height or an error that is not known
VALID_DAYS = 365
SPOT, SHAPE = "b-m-p-s-m", "u-d-f"  # a marked spot; a shape drawn by hand
MOST_CORNERS = 100
_NAMES = uuid.UUID("0f8c7c52-6f0b-5a55-9d34-9b6d0c5b1c8e")


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write `sources.tak.zip`, if there is a source to tell.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path
        Empty where there is no source: an empty package is an error to the programs it is for.
    """
    if not survey.told:
        return []
    events = [
        event
        for spot in survey.told
        for event in (source_event(survey, spot), *region_events(survey, spot))
    ]
    files = {}
    for event in events:
        uid = event.get("uid", "")
        files[f"{uid}/{uid}.cot"] = document(event)
    manifest = document(_manifest(survey, events))
    return [write_zip({"MANIFEST/manifest.xml": manifest} | files, folder / FILE)]


def source_event(survey: Survey, spot: Hotspot) -> ET.Element:
    """Event of a source: a spot with the radius of its 90 % circle as the circular error.

    Parameters
    ----------
    survey : Survey
    spot : Hotspot

    Returns
    -------
    xml.etree.ElementTree.Element
        Version 2.0; the same source of the same flight always has the same ``uid``.
    """
    latitude, longitude = to_geographic(survey.domain.crs, [spot.east], [spot.north])
    event, detail = _event(
        survey,
        uid=_uid(survey, spot.rank, "spot"),
        kind=SPOT,
        latitude=float(latitude[0]),
        longitude=float(longitude[0]),
        error=f"{spot.radius_90_m:.1f}",
    )
    ET.SubElement(detail, "contact", callsign=_callsign(spot))
    ET.SubElement(detail, "precisionlocation", geopointsrc="Calculated", altsrc="???")
    ET.SubElement(detail, "color", argb=str(_argb(SOURCE)))
    ET.SubElement(detail, "usericon", iconsetpath=f"COT_MAPPING_SPOTMAP/{SPOT}/{_argb(SOURCE)}")
    ET.SubElement(detail, "remarks").text = _remarks(survey, spot)
    return event


def region_events(survey: Survey, spot: Hotspot) -> list[ET.Element]:
    """Events of the outlines of a source's 90 % region, a part each.

    Parameters
    ----------
    survey : Survey
    spot : Hotspot

    Returns
    -------
    list of xml.etree.ElementTree.Element
        Outlines of at most a hundred corners; holes are not drawn.
    """
    region = spot.regions[0.9]
    geometry = shapely.geometry.shape(region_geometry(region, survey.domain.crs))
    events = []
    for number, part in enumerate(shapely.get_parts(geometry), start=1):
        corners = shapely.get_coordinates(part.exterior)
        corners = corners[:: -(-len(corners) // MOST_CORNERS)]
        longitude, latitude = (float(value) for value in corners.mean(axis=0))
        event, detail = _event(
            survey,
            uid=_uid(survey, spot.rank, f"region {number}"),
            kind=SHAPE,
            latitude=latitude,
            longitude=longitude,
            error=UNKNOWN,
        )
        for corner in np.concatenate([corners[:1], corners[:0:-1], corners[:1]]):
            ET.SubElement(detail, "link", point=f"{corner[1]:.7f},{corner[0]:.7f}")
        ET.SubElement(detail, "strokeColor", value=str(_argb(SOURCE)))
        ET.SubElement(detail, "strokeWeight", value="3.0")
        ET.SubElement(detail, "fillColor", value=str(_argb(SOURCE, opacity=0.15)))
        ET.SubElement(detail, "contact", callsign=f"90 % region of source {spot.rank}")
        ET.SubElement(detail, "labels_on", value="false")
        ET.SubElement(
            detail, "remarks"
        ).text = f"Holds source {spot.rank} with probability 0.9, if it exists. {NOTICE}"
        events.append(event)
    return events


def _event(
    survey: Survey, *, uid: str, kind: str, latitude: float, longitude: float, error: str
) -> tuple[ET.Element, ET.Element]:
    seen = survey.track.time[-1].astype("datetime64[ms]")
    event = ET.Element(
        "event",
        version="2.0",
        uid=uid,
        type=kind,
        how="m-f",  # a machine's, fused from many readings
        time=f"{seen}Z",
        start=f"{seen}Z",
        stale=f"{seen + np.timedelta64(VALID_DAYS, 'D')}Z",
    )
    ET.SubElement(
        event,
        "point",
        lat=f"{latitude:.7f}",
        lon=f"{longitude:.7f}",
        hae=UNKNOWN,
        ce=error,
        le=UNKNOWN,
    )
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "archive")
    return event, detail


def _callsign(spot: Hotspot) -> str:
    shown = "> 0.99" if spot.probability > 0.995 else f"{spot.probability:.2f}"
    return f"source {spot.rank} (p {shown})"


def _remarks(survey: Survey, spot: Hotspot) -> str:
    return (
        f"{NOTICE}. Probability {spot.probability:.3g}; {survey.gas} as read by {survey.channel}, "
        f"{spot.rate_g_s:.2g} g/s (90 %: {spot.rate_g_s_p05:.2g} to {spot.rate_g_s_p95:.2g}); "
        f"within {spot.radius_50_m:.0f} m (50 %), {spot.radius_90_m:.0f} m (90 %). "
        f"Flight {survey.name}, sniffdrone {survey.version}"
    )


def _manifest(survey: Survey, events: list[ET.Element]) -> ET.Element:
    root = ET.Element("MissionPackageManifest", version="2")
    settings = ET.SubElement(root, "Configuration")
    _parameter(settings, "uid", _uid(survey, 0, "package"))
    _parameter(settings, "name", f"sniffdrone: {survey.name}")
    _parameter(settings, "onReceiveDelete", "false")
    contents = ET.SubElement(root, "Contents")
    for event in events:
        uid = event.get("uid", "")
        entry = ET.SubElement(contents, "Content", ignore="false", zipEntry=f"{uid}/{uid}.cot")
        _parameter(entry, "uid", uid)
        contact = event.find("detail/contact")
        if contact is not None:
            _parameter(entry, "name", contact.get("callsign", ""))
    return root


def _parameter(parent: ET.Element, name: str, value: Any) -> None:
    ET.SubElement(parent, "Parameter", name=name, value=value)


def _uid(survey: Survey, rank: int, what: str) -> str:
    flown = f"{survey.name}\n{survey.track.time[0]}\n{survey.channel}\n{rank}\n{what}"
    return f"sniffdrone-{uuid.uuid5(_NAMES, flown)}"


def _argb(colour: str, *, opacity: float = 1.0) -> int:
    """Colour as the signed number that Android has for it."""
    value = round(255 * opacity) << 24 | int(colour[1:], 16)
    return value - (1 << 32) if value >= 1 << 31 else value
