"""The live alarm: the same as the batch, at its stated rate, safe with whatever a sensor sends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from detection.signal import alarm, alarm_kernels, alarm_layout, baseline, layout, online
from detection.signal.alarm import LiveDetector
from sensors.records import GOOD, Quality

READINGS = st.one_of(
    st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf), st.integers(0, 60).map(float)
)
STEPS = st.sampled_from([0.0, 0.1, 0.1, 0.1, 1.0, 1.3, 7.0, 3600.0, -2.0])
QUALITIES = st.sampled_from([GOOD, GOOD, GOOD, *Quality, Quality.SATURATED | Quality.FAULT])


def fed(time_s, value, *, unit="1", temperature=None, humidity=None, quality=None, **settings):
    """What a lone channel of a detector says, as columns."""
    detector = LiveDetector(channels=1, **settings)
    nothing = np.full(time_s.size, np.nan)
    rows = zip(
        time_s.tolist(),
        value.tolist(),
        (nothing if temperature is None else temperature).tolist(),
        (nothing if humidity is None else humidity).tolist(),
        [GOOD] * time_s.size if quality is None else quality,
        strict=True,
    )
    said = [
        detector.feed("gas", t, v, unit, temperature=k, humidity=h, quality=q)
        for t, v, k, h, q in rows
    ]
    return {name: np.array([getattr(one, name) for one in said]) for name in said[0]._fields}


def judged(time_s, value, *, is_resistance, temperature, humidity, quality, per_hour):
    """The same at once."""
    flags = np.array([int(one) for one in quality])
    return alarm_kernels.alarm_pass(
        np.array(layout.new_state()),
        np.array(alarm_layout.new_memory()),
        time_s,
        np.where(flags & int(alarm.NOT_FED), np.nan, value),
        temperature,
        humidity,
        ((flags & int(Quality.SATURATED)) > 0) & ((flags & int(alarm.NOT_FED)) == 0),
        (flags & int(alarm.CANNOT_BEGIN)) == 0,
        is_resistance,
        alarm.threshold_for(per_hour),
        online.WARM_UP_S,
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 120), unit=st.sampled_from(["1", "ohm"]))
def test_feeding_readings_one_by_one_gives_the_batch_to_the_last_bit(data, size, unit):
    value, temperature, humidity = (
        data.draw(hnp.arrays(np.float64, size, elements=elements))
        for elements in (READINGS, st.floats(250, 320) | st.just(math.nan), st.floats(0, 1))
    )
    time_s = np.cumsum(data.draw(hnp.arrays(np.float64, size, elements=STEPS)))
    quality = data.draw(st.lists(QUALITIES, min_size=size, max_size=size))
    air = {"temperature": temperature, "humidity": humidity, "quality": quality}
    live = fed(time_s, value, unit=unit, false_alarms_per_hour=1000.0, **air)
    batch = judged(time_s, value, is_resistance=unit == "ohm", per_hour=1000.0, **air)
    if unit == "1":
        assert_array_equal(live["excess"], batch[0])
        assert_array_equal(live["baseline"], batch[1])
        assert_array_equal(live["sigma"], batch[2])
    assert_array_equal(live["plume"], batch[3])
    assert_array_equal(live["snr"], batch[4])
    assert_array_equal(live["warming_up"], batch[5] > 0.0)
    assert_array_equal(live["in_alarm"], batch[6] > 0.0)
    assert_array_equal(live["change"] == "begin", batch[7] > 0.0)
    assert_array_equal(live["change"] == "end", batch[7] < 0.0)


@pytest.mark.parametrize("unit", ["1", "ohm"])
def test_the_live_baseline_is_that_of_the_causal_batch(unit):
    rng = np.random.default_rng(1)
    time_s = 0.2 * np.arange(2000.0)
    value = 4e4 * np.exp(0.004 * rng.normal(size=2000) - 0.3 * (np.abs(time_s - 250.0) < 8.0))
    air = {
        "temperature": 288.0 + np.sin(time_s / 40.0),
        "humidity": 0.5 + 0.03 * np.sin(time_s / 70.0),
    }
    live = fed(time_s, value, unit=unit, **air)
    batch = baseline.correct(time_s, value, causal=True, log_scale=unit == "ohm", **air)
    assert alarm.MOX_EXPONENT == baseline.MOX_EXPONENT
    for name, found in (
        ("excess", batch.signal),
        ("baseline", batch.baseline),
        ("sigma", batch.sigma),
    ):
        if unit == "1":
            assert_array_equal(live[name], found)
        else:  # numpy's logarithm may differ from the C library's in the last bit
            assert_allclose(live[name], found, rtol=1e-6, atol=1e-9)
