from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

from drone.choices import Choices
from drone.cli import main
from drone.mapped import MapChoices, map_flight, maps_of
from mapping.grid import to_metric
from sensors.errors import ConfigError

HEADER = "time,latitude,longitude,altitude_agl_m,wind_speed_m_s,wind_from_deg,pid_ppb\n"
START = np.datetime64("2026-05-01T10:00:00", "ms")


def flight_csv(path, *, latitude=52.37, longitude=4.89, lines=6, value=None, height=None):
    """Lawnmower of 20 m spacing at 1 Hz, 5 m/s, gas in the middle of it."""
    rng = np.random.default_rng(4)
    x = np.concatenate([np.linspace(-80, 80, 33)[:: 1 if k % 2 == 0 else -1] for k in range(lines)])
    y = np.repeat(20.0 * np.arange(lines) - 10.0 * (lines - 1), 33)
    reading = 200.0 * np.exp(-(x**2 + y**2) / (2 * 30.0**2)) + rng.normal(0.0, 3.0, x.size)
    reading = reading if value is None else np.full(x.size, value)
    height = np.full(x.size, 10.0) if height is None else height(x)
    times = START + np.arange(x.size) * np.timedelta64(1000, "ms")
    north = latitude + y / 111_200.0
    east = longitude + x / (111_320.0 * np.cos(np.radians(latitude)))
    rows = [
        f"{time}Z,{one:.7f},{other:.7f},{up:.1f},3.0,240,{ppb:.2f}"
        for time, one, other, up, ppb in zip(times, north, east, height, reading, strict=True)
    ]
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def flight(tmp_path):
    return flight_csv(tmp_path / "flight.csv")


