"""A layer style as an OGC Styled Layer Descriptor 1.1, for programs other than QGIS."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from mapping.styles.symbols import Fill, Line

if TYPE_CHECKING:
    from mapping.styles.symbols import Label, LayerStyle, Marker, Where

__all__ = ["sld_of"]

PIXELS_PER_MM = 1.0 / 0.28  # the OGC's standard pixel
SLD, SE, OGC = (f"http://www.opengis.net/{name}" for name in ("sld", "se", "ogc"))
_NAMESPACES = {"xmlns": SLD, "xmlns:se": SE, "xmlns:ogc": OGC, "version": "1.1.0"}
_DASHES = "6 3"


def sld_of(style: LayerStyle, name: str) -> str:
    """SLD document of a style.

    Parameters
    ----------
    style : LayerStyle
    name : str
        Of the layer.

    Returns
    -------
    str
    """
    root = ET.Element("StyledLayerDescriptor", _NAMESPACES)
    layer = ET.SubElement(root, "NamedLayer")
    ET.SubElement(layer, "se:Name").text = name
    user = ET.SubElement(layer, "UserStyle")
    ET.SubElement(user, "se:Name").text = name
    kind = ET.SubElement(user, "se:FeatureTypeStyle")
    for number, rule in enumerate(style.rules, start=1):
        entry = ET.SubElement(kind, "se:Rule")
        ET.SubElement(entry, "se:Name").text = f"{name} {number}"
        words = ET.SubElement(entry, "se:Description")
        ET.SubElement(words, "se:Title").text = rule.label
        if rule.where is not None:
            _add_filter(entry, rule.where)
        for symbol in rule.symbols:
            if isinstance(symbol, Fill):
                _add_fill(entry, symbol)
            elif isinstance(symbol, Line):
                line = ET.SubElement(entry, "se:LineSymbolizer")
                _stroke(line, symbol.colour, symbol.width_mm)
            else:
                _add_marker(entry, symbol)
    if style.label is not None:
        _add_label(kind, style.label)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _add_filter(entry: ET.Element, where: Where) -> None:
    parent = ET.SubElement(entry, "ogc:Filter")
    if where.is_missing:
        null = ET.SubElement(parent, "ogc:PropertyIsNull")
        ET.SubElement(null, "ogc:PropertyName").text = where.column
        return
    tests: list[tuple[str, str]] = []
    if where.equals is not None:
        text = where.equals if isinstance(where.equals, str) else f"{where.equals:g}"
        tests.append(("ogc:PropertyIsEqualTo", text))
    if where.at_least is not None:
        tests.append(("ogc:PropertyIsGreaterThanOrEqualTo", f"{where.at_least:.12g}"))
    if where.below is not None:
        tests.append(("ogc:PropertyIsLessThan", f"{where.below:.12g}"))
    if len(tests) > 1:
        parent = ET.SubElement(parent, "ogc:And")
    for name, value in tests:
        test = ET.SubElement(parent, name)
        ET.SubElement(test, "ogc:PropertyName").text = where.column
        ET.SubElement(test, "ogc:Literal").text = value


def _add_fill(entry: ET.Element, fill: Fill) -> None:
    ground = ET.SubElement(entry, "se:PolygonSymbolizer")
    if fill.opacity > 0:
        opacity = 0.3 * fill.opacity if fill.is_hatched else fill.opacity  # no hatching in SLD
        body = ET.SubElement(ground, "se:Fill")
        _parameter(body, "fill", fill.colour)
        _parameter(body, "fill-opacity", f"{opacity:g}")
    if fill.outline is not None:
        _stroke(ground, fill.outline, fill.outline_mm, is_dashed=fill.is_dashed)


def _add_marker(entry: ET.Element, marker: Marker) -> None:
    graphic = ET.SubElement(ET.SubElement(entry, "se:PointSymbolizer"), "se:Graphic")
    mark = ET.SubElement(graphic, "se:Mark")
    shape = {"arrow": "triangle"}.get(marker.shape, marker.shape)
    ET.SubElement(mark, "se:WellKnownName").text = shape
    _parameter(ET.SubElement(mark, "se:Fill"), "fill", marker.colour)
    outline = marker.colour if marker.shape == "cross" else marker.outline
    if outline is not None:
        _stroke(mark, outline, marker.outline_mm)
    ET.SubElement(graphic, "se:Size").text = _pixels(marker.size_mm)
    if marker.turned_by is not None:
        turn = ET.SubElement(graphic, "se:Rotation")
        ET.SubElement(turn, "ogc:PropertyName").text = marker.turned_by


def _add_label(kind: ET.Element, label: Label) -> None:
    text = ET.SubElement(ET.SubElement(kind, "se:Rule"), "se:TextSymbolizer")
    ET.SubElement(ET.SubElement(text, "se:Label"), "ogc:PropertyName").text = label.column
    font = ET.SubElement(text, "se:Font")
    _parameter(font, "font-family", "DejaVu Sans")
    _parameter(font, "font-size", "13")
    halo = ET.SubElement(text, "se:Halo")
    ET.SubElement(halo, "se:Radius").text = "2"
    _parameter(ET.SubElement(halo, "se:Fill"), "fill", "#ffffff")
    _parameter(ET.SubElement(text, "se:Fill"), "fill", label.colour)


def _stroke(parent: ET.Element, colour: str, width_mm: float, *, is_dashed: bool = False) -> None:
    stroke = ET.SubElement(parent, "se:Stroke")
    _parameter(stroke, "stroke", colour)
    _parameter(stroke, "stroke-width", _pixels(width_mm))
    if is_dashed:
        _parameter(stroke, "stroke-dasharray", _DASHES)


def _parameter(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, "se:SvgParameter", name=name).text = value


def _pixels(millimetres: float) -> str:
    return f"{millimetres * PIXELS_PER_MM:.3g}"
