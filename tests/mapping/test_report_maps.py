"""The report's maps: coordinates where they belong, the user's map under them, refusals."""

import base64
import io
import re

import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

from mapping.grid import to_geographic, to_metric
from mapping.report.base_map import base_map_picture, check_base_map
from mapping.report.fonts import printable
from mapping.report.graticule import draw_graticule, dutch_grid, round_step
from mapping.report.map_figure import map_svg, readings_sheet, searched_sheet
from mapping.report.words import words_of
from sensors.errors import ConfigError
from tests.mapping.conftest import CENTRE

BOUNDS = (*(CENTRE - 300.0), *(CENTRE + 300.0))
RED, BLUE = (200, 30, 30), (30, 60, 200)


def halves(path, crs, bounds, *, bands=3, dtype="uint8", side=64):
    """A raster that is red in its western half and blue in its eastern one."""
    is_west = np.arange(side) < side / 2
    colour = np.where(is_west, np.array(RED)[:, None], np.array(BLUE)[:, None])[:bands]
    content = np.repeat(colour[:, None, :], side, axis=1).astype(dtype)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": bands, "dtype": dtype}
    west, south, east, north = bounds
    transform = Affine((east - west) / side, 0.0, west, 0.0, (south - north) / side, north)
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform) as raster:
        raster.write(content)
    return path


def seen(path, utm, *, width=90):
    picture = base_map_picture(path, utm, BOUNDS, width)
    assert picture.shape == (width, width, 4)
    return picture


def is_west_red_and_east_blue(picture):
    middle = picture.shape[1] // 2
    west, east = (
        picture[..., :3][:, part].astype(int)
        for part in (slice(5, middle - 3), slice(middle + 3, -5))
    )
    return abs(west - RED).max() < 12 and abs(east - BLUE).max() < 12


def in_crs(epsg, utm, margin=60.0):
    change = pyproj.Transformer.from_crs(utm, epsg, always_xy=True)
    west, south, east, north = BOUNDS
    return change.transform_bounds(west - margin, south - margin, east + margin, north + margin)


def test_a_map_in_another_projection_is_turned_to_the_ground(utm, tmp_path):
    path = halves(tmp_path / "rd.tif", 28992, in_crs(28992, utm), side=400)
    picture = seen(path, utm)
    assert is_west_red_and_east_blue(picture)
    assert (picture[..., 3] == 255).all()


def test_tiles_for_the_web_serve_as_a_map(utm, tmp_path):
    bounds = in_crs(3857, utm)
    for name, driver in (("tiles.gpkg", "GPKG"), ("tiles.mbtiles", "MBTiles")):
        path = tmp_path / name
        rasterio.shutil.copy(halves(tmp_path / "web.tif", 3857, bounds, side=512), path, driver)
        check_base_map(path)
        picture = seen(path, utm)
        red = (abs(picture[..., :3].astype(int) - RED).max(axis=-1) < 40).mean()
        blue = (abs(picture[..., :3].astype(int) - BLUE).max(axis=-1) < 40).mean()
        assert red > 0.3, name
        assert blue > 0.3, name


def test_grey_deep_and_painted_maps_get_colours(utm, tmp_path):
    grey = halves(tmp_path / "grey.tif", utm, BOUNDS, bands=1)
    assert seen(grey, utm)[40, 10, :3].tolist() == [200, 200, 200]
    deep = halves(tmp_path / "deep.tif", utm, BOUNDS, dtype="uint16")
    picture = seen(deep, utm)
    assert picture[40, 10, 0] > 200
    assert picture[40, 80, 0] < 60
    painted = tmp_path / "painted.tif"
    halves(painted, utm, BOUNDS, bands=1)
    with rasterio.open(painted, "r+") as raster:
        raster.write_colormap(1, {200: (1, 2, 3, 255), 30: (4, 5, 6, 255)})
    assert seen(painted, utm)[40, 10, :3].tolist() == [1, 2, 3]
    assert seen(painted, utm)[40, 80, :3].tolist() == [4, 5, 6]


