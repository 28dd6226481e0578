"""The live alarm: the same as the batch, at its stated rate, safe with whatever a sensor sends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from detection.signal import alarm, alarm_kernels, alarm_layout, baseline, baseline_steps, layout
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
        baseline_steps.WARM_UP_S,
        *alarm.assumed_noise("ohm" if is_resistance else "1"),
    )


@settings(max_examples=40, deadline=None)
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


def gaussian(rng, *, duration_s=400.0, rate_hz=10.0, plume=(300.0, 310.0), size=30.0):
    """A channel of unit noise, with gas between two times."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    inside = (time_s >= plume[0]) & (time_s < plume[1])
    return time_s, 400.0 + rng.standard_normal(time_s.size) + size * inside


def changes(live, time_s):
    return [
        (str(change), float(when))
        for change, when in zip(live["change"], time_s, strict=True)
        if change
    ]


@pytest.mark.parametrize("rate_hz", [1.0, 5.0, 20.0])
def test_gas_alarms_within_seconds_and_the_alarm_ends_with_it(rate_hz):
    time_s, value = gaussian(np.random.default_rng(2), rate_hz=rate_hz)
    (begin, began_s), (end, ended_s) = changes(fed(time_s, value), time_s)
    assert (begin, end) == ("begin", "end")
    assert 300.0 <= began_s <= 303.0
    assert 305.0 < ended_s < 330.0


@settings(max_examples=12, deadline=None)
@given(power=st.integers(-60, 60), seed=st.integers(0, 1000))
def test_the_unit_of_a_reading_makes_no_difference(power, seed):
    rng = np.random.default_rng(seed)
    time_s, value = gaussian(rng, rate_hz=5.0, duration_s=120.0, plume=(90.0, 100.0), size=12.0)
    plain, scaled = (fed(time_s, one) for one in (value, value * 2.0**power))
    assert_array_equal(plain["change"], scaled["change"])
    assert_array_equal(plain["snr"], scaled["snr"])
    assert_array_equal(plain["excess"] * 2.0**power, scaled["excess"])


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.floats() | st.floats(-50.0, 50.0)] * 3), min_size=1, max_size=60),
    unit=st.sampled_from(["1", "ohm"]),
)
def test_no_number_upsets_the_detector(rows, unit):
    value, temperature, humidity = np.array(rows).T
    time_s = np.arange(value.size + 2000.0)
    later = np.full(2000, np.nan)
    live = fed(
        time_s,
        np.concatenate((value, 100.0 + np.tile([0.0, 1.0, 0.5, 2.0], 500))),
        unit=unit,
        temperature=np.concatenate((temperature, later)),
        humidity=np.concatenate((humidity, later)),
    )
    assert np.isfinite(live["excess"][-1])
    assert abs(live["excess"][-1]) < 50.0  # it has found its way back


def test_a_single_spike_never_alarms():
    time_s, value = gaussian(np.random.default_rng(3), size=0.0)
    value[2000::200] += 1e6
    assert changes(fed(time_s, value, false_alarms_per_hour=1.0), time_s) == []


def test_a_falling_resistance_alarms_and_a_rising_one_does_not():
    rng = np.random.default_rng(4)
    time_s, value = gaussian(rng, size=60.0)
    logarithm = np.log(4e4) - 0.004 * (value - 400.0)
    down = fed(time_s, np.exp(logarithm), unit="ohm")
    up = fed(time_s, np.exp(2.0 * np.log(4e4) - logarithm), unit="ohm")
    assert [change for change, _ in changes(down, time_s)] == ["begin", "end"]
    assert changes(up, time_s) == []
    within = (time_s > 302.0) & (time_s < 309.0)
    assert set(down["unit"].tolist()) == {"1"}
    # a fall by exp(-0.24) is a rise of the gas by exp(2 * 0.24) - 1
    assert np.median(down["excess"][within]) == pytest.approx(np.exp(0.48) - 1.0, rel=0.05)


def test_a_reading_that_fell_and_comes_back_is_no_gas():
    time_s, value = gaussian(np.random.default_rng(5), plume=(300.0, 320.0), size=-30.0)
    assert changes(fed(time_s, value), time_s) == []


def test_a_step_that_stays_is_over_after_the_longest_plume():
    time_s, value = gaussian(np.random.default_rng(6), plume=(300.0, 600.0), duration_s=600.0)
    (_, began_s), (end, ended_s) = changes(fed(time_s, value), time_s)
    assert end == "end"
    assert ended_s - began_s == pytest.approx(baseline_steps.LONGEST_PLUME_S, abs=5.0)


def test_saturation_is_plume_for_as_long_as_it_lasts():
    time_s, value = gaussian(np.random.default_rng(7), plume=(300.0, 500.0), duration_s=600.0)
    inside = (time_s >= 300.0) & (time_s < 500.0)
    value[inside] = 430.0
    quality = [Quality.SATURATED if one else GOOD for one in inside]
    live = fed(time_s, value, quality=quality)
    (_, began_s), (_, ended_s) = changes(live, time_s)
    assert began_s < 302.0
    assert 500.0 < ended_s < 520.0
    assert (live["plume"][inside] == 1.0).all()


