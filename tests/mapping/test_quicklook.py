from __future__ import annotations

import dataclasses
import math

import matplotlib as mpl
import numpy as np
import pytest
import shapely
from matplotlib.image import imread

from mapping.area import Domain
from mapping.captions import footer, subtitle, title, wind_text
from mapping.cartography import round_length
from mapping.layers import SOURCE
from mapping.map_frame import GROUND
from mapping.quicklook import quicklook, write_quicklook
from mapping.rasters import concentration_grid, hotspot_map, source_map
from mapping.survey import INSUFFICIENT, Survey, Track
from tests.mapping.conftest import CENTRE

LINE = CENTRE[0] + np.arange(9.0)


@pytest.fixture
def one(survey_of, posterior_of, around):
    places = around((0.0, 0.0), 6.0)[:, None]
    places[:40] = np.nan
    return survey_of(posterior_of(places))


@pytest.fixture
def none(survey_of, posterior_of, around):
    places = around((0.0, 0.0), 90.0)[:, None]
    places[100:] = np.nan
    return survey_of(posterior_of(places))


def drawn_words(survey):
    figure = quicklook(survey)
    texts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        texts += [text.get_text() for text in axes.texts]
        legend = axes.get_legend()
        texts += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(texts)


def source_pixels(path):
    wanted = np.array(mpl.colors.to_rgb(SOURCE))
    return int((abs(imread(path)[..., :3] - wanted).max(axis=-1) < 0.02).sum())


def test_the_picture_says_verdict_place_size_and_what_it_is_not(one):
    words = drawn_words(one)
    assert "Source indicated (p 0.98)" in words
    assert "52.371" in words
    assert "acetone 1 g/s" in words or "acetone 0.9" in words
    assert "confirm by sampling" in words
    for furniture in ("N", "wind 3.", "from 22", "50 %", "90 %", " m\n"):
        assert furniture in words + "\n"


def test_nothing_indicated_shows_what_was_searched(none):
    words = drawn_words(none)
    assert "Nothing indicated (probability of any source 0.05)" in words
    assert "not searched" in words
    assert "1 g/s" in words
    assert "confirm" not in words


def test_the_source_is_drawn_only_where_one_is_told(one, none, tmp_path):
    assert source_pixels(write_quicklook(one, tmp_path / "one.png")) > 300
    assert source_pixels(write_quicklook(none, tmp_path / "none.png")) < 50


def test_the_same_survey_gives_the_same_bytes(one, tmp_path):
    first = write_quicklook(one, tmp_path / "a.png").read_bytes()
    assert first == write_quicklook(one, tmp_path / "b.png").read_bytes()
    assert b"Software" not in first
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png"}


def test_two_sources_are_both_named(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    words = drawn_words(survey_of(posterior_of(places)))
    assert "2 sources indicated (p > 0.99, > 0.99)" in words
    assert "source 1" in words
    assert "source 2" in words


def bare_survey(domain, **columns):
    """Survey of whatever track, with too little in it for a verdict."""
    size = len(columns["east"])
    wind = {name: np.full(size, np.nan) for name in ("eastward_wind", "northward_wind")}
    nothing = {name: np.full(size, np.nan) for name in ("reading", "raw", "height_m", "altitude_m")}
    track = Track(
        **({"unit": "ppb", "raw_unit": "ppb"} | nothing | wind | columns),
        time=np.datetime64("2026-05-12", "ns") + np.arange(size),
        quality=np.zeros(size, dtype=np.uint16),
    )
    grid, _ = concentration_grid(domain, track)
    return Survey(
        name="flight",
        verdict=INSUFFICIENT,
        p_any_source=math.nan,
        indicate_above=0.95,
        hotspots=(),
        domain=domain,
        track=track,
        maps=hotspot_map(grid, domain, track, None),
        source_map=source_map(grid, domain, None),
        channel="pid",
        gas="acetone",
        reference_rate_g_s=1.0,
        version="0",
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"east": CENTRE[:1], "north": CENTRE[1:]},
        {"east": np.full(5, CENTRE[0]), "north": np.full(5, CENTRE[1]), "reading": np.ones(5)},
        {"east": LINE, "north": np.full(9, CENTRE[1])},
        {"east": LINE, "north": np.full(9, CENTRE[1]), "reading": np.zeros(9)},
        {
            "east": np.array([np.nan, CENTRE[0], np.nan]),
            "north": np.array([np.nan, CENTRE[1], np.nan]),
            "eastward_wind": np.zeros(3),
            "northward_wind": np.zeros(3),
        },
    ],
)
def test_next_to_nothing_is_still_a_picture(domain, columns, tmp_path):
    survey = bare_survey(domain, **columns)
    assert "Insufficient data" in drawn_words(survey)
    assert write_quicklook(survey, tmp_path / "q.png").stat().st_size > 10_000


def test_ground_outside_an_area_is_veiled(one, utm):
    area = shapely.box(*(CENTRE - 90.0), *(CENTRE + 90.0))
    survey = dataclasses.replace(one, domain=Domain(crs=utm, bounds=area.bounds, area=area))
    figure = quicklook(survey)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1]

    def colour(east, north):
        place = CENTRE + np.array([east, north])
        x, y = figure.axes[0].transData.transform(place).round().astype(int)
        return pixels[y, x, :3].tolist()

    ground = [round(255 * part) for part in mpl.colors.to_rgb(GROUND)]
    assert colour(-70.0, -55.0) == ground
    assert min(colour(-100.0, -55.0)) > 248


def test_the_wind_says_where_it_comes_from_and_goes_to(track):
    to_east = dataclasses.replace(
        track,
        eastward_wind=np.full_like(track.east, 3.0),
        northward_wind=np.zeros_like(track.east),
    )
    assert wind_text(to_east) == (90.0, "wind 3.0 m/s\nfrom 270°")
    calm = dataclasses.replace(to_east, eastward_wind=np.zeros_like(track.east))
    assert wind_text(calm) is None


def test_captions_of_each_verdict_are_different(one, none):
    vague = dataclasses.replace(one, verdict=INSUFFICIENT, p_any_source=math.nan)
    for caption in (title, subtitle, footer):
        assert len({caption(survey) for survey in (one, none, vague)}) == 3


@pytest.mark.parametrize("length", [0.013, 0.5, 1.0, 4.99, 250.0, 99_999.0])
def test_a_scale_bar_is_a_round_length_that_fits(length):
    rounded = round_length(length)
    assert 0.4 * length <= rounded <= length
    assert rounded / 10 ** math.floor(math.log10(rounded)) == pytest.approx(
        round(rounded / 10 ** math.floor(math.log10(rounded)))
    )
