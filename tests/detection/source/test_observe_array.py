"""All sensors of a drone as series of observations: what is fused, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from detection.signal.deconvolution import RESPONSE, apply_lag
from detection.signal.flight import correct_flight
from detection.source.array import observe_array
from detection.source.faults import left_out
from detection.source.observe import observe, response_of
from sensors.assemble import assemble
from sensors.flight import from_columns
from sensors.records import RecordBatch
from sims.scenario import draw_scenario
from sims.simulate import simulate

UNITS = {"pid": "1e-9", "mox1": "ohm", "mox2": "ohm", "mox3": "ohm"}
START_NS = 1_700_000_000 * 10**9
RATE_HZ = 5.0


def flight_of(readings, units, **attrs):
    """A corrected flight of 15 minutes up and down lines 200 m long, in a west wind."""
    size = len(next(iter(readings.values())))
    time_s = np.arange(size) / RATE_HZ
    north = 100.0 * np.abs((time_s / 20.0) % 4.0 - 2.0) - 100.0
    east = 20.0 * np.floor(time_s / 40.0)
    nothing = np.full(size, np.nan)
    batches = [
        RecordBatch("gas", "test", _ns(time_s), readings, units=units),
        RecordBatch(
            "pose",
            "test",
            _ns(time_s),
            {
                "latitude": 52.0 + north / 111_195.0,
                "longitude": 5.0 + east / (111_195.0 * np.cos(np.radians(52.0))),
                "altitude_amsl_m": nothing,
                "height_above_home_m": nothing,
                "height_above_ground_m": np.full(size, 10.0),
            },
        ),
        RecordBatch(
            "wind",
            "test",
            _ns(time_s),
            {
                "eastward": np.full(size, 3.0),
                "northward": np.zeros(size),
                "upward": nothing,
            },
        ),
    ]
    columns = assemble(batches, **attrs)
    return correct_flight(from_columns(columns)), {"east": east, "north": north}


def _ns(time_s):
    return START_NS + np.round(time_s * 1e9).astype(np.int64)


def readings_of(seed=0, *, peak_ppb=200.0, names=tuple(UNITS), size=4500):
    """Gas crossed every 40 s, as a PID and metal-oxide elements read it after the text book."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(size) / RATE_HZ
    gas = peak_ppb * np.exp(-0.5 * (((time_s + 20.0) % 40.0 - 20.0) / 2.0) ** 2)
    gas[(time_s < 180.0) | (time_s > 620.0)] = 0.0
    quick, slow = (RESPONSE[family] for family in ("pid", "mox"))
    read = apply_lag(time_s, gas, rise_s=quick[0], decay_s=quick[1])
    columns = {"pid": 60.0 + np.round(read + 3.0 * rng.standard_normal(size), 1)}
    for name, threshold, clean in (
        ("mox1", 200.0, 2e4),
        ("mox2", 500.0, 5e4),
        ("mox3", 300.0, 1e4),
    ):
        fall = apply_lag(time_s, 0.5 * np.log1p(gas / threshold), rise_s=slow[0], decay_s=slow[1])
        columns[name] = clean * np.exp(0.004 * rng.standard_normal(size) - fall)
    return {name: columns[name] for name in names}, gas


@pytest.fixture(scope="module")
def crossed():
    """A flight with a PID and three elements, its axes, and the gas it met [ppb]."""
    readings, gas = readings_of()
    return (*flight_of(readings, UNITS), gas)


def lagged(gas, family):
    """Gas as a sensor's lag leaves it, in bins of a second."""
    rise_s, decay_s = RESPONSE[family]
    read = apply_lag(np.arange(gas.size) / RATE_HZ, gas, rise_s=rise_s, decay_s=decay_s)
    return read.reshape(-1, int(RATE_HZ)).mean(axis=1)


