"""What a drone and samplers that stand still find alike in a world: its wind, its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.gases import resolve
from sims.site import geographic
from sims.wind import WindHistory, wind_history

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from sims.instruments import AirHistory
    from sims.settings import Scenario

    FloatArray = NDArray[np.float64]

__all__ = ["one_second_peak", "ppb_per_kg_m3", "world_truth", "world_wind"]

_GAS_CONSTANT = 8.314462618
_PRESSURE_PA = 101_325.0
_PEAK_WINDOW_S = 1.0
# The release starts early enough for gas to have crossed the site this often.
_CROSSINGS = 3.0
_LEAD_S = (120.0, 900.0)
# Filaments take longer steps where the wind carries them less far in one.
_STEP_S, _SLOW_STEP_S, _SLOW_M_S = 0.2, 0.4, 2.5


def world_wind(
    scenario: Scenario, end_s: float, *, rate_hz: float, rng: np.random.Generator
) -> WindHistory:
    """Wind long enough before time 0 that the site is full of gas by then, until `end_s`.

    Its step is a multiple of 1 / `rate_hz`.
    """
    longest_s = _STEP_S if scenario.wind.speed_m_s > _SLOW_M_S else _SLOW_STEP_S
    step_s = max(int(longest_s * rate_hz + 1e-9), 1) / rate_hz
    lead_s = np.clip(_CROSSINGS * scenario.survey.size_m / scenario.wind.speed_m_s, *_LEAD_S)
    lead_s = float(np.ceil(lead_s / step_s)) * step_s
    return wind_history(scenario.wind, from_s=-lead_s, to_s=end_s + step_s, step_s=step_s, rng=rng)


def ppb_per_kg_m3(gas: str, air: AirHistory) -> FloatArray:
    """Mole fraction [1e-9] of a mass concentration of 1 kg m-3 (ideal gas), shape (n,)."""
    kelvin = air.temperature_c + 273.15
    return 1e9 * _GAS_CONSTANT * kelvin / (_PRESSURE_PA * resolve(gas).molar_mass_kg_mol)


def one_second_peak(gas_ppb: FloatArray, rate_hz: float) -> float:
    """Largest mean over one second [1e-9]; 0 of a shorter series."""
    window = max(round(_PEAK_WINDOW_S * rate_hz), 1)
    mean = np.convolve(gas_ppb, np.full(window, 1.0 / window), mode="valid")
    return float(mean.max()) if mean.size else 0.0


def world_truth(scenario: Scenario, peak_ppb: float, end_s: float) -> dict[str, Any]:
    """The answer: kind, sources and peak; a source that moves is where it was at half time."""
    sources = []
    for source in scenario.source:
        latitude, longitude = geographic(
            scenario.site,
            [source.east_m + 0.5 * end_s * source.eastward_m_s],
            [source.north_m + 0.5 * end_s * source.northward_m_s],
        )
        sources.append(
            {
                "latitude": round(float(latitude[0]), 8),
                "longitude": round(float(longitude[0]), 8),
                "height_m": source.height_m,
                "rate_g_s": source.rate_g_s,
            }
        )
    return {"kind": scenario.kind, "sources": sources, "peak_ppb": round(peak_ppb, 3)}
