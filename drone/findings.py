"""What a survey found, in numbers: the content of summary.json."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit

from detection.source.posterior import number_probabilities
from drone.known_findings import explanations_of, known_emitters
from mapping.grid import to_geographic
from sensors.flight import gas_channels
from sensors.gases import unseen_by
from sensors.units import from_speed_direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from drone.analysis import Analysis
    from drone.checks import Checks
    from mapping.hotspots import Hotspot
    from mapping.survey import Survey

__all__ = ["could_not_smell", "fit_notes", "summary_of"]

LONGEST_GAP_S = 2.0
WOULD_SHOW = 0.9  # detection power from which ground counts as searched
POORLY_EXPLAINED = 0.7  # share of what stands out, below which a model of sources is distrusted
NOT_SEARCHED = 0.1  # detection power below which it does not


def summary_of(analysis: Analysis, files: Sequence[str]) -> dict[str, Any]:
    """All findings of an analysis, ready to be written as JSON: None, never NaN.

    Parameters
    ----------
    analysis : Analysis
    files : sequence of str
        Names of the files that are written.

    Returns
    -------
    dict
        Nothing in it depends on the clock or on where files are.
    """
    survey, flight = analysis.survey, analysis.flight
    return {
        "sniffdrone_version": survey.version,
        "verdict": survey.verdict,
        "reason": analysis.shortage,
        "p_any_source": _rounded(survey.p_any_source, 4),
        "number_of_sources": _number_of_sources(analysis),
        "channel": survey.channel,
        "gas": survey.gas,
        "sources": [_source(spot, survey) for spot in survey.told],
        "known_emitters": known_emitters(survey),
        "flight": _flight(flight),
        "searched": _searched(analysis),
        "diagnostics": None if analysis.checks is None else analysis.checks.diagnosis.values,
        "could_not_have_smelt": could_not_smell(flight),
        "notes": list(analysis.notes),
        "crs": survey.domain.crs.to_string(),
        "inputs": [
            {
                "file": one.file,
                "format": one.format,
                "size_bytes": one.size_bytes,
                "sha256": one.sha256,
            }
            for one in analysis.inputs.files
        ],
        "settings": _settings(analysis),
        "files": sorted(files),
    }


def could_not_smell(flight: xr.Dataset) -> list[str]:
    """Gases of the table that no channel of a flight could have shown."""
    attrs = [flight[name].attrs for name in gas_channels(flight)]
    named = {one["gas"] for one in attrs if one["reads_as"] == one["gas"]}
    return unseen_by(
        sorted({one["sensor_family"] for one in attrs}),
        named=sorted(named),
        lamp_ev=float(flight.attrs["pid_lamp_ev"]),
    )


def _flight(flight: xr.Dataset) -> dict[str, Any]:
    time_ns = flight["time"].values.astype("datetime64[ns]").astype(np.int64)
    steps_s = np.diff(time_ns) * 1e-9
    gaps = steps_s[steps_s > LONGEST_GAP_S]
    placed = np.isfinite(flight["latitude"].values)
    speed, from_deg = _mean_wind(flight)
    return {
        "name": str(flight["trajectory"].values),
        "start": _iso(int(time_ns[0])),
        "end": _iso(int(time_ns[-1])),
        "duration_s": round(float(time_ns[-1] - time_ns[0]) * 1e-9, 3),
        "readings": int(time_ns.size),
        "readings_with_position": int(placed.sum()),
        "channels": gas_channels(flight),
        "wind_source": str(flight.attrs["wind_source"]),
        "wind_speed_m_s": _rounded(speed, 2),
        "wind_from_deg": _rounded(from_deg, 1),
        "gaps": int(gaps.size),
        "gaps_s": round(float(gaps.sum()), 3),
        "clock_offset_s": float(flight.attrs["clock_offset_s"]),
    }


def _mean_wind(flight: xr.Dataset) -> tuple[float, float]:
    """Mean speed, and direction of the mean vector; NaN without wind."""
    east, north = flight["eastward_wind"].values, flight["northward_wind"].values
    known = np.isfinite(east) & np.isfinite(north)
    if not known.any():
        return math.nan, math.nan
    _, from_deg = from_speed_direction(east[known].mean(), north[known].mean())
    return float(np.hypot(east[known], north[known]).mean()), float(from_deg)


def fit_notes(
    posterior: xr.Dataset | None, checks: Checks | None = None, *, indicate_above: float = 0.95
) -> list[str]:
    """What to know of a posterior whose sources do not account for the readings.

    Parameters
    ----------
    posterior : xarray.Dataset or None
    checks : Checks, optional
    indicate_above : float
        Probability from which a source is indicated.

    Returns
    -------
    list of str
    """
    faults = [] if checks is None else checks.diagnosis.notes
    if posterior is None:
        return [*faults]
    notes = []
    leap = float(posterior.attrs["leap"])
    without_leap = logit(posterior.attrs["p_any_source"]) - leap
    if leap > 0.0 and without_leap < logit(indicate_above):
        notes.append(
            "gas was met for certain (readings leap as clean air does not make them), but no place "
            "explains them well: where it comes from is hardly known; fly again where it was met"
        )
    share = float(posterior.attrs["explained"])
    if share < POORLY_EXPLAINED:
        notes.append(
            f"only {100 * share:.0f} % of the readings that stand out fit any source in the wind "
            "as measured, so where they come from is vague; look for drift, a reading that follows "
            "the direction of flight, or wrong wind"
        )
    return [*notes, *faults]


def _source(spot: Hotspot, survey: Survey) -> dict[str, Any]:
    latitude, longitude = to_geographic(survey.domain.crs, [spot.east], [spot.north])
    return {
        "rank": spot.rank,
        "probability": round(spot.probability, 4),
        "latitude": round(float(latitude[0]), 7),
        "longitude": round(float(longitude[0]), 7),
        "height_m": round(spot.height_m, 2),
        "rate_g_s": _rounded(spot.rate_g_s, 6),
        "rate_g_s_p05": _rounded(spot.rate_g_s_p05, 6),
        "rate_g_s_p95": _rounded(spot.rate_g_s_p95, 6),
        "radius_50_m": round(spot.radius_50_m, 2),
        "radius_90_m": round(spot.radius_90_m, 2),
        "explanations": explanations_of(spot, survey),
    }


def _searched(analysis: Analysis) -> dict[str, Any] | None:
    if analysis.posterior is None:
        return None
    maps, domain = analysis.survey.maps, analysis.survey.domain
    power = maps["detection_power"].values
    hectare = float(maps.attrs["cell_m"]) ** 2 / 1e4
    area = power.size * hectare if domain.area is None else domain.area.area / 1e4
    shown = float((power >= WOULD_SHOW).sum()) * hectare
    perhaps = float(((power >= NOT_SEARCHED) & (power < WOULD_SHOW)).sum()) * hectare
    return {
        "reference_rate_g_s": analysis.choices.reference_rate_g_s,
        "domain_ha": round(area, 3),
        "would_have_shown_ha": round(shown, 3),
        "perhaps_ha": round(perhaps, 3),
        "not_searched_ha": round(max(area - shown - perhaps, 0.0), 3),
        **({} if analysis.checks is None else analysis.checks.searched()),
    }


def _number_of_sources(analysis: Analysis) -> list[float] | None:
    if analysis.posterior is None:
        return None
    return [round(float(one), 4) for one in number_probabilities(analysis.posterior)]


def _settings(analysis: Analysis) -> dict[str, Any]:
    choices = analysis.choices
    return {
        "gas": choices.gas,
        "offset_s": choices.offset_s,
        "wind": choices.wind,
        "wind_height_m": _rounded(choices.wind_height_m, 3),
        "averaging_time_s": choices.averaging_time_s,
        "background_removed": choices.background_removed,
        "area": None if choices.area is None else choices.area.name,
        "crs": choices.crs,
        "map_method": choices.map_method,
        "known": [
            {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in choices.known
        ],
        "reference_rate_g_s": choices.reference_rate_g_s,
        "indicate_above": choices.indicate_above,
        "seed": choices.seed,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _iso(time_ns: int) -> str:
    return f"{np.datetime64(time_ns // 1_000_000, 'ms')}Z"
