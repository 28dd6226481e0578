"""Colours of the rasters: as QGIS shows them, and as eyes see them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib import colormaps

from mapping.exporters import geotiff
from mapping.styles.raster_style import SCALES, RasterStyle, raster_qml

COLOURS = Path(__file__).parent / "qgis" / "colours.py"
# Machado, Oliveira & Fernandes (2009), doi:10.1109/TVCG.2009.113, full severity, linear RGB
BLIND = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def lightness(colours, blind=None):
    """CIE L* of sRGB colours, shape (n, 3), as seen with a colour blindness or without."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    if blind is not None:
        linear = np.clip(linear @ np.array(BLIND[blind]).T, 0.0, 1.0)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


@pytest.mark.parametrize("name", sorted(SCALES))
@pytest.mark.parametrize("blind", [None, *BLIND])
def test_every_scale_steps_evenly_in_lightness_for_every_eye(name, blind):
    colours = colormaps[SCALES[name].colours](np.linspace(0.0, 1.0, 17))[:, :3]
    steps = np.diff(lightness(colours, blind))
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert abs(steps.sum()) > 50.0
    assert abs(steps).max() < 2.6 * abs(steps).mean()


def test_qgis_shows_every_raster_in_its_colours(survey_of, posterior_of, around, tmp_path):
    survey = survey_of(posterior_of(around((2.0, -3.0), 5.0)[:, None]))
    paths = [path for path in geotiff.write(survey, tmp_path) if path.suffix == ".tif"]
    done = subprocess.run(
        ["/usr/bin/python3", str(COLOURS), *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for one, path in zip(json.loads(done.stdout.splitlines()[-1]), paths, strict=True):
        assert one["valid"]
        assert one["renderer"] == "singlebandpseudocolor"
        assert len(one["items"]) == 17
        assert one["ends"][0] == 0.0
        assert one["ends"][1] == one["items"][-1][0] > 0
        ramp = {"concentration": "magma_r", "source_probability": "viridis_r"}
        expected = colormaps[ramp.get(path.stem, "cividis")](1.0)
        assert one["items"][-1][1] == "#" + "".join(f"{round(255 * c):02x}" for c in expected[:3])


@pytest.mark.parametrize("values", [[[np.nan, np.nan]], [[0.0, 0.0]], [[-3.0, -1.0]]])
def test_a_map_of_nothing_has_a_scale_all_the_same(values):
    band = xr.DataArray(values, dims=("y", "x"), attrs={"units": "ppb"})
    text = raster_qml(band, RasterStyle(colours="viridis", fades=True))
    assert 'maximumValue="1"' in text
    assert "nan" not in text


def test_units_are_in_the_legend_and_faint_values_clear():
    band = xr.DataArray([[0.0, 80.0]], dims=("y", "x"), attrs={"units": "µg/m³ <x>"})
    text = raster_qml(band, SCALES["concentration_mean"])
    assert 'label="80 µg/m³ &lt;x&gt;"' in text
    assert text.count('alpha="0"') == 3  # shares (0, 1/16 and 2/16) squared are below 0.02
