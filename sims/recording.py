"""Simulated flights as files: the flight CSV, a gas log without positions, the truth."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from sims.simulate import SimulatedFlight

__all__ = ["flight_csv", "gas_log_csv", "write_flight_csv", "write_gas_log", "write_truth"]

_DECIMALS = {
    "latitude": 8,
    "longitude": 8,
    "altitude_agl_m": 2,
    "wind_speed_m_s": 2,
    "wind_from_deg": 1,
    "temperature_c": 2,
    "relative_humidity_pct": 2,
    "pid_ppb": 1,
}
_POSITION = ("latitude", "longitude", "altitude_agl_m")
_WIND = ("wind_speed_m_s", "wind_from_deg")


def flight_csv(flight: SimulatedFlight) -> str:
    """The flight as text by the flight CSV contract; blank cells are missing values."""
    return _table(flight, tuple(flight.columns))


def gas_log_csv(flight: SimulatedFlight) -> str:
    """What a gas logger without a receiver or anemometer would have written."""
    left_out = _POSITION + _WIND
    return _table(flight, tuple(name for name in flight.columns if name not in left_out))


def write_flight_csv(flight: SimulatedFlight, path: Path) -> None:
    """Write `flight_csv` to a file, with the same bytes on every system."""
    path.write_bytes(flight_csv(flight).encode("ascii"))


def write_gas_log(flight: SimulatedFlight, path: Path) -> None:
    """Write `gas_log_csv` to a file."""
    path.write_bytes(gas_log_csv(flight).encode("ascii"))


def write_truth(flight: SimulatedFlight, path: Path) -> None:
    """Write the flight's truth as JSON."""
    path.write_text(json.dumps(flight.truth, indent=2) + "\n", encoding="utf-8", newline="\n")


def _table(flight: SimulatedFlight, names: tuple[str, ...]) -> str:
    times = np.datetime_as_string(flight.time_ns.astype("datetime64[ns]"), unit="ms")
    cells = [[f"{time}Z" for time in times]]
    for name in names:
        form = f"%.{_DECIMALS.get(name, 4 if name.endswith('_ppm') else 1)}f"
        values = flight.columns[name].tolist()
        cells.append(["" if math.isnan(value) else form % value for value in values])
    rows = [",".join(row) for row in zip(*cells, strict=True)]
    return "\n".join([",".join(("time", *names)), *rows, ""])
