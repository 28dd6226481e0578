from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

from mapping.area import read_area, survey_domain
from mapping.grid import to_metric
from sensors.errors import ConfigError

LATITUDE = np.array([52.3700, 52.3710])
LONGITUDE = np.array([4.8900, 4.8920])
SQUARE = [[4.88, 52.36], [4.90, 52.36], [4.90, 52.38], [4.88, 52.38], [4.88, 52.36]]


@pytest.fixture
def drawn(tmp_path):
    def write(content):
        path = tmp_path / "site.geojson"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry):
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def test_without_an_area_the_domain_is_the_tracks_box_and_margin():
    domain = survey_domain(LATITUDE, LONGITUDE)
    east, north = to_metric(domain.crs, LATITUDE, LONGITUDE)
    assert domain.area is None
    assert domain.bounds[0] == pytest.approx(east.min() - 100.0)
    assert domain.bounds[3] == pytest.approx(north.max() + 100.0)
    assert domain.contains([east[0], east[0] - 500.0, np.nan], [north[0]] * 3).tolist() == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "content",
    [
        polygon(SQUARE),
        feature(polygon(SQUARE)),
        {"type": "FeatureCollection", "features": [feature(polygon(SQUARE))]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        {"type": "GeometryCollection", "geometries": [polygon(SQUARE)]},
        polygon([[*corner, 3.0] for corner in SQUARE]),  # with heights
        polygon(SQUARE[::-1]),  # the other way round
    ],
)
def test_an_area_is_read_however_it_is_wrapped(drawn, content):
    assert read_area(drawn(content)).equals(shapely.Polygon(SQUARE))


def test_an_area_sets_the_domain_and_what_lies_in_it(drawn):
    corner = [[4.88, 52.36], [4.90, 52.36], [4.88, 52.38], [4.88, 52.36]]
    domain = survey_domain(LATITUDE, LONGITUDE, area=drawn(polygon(corner)))
    inside = to_metric(domain.crs, [52.365], [4.885])
    beyond = to_metric(domain.crs, [52.379], [4.899])  # in its box, not in the triangle
    assert domain.contains(*inside).all()
    assert not domain.contains(*beyond).any()
    assert domain.area.area == pytest.approx(0.5 * 1362.7 * 2225.4, rel=0.01)
    assert domain.bounds == pytest.approx(domain.area.bounds)


def test_an_area_cut_at_the_antimeridian_is_one_piece(drawn):
    west = [[179.99, -17.01], [180, -17.01], [180, -16.99], [179.99, -16.99], [179.99, -17.01]]
    east = [[-180, -17.01], [-179.99, -17.01], [-179.99, -16.99], [-180, -16.99], [-180, -17.01]]
    path = drawn({"type": "MultiPolygon", "coordinates": [[west], [east]]})
    domain = survey_domain([-17.0, -17.0], [179.9999, -179.9999], area=path)
    assert domain.area.geom_type == "Polygon"
    assert domain.area.area == pytest.approx(2130 * 2214, rel=0.01)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not GeoJSON"),
        ("{", "not GeoJSON"),
        ("[1, 2]", "a list is no area"),
        ("null", "a NoneType is no area"),
        ({"type": "Point", "coordinates": [4.89, 52.37]}, "a Point is no area"),
        ({"type": "FeatureCollection", "features": []}, "holds no area"),
        ({"type": "Feature", "geometry": None}, "a Feature is no area"),
        ({"type": "Polygon"}, "broken Polygon|empty Polygon"),
        (polygon([]), "empty Polygon"),
        (polygon([[4.88, 52.36], [4.9, 52.36]]), "broken Polygon"),
        (polygon([["a", "b"]] * 4), "broken Polygon"),
        (polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]), "Self-intersection"),
        (polygon([[4.88, 52.36]] * 4), "broken Polygon"),
        (polygon([[628000, 5803000], [629000, 5803000], [629000, 5804000], [628000, 5803000]]),
         "not degrees"),
        (polygon([[lat, lon] for lon, lat in SQUARE]), "swapped"),
        (polygon([[lon + 0.2, lat] for lon, lat in SQUARE]), r"1\d\.\d km from the flight"),
        (polygon([[lon - 150.0, lat] for lon, lat in SQUARE]), "far from the flight"),
        (polygon([[1, 49], [9, 49], [9, 56], [1, 56], [1, 49]]), "over 200 km long"),
        (polygon(SQUARE) | {"crs": {"properties": {"name": "EPSG:28992"}}}, "not WGS 84"),
    ],
)  # fmt: skip
def test_a_wrong_area_is_refused_in_one_line_that_names_the_file(drawn, content, says):
    path = drawn(content)
    with pytest.raises(ConfigError, match=says) as fault:
        survey_domain(LATITUDE, LONGITUDE, area=path)
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.geojson", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_area(path)


def test_the_old_name_of_wgs_84_is_allowed(drawn):
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert read_area(drawn(polygon(SQUARE) | {"crs": named})).is_valid
