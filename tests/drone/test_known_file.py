"""Known emitters from files: any CRS, broken features told apart, text kept as it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drone.known import read_known
from drone.known_fields import told_of
from mapping.area import Domain
from sensors.errors import ConfigError

UTM = pyproj.CRS.from_epsg(32631)
CENTRE = (629_000.0, 5_804_000.0)
YEAR_S = 365.25 * 86_400
CROSSED = [[5, 52], [5.1, 52.1], [5.1, 52], [5, 52.1], [5, 52]]
RING = [[0, 0], [0.0002, 0], [0.0002, 0.0001], [0, 0.0001], [0, 0]]


@pytest.fixture(scope="module")
def domain():
    east, north = CENTRE
    return Domain(crs=UTM, bounds=(east - 250, north - 250, east + 250, north + 250))


@pytest.fixture(scope="module")
def lonlat():
    transformer = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
    return transformer.transform(*CENTRE)


def point(lonlat, dx=0.0):
    return {"type": "Point", "coordinates": [lonlat[0] + dx, lonlat[1]]}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(path, *features, crs=None):
    content = {"type": "FeatureCollection", "features": list(features)}
    if crs is not None:
        name = f"urn:ogc:def:crs:EPSG::{crs}"
        content["crs"] = {"type": "name", "properties": {"name": name}}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def geopackage(path, places, crs, *, layer="emitters", **fields):
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapely.points(places)),
        [np.array(column, dtype=object) for column in fields.values()],
        list(fields),
        layer=layer,
        geometry_type="Point",
        crs=crs,
        driver="GPKG",
        append=path.exists(),
    )
    return path


def read(path, domain, gas="acetone"):
    return read_known([path], domain, gas=gas)


def test_a_point_lies_where_its_crs_says(tmp_path, domain, lonlat):
    rd = pyproj.Transformer.from_crs(UTM, 28992, always_xy=True).transform(*CENTRE)
    files = [
        geojson(tmp_path / "wgs.geojson", feature(point(lonlat), name="a")),
        geojson(tmp_path / "rd.geojson",
                feature({"type": "Point", "coordinates": list(rd)}, name="a"), crs=28992),
        geopackage(tmp_path / "rd.gpkg", [rd], "EPSG:28992", name=["a"]),
    ]  # fmt: skip
    for path in files:
        (one,), notes = read(path, domain)
        assert notes == []
        assert (one.emitter.east, one.emitter.north) == pytest.approx(CENTRE, abs=1.5)
        assert one.emitter.name == "a"
        assert one.file == path.name


def test_fields_are_understood_in_dutch_units_and_tags(tmp_path, domain, lonlat):
    path = geojson(
        tmp_path / "k.geojson",
        feature(point(lonlat), naam="Hoeve", soort="varkenshouderij", rate_kg_jaar="3155,76"),
        feature(point(lonlat), name="Shell", amenity="fuel", height_m=2),
        feature(point(lonlat), rate_g_s=1.0, rate_g_s_low=0.5, rate_g_s_high=2.0),
    )
    (farm, fuel, third), notes = read(path, domain)
    assert notes == []
    assert (farm.kind, farm.emitter.kind) == ("farm", "varkenshouderij")
    assert farm.emitter.rate == pytest.approx(3155.76 / YEAR_S)
    assert (fuel.kind, fuel.emitter.height_m) == ("filling_station", 2.0)
    assert third.emitter.name == "feature 3"
    assert (third.emitter.rate_low, third.emitter.rate_high) == (0.5e-3, 2e-3)
    assert farm.emitter.chance > fuel.emitter.chance


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "no geometry"),
        ({"type": "Point", "coordinates": []}, "no geometry"),
        ({"type": "Point", "coordinates": ["five", 52]}, "no geometry"),
        ({"type": "LineString", "coordinates": [[5, 52], [5, 53]]}, "LineString is no place"),
        ({"type": "Polygon", "coordinates": [CROSSED]},
         "Self-intersection"),
        ({"type": "Point", "coordinates": [500, 95]}, "position cannot be"),
        ({"type": "Spiral", "coordinates": [5, 52]}, "no geometry"),
    ],
)  # fmt: skip
def test_a_broken_feature_is_named_and_left_out(tmp_path, domain, lonlat, geometry, reason):
    path = geojson(
        tmp_path / "k.geojson",
        feature(point(lonlat), name="good"),
        feature(geometry, name="Bad 'n <b>ölkast</b>"),
    )
    (good,), (note,) = read(path, domain)
    assert good.emitter.name == "good"
    assert note.startswith('k.geojson: feature 2 "Bad \'n <b>ölkast</b>": ')
    assert reason in note
    assert note.endswith("left out")
    assert "\n" not in note


def test_a_file_with_only_broken_features_is_refused(tmp_path, domain):
    path = geojson(tmp_path / "k.geojson", feature(None, name="x"))
    with pytest.raises(ConfigError, match=r'no emitter that can be used; .*feature 1 "x"'):
        read(path, domain)


def test_areas_and_several_points_become_emitters_of_their_size(tmp_path, domain, lonlat):
    ring = [[lonlat[0] + x, lonlat[1] + y] for x, y in RING]
    twice = {"type": "MultiPoint", "coordinates": [list(lonlat), [lonlat[0], lonlat[1] + 0.001]]}
    path = geojson(
        tmp_path / "k.geojson",
        feature({"type": "Polygon", "coordinates": [ring]}, name="yard"),
        feature(twice, name="stacks", rate_g_s=2.0),
    )
    (yard, first, second), _ = read(path, domain)
    assert yard.emitter.size_m == pytest.approx(np.sqrt(13.6 * 11.1), rel=0.03)
    assert (first.emitter.name, second.emitter.name) == ("stacks (1)", "stacks (2)")
    assert first.emitter.rate == second.emitter.rate == pytest.approx(1e-3)


def test_emitters_far_from_the_flight_are_counted_and_left_out(tmp_path, domain, lonlat):
    path = geojson(tmp_path / "k.geojson", *(feature(point(lonlat, dx)) for dx in (0, 0.5, 1.0)))
    found, (note,) = read(path, domain)
    assert len(found) == 1
    assert "2 of 3" in note
    beyond = geojson(tmp_path / "far.geojson", feature(point(lonlat, 0.5)))
    assert read(beyond, domain)[0] == ()


def test_many_faults_of_one_file_do_not_flood_the_notes(tmp_path, domain, lonlat):
    path = geojson(tmp_path / "k.geojson", feature(point(lonlat)), *[feature(None)] * 40)
    _, notes = read(path, domain)
    assert len(notes) == 6
    assert "35 more" in notes[-1]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rate_g_s": "veel"}, '"veel" is not a number'),
        ({"rate_g_s": -1}, "no rate can be that"),
        ({"rate_g_s": float("inf")}, "not a number"),
        ({"rate_g_s": 1, "gas": "ammonia"}, 'of "ammonia", not of acetone'),
        ({"rate_g_s": 1, "gas": "stank"}, 'of "stank"'),
        ({"rate_g_s": 1, "rate_g_s_low": 2, "rate_g_s_high": 3}, "not within its interval"),
        ({"height_m": 9999}, "height 9999 m is not used"),
    ],
)
def test_values_that_cannot_be_are_noted_and_not_used(fields, reason):
    told = told_of(fields, gas="acetone")
    assert told.rate == (None, None, None)
    assert np.isnan(told.height_m)
    assert any(reason in note for note in told.notes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither GeoJSON nor GeoPackage"),
        (b"name,lat,lon\n", "neither GeoJSON nor GeoPackage"),
        (b"<OGRVRTDataSource/>", "neither GeoJSON nor GeoPackage"),
        (b"{", "cannot be|can be read"),
        (b'{"type": "FeatureCollection", "features": []}', "no features"),
        (b'{"type": "FeatureCollection", "features": [{"ty', "can be read"),
        (b"SQLite format 3\0" + bytes(100), "can be read"),
    ],
)
def test_a_file_that_is_no_layer_is_refused_by_name(tmp_path, domain, content, reason):
    path = tmp_path / "k.geojson"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"k\.geojson.*({reason})"):
        read(path, domain)
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "missing.gpkg", domain)


def test_of_several_layers_the_one_called_as_in_the_template_is_taken(tmp_path, domain, lonlat):
    path = geopackage(tmp_path / "k.gpkg", [lonlat], "EPSG:4326", layer="a", name=["in a"])
    geopackage(path, [lonlat], "EPSG:4326", layer="b", name=["in b"])
    with pytest.raises(ConfigError, match=r"a, b"):
        read(path, domain)
    geopackage(path, [lonlat], "EPSG:4326", layer="known_emitters", name=["named"])
    assert read(path, domain)[0][0].emitter.name == "named"


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_name_stays_one_line_of_the_same_text(tmp_path, domain, lonlat, name):
    path = geojson(tmp_path / "k.geojson", feature(point(lonlat), name=name))
    (one,), _ = read(path, domain)
    shown = one.emitter.name
    assert shown.isprintable()
    printable = "".join(c if c.isprintable() else " " for c in name).split()
    # a NUL ends a string in the library that reads the file
    assert "\0" in name or shown.split() == printable or (shown == "feature 1" and not printable)


def test_the_template_in_the_documentation_is_read_whole():
    near = Domain(crs=UTM, bounds=(643_000.0, 5_772_000.0, 645_000.0, 5_776_000.0))
    template = Path(__file__).parents[2] / "docs" / "templates" / "known_emitters.geojson"
    known, notes = read_known([template], near, gas="toluene")
    assert [one.kind for one in known] == ["paint_shop", "farm", "printing"]
    assert known[2].emitter.rate_high == pytest.approx(0.6e-3)
    assert len(notes) == 1
    assert '"ammonia", not of toluene' in notes[0]
