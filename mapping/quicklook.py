"""The picture a person understands in five seconds: track, wind, and where the source is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mapping.captions import footer, subtitle, title, wind_text
from mapping.cartography import INK, MUTED, north_arrow, scale_bar, wind_arrow
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
from mapping.map_frame import GROUND, colour_bar, frame_map, grid_turn_deg
from mapping.track_lines import draw_track
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from mapping.survey import Survey

__all__ = ["quicklook", "write_quicklook"]

HERE = "source lies here"


def write_quicklook(survey: Survey, path: Path) -> Path:
    """Write the picture as PNG; the same survey gives the same bytes.

    Parameters
    ----------
    survey : Survey
    path : Path

    Returns
    -------
    Path
        As given.
    """
    with whole_file(path) as partial:
        quicklook(survey).savefig(partial, format="png", metadata={"Software": None})
    return path


def quicklook(survey: Survey) -> Figure:
    """Map of a survey: readings along the track, wind, sources with their regions.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    matplotlib.figure.Figure
        1,500 by 1,350 pixels.
    """
    figure = Figure(figsize=(10.0, 9.0), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.025, 0.06, 0.85, 0.805))
    frame_map(axes, survey, whole=not survey.told)
    turn_deg = grid_turn_deg(survey)
    if survey.told:
        draw_concentration(axes, survey)
    else:
        draw_searched(axes, survey)
    draw_domain(axes, survey)
    readings = draw_track(axes, survey.track)
    draw_wind(axes, survey.track, turn_deg=turn_deg)
    draw_known(axes, survey)
    draw_sources(axes, survey)
    scale_bar(axes)
    north_arrow(axes, turn_deg=turn_deg)
    blown = wind_text(survey.track)
    if blown is not None:
        wind_arrow(axes, towards_deg=blown[0] - turn_deg, text=blown[1])
    if readings is not None:
        label = f"{survey.channel}, corrected [{survey.track.unit}]"
        colour_bar(figure, readings, (0.892, 0.06, 0.018, 0.805), label=label)
    _legend(axes, survey)
    _words(figure, survey)
    return figure


def _legend(axes: Axes, survey: Survey) -> None:
    rows: list[Patch | Line2D]
    if survey.told:
        dashed = (0, (4, 2))
        rows = [
            Patch(fc=SOURCE + "59", ec=SOURCE, lw=1.9, label=f"{HERE} (50 %)"),
            Patch(fc=SOURCE + "1f", ec=SOURCE, lw=1.9, ls=dashed, label=f"{HERE} (90 %)"),
        ]
    else:
        rate = f"{survey.reference_rate_g_s:g} g/s"
        labels = {0.9: f"{rate} would have shown (over 90 %)", 0.5: "over 50 %", 0.2: "over 20 %"}
        rows = [Patch(facecolor=SEARCHED[least], label=text) for least, text in labels.items()]
        rows.append(Patch(facecolor=GROUND, edgecolor="#c9c4b8", label="not searched"))
    arrow = Line2D([], [], color=AIR, lw=1.6, marker=">", ms=5, label="air goes this way")
    if survey.known:
        rows.append(known_mark(label="known emitter"))
    legend = axes.legend(
        handles=[*rows, arrow],
        loc="lower right",
        fontsize=10.5,
        labelcolor=INK,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        borderpad=0.7,
        handlelength=1.8,
    )
    legend.set_zorder(25)


def _words(figure: Figure, survey: Survey) -> None:
    figure.text(0.025, 0.955, title(survey), fontsize=22, fontweight="bold", color=INK, va="center")
    figure.text(
        0.025, 0.905, subtitle(survey), fontsize=12, color=MUTED, va="center", linespacing=1.4
    )
    figure.text(0.025, 0.028, footer(survey), fontsize=11.5, color=INK, va="center")
    figure.text(
        0.975,
        0.028,
        f"sniffdrone {survey.version}",
        fontsize=9.5,
        color=MUTED,
        va="center",
        ha="right",
    )
