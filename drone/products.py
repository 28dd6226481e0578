"""The files of a survey: data for experts, layers for a GIS, a picture, a report."""
# ruff: noqa: PLC0415 - what draws is imported where it draws: see `drone.writing_process`

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detection.source.posterior import posterior_dataset
from drone.output import SUMMARY
from drone.product_choices import EXPORTERS, QUICKLOOK, REPORT, ProductChoices
from mapping.report.case import Case
from sensors import plugins
from sensors.flight import write_netcdf
from sensors.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from drone.analysis import Analysis
    from mapping.survey import Survey

__all__ = [
    "DATA",
    "REPORT_FILE",
    "Drawn",
    "case_of",
    "draw",
    "write_data",
    "write_report",
    "write_summary",
]

REPORT_FILE = "report.pdf"
DATA = ("flight.nc", "posterior.nc")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is written before a survey is checked.

    Attributes
    ----------
    names : tuple of str
        Files in the folder.
    figures : dict
        Of the report, by name; empty if it is not wanted.
    """

    names: tuple[str, ...]
    figures: dict[str, str]


def case_of(
    analysis: Analysis, chosen: ProductChoices, summary: Mapping[str, Any] | None = None
) -> Case:
    """What is drawn and written for a reader; without a summary, what can be before it is known."""
    return Case(
        survey=analysis.survey,
        flight=analysis.flight,
        posterior=analysis.posterior,
        summary=summary or {},
        mission=chosen.mission,
        language=chosen.language,
        base_map=chosen.base_map,
    )


def write_data(analysis: Analysis, folder: Path) -> None:
    """Write the data for experts, `DATA`, which say nothing of checks."""
    flight, posterior = (folder / name for name in DATA)
    write_netcdf(analysis.flight, flight)
    _write_posterior(analysis, posterior)


def draw(case: Case, folder: Path, chosen: ProductChoices) -> Drawn:
    """Write the layers and the quicklook, and draw the report's figures: no checks are in these.

    Parameters
    ----------
    case : Case
        Needs no summary.
    folder : Path
        Exists.
    chosen : ProductChoices

    Returns
    -------
    Drawn
    """
    from mapping.quicklook import write_quicklook
    from mapping.report.content import report_figures

    with ThreadPoolExecutor(max_workers=1) as meanwhile:
        layers = meanwhile.submit(_write_layers, case.survey, folder, chosen)
        pictures: list[str] = []
        if chosen.wants(QUICKLOOK):
            pictures.append(write_quicklook(case.survey, folder / "quicklook.png").name)
        figures = report_figures(case) if chosen.wants(REPORT) else {}
        return Drawn((*layers.result(), *pictures), figures)


def _write_layers(survey: Survey, folder: Path, chosen: ProductChoices) -> list[str]:
    names: list[str] = []
    for name in filter(chosen.wants, plugins.available(EXPORTERS)):
        exporter = plugins.load(EXPORTERS, name)
        names += [path.name for path in exporter.write(survey, folder)]
    return names


def write_report(case: Case, folder: Path, figures: dict[str, str]) -> None:
    """Write the report of a case, with its summary and the figures of `draw`."""
    from mapping.report import pdf

    pdf.write_report(case, folder / REPORT_FILE, figures=figures)


def write_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """Write ``summary.json``."""
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")


def _write_posterior(analysis: Analysis, path: Path) -> None:
    posterior = analysis.posterior
    if posterior is None:
        posterior = _no_draws(analysis)
    packing = {"zlib": True, "complevel": 1}
    with uninterrupted():
        posterior.to_netcdf(
            path, engine="netcdf4", encoding=dict.fromkeys(posterior.data_vars, packing)
        )


def _no_draws(analysis: Analysis) -> xr.Dataset:
    """A Posterior that says nothing: no draw at all, and the reason."""
    unknown = np.full((1, 1), np.nan)
    attrs = {
        "p_any_source": float("nan"),
        "crs_wkt": analysis.survey.domain.crs.to_wkt(),
        "comment": analysis.shortage,
    }
    columns = dict.fromkeys(("east", "north", "height", "rate"), unknown)
    return posterior_dataset(columns, attrs=attrs).isel(draw=slice(0, 0))
