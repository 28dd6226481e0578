"""Recordings as flights: alone, in parts, beside the autopilot's log."""

from __future__ import annotations

import numpy as np
import pytest

from drone.inputs import read_inputs
from sensors.assemble import FlightColumns, assemble
from sensors.errors import FlightError, SniffdroneError
from sensors.records import GasSample, Quality, WindSample
from tests import log_samples as truth
from tests.flying import RATE_HZ, Ground, Site, end, wait_for
from tests.recordings import COMPANION_BEHIND_NS, UTC_NS, Run, axis_of, gas, pose


def flight(*paths, **settings) -> FlightColumns:
    return assemble(read_inputs(paths).batches, **settings)


def recorded(run: Run, begin_s: float, end_s: float, *, has_pose: bool = True) -> None:
    """A gas sensor at 10 Hz with an odd phase, the autopilot at 5 Hz, a clock known after 2 s."""
    for step in range(round(begin_s * 10), round(end_s * 10)):
        time_s = step / 10
        run.record("pid", time_s + 0.0123, GasSample(0, "pid", "pid", 1e-7 * step, "1"))
        if has_pose and step % 2 == 0:
            run.record("autopilot", time_s, pose(time_s, 52.0 + time_s * 1e-5))
        if step % 10 == 0:
            run.clock(time_s, utc_s=time_s if time_s >= 2.0 else None)
            run.record("sonic", time_s, WindSample(axis_of(time_s), "sonic", 1.0, -2.0))


def test_gas_keeps_its_own_times_and_values_and_positions_come_to_it(tmp_path):
    run = Run()
    recorded(run, 0.0, 10.0)
    columns = flight(run.write(tmp_path / "a.mcap"))
    times_s = (columns.time_ns - UTC_NS) / 1e9
    np.testing.assert_allclose(times_s, np.arange(100) / 10 + 0.0123, atol=2e-7)
    assert columns.channels["pid"].values.tolist() == [1e-7 * step for step in range(100)]
    assert columns.channels["pid"].unit == "1"
    placed = times_s < 9.8
    np.testing.assert_allclose(columns.latitude[placed], 52.0 + times_s[placed] * 1e-5, atol=1e-10)
    assert columns.wind_source == "anemometer"
    assert not (columns.quality & Quality.CLOCK_POOR).any()


def test_files_of_one_run_are_one_flight(tmp_path):
    whole, first, second = Run(), Run(), Run()
    recorded(whole, 0.0, 10.0)
    recorded(first, 0.0, 1.5)  # rolled before the clock was known
    recorded(second, 1.5, 10.0)
    (tmp_path / "whole").mkdir()
    once = flight(whole.write(tmp_path / "whole" / "a.mcap"))
    parts = first.write(tmp_path / "a_001.mcap"), second.write(tmp_path / "a_002.mcap")
    for order in (parts, parts[::-1]):
        columns = flight(*order)
        np.testing.assert_allclose(columns.time_ns, once.time_ns, atol=200)
        np.testing.assert_array_equal(columns.channels["pid"].values, once.channels["pid"].values)


def test_without_an_autopilot_it_is_a_gas_log_for_the_log_beside_it(tmp_path):
    run = Run()
    recorded(run, 0.0, 20.0, has_pose=False)
    path = run.write(tmp_path / "a.mcap")
    with pytest.raises(FlightError, match="give the autopilot log"):
        flight(path)
    log = tmp_path / "a.tlog"
    truth.write_tlog(log)
    inputs = read_inputs([path, log])
    assert any("its gas readings are left out" in note for note in inputs.notes)
    columns = assemble(inputs.batches)
    assert set(columns.channels) == {"pid"}
    times_s = columns.time_ns / 1e9 - truth.UTC_S
    np.testing.assert_allclose(columns.latitude, 52.0907 + times_s * 1e-5, atol=2e-7)
    assert columns.wind_source == "anemometer"


def test_a_clock_that_was_never_known_is_put_right_by_hand(tmp_path):
    run = Run()
    for step in range(50):
        run.record("x", step / 10, *gas("x", step / 10, 1.0))
    run.clock(0.0)
    log = tmp_path / "a.tlog"
    truth.write_tlog(log)
    path = run.write(tmp_path / "a.mcap")
    with pytest.raises(FlightError, match="do not overlap"):
        flight(path, log)
    columns = flight(path, log, offset_s=COMPANION_BEHIND_NS / 1e9)
    assert columns.time_ns[0] == UTC_NS
    assert (columns.quality & Quality.CLOCK_POOR).all()


def test_what_fly_recorded_is_a_flight(tmp_path):
    """A live sensor and a live autopilot: info and process need nothing else."""
    with Site(tmp_path) as site, Ground(site.udp):
        process = site.fly("--lines")
        wait_for(site.recordings, 40.0)
        wait_for(lambda: readings_with_a_place(site) >= 20, 40.0)
        code, _, errors = end(process)
        assert code == 0, errors
        (path,) = site.recordings()
    inputs = read_inputs([path])
    columns = assemble(inputs.batches)
    assert set(columns.channels) == {"pid", "mox1"}
    is_placed = np.isfinite(columns.latitude)
    assert is_placed.sum() > 10
    np.testing.assert_allclose(columns.latitude[is_placed], 47.1234567)
    steps_s = np.diff(columns.time_ns) / 1e9
    assert np.median(steps_s) == pytest.approx(1 / RATE_HZ, rel=0.3)
    assert abs(columns.time_ns[-1] / 1e9 - path.stat().st_mtime) < 5.0


def readings_with_a_place(site: Site) -> int:
    """Readings with a place so far in the recording that is being written."""
    try:
        batches = read_inputs(site.recordings()).batches
        return int(np.isfinite(assemble(batches).latitude).sum())
    except SniffdroneError:
        return 0