def test_elements_alone_become_one_series_that_follows_the_gas():
    names = ("mox1", "mox2", "mox3")
    readings, gas = readings_of(names=names)
    flight, axes = flight_of(readings, dict.fromkeys(names, "ohm"))
    (series,) = observe_array(flight, **axes)
    assert series.channel == "mox1+mox2+mox3"
    assert np.corrcoef(series.concentration, lagged(gas, "mox"))[0, 1] > 0.98
    assert series.gain_log_sd > 1.0  # nobody calibrated them


def test_a_calibrated_channel_comes_first_and_lends_the_elements_its_scale(crossed):
    flight, axes, gas = crossed
    pid, elements = observe_array(flight, **axes)
    assert (pid.channel, elements.channel) == ("pid", "mox1+mox2+mox3")
    true = lagged(gas, "mox") * pid.concentration.max() / lagged(gas, "pid").max()
    strong = true > 0.5 * true.max()
    ratio = np.median(elements.concentration[strong] / true[strong])
    assert ratio == pytest.approx(1.0, abs=0.2)
    assert pid.gain_log_sd <= elements.gain_log_sd < 0.5


def test_a_channel_that_hardly_met_gas_lends_no_scale():
    flight, axes = flight_of(readings_of(peak_ppb=2.0)[0], UNITS)
    pid, elements = observe_array(flight, **axes)
    assert pid.gain_log_sd < 0.5
    assert elements.gain_log_sd > 1.0


def test_the_calibrated_series_is_that_of_the_channel_alone(crossed):
    flight, axes, _ = crossed
    first = observe_array(flight, **axes)[0]
    alone = observe(flight, "pid", **axes)
    for column in ("time_s", "east", "north", "height", "concentration", "sigma"):
        assert_array_equal(getattr(first, column), getattr(alone, column))


def test_series_share_places_times_and_wind(crossed):
    flight, axes, _ = crossed
    pid, elements = observe_array(flight, **axes)
    for column in ("time_s", "east", "north", "height", "eastward_wind", "wind_time_s"):
        assert_allclose(getattr(elements, column), getattr(pid, column))


def test_an_array_is_less_noisy_than_each_of_its_elements(crossed):
    flight, axes, _ = crossed
    fused = observe_array(flight, **axes)[1]
    quiet = fused.time_s < 150.0
    for name in ("mox1", "mox2", "mox3"):
        one = observe(flight, name, **axes)
        signal = (one.concentration / one.sigma).max()
        assert (fused.concentration / fused.sigma).max() > signal
    ratio = fused.concentration[quiet] / fused.sigma[quiet]
    assert 0.5 < ratio.std() < 1.5


def test_what_one_element_says_alone_is_not_believed():
    names = ("mox1", "mox2", "mox3")
    readings, _ = readings_of(peak_ppb=0.0, names=names)
    time_s = np.arange(readings["mox1"].size) / RATE_HZ
    bump = np.exp(-0.5 * ((time_s - 400.0) / 5.0) ** 2)

    def loudest(disturbed):
        changed = {
            name: values * np.exp(-0.05 * bump) if name in disturbed else values
            for name, values in readings.items()
        }
        flight, axes = flight_of(changed, dict.fromkeys(names, "ohm"))
        (series,) = observe_array(flight, **axes)
        return float((series.concentration / series.sigma).max())

    assert loudest(("mox1",)) < 6.0
    assert loudest(names) > 15.0


def test_an_element_that_misses_half_the_flight_is_used_while_it_reads(crossed):
    readings, gas = readings_of()
    readings["mox1"] = readings["mox1"].copy()
    readings["mox1"][2000:] = np.nan
    flight, axes = flight_of(readings, UNITS)
    fused = observe_array(flight, **axes)[1]
    assert fused.channel == "mox1+mox2+mox3"
    assert len(fused) == len(observe_array(crossed[0], **axes)[1])
    assert np.corrcoef(fused.concentration, lagged(gas, "mox"))[0, 1] > 0.98