@pytest.mark.parametrize("quality", [Quality.WARMING_UP, Quality.DISTURBED])
def test_an_upset_channel_cannot_begin_an_alarm(quality):
    time_s, value = gaussian(np.random.default_rng(8))
    flagged = [quality if 299.0 < t < 320.0 else GOOD for t in time_s]
    assert changes(fed(time_s, value, quality=flagged), time_s) == []


@pytest.mark.parametrize("quality", [Quality.MISSING, Quality.FAULT, Quality.OUT_OF_RANGE])
def test_a_reading_that_says_nothing_moves_nothing(quality):
    time_s, value = gaussian(np.random.default_rng(9), size=0.0)
    flagged = [quality if 299.0 < t < 310.0 else GOOD for t in time_s]
    spoilt = np.where([bool(one) for one in flagged], 1e9, value)
    live = fed(time_s, spoilt, quality=flagged)
    assert changes(live, time_s) == []
    assert np.isnan(live["excess"][3000])
    assert abs(live["baseline"][-1] - 400.0) < 1.0


def test_an_alarm_ends_when_its_channel_falls_silent():
    time_s, value = gaussian(np.random.default_rng(10), plume=(300.0, 400.0))
    flagged = [Quality.MISSING if t > 302.0 else GOOD for t in time_s]
    _, (end, ended_s) = changes(fed(time_s, value, quality=flagged), time_s)
    assert end == "end"
    assert ended_s == pytest.approx(332.0, abs=0.5)


def test_a_coarse_channel_alarms_on_several_steps_and_not_on_one():
    time_s = np.arange(600.0)
    drifting = 1e-6 * np.round(time_s / 3000.0, 1)  # 0.1 ppm, as of electrochemical cells
    gas = np.where((time_s > 300.0) & (time_s < 340.0), 1.0 - np.exp((300.0 - time_s) / 15.0), 0.0)
    assert changes(fed(time_s, drifting), time_s) == []
    begin, end = changes(fed(time_s, 1e-6 * np.round(2.0 * gas, 1)), time_s)
    assert (begin[0], end[0]) == ("begin", "end")
    assert begin[1] < 312.0


def test_channels_share_what_false_alarms_are_allowed():
    rng = np.random.default_rng(11)
    alone, first, expected = LiveDetector(), LiveDetector(), LiveDetector(channels=4)
    for index in range(1000):
        value = rng.standard_normal()
        alone.feed("a", 0.1 * index, value, "1")
        for name in "abcd":
            first.feed((name, "gas"), 0.1 * index, value, "1")
            expected.feed((name, "gas"), 0.1 * index, value, "1")
    assert alone._threshold < first._threshold == expected._threshold
    assert first._threshold == alarm.threshold_for(0.2 / 4)
    for index in range(10):
        first.feed(("b", "gas"), 100.0 + 0.1 * index, 50.0 + rng.standard_normal(), "1")
    assert first.in_alarm
    assert first.alarmed == (("b", "gas"),)


def test_a_rate_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="not positive"):
        LiveDetector(false_alarms_per_hour=0.0)


def test_a_channel_remembers_a_fixed_number_of_numbers():
    detector = LiveDetector()
    for index in range(2000):
        detector.feed("a", 0.1 * index, float(index % 7), "1")
    (one,) = detector._channels.values()
    assert len(one.memory) == alarm_layout.SIZE
    assert len(one.state) == layout.SIZE


@pytest.mark.parametrize("rate_hz", [1, 10])
@pytest.mark.parametrize("quiet_s", [12, 60])
@pytest.mark.parametrize(
    ("clean", "gas", "unit"),
    [
        (400e-6, 5000e-6, "1"),
        (0.0, 400e-9, "1"),
        (1e-6, 30e-6, "kg m-3"),
        (90e3, 60e3, "ohm"),
        (1.0, 1.5, "V"),
    ],
)
def test_a_channel_that_never_changed_alarms_when_it_does(clean, gas, unit, quiet_s, rate_hz):
    detector = LiveDetector()
    changes = {}
    for index in range((quiet_s + 60) * rate_hz):
        age_s = index / rate_hz - quiet_s
        value = gas if 0.0 <= age_s < 6.0 else clean
        said = detector.feed("x", index / rate_hz, value, unit)
        if said.change:
            changes[said.change] = age_s
    assert list(changes) == ["begin", "end"]
    assert 0.0 <= changes["begin"] <= 3.0
    assert 6.0 <= changes["end"] <= 20.0


def test_one_step_of_the_resolution_after_a_long_time_is_no_gas():
    detector = LiveDetector()
    for index in range(3000):
        value = 401e-6 if index in range(1000, 1003) or index > 2000 else 400e-6
        assert not detector.feed("co2", index / 2.0, value, "1").in_alarm
