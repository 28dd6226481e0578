"""Two surveys of one place: what changed between them, as a map, a table and a picture."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from drone.compare_folder import read_results
from drone.compare_words import headline, row_of
from drone.output import SUMMARY, check_output, output_folder
from drone.version import software_version
from mapping.changes import sides_of, source_changes
from mapping.difference import difference_map, on_grid, shared_grid
from mapping.difference_figure import write_difference_figure
from mapping.exporters.geotiff import write_cog
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from drone.compare_folder import Results
    from mapping.changes import Change
    from mapping.difference import Maps
    from mapping.grid import Grid

    FloatArray = NDArray[np.float64]

__all__ = ["Comparison", "compare", "write_comparison"]

CAUTION = (
    "indication, confirm by sampling; a difference of concentration shows where gas was met, "
    "which the wind of the day decides as well: whether a source changed is told by the table"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed between two surveys.

    Attributes
    ----------
    before, after : Results
    changes : tuple of Change
    maps : xarray.Dataset
        As from `difference_map`.
    grid : Grid
    notes : tuple of str
        What a reader must know, one line each.
    """

    before: Results
    after: Results
    changes: tuple[Change, ...]
    maps: xr.Dataset
    grid: Grid
    notes: tuple[str, ...]


def compare(before: Path, after: Path) -> Comparison:
    """What changed between two output folders of ``process``.

    Parameters
    ----------
    before, after : Path

    Returns
    -------
    Comparison
        In the CRS of `before`.

    Raises
    ------
    ConfigError
        A folder is wrong, they are one, are of different gases, or share no ground.
    """
    if before.resolve() == after.resolve():
        raise ConfigError(f"{before}: is given twice; give the folders of two surveys")
    first, second = read_results(before), read_results(after)
    _check_alike(first, second)
    grid = shared_grid(first.maps, second.maps)
    if grid is None:
        raise ConfigError(f"{before} and {after}: have no ground in common; nothing to compare")
    moved = replace(second.maps, posterior=_moved(second.maps, grid.crs))
    changes = source_changes(
        sides_of(first.maps.posterior, told=len(first.summary["sources"])),
        sides_of(moved.posterior, told=len(second.summary["sources"])),
        area_m2=grid.nx * grid.ny * grid.cell_m**2,
        power_before=_power(first.maps, grid),
        power_after=_power(second.maps, grid),
        reference_rate_g_s=max(_reference(first), _reference(second)),
    )
    return Comparison(
        before=first,
        after=second,
        changes=tuple(changes),
        maps=difference_map(first.maps, moved, grid),
        grid=grid,
        notes=tuple(_notes(first, second)),
    )


def write_comparison(
    before: Path, after: Path, out: Path, *, overwrite: bool = False
) -> dict[str, Any]:
    """Compare two output folders and write what changed into a third.

    Parameters
    ----------
    before, after, out : Path
    overwrite : bool
        Replace earlier results in `out`.

    Returns
    -------
    dict
        As in ``summary.json``.

    Raises
    ------
    ConfigError
        As `compare`, or the results cannot be written there.
    """
    check_output(out, overwrite=overwrite)
    if out.resolve() in {before.resolve(), after.resolve()}:
        raise ConfigError(f"{out}: is one of the folders to compare; name a new one")
    comparison = compare(before, after)
    rows = [row_of(change, comparison.grid.crs) for change in comparison.changes]
    with output_folder(out, overwrite=overwrite) as folder:
        write_cog(comparison.maps, folder / "difference.tif")
        _write_csv(rows, folder / "changes.csv")
        _write_json(rows, folder / "changes.json")
        write_difference_figure(
            comparison.maps,
            comparison.changes,
            folder / "changes.png",
            title=headline(comparison.changes),
            names=(_name(comparison.before), _name(comparison.after)),
            version=software_version(),
        )
        written = ["changes.csv", "changes.json", "changes.png", "difference.tif", SUMMARY]
        summary = _summary(comparison, rows, written)
        _write_json(summary, folder / SUMMARY)
    return summary


