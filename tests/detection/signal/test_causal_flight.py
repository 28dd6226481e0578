"""A flight corrected while it goes on, against the causal filter over all of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from detection.signal.airborne import seconds
from detection.signal.baseline import correct
from detection.signal.causal_flight import CausalChannels
from tests.metric_flights import flight_of

TIME_S = np.arange(0.0, 120.0, 0.2)


@pytest.fixture(scope="module")
def flight():
    rng = np.random.default_rng(7)
    plume = 60e-9 * np.exp(-0.5 * ((TIME_S - 70.0) / 3.0) ** 2)
    pid = 4e-7 + 2e-10 * TIME_S + plume + 3e-9 * rng.standard_normal(TIME_S.size)
    mox = 5e4 * np.exp(-2e6 * plume) * (1.0 + 0.002 * rng.standard_normal(TIME_S.size))
    pid[100:105] = np.nan
    return flight_of(
        TIME_S, 5.0 * TIME_S, 0.0 * TIME_S, 10.0 + 0.0 * TIME_S,
        {"pid": pid, "mox1": mox}, {"pid": "1", "mox1": "ohm"},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["pid", "mox1"])
@pytest.mark.parametrize("steps", [1, 5, 600])
def test_rows_given_bit_by_bit_are_corrected_as_all_at_once(flight, name, steps):
    channels = CausalChannels()
    for end in range(steps, TIME_S.size + steps, steps if steps > 1 else 37):
        live = channels.corrected(flight.isel(obs=slice(0, end)), [name])
    live = channels.corrected(flight, [name])
    expected = correct(
        seconds(flight),
        flight[name].values,
        temperature=flight["air_temperature"].values,
        humidity=flight["relative_humidity"].values,
        family=flight[name].attrs["sensor_family"],
        causal=True,
        log_scale=name == "mox1",
    )
    assert_array_equal(live[f"{name}_corrected"].values, expected.signal)
    known = np.where(expected.sigma > 0.0, expected.sigma, np.nan)
    assert_array_equal(live[f"{name}_sigma"].values, known)
    assert np.isfinite(known[20:100]).all()
    assert_array_equal(live[f"{name}_warming_up"].values, expected.warming_up)
    assert live[f"{name}_corrected"].attrs["units"] == "1"


def test_a_row_that_comes_late_is_put_in_its_place(flight):
    channels = CausalChannels()
    channels.corrected(flight.isel(obs=np.delete(np.arange(400), 300)), ["pid"])
    live = channels.corrected(flight, ["pid"])
    at_once = CausalChannels().corrected(flight, ["pid"])
    assert_array_equal(live["pid_corrected"].values, at_once["pid_corrected"].values)