def test_one_element_alone_is_the_channel_itself():
    readings, _ = readings_of(names=("mox1",))
    flight, axes = flight_of(readings, {"mox1": "ohm"})
    (series,) = observe_array(flight, **axes)
    alone = observe(flight, "mox1", **axes)
    # a mean of logarithms is not the logarithm of a mean, by half the variance within a second
    assert_allclose(series.concentration, alone.concentration, atol=0.6 * alone.sigma.max())
    assert series.response_s == response_of(flight, "mox1")


@pytest.mark.parametrize(
    ("channel", "spoil", "why"),
    [
        ("mox2", lambda values, _gas: np.full_like(values, 4e4), "throughout"),
        ("mox2", lambda values, _gas: np.r_[values[:2000], [values[2000]] * 2500], "stuck"),
        ("mox2", lambda values, _gas: np.maximum(values, 4.5e4), "clipped"),
        ("mox2", lambda values, _gas: 2.5e9 / values, "falls where all other channels rise"),
        ("pid", lambda values, _gas: np.minimum(values, 150.0), "clipped"),
        ("pid", lambda values, _gas: np.r_[values[:2000], [values[2000] + 5] * 2500], "stuck"),
    ],
)
def test_a_channel_at_fault_is_left_out_and_named(channel, spoil, why):
    readings, gas = readings_of()
    readings[channel] = spoil(readings[channel], gas)
    flight, axes = flight_of(readings, UNITS)
    told = left_out(flight)
    assert list(told) == [channel]
    assert why in told[channel]
    series = observe_array(flight, **axes)
    assert channel not in "+".join(one.channel for one in series).split("+")
    assert np.corrcoef(series[-1].concentration, lagged(gas, "mox"))[0, 1] > 0.95


def test_sound_channels_are_all_kept(crossed):
    assert left_out(crossed[0]) == {}


@pytest.mark.parametrize("seed", range(4))
def test_sound_channels_of_simulated_flights_are_all_kept(seed):
    rng = np.random.default_rng(seed)
    flown = simulate(draw_scenario(rng, ("strong", "none")[seed % 2]), rng=rng)
    readings = {
        "pid": flown.columns["pid_ppb"],
        "mox1": flown.columns["mox1_ohm"],
        "mox2": flown.columns["mox2_ohm"],
    }
    flight, _ = flight_of(readings, {"pid": "1e-9", "mox1": "ohm", "mox2": "ohm"})
    assert left_out(flight) == {}


def test_the_only_channel_is_used_though_it_was_clipped():
    readings, gas = readings_of(names=("pid",))
    readings["pid"] = np.minimum(readings["pid"], 150.0)
    flight, axes = flight_of(readings, {"pid": "1e-9"})
    (series,) = observe_array(flight, **axes)
    assert "clipped" in left_out(flight)["pid"]
    assert np.corrcoef(series.concentration, lagged(gas, "pid"))[0, 1] > 0.9


def test_readings_of_another_gas_are_not_of_the_array():
    readings, gas = readings_of(names=("pid", "mox1"))
    readings["ch4"] = 2000.0 + np.random.default_rng(9).standard_normal(gas.size)
    flight, axes = flight_of(readings, {"pid": "1e-9", "mox1": "ohm", "ch4": "1e-9"})
    assert [one.channel for one in observe_array(flight, **axes)] == ["pid", "mox1"]


def test_a_response_measured_in_flight_is_used_instead_of_the_usual_one(crossed):
    flight, axes, _ = crossed
    for name in ("pid", "mox1", "mox2", "mox3"):
        flight = flight.assign({f"{name}_corrected": flight[f"{name}_corrected"].copy()})
        flight[f"{name}_corrected"].attrs |= {"rise_s": 4.5, "decay_s": 9.0}
    for series in observe_array(flight, **axes):
        assert series.response_s == pytest.approx((4.5, 9.0))


def test_a_flight_that_says_nothing_is_refused():
    readings, _ = readings_of(names=("mox1",), size=60)
    readings["mox1"][20:] = np.nan
    flight, axes = flight_of(readings, {"mox1": "ohm"})
    with pytest.raises(ValueError, match="usable readings"):
        observe_array(flight, **axes)
