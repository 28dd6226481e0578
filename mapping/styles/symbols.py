"""How a layer is drawn, in words that both QGIS and other programs' styles can be made from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fill", "Label", "LayerStyle", "Line", "Marker", "Rule", "Where"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Ground filled with a colour, or hatched, and outlined.

    Attributes
    ----------
    colour : str
        ``"#rrggbb"``.
    opacity : float
        Of the filling; the outline is opaque.
    is_hatched : bool
        By thin diagonal lines, where a program can draw them.
    outline : str or None
        Colour.
    outline_mm : float
    is_dashed : bool
        The outline.
    """

    colour: str
    opacity: float
    is_hatched: bool = False
    outline: str | None = None
    outline_mm: float = 0.5
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of one colour."""

    colour: str
    width_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A sign at a point.

    Attributes
    ----------
    shape : {"circle", "square", "cross", "arrow"}
    colour : str
        Of a cross, its line; of others, the filling.
    size_mm : float
    outline : str or None
    outline_mm : float
        Of a cross, the width of its line.
    turned_by : str or None
        Column with its clockwise turn [degrees].
    """

    shape: str
    colour: str
    size_mm: float
    outline: str | None = None
    outline_mm: float = 0.2
    turned_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which rows a rule is for.

    Attributes
    ----------
    column : str
    equals : str or float, optional
    at_least, below : float, optional
        Bounds; either may be absent.
    is_missing : bool
        Rows without a value.
    """

    column: str
    equals: str | float | None = None
    at_least: float | None = None
    below: float | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of a legend.

    Attributes
    ----------
    label : str
    symbols : tuple
        `Fill`, `Line` or `Marker`, the undermost first.
    where : Where or None
        None is all rows.
    """

    label: str
    symbols: tuple[Fill | Line | Marker, ...]
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Text beside each row.

    Attributes
    ----------
    column : str
        Written as it is, for programs without expressions.
    expression : str
        In QGIS's language.
    colour : str
    """

    column: str
    expression: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStyle:
    """Style of one layer.

    Attributes
    ----------
    rules : tuple of Rule
    label : Label or None
    time_column : str or None
        By which QGIS's temporal controller shows rows.
    """

    rules: tuple[Rule, ...]
    label: Label | None = None
    time_column: str | None = None
