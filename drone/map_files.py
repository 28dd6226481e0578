"""The files of ``sniffdrone map``: rasters, pictures and a summary."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from drone.analysis import axis_turn_deg
from drone.mapped import Mapped, map_flight
from drone.output import SUMMARY, check_output, output_folder
from drone.version import software_version
from mapping.concentration_figure import concentration_figure, write_concentration_figure
from mapping.exporters.geotiff import write_cog
from mapping.styles.raster_style import write_raster_style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr

    from drone.choices import Choices
    from drone.mapped import MapChoices

__all__ = ["lines_of_maps", "write_maps"]

CAUTION = "what was measured, not where it comes from"
_METHODS = {"kernel": "Kernel DM+V/W", "kriging": "ordinary kriging"}


def write_maps(
    paths: Sequence[Path],
    out: Path,
    *,
    choices: Choices,
    wanted: MapChoices,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Map the flights in some files into a folder.

    Parameters
    ----------
    paths : sequence of Path
    out : Path
        Appears when all in it is written.
    choices : Choices
    wanted : MapChoices
    overwrite : bool
        Replace earlier results in `out`.

    Returns
    -------
    dict
        As in ``summary.json``.

    Raises
    ------
    SniffdroneError
        The files, the settings or the place of the results are at fault.
    """
    check_output(out, overwrite=overwrite)
    mapped = map_flight(paths, choices=choices, wanted=wanted)
    with output_folder(out, overwrite=overwrite) as folder:
        raster = write_cog(mapped.maps, folder / "concentration.tif")
        files = [raster.name, _picture(mapped, folder / "concentration.png")]
        files.append(write_raster_style(mapped.maps["concentration_mean"], raster).name)
        for name, stack in (("heights", mapped.heights), ("moments", mapped.moments)):
            if stack is not None:
                files.append(write_cog(_bands(stack), folder / f"{name}.tif").name)
                files.append(_pictures(mapped, stack, folder / f"{name}.png"))
        summary = _summary(mapped, [*files, SUMMARY])
        text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
        (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return summary


def lines_of_maps(summary: dict[str, Any], out: Path) -> list[str]:
    """Lines a person reads after ``map``."""
    lines = [f"map       {summary['in_words']}"]
    scores = summary["scores"]
    if scores:
        lines.append(
            f"scores    on survey lines left out: error {scores['rmse']:.3g} {summary['unit']}, "
            f"skill {scores['skill']:.2f}, {100 * scores['within_90']:.0f} % within the 90 % range"
        )
    first, second, *others = (str(out / name) for name in summary["files"])
    lines.append(f"{CAUTION}: {first}, {second} and {len(others)} more")
    return lines


def _summary(mapped: Mapped, files: list[str]) -> dict[str, Any]:
    attrs = mapped.maps.attrs
    fitted = {
        name: _plain(value)
        for name, value in attrs.items()
        if name not in {"crs_wkt", "cell_m"} and not name.startswith("cv_")
    }
    scores = {
        name.removeprefix("cv_"): _plain(value)
        for name, value in attrs.items()
        if name.startswith("cv_")
    }
    cell_m = float(attrs["cell_m"])
    seen = int(np.isfinite(mapped.maps["concentration_mean"]).sum())
    return {
        "sniffdrone_version": software_version(),
        "in_words": _in_words(mapped, seen * cell_m**2 / 1e4),
        "flight": str(mapped.flight["trajectory"].values),
        "channel": mapped.channel,
        "unit": mapped.track.unit,
        "crs": mapped.domain.crs.to_string(),
        "cell_m": round(cell_m, 3),
        "measured_ha": round(seen * cell_m**2 / 1e4, 3),
        "threshold": _plain(mapped.maps["exceedance"].attrs.get("threshold")),
        "fitted": fitted,
        "scores": scores or None,
        "notes": list(mapped.notes),
        "inputs": [
            {"file": one.file, "format": one.format, "sha256": one.sha256}
            for one in (mapped.inputs.files if mapped.inputs else ())
        ],
        "files": files,
    }


def _in_words(mapped: Mapped, hectare: float) -> str:
    name = _METHODS.get(mapped.maps.attrs["method"], mapped.maps.attrs["method"])
    return (
        f"{mapped.channel} by {name}{_setting(mapped.maps)} in cells of "
        f"{mapped.maps.attrs['cell_m']:.3g} m; {hectare:.1f} ha measured"
    )


def _setting(maps: xr.Dataset) -> str:
    if "kernel_width_m" in maps.attrs:
        return f", width {maps.attrs['kernel_width_m']:.3g} m,"
    if "variogram_model" in maps.attrs:
        model, range_m = maps.attrs["variogram_model"], maps.attrs["variogram_range_m"]
        return f", {model} variogram of range {range_m:.3g} m,"
    return ""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return float(f"{float(value):.6g}") if math.isfinite(value) else None


def _picture(mapped: Mapped, path: Path) -> str:
    maps = mapped.maps
    name = _METHODS.get(maps.attrs["method"], maps.attrs["method"])
    panels = [
        (f"mean, {name}", maps["concentration_mean"]),
        ("spread of readings (standard deviation)", maps["concentration_std"]),
    ]
    return _figure(mapped, panels, path)


def _pictures(mapped: Mapped, stack: xr.Dataset, path: Path) -> str:
    mean = stack["concentration_mean"]
    names = _layer_names(stack)
    return _figure(mapped, [(name, mean[k]) for k, name in enumerate(names)], path)


def _figure(mapped: Mapped, panels: list[tuple[str, xr.DataArray]], path: Path) -> str:
    figure = concentration_figure(
        panels,
        mapped.track,
        title=f"{mapped.flight['trajectory'].values}: {mapped.channel}",
        label=f"{mapped.channel}, corrected [{mapped.track.unit}]",
        footer=f"{CAUTION}; bare ground was not measured.  sniffdrone {software_version()}",
        turn_deg=axis_turn_deg(mapped.domain),
    )
    return write_concentration_figure(figure, path).name


def _layer_names(stack: xr.Dataset) -> list[str]:
    if "height" in stack.dims:
        return [f"{level:g} m above ground" for level in stack["height"].to_numpy()]
    return [f"{np.datetime_as_string(one, unit='s')}Z" for one in stack["time"].to_numpy()]


def _bands(stack: xr.Dataset) -> xr.Dataset:
    """Mean, spread and confidence of each layer as maps of their own."""
    axis = "height" if "height" in stack.dims else "time"
    layers = {
        f"{name} {told}": stack[name].isel({axis: k}, drop=True)
        for k, told in enumerate(_layer_names(stack))
        for name in ("concentration_mean", "concentration_std", "confidence")
    }
    return stack.drop_vars([*stack.data_vars, axis]).assign(layers)
