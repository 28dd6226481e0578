from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import shapely
from pyproj import CRS

from mapping.exporters import cot, geopackage, kmz, searched_area
from mapping.exporters.geojson import sources_collection
from mapping.grid import to_metric
from mapping.searched import searched_ground


@pytest.fixture
def two(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    return survey_of(posterior_of(places))


def written(survey, folder):
    (path,) = searched_area.write(survey, folder)
    return json.loads(path.read_text())


def on_the_map(feature, crs):
    def project(lonlat):
        return np.stack(to_metric(crs, lonlat[:, 1], lonlat[:, 0]), axis=1)

    return shapely.transform(shapely.geometry.shape(feature["geometry"]), project)


def test_ground_is_told_by_class_and_follows_the_right_hand_rule(two, tmp_path):
    collection = written(two, tmp_path)
    told = {one["properties"]["ground"]: one for one in collection["features"]}
    assert list(told) == ["searched", "perhaps", "not searched"]
    for ground in searched_ground(two):
        shape = on_the_map(told[ground.name], two.domain.crs)
        assert shape.area == pytest.approx(ground.shape.area, rel=1e-4)
        for part in shapely.get_parts(shapely.geometry.shape(told[ground.name]["geometry"])):
            assert part.is_valid
            assert part.exterior.is_ccw
            assert not any(ring.is_ccw for ring in part.interiors)


def test_the_box_holds_all_features(two, tmp_path):
    for collection in (written(two, tmp_path), sources_collection(two)):
        west, south, east, north = collection["bbox"]
        shapes = [shapely.geometry.shape(one["geometry"]) for one in collection["features"]]
        assert (west, south, east, north) == shapely.union_all(shapes).bounds


def test_across_the_antimeridian_west_is_more_than_east(two, tmp_path):
    crs = CRS.from_epsg(32701)
    (east,), (north,) = to_metric(crs, [-17.0], [180.0])
    shift = np.array([east, north]) - np.mean(np.reshape(two.domain.bounds, (2, 2)), axis=0)
    bounds = tuple((np.reshape(two.domain.bounds, (2, 2)) + shift).ravel().tolist())
    survey = dataclasses.replace(
        two,
        domain=dataclasses.replace(two.domain, crs=crs, bounds=bounds),
        maps=two.maps.assign_coords(x=two.maps["x"] + shift[0], y=two.maps["y"] + shift[1]),
    )
    collection = written(survey, tmp_path)
    west, south, far_east, far_north = collection["bbox"]
    assert 179.9 < west < 180.0
    assert -180.0 < far_east < -179.9
    assert south < -17.0 < far_north
    for one in collection["features"]:
        for part in shapely.get_parts(shapely.geometry.shape(one["geometry"])):
            assert part.bounds[2] - part.bounds[0] < 0.01


def test_twenty_sources_are_all_told_in_every_file(two, tmp_path):
    spots = tuple(
        dataclasses.replace(two.hotspots[0], rank=rank, east=two.hotspots[0].east + 5.0 * rank)
        for rank in range(1, 21)
    )
    survey = dataclasses.replace(two, hotspots=spots)
    for exporter in (geopackage, kmz, cot, searched_area):
        (path,) = exporter.write(survey, tmp_path)
        assert path.stat().st_size < 3_000_000
    features = sources_collection(survey)["features"]
    points = [one for one in features if one["geometry"]["type"] == "Point"]
    assert [one["properties"]["rank"] for one in points] == list(range(1, 21))
