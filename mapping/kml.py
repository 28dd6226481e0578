"""Pieces of a KML 2.2 document, in the order of elements that its schema asks for."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "add_geometry",
    "add_overlay",
    "add_style",
    "add_text",
    "add_time_span",
    "add_track",
    "balloon",
    "folder",
    "kml_colour",
    "new_document",
    "placemark",
]


def new_document(name: str, description: str) -> tuple[ET.Element, ET.Element]:
    """A document, and the root it is in."""
    root = ET.Element(
        "kml",
        {
            "xmlns": "http://www.opengis.net/kml/2.2",
            "xmlns:gx": "http://www.google.com/kml/ext/2.2",
        },
    )
    document = ET.SubElement(root, "Document")
    add_text(document, "name", name)
    add_text(document, "open", "1")
    add_text(document, "description", description)
    return root, document


def folder(parent: ET.Element, name: str, *, visible: bool = True) -> ET.Element:
    """A folder in a document or folder."""
    element = ET.SubElement(parent, "Folder")
    add_text(element, "name", name)
    add_text(element, "visibility", str(int(visible)))
    add_text(element, "open", "0")
    return element


def placemark(
    parent: ET.Element, name: str, style: str, *, description: str = "", visible: bool = True
) -> ET.Element:
    """A placemark without its time and geometry, which are to be added in this order.

    Parameters
    ----------
    parent : Element
    name : str
    style : str
        Identifier of a style of the document.
    description : str
        HTML; see `balloon`.
    visible : bool

    Returns
    -------
    Element
    """
    element = ET.SubElement(parent, "Placemark")
    add_text(element, "name", name)
    add_text(element, "visibility", str(int(visible)))
    if description:
        add_text(element, "description", description)
    add_text(element, "styleUrl", f"#{style}")
    return element


def add_time_span(element: ET.Element, begin: np.datetime64, end: np.datetime64) -> None:
    """Say when a placemark was; put before its ``styleUrl``, where the schema has it."""
    span = ET.Element("TimeSpan")
    add_text(span, "begin", _when(begin))
    add_text(span, "end", _when(end))
    place = [child.tag for child in element].index("styleUrl")
    element.insert(place, span)


def add_geometry(element: ET.Element, geometry: dict[str, Any]) -> None:
    """A geometry of GeoJSON: Point, LineString, Polygon or MultiPolygon.

    Raises
    ------
    ValueError
        It is of another type.
    """
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "MultiPolygon":
        many = ET.SubElement(element, "MultiGeometry")
        for rings in coordinates:
            _add_polygon(many, rings)
    elif kind == "Polygon":
        _add_polygon(element, coordinates)
    elif kind == "LineString":
        line = ET.SubElement(element, "LineString")
        add_text(line, "tessellate", "1")
        _add_coordinates(line, coordinates)
    elif kind == "Point":
        _add_coordinates(ET.SubElement(element, "Point"), [coordinates])
    else:
        raise ValueError(f"no KML for {kind}")


def add_track(
    element: ET.Element,
    legs: Sequence[tuple[NDArray[np.datetime64], FloatArray]],
    *,
    has_height: bool,
) -> None:
    """A track that moves with the time slider, not joined across its gaps.

    Parameters
    ----------
    element : Element
    legs : sequence of (times, places)
        Places of shape (n, 3): longitude, latitude [degrees], height above ground [m].
    has_height : bool
        Whether the heights are known; the track lies on the ground if not.
    """
    mode = "relativeToGround" if has_height else "clampToGround"
    many = ET.SubElement(element, "gx:MultiTrack")
    add_text(many, "altitudeMode", mode)
    add_text(many, "gx:interpolate", "0")
    for times, places in legs:
        track = ET.SubElement(many, "gx:Track")
        add_text(track, "altitudeMode", mode)
        for time in times:
            add_text(track, "when", _when(time))
        for longitude, latitude, height in places:
            add_text(track, "gx:coord", f"{longitude:.7f} {latitude:.7f} {height:.1f}")


def add_overlay(
    parent: ET.Element, name: str, image: str, corners: FloatArray, *, visible: bool
) -> None:
    """A picture on the ground.

    Parameters
    ----------
    parent : Element
    name, image : str
        The latter in the same archive.
    corners : ndarray, shape (4, 2)
        Longitude and latitude of its lower left, lower right, upper right and upper left.
    visible : bool
    """
    element = ET.SubElement(parent, "GroundOverlay")
    add_text(element, "name", name)
    add_text(element, "visibility", str(int(visible)))
    icon = ET.SubElement(element, "Icon")
    add_text(icon, "href", image)
    quad = ET.SubElement(element, "gx:LatLonQuad")
    _add_coordinates(quad, corners.tolist())


def add_style(
    document: ET.Element,
    name: str,
    *,
    icon: str | None = None,
    line: tuple[str, float] | None = None,
    fill: str | None = None,
) -> None:
    """A style of the document.

    Parameters
    ----------
    document : Element
    name : str
        Identifier.
    icon : str, optional
        Picture in the archive.
    line : (str, float), optional
        Colour as `kml_colour` gives it, and width in pixels.
    fill : str, optional
        Colour; no filling without.
    """
    style = ET.SubElement(document, "Style", id=name)
    if icon is not None:
        sign = ET.SubElement(style, "IconStyle")
        add_text(ET.SubElement(sign, "Icon"), "href", icon)
        ET.SubElement(sign, "hotSpot", x="0.5", y="0.5", xunits="fraction", yunits="fraction")
    if line is not None:
        stroke = ET.SubElement(style, "LineStyle")
        add_text(stroke, "color", line[0])
        add_text(stroke, "width", f"{line[1]:g}")
    ground = ET.SubElement(style, "PolyStyle")
    add_text(ground, "color", fill or "00ffffff")
    add_text(ground, "fill", str(int(fill is not None)))
    add_text(ground, "outline", str(int(line is not None)))


def kml_colour(colour: str, opacity: float = 1.0) -> str:
    """Colour as KML writes it: opacity, blue, green, red.

    Examples
    --------
    >>> kml_colour("#0072b2", 0.5)
    '80b27200'
    """
    red, green, blue = (colour[k : k + 2] for k in (1, 3, 5))
    return f"{round(255 * opacity):02x}{blue}{green}{red}"


def balloon(rows: Sequence[tuple[str, str]], *, note: str) -> str:
    """Table of what is told about a thing, as HTML; all texts are shown as they are.

    Examples
    --------
    >>> balloon([("name", "<b>")], note="a & b")
    '<p><b>a &amp; b</b></p><table><tr><td>name</td><td>&lt;b&gt;</td></tr></table>'
    """
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<p><b>{html.escape(note)}</b></p><table>{cells}</table>"


def add_text(parent: ET.Element, tag: str, text: str) -> None:
    """An element that holds a text."""
    ET.SubElement(parent, tag).text = text


def _add_polygon(parent: ET.Element, rings: Sequence[Sequence[Sequence[float]]]) -> None:
    polygon = ET.SubElement(parent, "Polygon")
    add_text(polygon, "tessellate", "1")
    for number, ring in enumerate(rings):
        boundary = "innerBoundaryIs" if number else "outerBoundaryIs"
        edge = ET.SubElement(ET.SubElement(polygon, boundary), "LinearRing")
        _add_coordinates(edge, ring)


def _add_coordinates(parent: ET.Element, places: Sequence[Sequence[float]]) -> None:
    text = " ".join(",".join(f"{value:.7f}" for value in place) for place in places)
    add_text(parent, "coordinates", text)


def _when(time: np.datetime64) -> str:
    return f"{time.astype('datetime64[ms]')}Z"