@pytest.mark.parametrize("method", ["kernel", "kriging"])
def test_rasters_a_picture_and_a_summary_are_written(flight, tmp_path, capsys, method):
    out = tmp_path / "maps"
    assert main(["map", str(flight), "-o", str(out), "--method", method, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {path.name for path in out.iterdir()} == set(told["files"])
    assert sorted(told["files"]) == [
        "concentration.png",
        "concentration.qml",
        "concentration.tif",
        "summary.json",
    ]
    assert told == json.loads((out / "summary.json").read_text())
    assert told["fitted"]["method"] == method
    assert told["scores"]["skill"] > 0.5
    with rasterio.open(out / "concentration.tif") as raster:
        assert raster.descriptions == ("concentration_mean", "concentration_std", "exceedance")
        assert raster.units == ("ppb", "ppb", "1")
        mean = raster.read(1)
        east, north = raster.xy(*np.unravel_index(np.nanargmax(mean), mean.shape))
        x, y = (float(axis[0]) for axis in to_metric(raster.crs, [52.37], [4.89]))
        assert np.hypot(east - x, north - y) < 15.0
        assert np.isnan(mean[0, 0])
        assert raster.tags()["method"] == method
        assert float(raster.tags()["cv_skill"]) == pytest.approx(told["scores"]["skill"], rel=1e-4)
        assert float(raster.tags(3)["threshold"]) == pytest.approx(told["threshold"], rel=1e-4)


def test_the_same_flight_gives_the_same_bytes(flight, tmp_path):
    for name in ("one", "two"):
        assert main(["map", str(flight), "-o", str(tmp_path / name), "--moments", "2", "-q"]) == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_reference_system_may_be_named_and_its_exactness_is_told(flight, tmp_path, capsys):
    out = tmp_path / "rd"
    assert main(["map", str(flight), "-o", str(out), "--crs", "EPSG:28992"]) == 0
    told = capsys.readouterr()
    assert "EPSG:28992" in told.err
    assert "to 1 m" in told.err or "to 0.25 m" in told.err or "nl_nsgi" not in told.err
    with rasterio.open(out / "concentration.tif") as raster:
        assert raster.crs.to_epsg() == 28992
        mean = raster.read(1)
        east, north = raster.xy(*np.unravel_index(np.nanargmax(mean), mean.shape))
    assert np.hypot(east - 121_100.0, north - 487_000.0) < 1_000.0  # the centre of Amsterdam


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--crs", "EPSG:4326"], "degrees"),
        (["--crs", "EPSG:2263"], "in metres"),
        (["--crs", "EPSG:27700"], "the flight was at 52.370, 4.890"),
        (["--crs", "EPSG:3857"], "distances are wrong"),
        (["--crs", "nonsense"], "no such reference system"),
        (["--method", "nearest"], "kernel or kriging"),
        (["--channel", "ch4"], "choose pid"),
        (["--heights", "5;10"], "with commas"),
        (["--heights", "-5"], "0 to 10000 m"),
        (["--moments", "900"], "at most"),
        (["--threshold", "nan"], "must be a number"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_a_line(flight, tmp_path, capsys, given, words):
    out = tmp_path / "maps"
    assert main(["map", str(flight), "-o", str(out), *given]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert not out.exists()


def test_wind_that_no_log_holds_may_be_given(flight, tmp_path, capsys):
    calm = tmp_path / "calm.csv"
    rows = [line.split(",") for line in flight.read_text().splitlines()]
    calm.write_text("".join(",".join(row[:4] + row[6:]) + "\n" for row in rows))
    given = ["--wind-speed", "6", "--wind-from", "270"]
    for name, more in (("round", []), ("drawn", given)):
        assert main(["map", str(calm), "-o", str(tmp_path / name), *more]) == 0
    maps = []
    for name in ("round", "drawn"):
        with rasterio.open(tmp_path / name / "concentration.tif") as raster:
            maps.append(raster.read(2))
    assert not np.array_equal(*maps, equal_nan=True)
    assert "--wind-speed" in capsys.readouterr().err


def test_an_area_elsewhere_is_refused(flight, tmp_path, capsys):
    ring = [[5.5, 52.0], [5.6, 52.0], [5.6, 52.1], [5.5, 52.0]]
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert main(["map", str(flight), "-o", str(tmp_path / "o"), "--area", str(area)]) == 2
    assert "from the flight" in capsys.readouterr().err


def test_an_area_beside_the_readings_gives_empty_maps_that_say_so(flight, tmp_path, capsys):
    """It meets the box around the track, but no ground that was measured."""
    ring = [[4.8921, 52.3711], [4.8923, 52.3711], [4.8923, 52.3713], [4.8921, 52.3711]]
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert main(["map", str(flight), "-o", str(tmp_path / "o"), "--area", str(area)]) == 0
    assert "nothing was measured on this ground" in capsys.readouterr().err
    with rasterio.open(tmp_path / "o" / "concentration.tif") as raster:
        assert np.isnan(raster.read()).all()


@pytest.mark.parametrize("method", ["kernel", "kriging"])
@pytest.mark.parametrize(
    "settings",
    [
        {"latitude": 80.3, "longitude": 15.0},
        {"latitude": 85.0, "longitude": 15.0},
        {"longitude": 5.9999},
        {"longitude": 180.0 - 1e-5},
        {"lines": 1},
        {"value": 0.0},
        {"value": 500.0},
    ],
    ids=["80 degrees north", "polar", "two zones", "antimeridian", "one line", "zero", "equal"],
)
def test_odd_flights_are_mapped(tmp_path, method, settings):
    path = flight_csv(tmp_path / "odd.csv", **settings)
    choices = Choices(map_method=method, background_removed=True)
    mapped = map_flight([path], choices=choices)
    mean = mapped.maps["concentration_mean"]
    assert np.isfinite(mean).any()
    assert np.isnan(mean).any()
    if "value" in settings:
        known = mean.to_numpy()[np.isfinite(mean)]
        np.testing.assert_allclose(known, settings["value"], atol=1e-9)
    else:
        row, column = np.unravel_index(np.nanargmax(mean), mean.shape)
        x, y = to_metric(
            mapped.domain.crs, [settings.get("latitude", 52.37)], [settings.get("longitude", 4.89)]
        )
        away = np.hypot(float(mean["x"][column]) - x[0], float(mean["y"][row]) - y[0])
        assert away < 25.0


def test_heights_and_moments_are_rasters_of_their_own(tmp_path):
    path = flight_csv(tmp_path / "f.csv", height=lambda x: np.where(x < 0, 5.0, 15.0))
    out = tmp_path / "maps"
    given = ["map", str(path), "-o", str(out), "--heights", "15,5", "--moments", "3", "-q"]
    assert main(given) == 0
    with rasterio.open(out / "heights.tif") as raster:
        assert raster.descriptions[0] == "concentration_mean 5 m above ground"
        assert raster.count == 6
        low, high = raster.read(1), raster.read(4)
    assert np.isfinite(low[:, : low.shape[1] // 2]).sum() > np.isfinite(high[:, :60]).sum()
    with rasterio.open(out / "moments.tif") as raster:
        assert raster.count == 9
        assert raster.descriptions[3].startswith("concentration_mean 2026-05-01T10:0")


def test_a_flight_in_memory_is_mapped_as_its_file(flight):
    first = map_flight([flight])
    again = maps_of(first.flight, wanted=MapChoices(channel="pid"))
    for name in first.maps.data_vars:
        np.testing.assert_array_equal(first.maps[name], again.maps[name])
    assert first.maps.attrs == again.maps.attrs


def test_the_threshold_counts_from_the_noise_unless_told(flight):
    usual = map_flight([flight]).maps["exceedance"]
    high = map_flight([flight], wanted=MapChoices(threshold=150.0)).maps["exceedance"]
    assert 3.0 < usual.attrs["threshold"] < 60.0
    assert high.attrs["threshold"] == 150.0
    assert float(high.max()) <= float(usual.max())
    assert float(high.sum()) < float(usual.sum())


def test_a_height_cannot_be_nan():
    with pytest.raises(ConfigError, match="heights"):
        MapChoices(heights_m=(float("nan"),))
