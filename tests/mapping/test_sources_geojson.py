from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import shapely
from pyproj import CRS

from mapping.exporters import geojson
from mapping.grid import to_geographic, to_metric
from mapping.survey import INDICATED, INSUFFICIENT, NOTHING

POINT_PROPERTIES = {
    "rank",
    "probability",
    "rate_g_s",
    "rate_g_s_p05",
    "rate_g_s_p95",
    "radius_50_m",
    "radius_90_m",
    "height_m",
    "channel",
}


@pytest.fixture
def two(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    return survey_of(posterior_of(places))


def written(survey, folder):
    (path,) = geojson.write(survey, folder)
    return json.loads(path.read_text())


def of_type(collection, *kinds):
    return [one for one in collection["features"] if one["geometry"]["type"] in kinds]


def test_each_source_is_a_point_and_two_regions(two, tmp_path):
    collection = written(two, tmp_path)
    points = of_type(collection, "Point")
    assert [point["properties"]["rank"] for point in points] == [1, 2]
    for point in points:
        assert set(point["properties"]) == POINT_PROPERTIES
        assert point["properties"]["channel"] == "pid"
        assert point["properties"]["rate_g_s_p05"] < point["properties"]["rate_g_s"]
    regions = of_type(collection, "Polygon", "MultiPolygon")
    told = [(one["properties"]["rank"], one["properties"]["level"]) for one in regions]
    assert told == [(1, 0.5), (1, 0.9), (2, 0.5), (2, 0.9)]


def test_the_collection_carries_the_verdict(two, tmp_path):
    collection = written(two, tmp_path)
    assert collection["type"] == "FeatureCollection"
    assert collection["verdict"] == "source indicated"
    assert collection["p_any_source"] == 1.0
    assert collection["sniffdrone_version"] == "0.0.test"
    assert "confirm by sampling" in collection["note"]


def test_points_are_longitude_latitude_of_the_hotspots(two, tmp_path):
    points = of_type(written(two, tmp_path), "Point")
    for point, spot in zip(points, two.hotspots, strict=True):
        longitude, latitude = point["geometry"]["coordinates"]
        east, north = to_metric(two.domain.crs, [latitude], [longitude])
        assert (east[0], north[0]) == pytest.approx((spot.east, spot.north), abs=0.02)
        assert (longitude, latitude) == pytest.approx((4.895, 52.37), abs=0.003)


def test_regions_hold_their_points_and_follow_the_right_hand_rule(two, tmp_path):
    collection = written(two, tmp_path)
    for region in of_type(collection, "Polygon", "MultiPolygon"):
        shape = shapely.geometry.shape(region["geometry"])
        assert shape.is_valid
        for part in shapely.get_parts(shape):
            assert part.exterior.is_ccw
            assert not any(ring.is_ccw for ring in part.interiors)
        rank = region["properties"]["rank"]
        point = of_type(collection, "Point")[rank - 1]
        assert shape.contains(shapely.geometry.shape(point["geometry"]))
        coordinates = shapely.get_coordinates(shape)
        np.testing.assert_array_equal(coordinates, coordinates.round(7))


def test_nothing_indicated_has_no_features_but_a_probability(survey_of, posterior_of, around):
    places = around((0.0, 0.0), 90.0)[:, None]
    places[200:] = np.nan
    collection = geojson.sources_collection(survey_of(posterior_of(places)))
    assert collection["verdict"] == NOTHING
    assert collection["p_any_source"] == pytest.approx(0.1)
    assert collection["features"] == []


def test_unknown_numbers_are_null(two, tmp_path):
    vague = dataclasses.replace(two.hotspots[0], height_m=math.nan)
    survey = dataclasses.replace(two, hotspots=(vague,), p_any_source=math.nan)
    collection = written(survey, tmp_path)
    assert collection["p_any_source"] is None
    assert of_type(collection, "Point")[0]["properties"]["height_m"] is None
    assert "NaN" not in (tmp_path / "sources.geojson").read_text()


def test_insufficient_data_tells_no_source(two):
    survey = dataclasses.replace(two, verdict=INSUFFICIENT, p_any_source=math.nan)
    assert geojson.sources_collection(survey)["features"] == []


def test_an_indicated_source_is_always_told_at_least_once(two):
    spots = tuple(dataclasses.replace(spot, probability=0.7) for spot in two.hotspots)
    survey = dataclasses.replace(two, verdict=INDICATED, hotspots=spots)
    assert len(survey.told) == 1


def test_sources_below_the_threshold_are_left_out(two):
    unlikely = dataclasses.replace(two.hotspots[1], probability=0.3)
    survey = dataclasses.replace(two, hotspots=(two.hotspots[0], unlikely))
    assert survey.told == (two.hotspots[0],)


def test_a_region_across_the_antimeridian_is_cut_in_two():
    crs = CRS.from_epsg(32701)
    east, north = to_metric(crs, [-17.0], [-179.9999])
    circle = shapely.Point(east[0], north[0]).buffer(40.0)
    geometry = geojson.region_geometry(circle, crs)
    assert geometry["type"] == "MultiPolygon"
    shape = shapely.geometry.shape(geometry)
    west, _, far_east, _ = shape.bounds
    assert (west, far_east) == (-180.0, 180.0)
    assert len(shape.geoms) == 2
    assert all(part.bounds[2] - part.bounds[0] < 0.001 for part in shape.geoms)
    metres = shape.area * 111_320.0 * math.cos(math.radians(17.0)) * 110_600.0
    assert metres == pytest.approx(circle.area, rel=0.02)


def test_a_region_with_a_hole_keeps_it(utm):
    ring = shapely.Point(629e3, 58e5).buffer(50.0) - shapely.Point(629e3, 58e5).buffer(20.0)
    geometry = geojson.region_geometry(ring, utm)
    latitude, longitude = to_geographic(utm, [629e3], [58e5])
    assert len(geometry["coordinates"]) == 2
    assert not shapely.geometry.shape(geometry).contains(shapely.Point(longitude[0], latitude[0]))
