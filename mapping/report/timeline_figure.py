"""Readings along time, and what the removal of drift took away."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mapping.cartography import INK, MUTED
from mapping.layers import SOURCE
from mapping.report.clocks import clock
from mapping.report.fonts import report_typeface
from mapping.track_lines import READING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from mapping.report.words import Words

    FloatArray = NDArray[np.float64]

__all__ = ["Timeline", "timeline_of", "timeline_svg"]

SIZE_IN = (9.6, 3.5)
MOST_COLUMNS = 1100  # a sheet is not finer
LONGEST_GAP_S = 2.0
BAND = 2.0  # standard deviations of noise
_NS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One channel of a flight along time.

    Attributes
    ----------
    channel, raw_unit, unit : str
        The units as people write them, of `raw` and `baseline` and of `corrected` and `sigma`.
    time_ns : ndarray of int64, shape (n,)
        UTC.
    raw, baseline, corrected, sigma : ndarray, shape (n,)
        NaN where there is none.
    """

    channel: str
    raw_unit: str
    unit: str
    time_ns: NDArray[np.int64]
    raw: FloatArray
    baseline: FloatArray
    corrected: FloatArray
    sigma: FloatArray


def timeline_of(flight: xr.Dataset, channel: str, *, raw_unit: str, unit: str) -> Timeline:
    """Channel of a flight, with units as people write them."""
    return Timeline(
        channel=channel,
        raw_unit=raw_unit,
        unit=unit,
        time_ns=flight["time"].values.astype("datetime64[ns]").astype(np.int64),
        raw=flight[channel].values.astype(np.float64),
        baseline=flight[f"{channel}_baseline"].values.astype(np.float64),
        corrected=flight[f"{channel}_corrected"].values.astype(np.float64),
        sigma=flight[f"{channel}_sigma"].values.astype(np.float64),
    )


def timeline_svg(timeline: Timeline, words: Words) -> str:
    """Figure of a channel as SVG: raw with its baseline above, corrected below.

    Parameters
    ----------
    timeline : Timeline
    words : Words

    Returns
    -------
    str
        The same for the same readings.
    """
    with report_typeface():
        figure = Figure(figsize=SIZE_IN, facecolor="white")
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.12})
        figure.subplots_adjust(left=0.075, right=0.995, top=0.985, bottom=0.16)
        _draw_raw(above, timeline, words)
        _draw_corrected(below, timeline, words)
        for axes in (above, below):
            _plain(axes, words)
        _time_axis(below, timeline, words)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _draw_raw(axes: Axes, timeline: Timeline, words: Words) -> None:
    minutes = _minutes(timeline)
    measured = words.say("legend_measured")
    axes.fill_between(*_envelope(minutes, timeline.raw), color=MUTED, lw=0.7, label=measured)
    taken = words.say("legend_baseline")
    place, low, high = _envelope(minutes, timeline.baseline)
    axes.plot(place, 0.5 * (low + high), color=SOURCE, lw=2.0, label=taken)
    axes.set_ylabel(words.say("axis_raw", unit=timeline.raw_unit), fontsize=10, color=MUTED)
    _legend(axes)


def _draw_corrected(axes: Axes, timeline: Timeline, words: Words) -> None:
    minutes = _minutes(timeline)
    place, low, high = _envelope(minutes, timeline.sigma)
    noise = BAND * 0.5 * (low + high)
    band = words.say("legend_noise")
    axes.fill_between(place, -noise, noise, color="#c9c4b8", alpha=0.75, lw=0, label=band)
    axes.axhline(0.0, color=MUTED, lw=0.6)
    axes.fill_between(*_envelope(minutes, timeline.corrected), color=READING(0.72), lw=0.7)
    axes.set_ylabel(words.say("axis_corrected", unit=timeline.unit), fontsize=10, color=MUTED)
    _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper right", fontsize=9.5, frameon=False, labelcolor=INK, ncols=2)


def _plain(axes: Axes, words: Words) -> None:
    mark = words.say("decimal_mark")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c9c4b8")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _label(value, mark)))
    axes.tick_params(color="#c9c4b8", labelcolor=MUTED, labelsize=9.5)
    axes.margins(x=0.0)


def _label(value: float, decimal_mark: str) -> str:
    text = f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
    return text.replace(".", decimal_mark)


def _time_axis(axes: Axes, timeline: Timeline, words: Words) -> None:
    first = int(timeline.time_ns[0])
    origin = first - first % 60_000_000_000
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda minute, _: clock(origin + round(minute * 60e9)))
    )
    axes.set_xlabel(words.say("axis_time", date=words.date(first)), fontsize=10, color=MUTED)


def _minutes(timeline: Timeline) -> FloatArray:
    first = int(timeline.time_ns[0])
    return np.asarray((timeline.time_ns - (first - first % 60_000_000_000)) * (_NS / 60.0))


def _envelope(minutes: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lowest and highest value in as many columns as a sheet can show; NaN in gaps.

    Neighbouring columns share a value, so that a steep line is drawn without holes.
    """
    span = max(float(minutes[-1] - minutes[0]), 1e-9)
    columns = min(MOST_COLUMNS, max(2, minutes.size))
    column = np.minimum(((minutes - minutes[0]) / span * columns).astype(np.int64), columns - 1)
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    known = np.isfinite(values)
    np.minimum.at(low, column[known], values[known])
    np.maximum.at(high, column[known], values[known])
    empty = ~np.isfinite(low)
    low[empty] = high[empty] = np.nan
    place = minutes[0] + (np.arange(columns) + 0.5) * span / columns
    low, high = _bridged(low, span / columns), _bridged(high, span / columns)
    return place, np.fmin(low, np.r_[high[1:], np.nan]), np.fmax(high, np.r_[low[1:], np.nan])


def _bridged(values: FloatArray, step_min: float) -> FloatArray:
    """Empty columns between two near ones filled: their readings are closer than a gap."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size < 2:
        return values
    near = np.diff(known) * step_min * 60.0 <= LONGEST_GAP_S + step_min * 60.0
    filled = np.interp(np.arange(values.size), known, values[known])
    within = np.zeros(values.size, dtype=bool)
    for left, right in zip(known[:-1][near], known[1:][near], strict=True):
        within[left : right + 1] = True
    return np.where(within | np.isfinite(values), filled, np.nan)
