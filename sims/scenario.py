"""Where scenarios come from: a file, or a draw from the variety of worlds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sensors.config import from_table, read_toml
from sims.checks import check_scenario
from sims.settings import (
    Air,
    Anemometer,
    Mox,
    Pid,
    Receiver,
    Scenario,
    Source,
    Survey,
    Turbulence,
    Wind,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["KINDS", "Scenario", "draw_scenario", "load_scenario"]

KINDS = ("single", "double", "calm", "none", "weak", "strong")
_KIND_WEIGHTS = {"single": 0.5, "double": 0.2, "calm": 0.15, "none": 0.15}
_RATES_G_S = {"weak": (0.05, 0.2), "strong": (1.0, 3.0)}
_ALL_RATES_G_S = (0.05, 3.0)
_LEAST_DISTANCE_M = 30.0
# Monroy et al. (2012), doi:10.3390/s121013664: rise and decay.
_MOX_TYPES = {"TGS2620": (2.96, 15.71), "TGS2600": (4.8, 18.75), "TGS2611": (3.44, 6.35)}


def load_scenario(path: Path) -> Scenario:
    """Scenario of a TOML file; what it leaves out is as in `sims.settings`.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Scenario

    Raises
    ------
    ConfigError
        Unreadable, not TOML, a key that is unknown (names the nearest known one) or of the
        wrong kind, or a value that no world can have.
    """
    scenario = from_table(Scenario, read_toml(path), str(path))
    check_scenario(scenario, str(path))
    return scenario


def draw_scenario(
    rng: np.random.Generator, kind: str | None = None, *, turbulence: str = "ou"
) -> Scenario:
    """Draw a random world.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : {"single", "double", "calm", "none", "weak", "strong"}, optional
        "weak" and "strong" are single sources of 0.05-0.2 and 1-3 g/s. Drawn when not given.
    turbulence : {"ou", "fourier"}
        Filaments that wander each by itself, or together in eddies.

    Returns
    -------
    Scenario

    Raises
    ------
    ValueError
        Unknown `kind` or `turbulence`.
    """
    if kind is None:
        kind = str(rng.choice(list(_KIND_WEIGHTS), p=list(_KIND_WEIGHTS.values())))
    if kind not in KINDS or turbulence not in ("ou", "fourier"):
        raise ValueError(f"there is no kind {kind!r} or no turbulence {turbulence!r}")
    survey = _draw_survey(rng)
    return Scenario(
        name=f"random {kind}",
        kind="single" if kind in _RATES_G_S else kind,
        source=_draw_sources(rng, kind, survey),
        wind=_draw_wind(rng, calm=kind == "calm"),
        turbulence=_draw_turbulence(rng, turbulence, calm=kind == "calm"),
        survey=survey,
        air=_draw_air(rng),
        pid=_draw_pid(rng),
        mox=tuple(_draw_mox(rng) for _ in range(2)),
        anemometer=_draw_anemometer(rng),
        receiver=Receiver(wander_m=round(rng.uniform(0.3, 1.2), 2)),
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _draw_survey(rng: np.random.Generator) -> Survey:
    return Survey(
        size_m=round(rng.uniform(160.0, 320.0)),
        spacing_m=round(rng.uniform(12.0, 25.0), 1),
        height_m=round(rng.uniform(8.0, 16.0), 1),
        speed_m_s=round(rng.uniform(4.0, 6.0), 1),
        line_deg=round(rng.uniform(0.0, 180.0), 1),
        rate_hz=float(rng.choice([5.0, 10.0])),
    )


def _draw_turbulence(rng: np.random.Generator, kind: str, *, calm: bool) -> Turbulence:
    return Turbulence(
        kind=kind,
        intensity=round(_log_uniform(rng, 0.7, 1.8), 3),
        time_scale=round(_log_uniform(rng, 0.5, 2.0), 3),
        filaments_per_s=5.0 if calm else 10.0,
        filament_sigma_m=round(rng.uniform(0.3, 0.8), 2),
        filament_growth_m2_s=round(_log_uniform(rng, 0.03, 0.3), 3),
    )


def _draw_anemometer(rng: np.random.Generator) -> Anemometer:
    return Anemometer(
        rate_hz=float(rng.choice([1.0, 2.5, 5.0])),
        noise_m_s=round(rng.uniform(0.2, 0.3), 2),
        bias_deg=round(rng.normal(0.0, 3.0), 2),
        gain=round(rng.normal(1.0, 0.04), 3),
    )


def _draw_wind(rng: np.random.Generator, *, calm: bool) -> Wind:
    wind = Wind(
        speed_m_s=round(_log_uniform(rng, 1.0, 7.0), 2),
        from_deg=round(rng.uniform(0.0, 360.0), 1),
        roughness_m=round(_log_uniform(rng, 0.01, 0.4), 3),
        direction_sd_deg=round(rng.uniform(4.0, 18.0), 1),
        direction_time_s=round(_log_uniform(rng, 60.0, 300.0)),
        speed_sd=round(rng.uniform(0.08, 0.25), 2),
        speed_time_s=round(_log_uniform(rng, 50.0, 200.0)),
        gradient_deg_100m=round(rng.uniform(0.0, 5.0), 1),
        gradient_time_s=round(_log_uniform(rng, 150.0, 600.0)),
    )
    if not calm:
        return wind
    return replace(
        wind,
        speed_m_s=round(rng.uniform(0.3, 1.0), 2),
        direction_sd_deg=round(rng.uniform(25.0, 60.0), 1),
        speed_sd=round(rng.uniform(0.2, 0.4), 2),
    )


def _draw_sources(rng: np.random.Generator, kind: str, survey: Survey) -> tuple[Source, ...]:
    count = {"none": 0, "double": 2}.get(kind, 1)
    places: list[FloatArray] = []
    while len(places) < count:
        place = _draw_place(rng, survey)
        if all(np.hypot(*(place - other)) >= _LEAST_DISTANCE_M for other in places):
            places.append(place)
    low, high = _RATES_G_S.get(kind, _ALL_RATES_G_S)
    return tuple(
        Source(
            east_m=round(float(place[0]), 2),
            north_m=round(float(place[1]), 2),
            height_m=0.0 if rng.random() < 0.25 else round(rng.uniform(0.0, 5.0), 2),
            rate_g_s=round(_log_uniform(rng, low, high), 4),
        )
        for place in places
    )


def _draw_place(rng: np.random.Generator, survey: Survey) -> FloatArray:
    """Anywhere in the square, with one in eight close to its edge."""
    half = 0.5 * survey.size_m
    right, ahead = rng.uniform(-half, half, 2)
    if rng.random() < 0.125:
        right = np.copysign(half * rng.uniform(0.95, 1.0), right)
    bearing = np.deg2rad(survey.line_deg)
    return np.array(
        [
            right * np.cos(bearing) + ahead * np.sin(bearing),
            -right * np.sin(bearing) + ahead * np.cos(bearing),
        ]
    )


def _draw_air(rng: np.random.Generator) -> Air:
    has_front = rng.random() < 0.3
    return Air(
        temperature_c=round(rng.uniform(2.0, 28.0), 1),
        temperature_trend_c_h=round(rng.normal(0.0, 3.0), 2),
        relative_humidity_pct=round(rng.uniform(35.0, 80.0), 1),
        humidity_trend_pct_h=round(rng.normal(0.0, 10.0), 2),
        front_at_s=round(rng.uniform(100.0, 600.0)),
        front_width_s=round(rng.uniform(3.0, 20.0), 1),
        front_humidity_pct=round(rng.choice([-1, 1]) * rng.uniform(5.0, 18.0) * has_front, 1),
        front_temperature_c=round(rng.normal(0.0, 1.5) * has_front, 2),
    )


def _draw_pid(rng: np.random.Generator) -> Pid:
    rise = rng.uniform(1.5, 4.0)
    return Pid(
        response_factor=round(_log_uniform(rng, 0.75, 1.05), 3),
        rise_s=round(rise, 2),
        decay_s=round(min(rise * rng.uniform(1.0, 1.5), 5.0), 2),
        gain=round(_log_uniform(rng, 0.9, 1.1), 3),
        noise_ppb=round(rng.uniform(2.0, 8.0), 2),
        offset_ppb=round(rng.uniform(20.0, 200.0), 1),
        drift_ppb_sqrt_s=round(_log_uniform(rng, 0.05, 0.5), 3),
        warm_up_ppb=round(rng.normal(0.0, 60.0), 1),
        warm_up_s=round(_log_uniform(rng, 40.0, 250.0)),
        humidity_ppb_pct=round(rng.normal(0.0, 1.0), 2),
        temperature_ppb_c=round(rng.normal(0.0, 2.5), 2),
        quench_per_pct=round(rng.uniform(0.0, 0.006), 4),
        resolution_ppb=float(rng.choice([0.1, 1.0])),
    )


def _draw_mox(rng: np.random.Generator) -> Mox:
    name = str(rng.choice(list(_MOX_TYPES)))
    rise, decay = _MOX_TYPES[name]
    return Mox(
        name=name,
        rise_s=round(rise * rng.uniform(0.8, 1.2), 2),
        decay_s=round(decay * rng.uniform(0.8, 1.2), 2),
        clean_air_ohm=round(_log_uniform(rng, 8_000.0, 90_000.0)),
        threshold_ppb=round(_log_uniform(rng, 100.0, 1_000.0)),
        exponent=round(rng.uniform(0.35, 0.7), 2),
        noise=round(rng.uniform(0.002, 0.008), 4),
        drift_sqrt_s=round(_log_uniform(rng, 2e-4, 1e-3), 5),
        humidity_per_pct=round(rng.uniform(-0.008, -0.002), 4),
        temperature_per_c=round(rng.uniform(-0.02, -0.006), 4),
    )
