from __future__ import annotations

import subprocess

import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import CRS

from mapping.exporters import geotiff
from mapping.grid import to_metric


@pytest.fixture
def survey(survey_of, posterior_of, around):
    return survey_of(posterior_of(around((2.0, -3.0), 5.0)[:, None]))


@pytest.fixture
def written(survey, tmp_path):
    paths = geotiff.write(survey, tmp_path)
    return {path.name: path for path in paths if path.suffix == ".tif"}


def test_three_rasters_are_written_with_a_style_each_and_nothing_else(written, tmp_path):
    names = {"source_probability", "concentration", "detection_power"}
    assert set(written) == {f"{name}.tif" for name in names}
    there = {path.name for path in tmp_path.iterdir()}
    assert there == set(written) | {f"{name}.qml" for name in names}


def test_gdal_reads_back_what_was_mapped(survey, written):
    bands = {
        "source_probability.tif": (survey.source_map, ["source_probability"]),
        "concentration.tif": (
            survey.maps,
            ["concentration_mean", "concentration_std", "exceedance"],
        ),
        "detection_power.tif": (survey.maps, ["detection_power"]),
    }
    for file, (maps, names) in bands.items():
        with rasterio.open(written[file]) as raster:
            assert list(raster.descriptions) == names
            assert list(raster.units) == [maps[name].attrs["units"] for name in names]
            assert np.isnan(raster.nodata)
            assert raster.crs.to_epsg() == 32631
            for index, name in enumerate(names, start=1):
                expected = maps[name].to_numpy().astype(np.float32)
                np.testing.assert_array_equal(raster.read(index), expected)


def test_every_raster_is_a_cog_with_overviews(written):
    for path in written.values():
        with rasterio.open(path) as raster:
            assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert raster.block_shapes[0] == (256, 256)
            overviews = raster.overviews(1)
            assert overviews
            assert max(raster.shape) / overviews[-1] <= 256
    with rasterio.open(written["source_probability.tif"]) as raster:
        assert raster.overviews(1) == [2]


def test_gdal_validates_every_raster_as_cloud_optimised(written):
    """By GDAL's own script, of the system's Python, which QGIS brings."""
    script = "osgeo_utils.samples.validate_cloud_optimized_geotiff"
    for path in written.values():
        done = subprocess.run(
            ["/usr/bin/python3", "-m", script, "--full-check=yes", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "is a valid cloud optimized GeoTIFF" in done.stdout


def test_how_a_map_was_made_is_in_the_file(survey, written):
    with rasterio.open(written["concentration.tif"]) as raster:
        tags = raster.tags()
        assert raster.tags(3)["threshold"] == "20.0"
    assert tags["method"] == "kernel"
    width = survey.maps.attrs["kernel_width_m"]
    assert float(tags["kernel_width_m"]) == pytest.approx(width, rel=1e-5)
    assert float(tags["cv_rmse"]) == pytest.approx(survey.maps.attrs["cv_rmse"], rel=1e-5)


def test_image_directories_come_before_the_pixels_they_describe(written):
    """The order of a cloud-optimised file: all directories first, full size before overviews."""
    for path in written.values():
        content = path.read_bytes()
        directories, offsets = image_directories(content)
        assert directories == sorted(directories)
        assert max(directories) < min(min(one) for one in offsets)


def test_statistics_are_in_the_file(survey, written):
    with rasterio.open(written["concentration.tif"]) as raster:
        tags = raster.tags(1)
        values = raster.read(1)
    assert float(tags["STATISTICS_MAXIMUM"]) == pytest.approx(np.nanmax(values))
    assert float(tags["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(values), rel=1e-5)
    share = 100.0 * np.isfinite(values).mean()
    assert float(tags["STATISTICS_VALID_PERCENT"]) == pytest.approx(share, rel=1e-3)
    with rasterio.open(written["detection_power.tif"]) as raster:
        assert raster.tags(1)["reference_rate_g_s"] == "1"


def test_the_source_raster_sums_to_the_expected_number(written):
    with rasterio.open(written["source_probability.tif"]) as raster:
        assert np.nansum(raster.read(1), dtype=np.float64) == pytest.approx(1.0, abs=1e-5)


def test_the_brightest_cell_is_at_the_source(survey, written):
    with rasterio.open(written["source_probability.tif"]) as raster:
        values = raster.read(1)
        east, north = raster.xy(*np.unravel_index(values.argmax(), values.shape))
    (spot,) = survey.hotspots
    assert np.hypot(east - spot.east, north - spot.north) < 5.0


def test_the_same_survey_gives_the_same_bytes(survey, written, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    for path in geotiff.write(survey, again):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_a_map_of_nothing_known_is_still_a_raster(tmp_path):
    nothing = raster_of(np.full((3, 4), np.nan), CRS.from_epsg(32631), (0.0, 0.0))
    with rasterio.open(geotiff.write_cog(nothing, tmp_path / "none.tif")) as raster:
        assert np.isnan(raster.read()).all()
        assert "STATISTICS_MAXIMUM" not in raster.tags(1)


@pytest.mark.parametrize(("latitude", "longitude", "epsg"), [(88.0, 30.0, 32661), (-85, 0, 32761)])
def test_a_raster_near_a_pole_lies_where_it_should(tmp_path, latitude, longitude, epsg):
    crs = CRS.from_epsg(epsg)
    east, north = (float(axis[0]) for axis in to_metric(crs, [latitude], [longitude]))
    maps = raster_of(np.arange(12.0).reshape(3, 4), crs, (east, north))
    with rasterio.open(geotiff.write_cog(maps, tmp_path / "pole.tif")) as raster:
        assert raster.crs.to_epsg() == epsg
        assert raster.xy(0, 0) == pytest.approx((east, north))
        assert float(next(raster.sample([(east, north)]))[0]) == 0.0


def raster_of(values, crs, corner):
    return xr.Dataset(
        {"map": (("y", "x"), values, {"units": "1"})},
        coords={
            "y": corner[1] - 2.0 * np.arange(values.shape[0]),
            "x": corner[0] + 2.0 * np.arange(values.shape[1]),
        },
        attrs={"crs_wkt": crs.to_wkt(), "cell_m": 2.0},
    )


def image_directories(content):
    """Offsets of a little-endian classic TIFF's directories and of the tiles in each."""
    assert content[:4] == b"II*\0"

    def number(at, size):
        return int.from_bytes(content[at : at + size], "little")

    directories, tiles = [], []
    at = number(4, 4)
    while at:
        directories.append(at)
        entries = number(at, 2)
        for entry in range(at + 2, at + 2 + 12 * entries, 12):
            if number(entry, 2) == 324:
                count = number(entry + 4, 4)
                start = number(entry + 8, 4) if count > 1 else entry + 8
                tiles.append([number(start + 4 * k, 4) or 2**32 for k in range(count)])
        at = number(at + 2 + 12 * entries, 4)
    return directories, tiles
