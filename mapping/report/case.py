"""Everything a report is written from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mapping.grid import to_geographic
from mapping.report.graticule import dutch_grid
from mapping.report.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from mapping.report.words import Words
    from mapping.survey import Survey
    from sensors.config import Mission

__all__ = ["Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A processed flight, and how to report on it.

    Attributes
    ----------
    survey : Survey
    flight : xarray.Dataset
        The Flight contract, corrected.
    posterior : xarray.Dataset or None
        The Posterior contract; None where the data say nothing.
    summary : mapping
        As ``summary.json`` holds it.
    mission : Mission or None
        None where no mission file was given.
    language : {"en", "nl"}
    base_map : Path or None
        Raster to draw the maps on.
    """

    survey: Survey
    flight: xr.Dataset
    posterior: xr.Dataset | None
    summary: Mapping[str, Any]
    mission: Mission | None = None
    language: str = "en"
    base_map: Path | None = None

    @cached_property
    def words(self) -> Words:
        """Texts of the report's language."""
        return words_of(self.language)

    @cached_property
    def gas(self) -> str:
        """The gas that readings are told as, in the report's language."""
        return self.words.named("gas", self.survey.gas)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Latitude and longitude of the middle of the domain [degrees]."""
        west, south, east, north = self.survey.domain.bounds
        latitude, longitude = to_geographic(
            self.survey.domain.crs, [(west + east) / 2], [(south + north) / 2]
        )
        return float(latitude[0]), float(longitude[0])

    @cached_property
    def in_netherlands(self) -> bool:
        """Whether the Dutch grid is in use there."""
        return dutch_grid().holds(*self.centre)

    @cached_property
    def start_ns(self) -> int:
        """Time of the first reading, UTC [ns]."""
        return int(self.flight["time"].values[0].astype("datetime64[ns]").astype(np.int64))

    @cached_property
    def end_ns(self) -> int:
        """Time of the last reading, UTC [ns]."""
        return int(self.flight["time"].values[-1].astype("datetime64[ns]").astype(np.int64))
