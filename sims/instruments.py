"""What instruments make of the truth: lag, noise, drift, warm-up, humidity, rounding."""
# mypy: allow-untyped-decorators

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from sims.faults import silent, stuck
from sims.wind import ornstein_uhlenbeck

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Air, Anemometer, Mox, Pid, Receiver

    FloatArray = NDArray[np.float64]

__all__ = [
    "AirHistory",
    "air_history",
    "first_order",
    "measured_air",
    "measured_wind",
    "mox_resistance",
    "pid_reading",
    "position_error",
]

_REFERENCE_C = 20.0
_REFERENCE_PCT = 50.0
# A shielded digital temperature and humidity sensor in the air stream.
_AIR_LAG_S = 5.0
_AIR_NOISE_C = 0.05
_AIR_NOISE_PCT = 0.3
_AIR_WANDER = (0.15, 0.8)  # K and % that air parcels differ by
_AIR_WANDER_S = 40.0


@dataclass(frozen=True)
class AirHistory:
    """True air temperature [degC] and relative humidity [%] at every sample, shape (n,)."""

    temperature_c: FloatArray
    humidity_pct: FloatArray


@njit(cache=True)
def first_order(signal: FloatArray, step_s: float, rise_s: float, decay_s: float) -> FloatArray:
    """Response of a first-order sensor that is slower one way than the other.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        What the sensor is exposed to, held over each step.
    step_s : float
        Time between values [s].
    rise_s, decay_s : float
        Time constants while the response is below and above the signal [s].

    Returns
    -------
    ndarray, shape (n,)
        Starts in equilibrium with the first value.

    Notes
    -----
    Monroy et al. (2012), doi:10.3390/s121013664, for metal-oxide sensors.

    Examples
    --------
    >>> import numpy as np
    >>> first_order(np.array([0.0, 1.0, 1.0, 0.0]), 1.0, 1.0, 1e9).round(3)  # 1 - 1/e, 1 - 1/e2
    array([0.   , 0.632, 0.865, 0.865])
    """
    response = np.empty_like(signal)
    rise = np.exp(-step_s / rise_s)
    decay = np.exp(-step_s / decay_s)
    value = signal[0]
    for index in range(signal.size):
        keep = rise if signal[index] > value else decay
        value = signal[index] + keep * (value - signal[index])
        response[index] = value
    return response


def air_history(air: Air, time_s: FloatArray, *, rng: np.random.Generator) -> AirHistory:
    """Temperature and humidity that the drone flies through.

    Parameters
    ----------
    air : Air
        `front_humidity_pct` and `front_temperature_c` are stepped by, about `front_at_s`.
    time_s : ndarray, shape (n,)
        Evenly spaced.
    rng : numpy.random.Generator

    Returns
    -------
    AirHistory
    """
    step = float(time_s[1] - time_s[0])
    front = 0.5 * (1.0 + np.tanh((time_s - air.front_at_s) / air.front_width_s))
    warm, damp = (
        size * ornstein_uhlenbeck(time_s.size, step, time_scale_s=_AIR_WANDER_S, rng=rng)
        for size in _AIR_WANDER
    )
    temperature = air.temperature_c + air.temperature_trend_c_h * time_s / 3600.0
    humidity = air.relative_humidity_pct + air.humidity_trend_pct_h * time_s / 3600.0
    return AirHistory(
        temperature_c=temperature + front * air.front_temperature_c + warm,
        humidity_pct=np.clip(humidity + front * air.front_humidity_pct + damp, 2.0, 99.0),
    )


