"""A small survey flight as a table, made by a plain Gaussian plume: quick, and easy to spoil."""

from __future__ import annotations

import numpy as np

COLUMNS = (
    "time",
    "latitude",
    "longitude",
    "altitude_agl_m",
    "wind_speed_m_s",
    "wind_from_deg",
    "pid_ppb",
)
METRES_PER_DEGREE = 111_195.0
SOURCE = (-20.0, -10.0)  # metres east and north of the middle
START = np.datetime64("2026-05-12T09:00:00.000", "ms")


def survey_rows(
    *,
    latitude: float = 52.1,
    longitude: float = 5.1,
    source: tuple[float, float] | None = SOURCE,
    rate_g_s: float = 2.0,
    lines: int = 7,
    seed: int = 3,
) -> list[dict[str, str]]:
    """Rows of a flight of parallel lines in a west wind, one reading a second."""
    rng = np.random.default_rng(seed)
    east, north = _track(lines)
    reading = 40.0 + 2.0 * rng.standard_normal(east.size)
    if source is not None:
        reading += plume_ppb(east - source[0], north - source[1], rate_g_s)
    wind_from = 270.0 + 4.0 * rng.standard_normal(east.size)
    metres_per_degree_east = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    longitudes = (longitude + east / metres_per_degree_east + 180.0) % 360.0 - 180.0
    return [
        {
            "time": f"{START + np.timedelta64(1000 * k, 'ms')}Z",
            "latitude": f"{latitude + north[k] / METRES_PER_DEGREE:.8f}",
            "longitude": f"{longitudes[k]:.8f}",
            "altitude_agl_m": "6.0",
            "wind_speed_m_s": "3.0",
            "wind_from_deg": f"{wind_from[k]:.1f}",
            "pid_ppb": f"{reading[k]:.1f}",
        }
        for k in range(east.size)
    ]


def as_csv(rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> str:
    """Text of a table; a column that a row lacks is blank."""
    cells = [",".join(row.get(column, "") for column in columns) for row in rows]
    return "\n".join([",".join(columns), *cells, ""])


def plume_ppb(
    downwind: np.ndarray, across: np.ndarray, rate_g_s: float, *, height_m: float = 6.0
) -> np.ndarray:
    """Gaussian plume of a source at the ground in a wind of 3 m/s, in ppb of isobutylene."""
    x = np.maximum(downwind, 1.0)
    sigma_y, sigma_z = 1.0 + 0.14 * x, 1.0 + 0.1 * x
    density = np.exp(-0.5 * (across / sigma_y) ** 2 - 0.5 * (height_m / sigma_z) ** 2)
    kg_m3 = 1e-3 * rate_g_s * density / (np.pi * 3.0 * sigma_y * sigma_z)
    return np.where(downwind > 0, kg_m3 * 4.7e8, 0.0)


def _track(lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Lines along north, 5 m apart in samples and 15 m from each other, westernmost first."""
    along = np.arange(-60.0, 60.1, 5.0)
    place = 15.0 * (np.arange(lines) - (lines - 1) / 2)
    north = np.concatenate([along if k % 2 else along[::-1] for k in range(lines)])
    return np.repeat(place, along.size), north
