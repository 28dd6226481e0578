"""The track on a map: what is drawn of it, and in how few paths."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from mapping.track_lines import SHADES, draw_plain_track, draw_track


@pytest.fixture
def axes():
    return Figure().add_subplot()


@pytest.fixture
def long_track(track, rng):
    """A straight line with a gap after half of it, the readings rising along it."""
    size = 2000
    east = np.arange(size) * 1.0
    east[size // 2 :] += 500.0
    columns = dict.fromkeys(
        ("north", "height_m", "altitude_m", "eastward_wind", "northward_wind"), np.zeros(size)
    )
    return dataclasses.replace(
        track,
        time=np.datetime64("2026-05-12", "ns") + np.arange(size) * np.timedelta64(1, "s"),
        east=east,
        reading=np.linspace(-1.0, 60.0, size),
        raw=np.zeros(size),
        quality=np.zeros(size, dtype=track.quality.dtype),
        **columns,
    )


def pieces_of(paths):
    """Ends of every piece drawn, shape (n, 2): where it starts and ends along the line."""
    ends = []
    for path in paths:
        east, is_drawn = path.vertices[:, 0], path.codes[1:] == path.LINETO
        ends += list(zip(east[:-1][is_drawn], east[1:][is_drawn], strict=True))
    return np.array(sorted(ends))


def test_every_piece_of_a_track_is_drawn_once_and_gaps_are_not(axes, long_track):
    lines = draw_track(axes, long_track)
    drawn = pieces_of(lines.get_paths())
    east = long_track.east
    whole = np.diff(east) < 100.0
    assert_allclose(drawn, np.column_stack([east[:-1][whole], east[1:][whole]]))


def test_a_track_of_thousands_of_readings_is_drawn_in_a_few_paths(axes, long_track):
    lines = draw_track(axes, long_track)
    assert len(lines.get_paths()) <= SHADES


def test_higher_readings_are_drawn_later_and_wider(axes, long_track):
    lines = draw_track(axes, long_track)
    assert (np.diff(lines.get_array()) > 0).all()
    assert (np.diff(lines.get_linewidth()) >= 0).all()
    first, last = (path.vertices[:, 0].mean() for path in lines.get_paths()[:: SHADES - 1])
    assert first < last


def test_the_colour_of_a_piece_is_that_of_its_reading_to_a_shade(axes, long_track):
    lines = draw_track(axes, long_track)
    for path, value in zip(lines.get_paths(), lines.get_array(), strict=True):
        reading = np.interp(path.vertices[:, 0], long_track.east, long_track.reading)
        shade = abs(lines.norm(reading) - lines.norm(value)).max()
        assert shade < 1.6 / SHADES


def test_what_was_not_read_is_a_thin_line(axes, long_track):
    unread = dataclasses.replace(long_track, reading=np.full(2000, np.nan))
    assert draw_track(axes, unread) is None
    (line,) = axes.collections
    assert len(line.get_paths()) == 1


def test_a_plain_track_is_one_path_however_it_was_read(axes, long_track):
    draw_plain_track(axes, long_track, color="black", alpha=0.5, width=2.0, zorder=3)
    (line,) = axes.collections
    assert_allclose(pieces_of(line.get_paths())[[0, -1]], [[0, 1], [2498, 2499]])
