"""Which files a person wants of a survey, and how the report is to be written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapping.report.base_map import check_base_map
from mapping.report.words import words_of
from sensors import plugins
from sensors.config import load_mission
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sensors.config import Mission

__all__ = ["EXPORTERS", "GROUPS", "QUICKLOOK", "REPORT", "ProductChoices", "product_choices_of"]

EXPORTERS = "mapping.exporters"
REPORT, QUICKLOOK = "report", "quicklook"
# what one name leaves out, where it is more than the exporter of that name
GROUPS = {"geojson": ("geojson", "searched_area")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChoices:
    """Files that are left out, and settings of the report.

    Attributes
    ----------
    left_out : frozenset of str
        Names of products: ``"report"``, ``"quicklook"``, and exporters by their file's name.
    language : {"en", "nl"}
    base_map : Path or None
        Raster under the maps of the report.
    mission : Mission or None
        Says on whose authority was flown.
    """

    left_out: frozenset[str] = frozenset()
    language: str = "en"
    base_map: Path | None = None
    mission: Mission | None = None

    def wants(self, product: str) -> bool:
        """Whether a product is to be written."""
        return product not in self.left_out


def product_choices_of(
    *,
    left_out: Iterable[str] = (),
    language: str = "en",
    base_map: Path | None = None,
    mission: Path | None = None,
) -> ProductChoices:
    """Choice of products, checked before any work is done.

    Parameters
    ----------
    left_out : iterable of str
    language : str
    base_map : Path, optional
    mission : Path, optional
        Mission file.

    Returns
    -------
    ProductChoices

    Raises
    ------
    ConfigError
        There is no such product or language, the base map is none, or the mission file is wrong.

    Examples
    --------
    >>> product_choices_of(left_out=["report"]).wants("quicklook")
    True
    """
    known = sorted({REPORT, QUICKLOOK, *GROUPS, *plugins.available(EXPORTERS)})
    names = frozenset(left_out)
    for name in sorted(names.difference(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
        raise ConfigError(f'"{name}" is no product to leave out; {hint}')
    words_of(language)
    if base_map is not None:
        check_base_map(base_map)
    return ProductChoices(
        left_out=names.union(*(GROUPS.get(name, ()) for name in names)),
        language=language,
        base_map=base_map,
        mission=None if mission is None else load_mission(mission),
    )
