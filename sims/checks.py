"""Values that no world can have, found before anything is simulated."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sensors import gases
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sims.settings import Scenario

__all__ = ["check_scenario"]

_SOURCES = {"none": (0, 0), "single": (1, 1), "double": (2, 2), "calm": (1, 99)}
_ANY_TIME_S = (0.001, 1e6)
_ANY_NOISE = (0.0, 1e6)
# Least and greatest value by table and key; numbers that are not listed may have any value.
_LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "": {"gas_efficiency": (0.0, 1.0), "gas_clock_s": (-60.0, 60.0)},
    "site": {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0)},
    "source": {
        "east_m": (-5000.0, 5000.0),
        "north_m": (-5000.0, 5000.0),
        "height_m": (0.0, 200.0),
        "rate_g_s": (0.0, 1e5),
        "on_s": _ANY_TIME_S,
        "off_s": (0.0, 1e6),
        "eastward_m_s": (-50.0, 50.0),
        "northward_m_s": (-50.0, 50.0),
    },
    "wind": {
        "speed_m_s": (0.05, 40.0),
        "from_deg": (-360.0, 360.0),
        "roughness_m": (1e-5, 3.0),
        "direction_sd_deg": (0.0, 180.0),
        "direction_time_s": _ANY_TIME_S,
        "speed_sd": (0.0, 2.0),
        "speed_time_s": _ANY_TIME_S,
        "gradient_deg_100m": (0.0, 60.0),
        "gradient_time_s": _ANY_TIME_S,
    },
    "wake": {
        "east_m": (-5000.0, 5000.0),
        "north_m": (-5000.0, 5000.0),
        "radius_m": (1.0, 1000.0),
        "turn_deg": (-180.0, 180.0),
        "speed": (0.0, 3.0),
    },
    "turbulence": {
        "intensity": (0.01, 10.0),
        "time_scale": (0.05, 20.0),
        "share": (0.0, 0.99),
        "filaments_per_s": (0.1, 50.0),
        "filament_sigma_m": (0.05, 20.0),
        "filament_growth_m2_s": (0.0, 100.0),
    },
    "survey": {
        "size_m": (10.0, 3000.0),
        "spacing_m": (2.0, 1000.0),
        "height_m": (0.5, 300.0),
        "speed_m_s": (0.2, 30.0),
        "line_deg": (-360.0, 360.0),
        "rate_hz": (2.0, 50.0),
        "on_ground_s": (0.0, 3600.0),
        "east_m": (-5000.0, 5000.0),
        "north_m": (-5000.0, 5000.0),
        "lines": (1, 1000),
        "passes": (1, 50),
    },
    "air": {
        "temperature_c": (-60.0, 60.0),
        "relative_humidity_pct": (0.0, 100.0),
        "front_width_s": _ANY_TIME_S,
    },
    "pid": {
        "response_factor": (0.01, 100.0),
        "rise_s": _ANY_TIME_S,
        "decay_s": _ANY_TIME_S,
        "noise_ppb": _ANY_NOISE,
        "drift_ppb_sqrt_s": _ANY_NOISE,
        "warm_up_s": _ANY_TIME_S,
        "quench_per_pct": (0.0, 0.019),
        "resolution_ppb": (1e-6, 1e6),
        "ceiling_ppb": (0.0, 1e9),
    },
    "mox": {
        "rise_s": _ANY_TIME_S,
        "decay_s": _ANY_TIME_S,
        "clean_air_ohm": (1.0, 1e9),
        "threshold_ppb": (1e-3, 1e9),
        "exponent": (0.0, 3.0),
        "noise": (0.0, 1.0),
        "drift_sqrt_s": (0.0, 1.0),
    },
    "anemometer": {"rate_hz": (0.01, 100.0), "noise_m_s": (0.0, 10.0), "gain": (0.0, 10.0)},
    "receiver": {"wander_m": _ANY_NOISE, "wander_s": _ANY_TIME_S, "noise_m": _ANY_NOISE},
}
_LONGEST_FLIGHT_S = 4 * 3600.0


def check_scenario(scenario: Scenario, where: str) -> None:
    """Refuse a scenario that cannot be simulated or contradicts itself.

    Parameters
    ----------
    scenario : Scenario
    where : str
        File, for messages.

    Raises
    ------
    ConfigError
        Names table, key, value and what it may be.
    """
    for table, key, value in _numbers(scenario):
        low, high = _LIMITS.get(table, {}).get(key, (-1e9, 1e9))
        if not low <= value <= high:
            place = f"{where} [{table}]" if table else where
            raise ConfigError(f"{place}: {key} is {value:g}; it must lie in {low:g}..{high:g}")
    _check_kind(scenario, where)
    _check_start(scenario.site.start, where)
    try:
        gases.resolve(scenario.gas)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    survey = scenario.survey
    lines = survey.lines or survey.size_m / survey.spacing_m
    across_m = lines * survey.spacing_m
    flight_s = survey.passes * (survey.size_m * (lines + 1.0) + across_m) / survey.speed_m_s
    if flight_s > _LONGEST_FLIGHT_S:
        raise ConfigError(
            f"{where} [survey]: would take {flight_s / 3600:.0f} h, more than 4; "
            "widen spacing_m, make size_m smaller, or fly fewer lines or passes"
        )


def _numbers(scenario: Scenario) -> Iterator[tuple[str, str, float]]:
    """Every number with its table and key."""
    tables: list[tuple[str, object]] = [("", scenario)]
    for entry in fields(scenario):
        value = getattr(scenario, entry.name)
        rows = value if isinstance(value, tuple) else (value,)
        tables.extend((entry.name, row) for row in rows if is_dataclass(row))
    for table, row in tables:
        if is_dataclass(row):
            for entry in fields(row):
                value = getattr(row, entry.name)
                if isinstance(value, float | int):
                    yield table, entry.name, float(value)


def _check_kind(scenario: Scenario, where: str) -> None:
    if scenario.kind not in _SOURCES:
        raise ConfigError(f'{where}: kind "{scenario.kind}" is not one of {", ".join(_SOURCES)}')
    low, high = _SOURCES[scenario.kind]
    count = len(scenario.source)
    if not low <= count <= high:
        raise ConfigError(
            f'{where}: kind is "{scenario.kind}" but there are {count} [[source]] tables; '
            "make them agree"
        )
    if scenario.turbulence.kind not in {"ou", "fourier"}:
        raise ConfigError(
            f'{where} [turbulence]: kind "{scenario.turbulence.kind}" is not "ou" or "fourier"'
        )


def _check_start(start: str, where: str) -> None:
    try:
        datetime.fromisoformat(start)
    except ValueError as error:
        raise ConfigError(
            f'{where} [site]: start "{start}" is not a time like 2026-05-12T09:00:00Z'
        ) from error
