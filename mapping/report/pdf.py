"""``report.pdf``: the report as PDF/A, the same bytes for the same case."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING

import typst

from mapping.report.content import report_content, report_figures
from mapping.report.detail import DETAILS, MOST_PAGES
from mapping.report.fonts import font_folders
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from mapping.report.case import Case
    from mapping.report.detail import Detail

__all__ = ["report_pages", "report_pdf", "write_report"]

_PAGE = re.compile(rb"/Type\s*/Page(?!s)")
TEMPLATE = str(files("mapping.report") / "report.typ")


def write_report(case: Case, path: Path, *, figures: dict[str, str] | None = None) -> Path:
    """Write the report as PDF/A-2a that is also PDF/UA-1.

    Parameters
    ----------
    case : Case
    path : Path
    figures : dict, optional
        From `report_figures` of the same case, if they have been drawn.

    Returns
    -------
    Path
        As given.

    Raises
    ------
    ConfigError
        The base map cannot be used.
    """
    content = report_pdf(case, figures=figures)
    with whole_file(path) as partial:
        partial.write_bytes(content)
    return path


def report_pdf(case: Case, *, figures: dict[str, str] | None = None) -> bytes:
    """The report, as roomy as four pages allow; its date is the flight's end, not the clock's."""
    figures = report_figures(case) if figures is None else figures
    content = b""
    for detail in DETAILS:
        content = typst.compile(
            TEMPLATE,
            format="pdf",
            pdf_standards=["a-2a", "ua-1"],  # for the archive, and for who cannot see the page
            timestamp=case.end_ns // 1_000_000_000,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs=_inputs(case, detail, figures),
        )
        if len(_PAGE.findall(content)) <= MOST_PAGES:
            break
    return content


def report_pages(case: Case, *, pixels_per_inch: float = 144.0) -> list[bytes]:
    """The pages of the report as PNG, to look at."""
    figures = report_figures(case)
    pages: list[bytes] = []
    for detail in DETAILS:
        found: bytes | list[bytes] = typst.compile(
            TEMPLATE,
            format="png",
            ppi=pixels_per_inch,
            timestamp=case.end_ns // 1_000_000_000,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs=_inputs(case, detail, figures),
        )
        pages = [found] if isinstance(found, bytes) else found
        if len(pages) <= MOST_PAGES:
            break
    return pages


def _inputs(case: Case, detail: Detail, figures: dict[str, str]) -> dict[str, str]:
    """Texts reach the template as data, never as markup: nothing in a name can be executed."""
    return {
        "content": json.dumps(report_content(case, detail)),
        "figures": json.dumps(figures),
    }


def _fonts() -> list[str]:
    return [str(folder) for folder in font_folders()]
