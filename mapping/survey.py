"""What a survey has to show: verdict, sources, maps and the track, as every exporter takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from mapping.area import Domain
    from mapping.explanations import Explanation
    from mapping.hotspots import Hotspot
    from mapping.known import Known

    FloatArray = NDArray[np.float64]

__all__ = ["INDICATED", "INSUFFICIENT", "NOTHING", "Survey", "Track", "verdict_of"]

INDICATED = "source indicated"
NOTHING = "nothing indicated"
INSUFFICIENT = "insufficient data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Where readings were taken, and the wind there.

    Attributes
    ----------
    time : ndarray of datetime64[ns], shape (n,)
        UTC, never backwards.
    east, north : ndarray, shape (n,)
        Projected [m], in order of time.
    height_m, altitude_m : ndarray, shape (n,)
        Above ground, and above mean sea level [m]; NaN where unknown.
    reading : ndarray, shape (n,)
        Corrected, in `unit`; NaN where there is none.
    eastward_wind, northward_wind : ndarray, shape (n,)
        Air moves towards, true east and north [m s-1]; NaN where unknown.
    raw : ndarray, shape (n,)
        As the device said it, in `raw_unit`; NaN where there is none.
    quality : ndarray of uint16, shape (n,)
        `sensors.records.Quality` of the reading, its position, its time and its wind.
    unit, raw_unit : str
        As people write them, for example "ppb".
    """

    time: NDArray[np.datetime64]
    east: FloatArray
    north: FloatArray
    height_m: FloatArray
    altitude_m: FloatArray
    reading: FloatArray
    raw: FloatArray
    quality: NDArray[np.uint16]
    eastward_wind: FloatArray
    northward_wind: FloatArray
    unit: str
    raw_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything the files for people are made from.

    Attributes
    ----------
    name : str
        Of the flight; any text.
    verdict : str
        `INDICATED`, `NOTHING` or `INSUFFICIENT`.
    p_any_source : float
        NaN if the data say nothing.
    indicate_above : float
        Probability from which a source is told.
    hotspots : tuple of Hotspot
        All of them, the most probable first.
    domain : Domain
    track : Track
    maps : xarray.Dataset
        The HotspotMap contract.
    source_map : xarray.Dataset
        `source_probability` on cells as fine as its regions need.
    channel, gas : str
        What was read, and the gas it is told as.
    reference_rate_g_s : float
        Rate that detection power is stated for.
    version : str
        Of this program.
    known : tuple of Known
        Known emitters in and near the domain.
    explanations : tuple of Explanation
        Known emitters that may be what hotspots are, the most plausible of each first.
    """

    name: str
    verdict: str
    p_any_source: float
    indicate_above: float
    hotspots: tuple[Hotspot, ...]
    domain: Domain
    track: Track
    maps: xr.Dataset
    source_map: xr.Dataset
    channel: str
    gas: str
    reference_rate_g_s: float
    version: str
    known: tuple[Known, ...] = ()
    explanations: tuple[Explanation, ...] = ()

    @property
    def told(self) -> tuple[Hotspot, ...]:
        """Hotspots above the threshold; the first one always if a source is indicated."""
        if self.verdict != INDICATED:
            return ()
        above = tuple(spot for spot in self.hotspots if spot.probability >= self.indicate_above)
        return above or self.hotspots[:1]

    def explanations_of(self, spot: Hotspot) -> tuple[Explanation, ...]:
        """Known emitters that may be what a hotspot is, the most plausible first."""
        return tuple(one for one in self.explanations if one.hotspot == spot.rank)


def verdict_of(p_any_source: float, *, indicate_above: float) -> str:
    """What a probability of any source amounts to.

    Examples
    --------
    >>> verdict_of(0.97, indicate_above=0.95), verdict_of(0.4, indicate_above=0.95)
    ('source indicated', 'nothing indicated')
    """
    return INDICATED if p_any_source >= indicate_above else NOTHING
