"""The maps of the report: what was smelt and where from, and what ground was searched."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mapping.captions import mean_wind
from mapping.cartography import INK, north_arrow, scale_bar, wind_arrow
from mapping.layers import (
    AIR,
    SEARCHED,
    SOURCE,
    draw_concentration,
    draw_domain,
    draw_known,
    draw_searched,
    draw_sources,
    draw_wind,
    known_mark,
)
from mapping.map_frame import EDGE, GROUND, colour_bar, frame_map, grid_turn_deg
from mapping.report.background import MAP_ID, with_background
from mapping.report.fonts import printable, report_typeface
from mapping.report.graticule import draw_graticule
from mapping.track_lines import draw_plain_track, draw_track

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

    from mapping.hotspots import Hotspot
    from mapping.report.words import Words
    from mapping.survey import Survey, Track

    _Namer = Callable[[Hotspot], str]

__all__ = ["Sheet", "map_svg", "readings_sheet", "searched_sheet"]

DPI = 220  # of what is not vector: the concentration map and the user's own map
SCALE_IN = 1.35  # room for the scale of readings
LEGEND_IN = 3.2  # room for a legend beside the map
FEW_SOURCES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a map shows, and how large it is drawn.

    Attributes
    ----------
    readings : bool
        Concentration, readings, wind and sources; otherwise the searched ground and the track.
    size_in : tuple of float
        Width and height of the figure; texts on it are 8 to 11 points high.
    """

    readings: bool
    size_in: tuple[float, float]


def readings_sheet() -> Sheet:
    """The large map of the first page."""
    return Sheet(readings=True, size_in=(9.6, 6.7))


def searched_sheet() -> Sheet:
    """The map of the ground that was searched."""
    return Sheet(readings=False, size_in=(9.6, 4.6))


def map_svg(
    survey: Survey, sheet: Sheet, words: Words, *, dutch: bool, base_map: Path | None = None
) -> str:
    """Map of a survey as SVG; the same survey gives the same text.

    Parameters
    ----------
    survey : Survey
    sheet : Sheet
    words : Words
    dutch : bool
        Write coordinates of the Dutch grid along two edges.
    base_map : Path, optional
        Raster to draw it on.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        The base map cannot be used.
    """
    with report_typeface():
        figure = _figure(survey, sheet, words, dutch=dutch, on_base_map=base_map is not None)
        file = io.StringIO()
        figure.savefig(file, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    if base_map is None:
        return file.getvalue()
    return with_background(file.getvalue(), figure, base_map, survey.domain.crs)


def _figure(
    survey: Survey, sheet: Sheet, words: Words, *, dutch: bool, on_base_map: bool
) -> Figure:
    figure = Figure(figsize=sheet.size_in, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    width, depth = sheet.size_in
    left, bottom = 0.25 / width, 0.28 / depth
    right = 1.0 - (0.25 + (SCALE_IN if sheet.readings else LEGEND_IN)) / width
    top = 1.0 - (0.28 if dutch else 0.05) / depth
    axes = figure.add_axes((left, bottom, right - left, top - bottom))
    frame_map(axes, survey, whole=not (sheet.readings and survey.told))
    axes.patch.set_gid(MAP_ID)
    turn_deg = grid_turn_deg(survey)
    if not sheet.readings:
        draw_searched(axes, survey)
    elif survey.told:
        draw_concentration(axes, survey)
    draw_domain(axes, survey)
    if on_base_map:
        _plain_track(axes, survey.track, width=3.4)
    readings = _track(axes, survey.track, sheet)
    if sheet.readings:
        draw_wind(axes, survey.track, turn_deg=turn_deg)
    draw_known(axes, survey, name=printable)
    draw_sources(axes, survey, name=_namer(survey, words))
    scale_bar(axes)
    north_arrow(axes, turn_deg=turn_deg)
    _wind(axes, survey, words, turn_deg)
    draw_graticule(axes, survey.domain.crs, decimal_mark=words.say("decimal_mark"), dutch=dutch)
    if readings is not None and sheet.readings:
        colour_bar(
            figure,
            readings,
            (
                1.0 - 1.2 / width,
                axes.get_position().y0,
                0.017,
                axes.get_position().height,
            ),
            label=words.say(
                "map_reading", channel=printable(survey.channel), unit=survey.track.unit
            ),
            noise=words.say("map_noise"),
            decimal_mark=words.say("decimal_mark"),
        )
    _legend(axes, survey, sheet, words)
    return figure


def _track(axes: Axes, track: Track, sheet: Sheet) -> PathCollection | None:
    """The track with its readings; on the sheet of searched ground a plain line."""
    if sheet.readings:
        return draw_track(axes, track)
    _plain_track(axes, track, width=1.0)
    return None


def _plain_track(axes: Axes, track: Track, *, width: float) -> None:
    """The track without its readings, dark enough for any background."""
    draw_plain_track(axes, track, color=INK, alpha=0.6, width=width, zorder=3.5)


def _namer(survey: Survey, words: Words) -> _Namer:
    def name(spot: Hotspot) -> str:
        if len(survey.told) == 1:
            return words.say("map_source")
        if len(survey.told) > FEW_SOURCES:
            return str(spot.rank)
        return words.say("map_source_rank", rank=spot.rank)

    return name


def _wind(axes: Axes, survey: Survey, words: Words, turn_deg: float) -> None:
    wind = mean_wind(survey.track)
    if wind is not None:
        text = words.say(
            "map_wind", speed=words.number(wind.speed, 1), from_deg=f"{wind.from_deg:.0f}"
        )
        wind_arrow(axes, towards_deg=wind.towards_deg - turn_deg, text=text)


def _legend(axes: Axes, survey: Survey, sheet: Sheet, words: Words) -> None:
    rows: list[Patch | Line2D] = []
    if survey.told:
        for level, style, alpha in ((50, "solid", "59"), (90, (0, (4, 2)), "1f")):
            text = words.say("map_region", level=level)
            rows.append(Patch(fc=SOURCE + alpha, ec=SOURCE, lw=1.9, ls=style, label=text))
    if not sheet.readings:
        rate = words.exact(survey.reference_rate_g_s)
        rows += [
            Patch(
                facecolor=SEARCHED[least],
                label=words.say("map_power", rate=rate, level=round(100 * least)),
            )
            for least in sorted(SEARCHED, reverse=True)
        ]
        rows.append(Patch(facecolor=GROUND, edgecolor=EDGE, label=words.say("map_not_searched")))
    else:
        air = words.say("map_air")
        rows.append(Line2D([], [], color=AIR, lw=1.6, marker=">", ms=5, label=air))
    if survey.known:
        rows.append(known_mark(label=words.say("map_known")))
    legend = axes.legend(
        handles=rows,
        loc="lower right" if sheet.readings else "upper left",
        bbox_to_anchor=None if sheet.readings else (1.06, 1.015),
        fontsize=10,
        labelcolor=INK,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        borderpad=0.7,
        handlelength=1.8,
    )
    legend.set_zorder(25)