def _check_alike(first: Results, second: Results) -> None:
    gases = first.summary["gas"], second.summary["gas"]
    if gases[0] != gases[1]:
        raise ConfigError(
            f"{first.folder} is about {gases[0]}, {second.folder} about {gases[1]}; compare "
            "surveys of one gas (process with the same --gas)"
        )


def _notes(first: Results, second: Results) -> list[str]:
    notes = []
    starts = first.summary["flight"]["start"], second.summary["flight"]["start"]
    if starts[1] < starts[0]:
        notes.append(
            f"{second.folder.name} was flown before {first.folder.name}; before and after are as "
            "given"
        )
    channels = first.summary["channel"], second.summary["channel"]
    if channels[0] != channels[1]:
        notes.append(f"the surveys rest on different channels, {channels[0]} and {channels[1]}")
    units = first.maps.unit, second.maps.unit
    if units[0] != units[1]:
        notes.append(f"readings are in {units[0]} and {units[1]}: their difference is left out")
    if _reference(first) != _reference(second):
        notes.append(
            f"detection power is stated for {_reference(first):g} and {_reference(second):g} g/s; "
            "the larger is taken for both"
        )
    versions = first.summary["sniffdrone_version"], second.summary["sniffdrone_version"]
    if versions[0] != versions[1]:
        notes.append(
            f"processed by versions {versions[0]} and {versions[1]}; process both with one"
        )
    return notes


def _reference(results: Results) -> float:
    return float(results.summary["searched"]["reference_rate_g_s"])


def _moved(maps: Maps, crs: pyproj.CRS) -> xr.Dataset:
    """The draws of a survey in another CRS."""
    own = pyproj.CRS.from_wkt(maps.posterior.attrs["crs_wkt"])
    if own.equals(crs):
        return maps.posterior
    transformer = pyproj.Transformer.from_crs(own, crs, always_xy=True)
    east, north = maps.posterior["east"], maps.posterior["north"]
    known = np.isfinite(east.to_numpy())
    moved = {name: np.full(known.shape, np.nan) for name in ("east", "north")}
    moved["east"][known], moved["north"][known] = transformer.transform(
        east.to_numpy()[known], north.to_numpy()[known]
    )
    columns = {name: (east.dims, values) for name, values in moved.items()}
    return maps.posterior.assign(columns).assign_attrs(crs_wkt=crs.to_wkt())


def _power(maps: Maps, grid: Grid) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Detection power of a survey at places in the grid's CRS; NaN outside it."""
    values = on_grid(maps.power, maps.power_transform, maps.crs, grid)

    def at(east: FloatArray, north: FloatArray) -> FloatArray:
        column = np.floor((east - grid.west) / grid.cell_m).astype(np.int64)
        row = np.floor((grid.north - north) / grid.cell_m).astype(np.int64)
        within = (column >= 0) & (column < grid.nx) & (row >= 0) & (row < grid.ny)
        out = np.full(east.shape, np.nan)
        out[within] = values[row[within], column[within]]
        return out

    return at


def _summary(
    comparison: Comparison, rows: Sequence[dict[str, Any]], written: Sequence[str]
) -> dict[str, Any]:
    return {
        "sniffdrone_version": software_version(),
        "headline": headline(comparison.changes),
        "caution": CAUTION,
        "changes": list(rows),
        "before": _survey(comparison.before),
        "after": _survey(comparison.after),
        "crs": comparison.grid.crs.to_string(),
        "notes": list(comparison.notes),
        "files": sorted(written),
    }


def _survey(results: Results) -> dict[str, Any]:
    summary = results.summary
    digest = hashlib.sha256((results.folder / SUMMARY).read_bytes()).hexdigest()
    return {
        "folder": results.folder.name,
        "summary_sha256": digest,
        "flight": summary["flight"]["name"],
        "start": summary["flight"]["start"],
        "verdict": summary["verdict"],
        "gas": summary["gas"],
        "channel": summary["channel"],
    }


def _name(results: Results) -> str:
    day = str(results.summary["flight"]["start"])[:16].replace("T", " ")
    return f"{results.folder.name}, {day} UTC"


def _write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    columns = list(rows[0]) if rows else ["status"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_json(content: Any, path: Path) -> None:
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
