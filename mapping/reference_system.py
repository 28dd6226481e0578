"""Reference systems a person may ask for: which will do, and how exactly they are reached."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass

import pyproj
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from sensors.errors import ConfigError

__all__ = ["Conversion", "check_there", "conversion_of", "read_crs"]

WGS_84, ETRS89 = 4326, 4258
MOST_DISTORTION = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The way from WGS 84 to a reference system that this machine has.

    Attributes
    ----------
    transformer : pyproj.Transformer
        From longitude and latitude.
    accuracy_m : float or None
        As its register states it; None if it states none.
    missing_grid : str or None
        File of a better one that is not installed.
    """

    transformer: pyproj.Transformer
    accuracy_m: float | None
    missing_grid: str | None

    def notes(self, crs: pyproj.CRS) -> list[str]:
        """One line if places are less exact than the reference system itself."""
        if not self.accuracy_m and self.missing_grid is None:
            return []
        near = f"to {self.accuracy_m:g} m" if self.accuracy_m else "to no stated accuracy"
        line = f"places are in {_name(crs)} {near}"
        if self.missing_grid is not None:
            line += f"; its transformation grid {self.missing_grid} is not installed (projsync)"
        return [line]


def read_crs(text: str) -> pyproj.CRS:
    """Reference system by what a person wrote.

    Parameters
    ----------
    text : str
        For example ``"EPSG:28992"``; anything that PROJ understands.

    Returns
    -------
    pyproj.CRS
        Projected, in metres to the east and north.

    Raises
    ------
    ConfigError
        There is none of that name, or maps cannot be drawn in it.

    Examples
    --------
    >>> read_crs("EPSG:28992").name
    'Amersfoort / RD New'
    """
    try:
        crs = pyproj.CRS.from_user_input(text)
    except CRSError as fault:
        raise ConfigError(
            f"--crs {text}: no such reference system; give one as EPSG:28992"
        ) from fault
    crs = crs.sub_crs_list[0] if crs.is_compound else crs
    if not crs.is_projected:
        raise ConfigError(f"--crs {text}: {crs.name} has degrees; give a projected one, in metres")
    flat = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    units = {axis.unit_name for axis in flat.axis_info}
    if units != {"metre"}:
        raise ConfigError(f"--crs {text}: {crs.name} is in {units.pop()}; give one in metres")
    ways = {axis.direction for axis in flat.axis_info}
    if ways != {"east", "north"}:
        raise ConfigError(f"--crs {text}: the axes of {crs.name} do not go east and north")
    return crs


def check_there(crs: pyproj.CRS, latitude: float, longitude: float) -> None:
    """Raise unless a reference system is made for a place, and true to scale there.

    Parameters
    ----------
    crs : pyproj.CRS
        From `read_crs`.
    latitude, longitude : float
        WGS 84 [degrees].

    Raises
    ------
    ConfigError
        It is for elsewhere, or its metres are over 1 % longer or shorter than metres.
    """
    area = crs.area_of_use
    if area is not None:
        west, south, east, north = area.bounds
        around = (longitude - west) % 360.0 <= (east - west) % 360.0 or east - west >= 360.0
        if not (around and south <= latitude <= north):
            raise ConfigError(
                f"--crs {_name(crs)} is for {area.name.rstrip('.')}; the flight was at "
                f"{latitude:.3f}, {longitude:.3f}. Leave --crs out for the UTM zone there"
            )
    factors = pyproj.Proj(crs.to_epsg() or crs).get_factors(longitude, latitude)
    scales = [float(factors.meridional_scale), float(factors.parallel_scale)]
    worst = max(scales, key=lambda scale: abs(scale - 1.0))
    if abs(worst - 1.0) > MOST_DISTORTION:
        raise ConfigError(
            f"--crs {_name(crs)}: a metre on the ground is {worst:.2f} m in it at {latitude:.1f} "
            "degrees, so its distances are wrong; give a national grid or a UTM zone"
        )


@functools.lru_cache(maxsize=8)
def conversion_of(wkt: str) -> Conversion:
    """The best way from WGS 84 to a reference system that needs no download.

    Parameters
    ----------
    wkt : str
        Of a reference system.

    Returns
    -------
    Conversion

    Notes
    -----
    National grids of Europe have their best conversions from ETRS89, which differs from WGS 84 by
    less than a metre and than the position of a drone. One by a grid of shifts is taken where its
    file is installed.
    """
    crs = pyproj.CRS.from_wkt(wkt)
    plain = pyproj.Transformer.from_crs(WGS_84, crs, always_xy=True)
    geodetic = crs.geodetic_crs
    if geodetic is not None and geodetic.to_epsg() == WGS_84:
        return Conversion(transformer=plain, accuracy_m=0.0, missing_grid=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # missing grids are told by the caller
        groups = [TransformerGroup(source, crs, always_xy=True) for source in (WGS_84, ETRS89)]
    of_grids = [
        operation for group in groups for operation in group.unavailable_operations
        if operation.grids
    ]  # fmt: skip
    best, *_ = groups[0].transformers or [plain]
    by_grid = groups[1].transformers[:1]
    if not of_grids and by_grid and "grid" in by_grid[0].definition:
        best = by_grid[0]
    missing = [grid.short_name for one in of_grids for grid in one.grids if not grid.available]
    return Conversion(
        transformer=best,
        accuracy_m=best.accuracy if best.accuracy >= 0 else None,
        missing_grid=missing[0] if missing else None,
    )


def _name(crs: pyproj.CRS) -> str:
    code = crs.to_epsg()
    return crs.name if code is None else f"EPSG:{code} ({crs.name})"
