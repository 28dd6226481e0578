"""The page of results: which parts were measured, with what, and when they are to be redone."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Chapters in the order of the page; any others come after them.
ORDER = (
    "targets",
    "floor",
    "calibration",
    "hard_cases",
    "several_flights",
    "estimators",
    "accuracy",
    "empty",
    "real",
    "peers",
    "speed",
    "bridge",
    "devices",
    "detector",
)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_PACKAGES = (
    "sniffdrone",
    "numpy",
    "scipy",
    "numba",
    "xarray",
    "rasterio",
    "scikit-learn",
    "pymavlink",
    "pyulog",
    "pykrige",
    "pyelq",
)
_CHAPTER = "<!-- {name}: {command} -->\n{text}\n<!-- end {name} -->"
_INTRODUCTION = """# Benchmarks

Written by `make bench`; do not edit. Simulated worlds come from `sims`, whose moving filaments are
on purpose not the model that the inference uses. Every flight is named by kind, turbulence and
seed, and `benchmarks.worlds.World(kind, turbulence, seed).flown()` flies it again. CPU seconds are
of all threads together; two flights run side by side."""


def write(chapters: Mapping[str, str], command: str) -> Path:
    """Write `chapters` into the page; those not measured this time stay as they were."""
    kept = _chapters(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for name, text in chapters.items():
        body = f"{text}\n\nMade by `{command}` with {_versions()}."
        kept[name] = _CHAPTER.format(name=name, command=command, text=body)
    names = sorted(kept, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    page = [_INTRODUCTION, *(kept[name] for name in names)]
    PAGE.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    return PAGE


def _chapters(page: str) -> dict[str, str]:
    pattern = r"<!-- (\w+): [^\n]*-->\n.*?\n<!-- end \1 -->"
    return {match[1]: match[0] for match in re.finditer(pattern, page, flags=re.DOTALL)}


def _versions() -> str:
    """Python, packages and the number of cores; no names of machines."""
    known = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            known.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            known.append(f"{package} not installed")
    return f"{', '.join(known)}, on {os.cpu_count()} cores"
