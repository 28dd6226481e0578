"""The files of a survey: data for experts, layers for a GIS, a picture, a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detection.source.posterior import posterior_dataset
from drone.findings import summary_of
from drone.output import SUMMARY
from drone.product_choices import EXPORTERS, QUICKLOOK, REPORT, ProductChoices
from mapping.quicklook import write_quicklook
from mapping.report.case import Case
from mapping.report.content import report_figures
from mapping.report.pdf import write_report
from sensors import plugins
from sensors.flight import write_netcdf
from sensors.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr

    from drone.analysis import Analysis

__all__ = ["Pictures", "draw_pictures", "write_layers", "write_products"]

REPORT_FILE = "report.pdf"


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is drawn before a survey is checked.

    Attributes
    ----------
    names : tuple of str
        Files in the folder.
    figures : dict
        Of the report, by name; empty if it is not wanted.
    """

    names: tuple[str, ...]
    figures: dict[str, str]


def write_layers(
    analysis: Analysis, folder: Path, *, chosen: ProductChoices | None = None
) -> tuple[str, ...]:
    """Write the data for experts and the layers, which say nothing of checks.

    Parameters
    ----------
    analysis : Analysis
        Checked or not.
    folder : Path
        Exists.
    chosen : ProductChoices, optional

    Returns
    -------
    tuple of str
        Files of exporters in the folder.
    """
    write_netcdf(analysis.flight, folder / "flight.nc")
    _write_posterior(analysis, folder / "posterior.nc")
    chosen = chosen or ProductChoices()
    written: list[str] = []
    for name in filter(chosen.wants, plugins.available(EXPORTERS)):
        exporter = plugins.load(EXPORTERS, name)
        written += [path.name for path in exporter.write(analysis.survey, folder)]
    return tuple(written)


def draw_pictures(
    analysis: Analysis, folder: Path, *, chosen: ProductChoices | None = None
) -> Pictures:
    """Draw the quicklook and the report's figures, which say nothing of checks.

    Parameters
    ----------
    analysis : Analysis
        Checked or not.
    folder : Path
        Exists.
    chosen : ProductChoices, optional

    Returns
    -------
    Pictures
    """
    chosen = chosen or ProductChoices()
    written: tuple[str, ...] = ()
    if chosen.wants(QUICKLOOK):
        written = (write_quicklook(analysis.survey, folder / "quicklook.png").name,)
    wants_report = chosen.wants(REPORT)
    figures = report_figures(_case(analysis, {}, chosen)) if wants_report else {}
    return Pictures(written, figures)


def write_products(
    analysis: Analysis,
    folder: Path,
    layers: Sequence[str],
    pictures: Pictures,
    *,
    beside: Sequence[str] = (),
    chosen: ProductChoices | None = None,
) -> dict[str, Any]:
    """Write the files of an analysis that are not there yet; the summary comes last.

    Parameters
    ----------
    analysis : Analysis
        Checked.
    folder : Path
    layers : sequence of str
        From `write_layers`.
    pictures : Pictures
        From `draw_pictures`.
    beside : sequence of str
        Names of files of ours that are in the folder already.
    chosen : ProductChoices, optional
        All products, the report in English, unless told.

    Returns
    -------
    dict
        The content of ``summary.json``.
    """
    chosen = chosen or ProductChoices()
    written = ["flight.nc", "posterior.nc", *beside, SUMMARY, *layers, *pictures.names]
    if chosen.wants(REPORT):
        written.append(REPORT_FILE)
    summary = summary_of(analysis, written)
    if chosen.wants(REPORT):
        case = _case(analysis, summary, chosen)
        write_report(case, folder / REPORT_FILE, figures=pictures.figures)
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return summary


def _case(analysis: Analysis, summary: dict[str, Any], chosen: ProductChoices) -> Case:
    return Case(
        survey=analysis.survey,
        flight=analysis.flight,
        posterior=analysis.posterior,
        summary=summary,
        mission=chosen.mission,
        language=chosen.language,
        base_map=chosen.base_map,
    )


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
