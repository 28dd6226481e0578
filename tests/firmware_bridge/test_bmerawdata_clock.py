"""Milliseconds of a BME688 board turned into UTC by its whole Unix seconds, right or wrong."""

import numpy as np
import pytest

from firmware_bridge.formats._bmerawdata_clock import BoardClock

START_S = 1_795_221_600


def board_times(count, *, every_ms=17.5, skew=0.0, seed=1, power_on_s=START_S + 0.377):
    """Milliseconds since power-on, whole Unix seconds beside them, and the truth [ms]."""
    jitter = np.random.default_rng(seed).uniform(-0.4, 0.4, count) * every_ms
    ms = np.rint(2000.0 + np.arange(count) * every_ms + jitter)
    true_ms = 1e3 * power_on_s + ms * (1.0 + skew)
    return ms, np.floor(true_ms / 1e3), true_ms


def errors_ms(ms, unix_s, true_ms):
    clock = BoardClock()
    for begin in range(0, ms.size, 997):
        clock.add(ms[begin : begin + 997], unix_s[begin : begin + 997])
    fits = clock.fits()
    power_on = clock.power_on_of(np.arange(ms.size))
    error = np.full(ms.size, np.nan)
    for number, fit in enumerate(fits):
        if fit is not None:
            rows = power_on == number
            error[rows] = fit.unix_ms(ms[rows]) - true_ms[rows]
    return error, fits


@pytest.mark.parametrize(
    ("every_ms", "skew", "worst_ms"),
    [
        (17.5, 0.0, 3.0),
        (17.5, 8e-5, 4.0),
        (141.3, 0.0, 25.0),
        (141.3, -8e-5, 40.0),
        (983.0, 0, 300),
    ],
)
def test_times_are_good_to_milliseconds_and_sigma_says_so(every_ms, skew, worst_ms):
    for seed in range(5):
        told = board_times(int(600_000 / every_ms), every_ms=every_ms, skew=skew, seed=seed)
        error, (fit,) = errors_ms(*told)
        assert np.abs(error).max() < worst_ms
        assert np.abs(error).max() < 5.0 * 1e3 * fit.sigma_s
        assert fit.apart == 0


def test_rows_in_step_with_the_seconds_are_known_to_the_time_between_them():
    ms = 42_000.0 + 100.0 * np.arange(300)
    error, (fit,) = errors_ms(ms, START_S + np.floor(ms / 1e3), 1e3 * START_S + ms)
    assert np.abs(error).max() <= 50.0
    assert 0.02 < fit.sigma_s < 0.06


def test_wrong_and_absent_stamps_change_nothing_and_are_counted():
    ms, unix_s, true_ms = board_times(20_000)
    rng = np.random.default_rng(2)
    wrong = rng.choice(ms.size, 60, replace=False)
    unix_s[wrong[:20]] = 0
    unix_s[wrong[20:30]] = 946_684_800  # 2000: a clock whose battery was empty
    unix_s[wrong[30:]] += rng.choice([-86_400, -3, 2, 3600], 30)
    error, (fit,) = errors_ms(ms, unix_s, true_ms)
    assert np.abs(error).max() < 4.0
    assert fit.apart >= 25
    assert fit.apart_s == pytest.approx(86_400, abs=2)


def test_a_clock_set_during_the_flight_is_read_as_most_of_it_says():
    ms, unix_s, true_ms = board_times(20_000)
    unix_s[:6000] -= 7200
    error, (fit,) = errors_ms(ms, unix_s, true_ms)
    assert np.abs(error).max() < 4.0
    assert fit.apart > 90


def test_each_power_on_has_a_clock_of_its_own():
    first = board_times(9000)
    second = board_times(7000, seed=3, power_on_s=START_S + 400.0)
    error, fits = errors_ms(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    assert len(fits) == 2
    assert np.abs(error).max() < 5.0


def test_rows_grouped_by_sensor_are_one_power_on():
    ms, unix_s, true_ms = board_times(8000)
    order = np.concatenate([np.arange(start, 8000, 8) for start in range(8)])
    error, fits = errors_ms(ms[order], unix_s[order], true_ms[order])
    assert len(fits) == 1
    assert np.abs(error).max() < 60.0


def test_a_damaged_millisecond_is_timed_by_its_stamp():
    ms, unix_s, true_ms = board_times(8000)
    true_of_it = true_ms[4000]
    ms[4000] += 80_000_000
    error, fits = errors_ms(ms, unix_s, true_ms)
    assert abs(error[4000]) <= 500.0
    assert true_of_it == true_ms[4000]
    assert np.abs(np.delete(error, 4000)).max() < 5.0
    assert len(fits) == 2


def test_a_few_rows_are_known_to_a_second():
    error, (fit,) = errors_ms(*board_times(3))
    assert np.abs(error).max() < 1000.0
    assert 0.1 < fit.sigma_s < 0.4
