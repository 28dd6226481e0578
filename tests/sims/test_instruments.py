"""What instruments do to the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sims.instruments import (
    AirHistory,
    air_history,
    first_order,
    measured_wind,
    mox_resistance,
    pid_reading,
    position_error,
)
from sims.settings import Air, Anemometer, Mox, Pid, Receiver
from tests import naive_sims

QUIET = Pid(
    noise_ppb=0.0, drift_ppb_sqrt_s=0.0, warm_up_ppb=0.0, offset_ppb=50.0, resolution_ppb=1e-6
)
PULSE = np.concatenate((np.zeros(50), np.full(300, 200.0), np.zeros(600)))


def steady_air(count, humidity=50.0, temperature=20.0):
    return AirHistory(np.full(count, temperature), np.full(count, humidity))


def read(pid, gas, air, rng, response=1.0):
    return pid_reading(pid, gas, air, step_s=0.1, response=response, rng=rng)


def test_first_order_equals_its_naive_twin(rng):
    signal = rng.exponential(1.0, 40)
    fast = first_order(signal, 0.5, 2.0, 6.0)
    assert_allclose(fast, naive_sims.first_order(signal, 0.5, 2.0, 6.0), rtol=2e-3)


def test_a_sensor_rises_faster_than_it_decays():
    response = first_order(PULSE, 0.1, 3.0, 15.0)
    assert response[49 + 30] == pytest.approx(200.0 * (1 - np.exp(-1)), rel=1e-6)
    peak = response[349]
    assert response[349 + 150] == pytest.approx(peak * np.exp(-1), rel=1e-6)


def test_a_pid_reads_gas_in_isobutylene_on_top_of_its_baseline(rng):
    steady = np.full(1000, 100.0)
    reading = read(QUIET, steady, steady_air(1000), rng, response=1 / 0.8)
    assert_allclose(reading, 50.0 + 100.0 / 0.8, atol=1e-3)


def test_damp_air_dims_a_pid_and_shifts_its_baseline(rng):
    pid = replace(QUIET, humidity_ppb_pct=2.0, quench_per_pct=0.01, temperature_ppb_c=0.0)
    damp = steady_air(1000)
    damp.humidity_pct[500:] += 10.0
    clean = read(pid, np.zeros(1000), damp, rng)
    assert clean[-1] - clean[0] == pytest.approx(20.0, abs=1e-3)
    gas = read(pid, np.full(1000, 110.0), damp, rng) - clean
    assert gas[-1] == pytest.approx(100.0, abs=1e-3)
    assert gas[0] == pytest.approx(110.0, abs=1e-3)


def test_a_pid_settles_after_power_on_and_walks(rng):
    settling = replace(QUIET, warm_up_ppb=80.0, warm_up_s=20.0)
    reading = read(settling, np.zeros(2000), steady_air(2000), rng)
    assert reading[0] - 50.0 == pytest.approx(80.0, abs=1e-3)
    assert reading[200] - 50.0 == pytest.approx(80.0 * np.exp(-1), abs=1e-3)
    walking = replace(QUIET, drift_ppb_sqrt_s=0.5, offset_ppb=1000.0)
    ends = [read(walking, np.zeros(1000), steady_air(1000), rng)[-1] for _ in range(400)]
    assert np.std(ends) == pytest.approx(0.5 * np.sqrt(100.0), rel=0.12)


def test_a_pid_never_reads_below_zero_and_rounds(rng):
    pid = replace(QUIET, offset_ppb=1.0, noise_ppb=4.0, resolution_ppb=2.0)
    reading = read(pid, np.zeros(2000), steady_air(2000), rng)
    assert reading.min() == 0.0
    assert_allclose(reading % 2.0, 0.0)


def test_a_metal_oxide_falls_in_gas_quickly_and_recovers_slowly(rng):
    mox = Mox(noise=0.0, drift_sqrt_s=0.0)
    resistance = mox_resistance(mox, PULSE, steady_air(PULSE.size), step_s=0.1, rng=rng)
    clean = mox.clean_air_ohm
    assert resistance[0] == pytest.approx(clean)
    lowest = clean * (1 + 200.0 / mox.threshold_ppb) ** -mox.exponent
    assert resistance.min() == pytest.approx(lowest, rel=1e-3)
    fallen = np.flatnonzero(resistance < np.sqrt(clean * lowest))
    assert fallen[0] - 50 < 0.3 * (fallen[-1] - 350)


def test_a_metal_oxide_feels_humidity_and_temperature(rng):
    mox = Mox(noise=0.0, drift_sqrt_s=0.0, humidity_per_pct=-0.01, temperature_per_c=-0.02)
    damp = mox_resistance(mox, np.zeros(9), steady_air(9, 60.0, 25.0), step_s=0.1, rng=rng)
    assert_allclose(damp, mox.clean_air_ohm * np.exp(-0.2))


def test_a_humidity_front_is_a_step(rng):
    time = np.arange(6000) / 10.0
    air = Air(front_at_s=300.0, front_humidity_pct=12.0, humidity_trend_pct_h=0.0)
    humidity = air_history(air, time, rng=rng).humidity_pct
    assert humidity[3300:].mean() - humidity[:2700].mean() == pytest.approx(12.0, abs=1.5)


def test_an_anemometer_turns_clockwise_by_its_bias_and_holds_its_values(rng):
    anemometer = Anemometer(rate_hz=2.0, noise_m_s=0.0, bias_deg=5.0, gain=1.1)
    east = np.linspace(3.0, 4.0, 100)
    speed, from_deg = measured_wind(anemometer, east, np.zeros(100), rate_hz=10.0, rng=rng)
    assert_allclose(from_deg, 275.0)
    assert_allclose(speed, np.repeat(1.1 * east[::5], 5))


def test_an_anemometer_is_as_noisy_as_asked(rng):
    anemometer = Anemometer(rate_hz=10.0, noise_m_s=0.25, bias_deg=0.0)
    calm = np.zeros(20_000)
    speed, _ = measured_wind(anemometer, calm, calm, rate_hz=10.0, rng=rng)
    assert np.mean(speed**2) == pytest.approx(2.0 * 0.25**2, rel=0.05)


def test_a_receiver_wanders_within_its_error(rng):
    error = position_error(Receiver(wander_m=1.0, wander_s=10.0), 100_000, step_s=0.2, rng=rng)
    assert_allclose(np.std(error, axis=1), 1.0, rtol=0.1)
