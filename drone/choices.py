"""What a person chose for one run: the mission file's word, overruled by the command line's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapping.reference_system import read_crs
from sensors import plugins
from sensors.config import load_mission
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "DEFAULT_ESTIMATOR",
    "DEFAULT_MAP_METHOD",
    "ESTIMATORS",
    "MAP_METHODS",
    "Choices",
    "choices_of",
]

ESTIMATORS = "detection.source.estimators"
DEFAULT_ESTIMATOR = "grid"
MAP_METHODS = "mapping.interpolators"
DEFAULT_MAP_METHOD = "kernel"
_FASTEST_WIND_M_S = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Settings of a run.

    Attributes
    ----------
    gas : str or None
        Gas looked for; None when nobody said.
    offset_s : float or None
        Added to the times of gas logs [s].
    wind : (speed, from_deg) or None
        Wind to use where no log holds any [m s-1], clockwise from true north [degree].
    wind_height_m : float
        Height above ground the wind was measured at [m]; NaN at the sampler.
    averaging_time_s : float
        Each value is a mean over this time [s]; 0 is instantaneous.
    background_removed : bool
        The values are free of drift and background already.
    area : Path or None
        GeoJSON polygon in which sources are sought.
    reference_rate_g_s : float
        Rate of the source for which detection power is stated [g s-1].
    indicate_above : float
        Probability of any source at which the verdict is "source indicated".
    seed : int
        Of the random numbers.
    known : tuple of Path
        GeoJSON or GeoPackage files of known emitters.
    estimator : str
        How sources are inferred: a file in `detection.source.estimators`.
    crs : str or None
        Reference system of the maps; None for the UTM zone of the flight.
    map_method : str
        How concentration is mapped: a file in `mapping.interpolators`.
    notes : tuple of str
        What the mission file warns of.
    """

    gas: str | None = None
    offset_s: float | None = None
    wind: tuple[float, float] | None = None
    wind_height_m: float = math.nan
    averaging_time_s: float = 0.0
    background_removed: bool = False
    area: Path | None = None
    reference_rate_g_s: float = 1.0
    indicate_above: float = 0.95
    seed: int = 0
    known: tuple[Path, ...] = ()
    estimator: str = DEFAULT_ESTIMATOR
    crs: str | None = None
    map_method: str = DEFAULT_MAP_METHOD
    notes: tuple[str, ...] = ()


def choices_of(
    *,
    mission: Path | None,
    gas: str | None,
    offset_s: float | None,
    wind_speed: float | None,
    wind_from: float | None,
    wind_height_m: float | None,
    averaging_time_s: float | None,
    background_removed: bool,
    area: Path | None,
    seed: int,
    known: Sequence[Path] = (),
    estimator: str = DEFAULT_ESTIMATOR,
    crs: str | None = None,
    map_method: str = DEFAULT_MAP_METHOD,
) -> Choices:
    """Settings of a run, each checked.

    Raises
    ------
    ConfigError
        The mission file is wrong, half of a pair is missing, or a value is impossible.
    """
    if (wind_speed is None) != (wind_from is None):
        raise ConfigError("--wind-speed and --wind-from go together; give both or neither")
    if estimator not in (there := plugins.available(ESTIMATORS)):
        raise ConfigError(f"--estimator {estimator}: there is none; choose {' or '.join(there)}")
    if map_method not in (there := plugins.available(MAP_METHODS)):
        raise ConfigError(f"map method {map_method}: there is none; choose {' or '.join(there)}")
    if crs is not None:
        read_crs(crs)
    _check("--offset-s", offset_s, -math.inf, math.inf)
    _check("--wind-speed", wind_speed, 0.0, _FASTEST_WIND_M_S)
    _check("--wind-from", wind_from, -360.0, 360.0)
    _check("--wind-height-m", wind_height_m, 0.1, 500.0)
    _check("--averaging-time", averaging_time_s, 0.0, 86_400.0)
    loaded = None if mission is None else load_mission(mission)
    return Choices(
        gas=gas or (loaded.mission.gas if loaded else None),
        offset_s=offset_s,
        wind=None if wind_speed is None or wind_from is None else (wind_speed, wind_from),
        wind_height_m=math.nan if wind_height_m is None else wind_height_m,
        averaging_time_s=averaging_time_s or 0.0,
        background_removed=background_removed,
        area=area,
        seed=seed,
        known=tuple(known),
        estimator=estimator,
        crs=crs,
        map_method=map_method,
        reference_rate_g_s=loaded.detection.reference_rate_g_s if loaded else 1.0,
        indicate_above=loaded.detection.indicate_above if loaded else 0.95,
        notes=tuple(f"{mission}: {line}" for line in loaded.warnings) if loaded else (),
    )


def _check(option: str, value: float | None, low: float, high: float) -> None:
    if value is None:
        return
    if not (low <= value <= high and math.isfinite(value)):
        span = "a number" if math.isinf(high) else f"a number from {low:g} to {high:g}"
        raise ConfigError(f"{option} {value:g}: must be {span}; correct it")