def measured_air(
    truth: AirHistory, step_s: float, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """What the temperature [degC] and humidity [%] sensor says, shape (n,) each."""
    temperature = first_order(truth.temperature_c, step_s, _AIR_LAG_S, _AIR_LAG_S)
    humidity = first_order(truth.humidity_pct, step_s, _AIR_LAG_S, _AIR_LAG_S)
    temperature = temperature + _AIR_NOISE_C * rng.standard_normal(temperature.size)
    humidity = humidity + _AIR_NOISE_PCT * rng.standard_normal(humidity.size)
    return temperature, np.clip(humidity, 0.0, 100.0)


def pid_reading(
    pid: Pid,
    gas_ppb: FloatArray,
    air: AirHistory,
    *,
    step_s: float,
    response: float,
    rng: np.random.Generator,
) -> FloatArray:
    """What a photo-ionisation detector says, in ppb of isobutylene.

    Parameters
    ----------
    pid : Pid
    gas_ppb : ndarray, shape (n,)
        True mole fraction of the gas at the inlet [1e-9].
    air : AirHistory
    step_s : float
        [s].
    response : float
        Isobutylene read per gas present, settled and in air of 50 % humidity.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n,)
        Damp air dims the lamp's response to gas and shifts the baseline; the baseline also
        walks at random and settles after power-on.
    """
    time = step_s * np.arange(gas_ppb.size)
    dim = 1.0 / (1.0 + pid.quench_per_pct * (air.humidity_pct - _REFERENCE_PCT))
    signal = response * first_order(gas_ppb, step_s, pid.rise_s, pid.decay_s)
    walk = np.cumsum(rng.standard_normal(time.size)) * pid.drift_ppb_sqrt_s * np.sqrt(step_s)
    baseline = (
        pid.offset_ppb
        + walk
        + pid.warm_up_ppb * np.exp(-time / pid.warm_up_s)
        + pid.humidity_ppb_pct * (air.humidity_pct - air.humidity_pct[0])
        + pid.temperature_ppb_c * (air.temperature_c - air.temperature_c[0])
    )
    noise = pid.noise_ppb * rng.standard_normal(time.size)
    reading = pid.gain * dim * signal + baseline + noise
    told = np.maximum(np.round(reading / pid.resolution_ppb) * pid.resolution_ppb, 0.0)
    if pid.ceiling_ppb is not None:
        told = np.minimum(told, pid.ceiling_ppb)
    return stuck(np.asarray(told), pid.stuck_from_s, step_s)


def mox_resistance(
    mox: Mox, gas_ppb: FloatArray, air: AirHistory, *, step_s: float, rng: np.random.Generator
) -> FloatArray:
    """What a metal-oxide element says [ohm]: it falls in gas, quickly, and climbs back slowly."""
    exposed = mox.exponent * np.log1p(gas_ppb / mox.threshold_ppb)
    response = first_order(exposed, step_s, mox.rise_s, mox.decay_s)
    steps = rng.standard_normal(gas_ppb.size)
    logarithm = (
        np.log(mox.clean_air_ohm)
        - response
        + mox.humidity_per_pct * (air.humidity_pct - _REFERENCE_PCT)
        + mox.temperature_per_c * (air.temperature_c - _REFERENCE_C)
        + mox.drift_sqrt_s * np.sqrt(step_s) * np.cumsum(steps)
        + mox.noise * rng.standard_normal(gas_ppb.size)
    )
    return stuck(np.asarray(np.exp(logarithm)), mox.stuck_from_s, step_s)


def measured_wind(
    anemometer: Anemometer,
    east: FloatArray,
    north: FloatArray,
    *,
    rate_hz: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Speed [m s-1] and the direction the wind comes from [deg], held between measurements."""
    turn = np.deg2rad(anemometer.bias_deg)
    noise = anemometer.noise_m_s * rng.standard_normal((2, east.size))
    u = anemometer.gain * (np.cos(turn) * east + np.sin(turn) * north) + noise[0]
    v = anemometer.gain * (np.cos(turn) * north - np.sin(turn) * east) + noise[1]
    every = max(round(rate_hz / anemometer.rate_hz), 1)
    held = (np.arange(east.size) // every) * every
    from_deg = np.rad2deg(np.arctan2(-u, -v)) % 360.0
    speed, direction = (
        _as_mounted(series[held], anemometer, 1.0 / rate_hz)
        for series in (np.hypot(u, v), from_deg)
    )
    return speed, direction


def _as_mounted(series: FloatArray, anemometer: Anemometer, step_s: float) -> FloatArray:
    held = stuck(series, anemometer.stuck_from_s, step_s)
    return silent(held, anemometer.silent_from_s, step_s)


def position_error(
    receiver: Receiver, count: int, *, step_s: float, rng: np.random.Generator
) -> FloatArray:
    """Error of the navigation receiver, east, north and up [m], shape (3, count)."""
    wander = [
        ornstein_uhlenbeck(count, step_s, time_scale_s=receiver.wander_s, rng=rng) for _ in range(3)
    ]
    white = rng.standard_normal((3, count))
    return receiver.wander_m * np.stack(wander) + receiver.noise_m * white
