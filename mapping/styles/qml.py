"""A layer style as QML, the language of QGIS."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from mapping.styles.symbols import Fill, Line, Marker

if TYPE_CHECKING:
    from mapping.styles.symbols import Label, LayerStyle, Rule, Where

__all__ = ["VERSION", "document", "qml_of"]

VERSION = "3.22.16"  # of QGIS, whose form of the language this is
_NAMES = uuid.UUID("5d0cf1f6-2f5a-5c0c-8a4e-8f5d0a4f7c11")
_SHAPES = {"circle": "circle", "square": "square", "cross": "cross", "arrow": "arrow"}


def qml_of(style: LayerStyle) -> str:
    """QML document of a style, as the table ``layer_styles`` of a GeoPackage holds it.

    Parameters
    ----------
    style : LayerStyle

    Returns
    -------
    str
    """
    root = ET.Element(
        "qgis", version=VERSION, styleCategories="Symbology|Labeling|Temporal", labelsEnabled="0"
    )
    if style.time_column is not None:
        ET.SubElement(
            root,
            "temporal",
            enabled="1",
            mode="1",
            startField=style.time_column,
            endField="",
            fixedDuration="0",
            durationUnit="s",
            durationField="",
            accumulate="1",
            limitMode="0",
        )
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        type="RuleRenderer",
        symbollevels="0",
        forceraster="0",
        enableorderby="0",
    )
    rules = ET.SubElement(renderer, "rules", key=_key("root"))
    symbols = ET.SubElement(renderer, "symbols")
    for number, rule in enumerate(style.rules):
        entry = ET.SubElement(
            rules, "rule", key=_key(str(number)), symbol=str(number), label=rule.label
        )
        if rule.where is not None:
            entry.set("filter", _filter(rule.where))
        _add_symbol(symbols, rule, str(number))
    if style.label is not None:
        root.set("labelsEnabled", "1")
        _add_label(root, style.label)
    return document(root)


def document(root: ET.Element) -> str:
    """Text of a QGIS style; `root` is indented in place."""
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}"


def _key(name: str) -> str:
    return f"{{{uuid.uuid5(_NAMES, name)}}}"


def _filter(where: Where) -> str:
    column = f'"{where.column}"'
    if where.is_missing:
        return f"{column} IS NULL"
    if isinstance(where.equals, str):
        text = where.equals.replace("'", "''")
        return f"{column} = '{text}'"
    if where.equals is not None:
        return f"{column} = {where.equals:g}"
    bounds = []
    if where.at_least is not None:
        bounds.append(f"{column} >= {where.at_least:.12g}")
    if where.below is not None:
        bounds.append(f"{column} < {where.below:.12g}")
    return " AND ".join(bounds)


def _add_symbol(symbols: ET.Element, rule: Rule, name: str) -> None:
    kind = {Fill: "fill", Line: "line", Marker: "marker"}[type(rule.symbols[0])]
    symbol = ET.SubElement(
        symbols, "symbol", type=kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    for one in rule.symbols:
        if isinstance(one, Fill):
            _layer(symbol, "SimpleFill", _fill(one))
        elif isinstance(one, Line):
            _layer(symbol, "SimpleLine", _line(one))
        else:
            layer = _layer(symbol, "SimpleMarker", _marker(one))
            if one.turned_by is not None:
                _turn(layer, one.turned_by)


def _layer(symbol: ET.Element, kind: str, options: dict[str, str]) -> ET.Element:
    layer = ET.SubElement(
        symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
    )
    table = ET.SubElement(layer, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(table, "Option", name=name, type="QString", value=value)
    for name, value in options.items():  # read by QGIS before 3.18
        ET.SubElement(layer, "prop", k=name, v=value)
    return layer


def _fill(fill: Fill) -> dict[str, str]:
    outline = fill.outline or "#000000"
    style = "dash" if fill.is_dashed else "solid"
    return {
        "color": _rgba(fill.colour, fill.opacity),
        "style": "b_diagonal" if fill.is_hatched else "solid" if fill.opacity > 0 else "no",
        "outline_color": _rgba(outline, 1.0),
        "outline_style": style if fill.outline else "no",
        "outline_width": f"{fill.outline_mm:g}",
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "line_color": _rgba(line.colour, 1.0),
        "line_style": "solid",
        "line_width": f"{line.width_mm:g}",
        "line_width_unit": "MM",
        "capstyle": "round",
        "joinstyle": "round",
    }


def _marker(marker: Marker) -> dict[str, str]:
    is_cross = marker.shape == "cross"
    outline = marker.colour if is_cross else marker.outline
    return {
        "name": _SHAPES[marker.shape],
        "color": _rgba(marker.colour, 1.0),
        "outline_color": _rgba(outline or "#000000", 1.0),
        "outline_style": "solid" if outline else "no",
        "outline_width": f"{marker.outline_mm:g}",
        "outline_width_unit": "MM",
        "size": f"{marker.size_mm:g}",
        "size_unit": "MM",
        "angle": "0",
    }


def _turn(layer: ET.Element, column: str) -> None:
    """Take a marker's angle from a column."""
    options = ET.SubElement(ET.SubElement(layer, "data_defined_properties"), "Option", type="Map")
    ET.SubElement(options, "Option", name="name", type="QString", value="")
    table = ET.SubElement(options, "Option", name="properties", type="Map")
    angle = ET.SubElement(table, "Option", name="angle", type="Map")
    ET.SubElement(angle, "Option", name="active", type="bool", value="true")
    ET.SubElement(angle, "Option", name="field", type="QString", value=column)
    ET.SubElement(angle, "Option", name="type", type="int", value="2")
    ET.SubElement(options, "Option", name="type", type="QString", value="collection")


def _add_label(root: ET.Element, label: Label) -> None:
    settings = ET.SubElement(ET.SubElement(root, "labeling", type="simple"), "settings")
    style = ET.SubElement(
        settings,
        "text-style",
        fieldName=label.expression,
        isExpression="1",
        fontFamily="DejaVu Sans",
        fontSize="10",
        fontSizeUnit="Point",
        fontWeight="75",
        namedStyle="Bold",
        textColor=_rgba(label.colour, 1.0),
        textOpacity="1",
    )
    ET.SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.9",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
        bufferOpacity="1",
    )
    ET.SubElement(
        settings,
        "placement",
        placement="1",
        quadOffset="1",
        yOffset="-4",
        xOffset="0",
        offsetUnits="MM",
        dist="3",
        distUnits="MM",
    )
    ET.SubElement(settings, "rendering", displayAll="1", obstacle="1", drawLabels="1")


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"
