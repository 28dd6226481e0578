from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import sqlite3
import subprocess
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from pyproj import CRS

from detection.source.emitters import KnownEmitter
from mapping.exporters import geopackage
from mapping.grid import to_metric
from mapping.known import Known
from mapping.styles.survey_styles import survey_styles
from mapping.survey import INSUFFICIENT
from mapping.vector_layers import vector_layers
from sensors.errors import ConfigError
from sensors.records import Quality

RENDER = Path(__file__).parent / "qgis" / "render.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's QGIS belongs to it
LAYERS = [
    "searched_area", "credible_regions", "track", "readings", "wind", "known_emitters", "sources",
]  # fmt: skip
ODD_NAME = 'Café \'t Büro "<b>Zuid</b>" & Zn.; DROP TABLE sources; --'


@pytest.fixture
def two(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    return survey_of(posterior_of(places))


def rows(path, layer):
    """Columns of a layer by name, and its geometry, as GDAL reads them."""
    meta, _, geometry, columns = pyogrio.raw.read(path, layer=layer)
    by_name = dict(zip(meta["fields"], columns, strict=True))
    return SimpleNamespace(
        meta=meta, geometry=shapely.from_wkb(geometry), count=len(geometry), **by_name
    )


def written(survey, folder):
    (path,) = geopackage.write(survey, folder)
    return path


def requirement_faults(path):
    """What of the GeoPackage standard's core, its features and its R-trees a file does not keep."""
    faults = []
    with contextlib.closing(sqlite3.connect(path)) as base:

        def all_of(query, *values):
            return base.execute(query, values).fetchall()

        def expect(truth, requirement):
            if not truth:
                faults.append(requirement)

        expect(path.read_bytes()[:16] == b"SQLite format 3\0", "1: SQLite 3")
        expect(all_of("PRAGMA application_id") == [(0x47504B47,)], "2: application id GPKG")
        expect(all_of("PRAGMA user_version")[0][0] >= 10200, "2: user version")
        expect(path.suffix == ".gpkg", "3: file name")
        expect(all_of("PRAGMA integrity_check") == [("ok",)], "6: integrity")
        expect(all_of("PRAGMA foreign_key_check") == [], "7: foreign keys")
        systems = {one for (one,) in all_of("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        expect({-1, 0, 4326} <= systems, "11: default reference systems")
        tables = {name for (name,) in all_of("SELECT name FROM sqlite_master")}
        for name, kind, srs in all_of("SELECT table_name, data_type, srs_id FROM gpkg_contents"):
            expect(name in tables, f"13: {name} is there")
            expect(srs in systems, f"14: reference system of {name}")
            keys = [one for one in all_of(f'PRAGMA table_info("{name}")') if one[5]]
            expect([one[2] for one in keys] == ["INTEGER"], f"29: primary key of {name}")
            if kind != "features":
                continue
            ((column, own_srs),) = all_of(
                "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", name
            )
            expect(own_srs == srs, f"146: same reference system of {name}")
            blobs = all_of(f'SELECT "{column}" FROM "{name}"')
            expect(all(blob[:3] == b"GP\0" for (blob,) in blobs), f"19: geometries of {name}")
            index = f"rtree_{name}_{column}"
            expect(index in tables, f"77: spatial index of {name}")
            expect(all_of(f'SELECT count(*) FROM "{index}"')[0][0] == len(blobs), f"77: {index}")
            listed = all_of("SELECT extension_name FROM gpkg_extensions WHERE table_name = ?", name)
            expect(("gpkg_rtree_index",) in listed, f"75: extension of {name}")
    return faults


def opened_in_qgis(path, folder):
    """What QGIS says about a file at its first opening, and the picture it draws."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.fail("QGIS is not installed; run `make qgis` (Debian, as root)")
    picture, project = folder / "map.png", folder / "survey.qgz"
    bare = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, str(RENDER), str(path), str(picture), str(project)],
        capture_output=True, text=True, env=bare, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pixels = np.round(255 * matplotlib.image.imread(picture)[..., :3]).astype(int)
    assert project.stat().st_size > 1000
    return SimpleNamespace(pixels=pixels, stderr=done.stderr, **json.loads(done.stdout))


def share_of(pixels, colour, *, within=12):
    """Share of the pixels that are nearly of a colour."""
    wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    return float((np.abs(pixels - wanted).max(axis=-1) <= within).mean())


def with_known(survey, *names):
    return dataclasses.replace(
        survey,
        known=tuple(
            Known(
                emitter=KnownEmitter(
                    name=name, kind="paint shop", rate=2e-3,
                    east=survey.track.east[k], north=survey.track.north[k],
                ),
                kind=None, file="known.geojson", probability=0.4,
            )
            for k, name in enumerate(names)
        ),
    )  # fmt: skip


def test_it_keeps_the_requirements_of_the_standard(two, tmp_path):
    assert requirement_faults(written(two, tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["survey.gpkg"]


def test_gdal_reads_every_layer_in_the_domains_reference_system(two, tmp_path):
    path = written(two, tmp_path)
    assert [name for name, kind in pyogrio.list_layers(path) if kind is not None] == LAYERS
    for name in LAYERS:
        info = pyogrio.read_info(path, layer=name)
        assert info["crs"] == "EPSG:32631"
        assert info["layer_metadata"]["DESCRIPTION"]
    about = pyogrio.read_info(path, layer="sources")["dataset_metadata"]
    assert about["note"] == "indication, confirm by sampling"
    assert about["title"] == "harbour survey"


def test_readings_are_told_with_their_time_units_flags_and_wind(two, tmp_path):
    track = two.track
    quality = track.quality.copy()
    quality[3] = Quality.CLOCK_POOR | Quality.DISTURBED
    survey = dataclasses.replace(two, track=dataclasses.replace(track, quality=quality))
    table = rows(written(survey, tmp_path), "readings")
    np.testing.assert_array_equal(table.reading, track.reading)
    np.testing.assert_array_equal(table.raw_reading, track.raw)
    np.testing.assert_array_equal(table.time.astype("M8[ms]"), track.time.astype("M8[ms]"))
    np.testing.assert_allclose(shapely.get_x(table.geometry), track.east)
    np.testing.assert_allclose(shapely.get_y(table.geometry), track.north)
    assert set(table.unit) == {"ppb"}
    assert table.quality_meaning[3] == "clock_poor disturbed"
    assert table.quality_meaning[4] == "good"
    blown = np.radians(table.wind_from_deg + 180.0)
    np.testing.assert_allclose(table.wind_speed_m_s * np.sin(blown), track.eastward_wind)
    np.testing.assert_allclose(table.wind_speed_m_s * np.cos(blown), track.northward_wind)


def test_sources_and_regions_are_those_told(two, tmp_path):
    path = written(two, tmp_path)
    sources, regions = rows(path, "sources"), rows(path, "credible_regions")
    assert list(sources.rank) == [1, 2]
    for name in ("probability", "rate_g_s", "rate_g_s_p05", "radius_90_m", "height_m"):
        told = [getattr(spot, name) for spot in two.told]
        np.testing.assert_allclose(getattr(sources, name), told)
    east, north = to_metric(CRS.from_epsg(32631), sources.latitude, sources.longitude)
    np.testing.assert_allclose(
        [east[0], north[0]], [two.told[0].east, two.told[0].north], atol=1e-3
    )
    assert list(zip(regions.rank, regions.level, strict=True)) == [
        (1, 0.9), (1, 0.5), (2, 0.9), (2, 0.5),
    ]  # fmt: skip
    for shape, rank, level in zip(regions.geometry, regions.rank, regions.level, strict=True):
        assert shape.symmetric_difference(two.told[rank - 1].regions[level]).area < 1e-6


def test_searched_ground_divides_the_domain_by_detection_power(two, tmp_path):
    table = rows(written(two, tmp_path), "searched_area")
    domain = shapely.box(*two.domain.bounds)
    assert list(table.ground) == ["searched", "perhaps", "not searched"]
    assert sum(shape.area for shape in table.geometry) == pytest.approx(domain.area, rel=1e-9)
    assert shapely.union_all(table.geometry).symmetric_difference(domain).area < 1e-3
    power = two.maps["detection_power"].to_numpy().ravel()
    x, y = np.meshgrid(two.maps["x"].to_numpy(), two.maps["y"].to_numpy())
    inside = two.domain.contains(x.ravel(), y.ravel())
    for shape, low, high in zip(table.geometry, table.power_from, table.power_to, strict=True):
        held = shapely.intersects_xy(shape, x.ravel(), y.ravel())
        level = np.nan_to_num(power)
        expected = inside & (level >= low) & ((level < high) | (high == 1.0))
        np.testing.assert_array_equal(held[inside], expected[inside])


def test_an_area_drawn_by_hand_bounds_what_was_not_searched(two, tmp_path):
    west, south, east, north = two.domain.bounds
    drawn = shapely.Polygon([(west, south), (east, south), (east, north)])
    survey = dataclasses.replace(two, domain=dataclasses.replace(two.domain, area=drawn))
    table = rows(written(survey, tmp_path), "searched_area")
    assert shapely.union_all(table.geometry).symmetric_difference(drawn).area < 1e-3


def test_the_track_is_cut_at_gaps_of_time_and_of_place(two, tmp_path):
    track = two.track
    time = track.time.copy()
    time[400:] += np.timedelta64(60, "s")
    east = track.east.copy()
    east[1000:] += 300.0
    east[700] = np.nan
    broken = dataclasses.replace(track, time=time, east=east)
    table = rows(written(dataclasses.replace(two, track=broken), tmp_path), "track")
    assert list(table.readings) == [400, 599, track.east.size - 1000]
    assert table.start[1].astype("M8[ms]") == time[400].astype("M8[ms]")
    assert table.length_m[0] == pytest.approx(240.0 * 2 + 30.0, rel=1e-6)


def test_wind_arrows_turn_with_the_grid(two, tmp_path):
    calm_east = dataclasses.replace(
        two.track,
        eastward_wind=np.full(two.track.east.size, 3.0),
        northward_wind=np.zeros(two.track.east.size),
    )
    table = rows(written(dataclasses.replace(two, track=calm_east), tmp_path), "wind")
    assert table.count == 60
    np.testing.assert_allclose(table.from_deg, 270.0)
    np.testing.assert_allclose(table.speed_m_s, 3.0)
    # grid north lies 1.5 degrees east of true north here: sin(52.4) times 1.9 degrees
    np.testing.assert_allclose(table.grid_towards_deg, 88.5, atol=0.05)


def test_the_same_survey_gives_the_same_bytes(two, tmp_path):
    first = written(two, tmp_path).read_bytes()
    assert written(two, tmp_path).read_bytes() == first
    with contextlib.closing(sqlite3.connect(tmp_path / "survey.gpkg")) as base:
        changed = set(base.execute("SELECT last_change FROM gpkg_contents"))
    assert changed == {("2026-05-12T09:05:59.800Z",)}


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_file_that_another_program_has_open_is_left_alone(two, tmp_path, suffix):
    path = written(two, tmp_path)
    before = path.read_bytes()
    path.with_name(path.name + suffix).touch()
    with pytest.raises(ConfigError, match=r"survey\.gpkg: another program has it open"):
        geopackage.write(two, tmp_path)
    assert path.read_bytes() == before


def test_a_full_disk_is_an_error_of_the_system(two, tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise pyogrio.errors.DataSourceError("sqlite3_exec failed: database or disk is full")

    monkeypatch.setattr(pyogrio.raw, "write", refuse)
    with pytest.raises(OSError, match=r"survey\.gpkg: .*disk is full"):
        geopackage.write(two, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_survey_that_says_nothing_has_its_layers_all_the_same(two, tmp_path):
    empty = two.maps.assign(detection_power=two.maps["detection_power"] * np.nan)
    survey = dataclasses.replace(
        two, verdict=INSUFFICIENT, p_any_source=math.nan, hotspots=(), maps=empty
    )
    path = written(survey, tmp_path)
    assert requirement_faults(path) == []
    assert rows(path, "sources").count == rows(path, "credible_regions").count == 0
    assert list(rows(path, "searched_area").ground) == ["not searched"]


def test_one_position_and_no_reading_make_no_line(two, tmp_path):
    lone = np.full(two.track.east.size, np.nan)
    lone[5] = two.track.east[5]
    track = dataclasses.replace(two.track, east=lone, reading=np.full(lone.size, np.nan))
    path = written(dataclasses.replace(two, track=track), tmp_path)
    assert rows(path, "track").count == 0
    assert rows(path, "readings").count == 1
    assert np.isnan(rows(path, "readings").reading).all()


@pytest.mark.parametrize("code", [32632, 32661, 28992, 32760])
def test_other_reference_systems_are_kept(two, tmp_path, code):
    domain = dataclasses.replace(two.domain, crs=CRS.from_epsg(code))
    if code == 28992:  # these metres lie far off the Netherlands: take ones in it
        domain = dataclasses.replace(domain, bounds=(120e3, 480e3, 120.5e3, 480.5e3))
    path = written(dataclasses.replace(two, domain=domain), tmp_path)
    assert pyogrio.read_info(path, layer="readings")["crs"] == f"EPSG:{code}"
    assert requirement_faults(path) == []


def test_any_name_is_kept_as_text(two, tmp_path):
    survey = dataclasses.replace(with_known(two, ODD_NAME), name=ODD_NAME)
    path = written(survey, tmp_path)
    table = rows(path, "known_emitters")
    assert list(table.name) == [ODD_NAME]
    assert table.stated_rate_g_s[0] == 2.0
    assert pyogrio.read_info(path, layer="sources")["dataset_metadata"]["title"] == ODD_NAME


def test_every_layer_has_a_style(two):
    assert [layer.name for layer in vector_layers(two)] == list(survey_styles(two)) == LAYERS


def test_qgis_shows_it_well_at_first_opening(two, tmp_path):
    seen = opened_in_qgis(written(with_known(two, ODD_NAME), tmp_path), tmp_path)
    assert seen.names == LAYERS
    assert seen.errors == []
    assert "Warning" not in seen.stderr
    for name, layer in seen.layers.items():
        assert layer["valid"], name
        assert layer["crs"] == "EPSG:32631"
        assert layer["renderer"] == "RuleRenderer"
        assert layer["sld_rules"] == len(layer["rules"])
        # every row is drawn by one rule, and none by two
        assert sum(rule["rows"] for rule in layer["rules"]) == layer["rows"] > 0, name
    assert seen.layers["readings"]["fields"]["time"] == "DateTime"
    assert seen.layers["readings"]["time_column"] == "time"
    assert seen.layers["wind"]["rules"][0]["turned"] == ["grid_towards_deg"]
    assert "probability" in seen.layers["sources"]["labels"]
    legend = [rule["label"] for rule in seen.layers["searched_area"]["rules"]]
    assert legend[0] == "searched: would have shown 1 g/s"
    assert share_of(seen.pixels, "#ffffff") < 0.8
    assert share_of(seen.pixels, "#c5dac2") > 0.1  # ground that was searched
    assert share_of(seen.pixels, "#0072b2") > 0.0005  # sources and their regions
    assert share_of(seen.pixels, "#e69f00") > 0.00003  # the known emitter


def test_qgis_opens_one_without_sources_as_well(two, tmp_path):
    survey = dataclasses.replace(two, verdict=INSUFFICIENT, hotspots=())
    seen = opened_in_qgis(written(survey, tmp_path), tmp_path)
    assert seen.errors == []
    assert all(layer["renderer"] == "RuleRenderer" for layer in seen.layers.values())
    assert share_of(seen.pixels, "#0072b2", within=2) < 0.0001
