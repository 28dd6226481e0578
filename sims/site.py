"""Where and when on earth a simulated world is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sims.settings import Site

    FloatArray = NDArray[np.float64]

__all__ = ["geographic", "utc_ns"]


def geographic(site: Site, east: ArrayLike, north: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude of places given in metres from the site's origin.

    Parameters
    ----------
    site : Site
    east, north : array_like, shape (n,)
        [m]; distance and bearing from the origin are exact on the WGS 84 ellipsoid.

    Returns
    -------
    latitude, longitude : ndarray, shape (n,)
        [deg].

    Examples
    --------
    A degree of latitude on the equator is 110.574 km:

    >>> from sims.settings import Site
    >>> latitude, longitude = geographic(Site(latitude=0.0, longitude=6.0), [0.0], [110_574.0])
    >>> latitude.round(4), longitude.round(4)
    (array([1.]), array([6.]))
    """
    x, y = np.atleast_1d(np.asarray(east, np.float64)), np.atleast_1d(np.asarray(north, np.float64))
    longitude, latitude, _ = Geod(ellps="WGS84").fwd(
        np.full(x.shape, site.longitude),
        np.full(x.shape, site.latitude),
        np.rad2deg(np.arctan2(x, y)),
        np.hypot(x, y),
    )
    return np.asarray(latitude), np.asarray(longitude)


def utc_ns(site: Site, time_s: FloatArray) -> NDArray[np.int64]:
    """Nanoseconds since 1970, UTC, of times since the site's start, to the millisecond.

    Examples
    --------
    >>> import numpy as np
    >>> from sims.settings import Site
    >>> utc_ns(Site(start="1970-01-01T00:01:00Z"), np.array([0.0, 0.1]))
    array([60000000000, 60100000000])
    """
    start = datetime.fromisoformat(site.start)
    if start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    milliseconds = round(start.timestamp() * 1e3) + np.round(1e3 * time_s).astype(np.int64)
    return np.asarray(milliseconds * 1_000_000)
