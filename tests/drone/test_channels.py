"""Which series a flight is judged by: the best channel, unless an array shows clearly more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from benchmarks.blind_worlds import BlindWorld
from detection.source.observations import Observations
from drone.analysis import corrected_flight, domain_of, observations_of
from drone.channels import heard_best
from drone.choices import Choices
from drone.inputs import read_inputs
from drone.pipeline import analyse
from mapping.grid import to_metric
from sims.recording import write_flight_csv
from sims.settings import Mox, Pid, Scenario, Source, Survey, Wind
from sims.simulate import simulate

SIZE = 600
ELEMENTS = tuple(Mox(name=name, threshold_ppb=200.0) for name in ("one", "two", "three"))


def series_of(channel, concentration, sigma, *, gain_log_sd):
    time_s = np.arange(SIZE, dtype=float)
    still = np.zeros(SIZE)
    return Observations(
        time_s=time_s,
        east=still,
        north=still,
        height=still + 8.0,
        concentration=1e-8 * concentration,
        sigma=np.full(SIZE, 1e-8 * sigma),
        wind_time_s=time_s,
        eastward_wind=still + 3.0,
        northward_wind=still,
        response_s=(2.5, 3.0),
        gain_log_sd=gain_log_sd,
        channel=channel,
        gas="acetone",
    )


def read_by(channel, seed, *, peak, noise, gain_log_sd):
    """Gas crossed every two minutes, with noise of that many units."""
    rng = np.random.default_rng(seed)
    gas = np.exp(-0.5 * (((np.arange(SIZE) + 60.0) % 120.0 - 60.0) / 4.0) ** 2)
    readings = peak * gas + noise * rng.standard_normal(SIZE)
    return series_of(channel, readings, noise, gain_log_sd=gain_log_sd)


def pid(seed=0, *, peak=2.0, noise=1.0):
    return read_by("pid", seed, peak=peak, noise=noise, gain_log_sd=0.2)


def array(seed=1, *, peak=20.0, noise=1.0):
    return read_by("mox1+mox2", seed, peak=peak, noise=noise, gain_log_sd=1.2)


@given(seed=st.integers(0, 10**6), peak=st.floats(0.0, 10.0))
@settings(max_examples=50, deadline=None)
def test_a_channel_of_noise_beside_it_changes_nothing(seed, peak):
    own = pid(seed, peak=peak)
    heard = heard_best(own, [array(seed + 1, peak=0.0)])
    assert heard.observations is own
    assert heard.notes == ()


@given(seed=st.integers(0, 10**6), loud=st.floats(12.0, 100.0))
@settings(max_examples=50, deadline=None)
def test_an_array_that_stands_out_takes_the_place_of_a_faint_channel_and_says_so(seed, loud):
    others = array(seed, peak=8.0, noise=8.0 / loud)
    heard = heard_best(pid(seed + 1), [others])
    assert heard.observations.channel == "mox1+mox2"
    assert len(heard.notes) == 1
    assert "sources are sought with mox1+mox2" in heard.notes[0]
    assert "pid reaches only" in heard.notes[0]
    assert_array_equal(heard.observations.concentration, others.concentration)
    assert_array_equal(heard.observations.sigma, others.sigma)
    assert heard.observations.gain_log_sd <= others.gain_log_sd


def test_the_louder_channel_is_kept():
    own = pid(peak=40.0)
    assert heard_best(own, [array(peak=30.0)]).observations is own


def test_the_best_channel_tells_how_far_off_rates_are():
    heard = heard_best(pid(peak=3.0), [array(peak=15.0)])
    assert heard.rate_factor == pytest.approx(0.2, rel=0.5)
    assert heard.observations.gain_log_sd < 0.6


def test_an_array_in_gas_the_best_channel_does_not_see_is_not_used_and_said():
    own = pid(peak=0.0, noise=0.05)
    heard = heard_best(own, [array(peak=30.0)])
    assert heard.observations is own
    assert len(heard.notes) == 1
    assert "another gas" in heard.notes[0]


def test_behind_an_array_that_is_not_used_comes_the_next():
    own = pid(peak=0.3, noise=0.05)
    second = replace(array(5, peak=0.6, noise=0.03), channel="ec")
    heard = heard_best(own, [second, array(peak=300.0)])
    assert heard.observations.channel == "ec"
    assert ["another gas" in note for note in heard.notes] == [True, False]


def test_the_order_of_the_others_does_not_matter():
    others = [array(1, peak=15.0), replace(array(2, peak=30.0), channel="ec")]
    one, other = heard_best(pid(), others), heard_best(pid(), others[::-1])
    assert one.notes == other.notes
    assert one.observations.channel == other.observations.channel == "ec"


@pytest.mark.parametrize(("world", "drifts"), [("none", True), ("single", False)])
def test_metal_oxides_that_drift_are_said_to(world, drifts, tmp_path):
    flown = BlindWorld(world, "ou", 18).flown()
    del flown.columns["pid_ppb"]
    write_flight_csv(flown, tmp_path / "flight.csv")
    heard = heard_in(tmp_path / "flight.csv", "mox1", gas=flown.scenario.gas)
    assert [note.split(":")[0] for note in heard.notes] == (
        ["mox1+mox2+mox3+mox4"] if drifts else []
    )
    assert all("is not taken for gas" in note for note in heard.notes)


@pytest.mark.parametrize("plateau_ppb", [0.0, 7.0])
def test_a_metal_oxide_that_tells_concentrations_says_so_too(plateau_ppb, tmp_path):
    flown = BlindWorld("none", "ou", 18).flown()
    samples = flown.columns["pid_ppb"].size
    for name in [name for name in flown.columns if name.startswith(("pid", "mox"))]:
        del flown.columns[name]
    readings = 500.0 + 5.0 * np.random.default_rng(0).standard_normal(samples)
    readings[samples // 2 :][: 40 * 5] += plateau_ppb  # 40 s at 5 Hz
    flown.columns["mox_ppb"] = readings
    write_flight_csv(flown, tmp_path / "flight.csv")
    heard = heard_in(tmp_path / "flight.csv", "mox", gas=flown.scenario.gas)
    assert ["is not taken for gas" in note for note in heard.notes] == [True] * bool(plateau_ppb)


def heard_in(log, channel, *, gas):
    flight, _ = corrected_flight(read_inputs([log]), Choices(gas=gas))
    domain, _ = domain_of(flight, Choices())
    return observations_of(flight, domain, channel, gas=gas)


@pytest.fixture(scope="module")
def faint(tmp_path_factory):
    """A flight through a plume the PID hardly sees: its path, and its source."""
    scenario = Scenario(
        source=(Source(east_m=-10.0, north_m=15.0, rate_g_s=0.03),),
        wind=Wind(speed_m_s=3.5, from_deg=240.0),
        survey=Survey(size_m=140.0, height_m=7.0),
        pid=Pid(noise_ppb=8.0),
        mox=ELEMENTS,
    )
    flight = simulate(scenario, rng=np.random.default_rng(7))
    path = tmp_path_factory.mktemp("faint") / "flight.csv"
    write_flight_csv(flight, path)
    return path, flight.truth["sources"][0]


def test_a_plume_too_faint_for_the_pid_is_found_with_the_array(faint):
    path, truth = faint
    found = analyse([path], choices=Choices())
    assert found.survey.channel == "pid"  # whose readings are mapped
    assert found.posterior.attrs["channel"] == "mox1+mox2+mox3"
    assert any("sources are sought with mox1+mox2+mox3" in note for note in found.notes)
    assert found.survey.told
    east, north = to_metric(found.survey.domain.crs, [truth["latitude"]], [truth["longitude"]])
    spot = found.survey.hotspots[0]
    assert np.hypot(spot.east - east[0], spot.north - north[0]) < 40.0


def test_a_stuck_element_is_left_out_of_the_array_by_name(faint, tmp_path):
    lines = faint[0].read_text(encoding="ascii").splitlines()
    column = lines[0].split(",").index("mox2_ohm")
    rows = [line.split(",") for line in lines]
    for row in rows[1 + len(rows) // 3 :]:
        row[column] = rows[1 + len(rows) // 3][column]
    path = tmp_path / "flight.csv"
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="ascii")
    found = analyse([path], choices=Choices())
    assert any(note.startswith("mox2: left out as faulty (stuck") for note in found.notes)
    assert found.posterior.attrs["channel"] == "mox1+mox3"