def test_ground_a_map_does_not_reach_stays_bare(utm, tmp_path):
    west, south, _, north = BOUNDS
    path = halves(tmp_path / "half.tif", utm, (west, south, CENTRE[0], north))
    opacity = seen(path, utm)[..., 3]
    assert (opacity[:, :43] == 255).all()
    assert (opacity[:, 47:] == 0).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is no map that can be read"),
        (b"not a raster", "is no map that can be read"),
    ],
)
def test_what_is_no_map_is_refused(tmp_path, content, why):
    path = tmp_path / "map.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"map\.tif: {why}"):
        check_base_map(path)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_map_of_nowhere_and_of_elsewhere_is_refused(utm, tmp_path):
    nowhere = halves(tmp_path / "nowhere.tif", None, (0, 0, 1, 1))
    with pytest.raises(ConfigError, match="does not say where on Earth it lies; save it as"):
        check_base_map(nowhere)
    elsewhere = halves(tmp_path / "else.tif", utm, tuple(np.array(BOUNDS) + 5000.0))
    with pytest.raises(ConfigError, match="holds nothing of the ground that was flown over"):
        seen(elsewhere, utm)


@pytest.mark.parametrize("mark", [".", ","])
def test_coordinates_stand_where_they_belong(utm, mark):
    figure = Figure(figsize=(6, 6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    (west, south, east, north) = BOUNDS
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    draw_graticule(axes, utm, decimal_mark=mark, dutch=True)
    found = {"E": 0, "N": 0, "x": 0, "y": 0}
    for text in axes.texts:
        if not text.get_text():
            continue
        share_x, share_y = text.xy
        place = [west + share_x * (east - west)], [south + share_y * (north - south)]
        latitude, longitude = (float(one[0]) for one in to_geographic(utm, *place))
        rd_x, rd_y = (float(one[0]) for one in dutch_grid().of([latitude], [longitude]))
        number = float(re.sub(r"[^\d.]", "", text.get_text().replace(mark, ".")))
        if text.get_text().endswith("E"):
            kind, true, close = "E", longitude, 2e-6
        elif text.get_text().endswith("N"):
            kind, true, close = "N", latitude, 2e-6
        else:
            kind, true, close = ("x", rd_x, 0.1) if share_y == 1.0 else ("y", rd_y, 0.1)
        found[kind] += 1
        assert number == pytest.approx(true, abs=close), text.get_text()
    assert min(found.values()) >= 2


def test_the_dutch_grid_is_used_in_the_netherlands_only():
    assert dutch_grid().holds(52.37, 4.9)
    assert not dutch_grid().holds(51.5, -0.1)
    assert not dutch_grid().holds(80.0, 15.0)


@pytest.mark.parametrize("span", [0.0012, 0.83, 7.0, 470.0, 1e5])
def test_a_step_cuts_a_span_a_few_times(span):
    for most in (3, 5, 7):
        assert most / 2.51 <= span / round_step(span, most=most) <= most


@pytest.fixture
def one(survey_of, posterior_of, around):
    return survey_of(posterior_of(around((0.0, 0.0), 6.0)[:, None]))


def test_a_survey_over_the_users_map_is_drawn_the_same_each_time(one, tmp_path):
    path = halves(tmp_path / "site.tif", one.domain.crs, BOUNDS)
    words = words_of("nl")
    options = {"dutch": False, "base_map": path}
    drawn = map_svg(one, readings_sheet(), words, **options)
    assert drawn == map_svg(one, readings_sheet(), words, **options)
    below = pictures_in(map_svg(one, searched_sheet(), words, **options))
    reddish = [(one[..., 0] > one[..., 2] + 0.2).mean() for one in below]
    assert max(reddish) > 0.2
    assert not pictures_in(map_svg(one, searched_sheet(), words, dutch=False))


def pictures_in(svg):
    encoded = re.findall(r"data:image/(png|jpeg);base64,([^\"]+)", svg)
    return [
        imread(io.BytesIO(base64.b64decode(one)), format=kind) / (255 if kind == "jpeg" else 1)
        for kind, one in encoded
    ]


def test_fonts_hold_the_letters_of_dutch_names():
    name = "Café 't Ĳsvogeltje, Curaçao & Groß-Öttingen — 12 µg/m³ (≥ 5 %)"
    assert printable(name) == name


def test_positions_survive_a_round_trip_through_the_dutch_grid(utm):
    latitude, longitude = to_geographic(utm, [CENTRE[0]], [CENTRE[1]])
    x, y = dutch_grid().of(latitude, longitude)
    back = pyproj.Transformer.from_crs(28992, 4326, always_xy=True).transform(x, y)
    east, north = to_metric(utm, back[1], back[0])
    assert np.hypot(east - CENTRE[0], north - CENTRE[1]).item() < 1.0
