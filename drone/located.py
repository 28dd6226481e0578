"""What is told of a source while the flight goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from mapping.grid import to_geographic

if TYPE_CHECKING:
    import xarray as xr

    from detection.source.live import LivePosterior
    from mapping.area import Domain

__all__ = ["Located", "located"]

DRAWS = 2000
_GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What is known at a moment of a flight; NaN where it is not.

    Attributes
    ----------
    time_ns : int
        Of the newest record, UTC.
    waiting_for : str
        Why nothing can be said yet; empty if something can.
    p_any_source, p_several : float
        Probability of one source or more, and of two or more.
    latitude, longitude : float
        Likeliest place of a source [degrees].
    radius_50_m, radius_90_m : float
        Of the circles about it that hold half and nine tenths of the probability [m].
    distance_m, bearing_deg : float
        From the drone to it, clockwise from true north.
    rate_g_s, rate_g_s_p05, rate_g_s_p95 : float
        Emission rate, its median and its 5th and 95th percentile [g s-1].
    channel : str
        What it was judged by.
    searched_ns : int
        Newest reading of the last full search; later ones are counted, see docs/live.md.
    """

    time_ns: int
    waiting_for: str = ""
    p_any_source: float = math.nan
    p_several: float = math.nan
    latitude: float = math.nan
    longitude: float = math.nan
    radius_50_m: float = math.nan
    radius_90_m: float = math.nan
    distance_m: float = math.nan
    bearing_deg: float = math.nan
    rate_g_s: float = math.nan
    rate_g_s_p05: float = math.nan
    rate_g_s_p95: float = math.nan
    channel: str = ""
    searched_ns: int = 0


def located(
    live: LivePosterior,
    domain: Domain,
    flight: xr.Dataset,
    *,
    searched_ns: int,
    channel: str,
    rate_factor: float = 1.0,
) -> Located:
    """What a live posterior says of the source.

    Parameters
    ----------
    live : LivePosterior
    domain : Domain
        That was searched.
    flight : xarray.Dataset
        Until now.
    searched_ns : int
        Newest reading of the last full search.
    channel : str
    rate_factor : float
        Rates are multiplied by it, see `drone.analysis.Seen`.
    """
    shares = live.number_shares()
    table = live.places()
    east, north = table.place()
    latitude, longitude = (float(one[0]) for one in to_geographic(domain.crs, [east], [north]))
    bearing_deg, distance_m = _from_drone(flight, latitude, longitude)
    rates = 1e3 * rate_factor * live.rates(size=DRAWS, rng=np.random.default_rng(0))
    low, middle, high = (float(one) for one in np.quantile(rates, [0.05, 0.5, 0.95]))
    return Located(
        time_ns=int(flight["time"].values.astype("datetime64[ns]").astype(np.int64).max()),
        p_any_source=float(1.0 - shares[0]),
        p_several=float(shares[2:].sum()),
        latitude=latitude,
        longitude=longitude,
        radius_50_m=table.radius_m(east, north, 0.5),
        radius_90_m=table.radius_m(east, north, 0.9),
        distance_m=distance_m,
        bearing_deg=bearing_deg,
        rate_g_s=middle,
        rate_g_s_p05=low,
        rate_g_s_p95=high,
        channel=channel,
        searched_ns=searched_ns,
    )


def _from_drone(flight: xr.Dataset, latitude: float, longitude: float) -> tuple[float, float]:
    """Bearing [deg] and distance [m] from where the drone is."""
    here = [flight[name].values.astype(float) for name in ("latitude", "longitude")]
    known = np.flatnonzero(np.isfinite(here[0]) & np.isfinite(here[1]))
    if not known.size:
        return math.nan, math.nan
    last = known[-1]
    bearing, _, distance = _GEOD.inv(here[1][last], here[0][last], longitude, latitude)
    return float(bearing) % 360.0, float(distance)
