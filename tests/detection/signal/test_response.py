"""Rise and decay of a channel, from lines flown to and fro."""

from __future__ import annotations

import numpy as np
import pytest

from detection.signal.recovery import Decay
from detection.signal.response import Response, estimate_response, family_response
from detection.signal.survey_lines import survey_lines
from tests.naive_signal import lagged, simulated_channel, survey_track

WIDE = Response(5.0, 7.0, 0.9, 0)


def log_error(found, rise_s, decay_s):
    """Of the middle of both time constants, in the standard deviations that are claimed."""
    middle = 0.5 * np.log(found.rise_s * found.decay_s / (rise_s * decay_s))
    return middle / found.log_sd


@pytest.mark.parametrize("slant", [0.0, 0.4])
@pytest.mark.parametrize("rise_s", [1.0, 3.0, 8.0, 20.0])
def test_a_steady_plume_tells_the_response(rise_s, slant):
    time_s, east, north = survey_track(700.0, 5.0)
    gas = 200.0 * np.exp(-0.5 * ((east - 100.0 - slant * north) / 12.0) ** 2)
    signal = lagged(gas, time_s, rise_s, 1.4 * rise_s)
    signal = signal + np.random.default_rng(0).normal(size=time_s.size)
    found = estimate_response(time_s, east, north, signal, noise=1.0, prior=WIDE)
    assert found.lines >= 8
    assert found.log_sd < 0.5 * WIDE.log_sd
    assert abs(np.log(found.rise_s * found.decay_s / (1.4 * rise_s**2))) < 0.8
    assert abs(log_error(found, rise_s, 1.4 * rise_s)) < 2.0


def test_lags_of_one_to_thirty_seconds_are_found_within_what_is_claimed():
    errors, gained = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        lag_s = float(np.exp(rng.uniform(0.0, np.log(20.0))))
        channel = simulated_channel(rng, duration_s=1200.0, lag_s=lag_s, peak=200.0)
        noisy = channel.truth + channel.noise * rng.normal(size=channel.truth.size)
        found = estimate_response(
            channel.time_s, channel.east, channel.north, noisy, noise=channel.noise, prior=WIDE
        )
        errors.append(log_error(found, lag_s, 1.5 * lag_s))
        gained.append(found.log_sd < 0.7 * WIDE.log_sd)
    assert np.mean(np.abs(errors) < 1.0) >= 0.5
    assert np.mean(np.abs(errors) < 2.0) >= 0.85
    assert np.mean(gained) >= 0.5


def test_noise_and_lines_that_do_not_return_leave_the_prior():
    rng = np.random.default_rng(3)
    time_s, east, north = survey_track(900.0, 5.0)
    noise = rng.normal(size=time_s.size)
    prior = family_response("mox")
    assert estimate_response(time_s, east, north, noise, noise=1.0, prior=prior) == prior
    onward = estimate_response(time_s, 5.0 * time_s, 0.0 * time_s, noise, noise=1.0, prior=prior)
    assert onward == prior
    assert estimate_response([0.0], [0.0], [0.0], [1.0], noise=1.0, prior=prior) == prior


def test_a_measured_decay_narrows_the_prior():
    prior = family_response("mox")
    found = estimate_response(
        [0.0], [0.0], [0.0], [1.0], noise=1.0, prior=prior, decay=Decay(20.0, 0.2, 40)
    )
    assert prior.decay_s < found.decay_s < 21.0
    assert found.rise_s > prior.rise_s
    assert found.log_sd < prior.log_sd


def test_order_and_repeated_times_do_not_matter():
    time_s, east, north = survey_track(600.0, 4.0)
    signal = 200.0 * np.exp(-0.5 * ((east - 100.0) / 12.0) ** 2)
    time_s = np.floor(time_s)
    mixed = np.random.default_rng(4).permutation(time_s.size)
    straight = estimate_response(time_s, east, north, signal, noise=1.0, prior=WIDE)
    turned = estimate_response(
        time_s[mixed], east[mixed], north[mixed], signal[mixed], noise=1.0, prior=WIDE
    )
    np.testing.assert_allclose(turned, straight, rtol=1e-6)


def test_lines_are_told_from_turns_whatever_the_heading_of_the_survey():
    time_s, east, north = survey_track(400.0, 5.0, side=240.0, spacing=18.0)
    for turn in (0.0, 0.5, 2.0):
        lines = survey_lines(
            time_s,
            np.cos(turn) * east - np.sin(turn) * north,
            np.sin(turn) * east + np.cos(turn) * north,
        )
        assert lines.way.size == 8
        assert (lines.way[1:] == -lines.way[:-1]).all()
        assert (lines.number >= 0).mean() > 0.85
