"""The live filter: the same as the batch, and safe with whatever a sensor sends."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from detection.signal import layout
from detection.signal.baseline import correct
from detection.signal.online import OnlineBaseline
from tests.naive_signal import simulated_channel

READINGS = st.one_of(
    st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf), st.integers(0, 60).map(float)
)
STEPS = st.sampled_from([0.0, 0.1, 0.1, 0.1, 1.0, 1.3, 7.0, 3600.0, -2.0])


def fed(time_s, reading, temperature, humidity):
    channel = OnlineBaseline()
    rows = [
        channel.feed(t, r, temperature=k, humidity=h)
        for t, r, k, h in zip(
            time_s.tolist(), reading.tolist(), temperature.tolist(), humidity.tolist(), strict=True
        )
    ]
    return [np.array(column) for column in zip(*rows, strict=True)]


def assert_batch_equals_stream(time_s, reading, temperature, humidity):
    finite = np.where(np.isfinite(reading), reading, np.nan)
    batch = correct(time_s, finite, temperature=temperature, humidity=humidity, causal=True)
    signal, baseline, sigma, plume, warming_up = fed(time_s, finite, temperature, humidity)
    assert_array_equal(batch.baseline, baseline)
    assert_array_equal(batch.signal, signal)
    assert_array_equal(batch.sigma, sigma)
    assert_array_equal(batch.plume, plume)
    assert_array_equal(batch.warming_up, warming_up)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 120))
def test_feeding_readings_one_by_one_gives_the_batch_to_the_last_bit(data, size):
    columns = [
        data.draw(hnp.arrays(np.float64, size, elements=elements))
        for elements in (READINGS, st.floats(250, 320) | st.just(math.nan), st.floats(0, 1))
    ]
    steps = data.draw(hnp.arrays(np.float64, size, elements=STEPS))
    assert_batch_equals_stream(np.cumsum(steps), *columns)


def test_a_whole_survey_fed_one_by_one_gives_the_batch_to_the_last_bit():
    channel = simulated_channel(np.random.default_rng(1), duration_s=400.0, front=0.1, warm_up=80.0)
    assert_batch_equals_stream(
        channel.time_s, channel.reading, channel.temperature, channel.humidity
    )


def test_a_live_channel_remembers_a_fixed_number_of_numbers():
    channel = OnlineBaseline()
    for index in range(3000):
        channel.feed(0.1 * index, float(index % 7))
    assert len(channel._state) == layout.SIZE


def test_readings_have_no_influence_on_earlier_ones():
    channel = simulated_channel(np.random.default_rng(2), duration_s=200.0)
    changed = channel.reading.copy()
    changed[500:] += 1000.0
    before, after = (
        correct(channel.time_s, reading, causal=True) for reading in (channel.reading, changed)
    )
    assert_array_equal(before.signal[:500], after.signal[:500])
    assert (before.signal[500:520] != after.signal[500:520]).all()


def test_a_missing_reading_has_a_baseline_and_no_signal():
    channel = OnlineBaseline()
    for index in range(100):
        last = channel.feed(float(index), 50.0 + (-1.0) ** index)
    missing = channel.feed(100.0, math.nan)
    assert math.isnan(missing.signal)
    assert abs(missing.baseline - last.baseline) < 0.5


def test_a_plume_is_flagged_at_once_and_does_not_pull_the_baseline():
    rng = np.random.default_rng(3)
    channel = OnlineBaseline()
    for index in range(600):
        quiet = channel.feed(0.2 * index, 400.0 + 4.0 * rng.normal())
    met = [channel.feed(120.0 + 0.2 * index, 460.0 + 4.0 * rng.normal()) for index in range(100)]
    assert quiet.plume < 0.1
    assert met[0].plume > 0.5
    assert min(reading.plume for reading in met[1:]) > 0.9
    assert all(abs(reading.baseline - 400.0) < 4.0 for reading in met)


def test_a_step_that_stays_becomes_the_baseline_after_the_longest_plume():
    rng = np.random.default_rng(4)
    channel = OnlineBaseline()
    for index in range(600):
        channel.feed(0.5 * index, 100.0 + rng.normal() + (30.0 if index > 200 else 0.0))
    settled = channel.feed(300.0, 130.0)
    assert abs(settled.baseline - 130.0) < 1.5


def test_a_fall_below_the_baseline_is_followed_within_seconds():
    rng = np.random.default_rng(5)
    channel = OnlineBaseline()
    for index in range(450):
        low = channel.feed(0.2 * index, (60.0 if index < 400 else 20.0) + rng.normal())
    assert abs(low.signal) < 4.0


def test_the_end_of_a_plume_that_the_channel_started_in_is_no_slope_of_its_baseline():
    time_s = np.arange(240.0)
    noise = np.random.default_rng(4).standard_normal(time_s.size)
    gas = np.where(time_s < 20.0, 250.0 + 20.0 * time_s, 650.0 * np.exp((20.0 - time_s) / 10.0))
    channel = OnlineBaseline(warm_up_s=0.0)
    signal = np.array([channel.feed(*one).signal for one in zip(time_s, gas + noise, strict=True)])
    assert np.abs(signal[time_s > 100.0]).max() < 12.0  # noises, long in clean air again
