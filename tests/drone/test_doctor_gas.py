"""Zero and bump tests: figures that can be checked by hand, kept whole, old ones told."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from drone.cli.app import run
from drone.doctor_response import bump_of, expected_gas, zero_of
from drone.doctor_response_words import judged_bump
from drone.doctor_results import ages, keep_results, kept_results
from sensors.devices import driver_for
from sensors.errors import ConfigError
from sims.virtual_device import VirtualDevice

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def result(**more):
    return {
        "kind": "bump",
        "time": NOW.isoformat(),
        "device": "nose",
        "channel": "pid",
        "response": 0.97,
        "operator": "Kim",
        "state": "ok",
    } | more


class TestFigures:
    def test_zero_tells_mean_noise_and_drift_apart(self):
        rng = random.Random(3)
        times = [k / 10 for k in range(600)]
        values = [5.0 + 0.01 * t + rng.gauss(0.0, 0.2) for t in times]  # 36 an hour
        zero = zero_of(times, [*values[:-1], math.nan])
        assert zero.mean == pytest.approx(5.3, abs=0.03)
        assert zero.noise == pytest.approx(0.2, rel=0.1)
        assert zero.drift_per_hour == pytest.approx(36.0, rel=0.15)
        assert zero.samples == 599

    @pytest.mark.parametrize(
        ("times", "values"),
        [([], []), ([1, 2, 3, 4], [1, 1, 1, 1]), ([1] * 6, [1] * 6), (range(6), [math.nan] * 6)],
    )
    def test_too_few_readings_have_no_zero(self, times, values):
        assert zero_of(times, values) is None

    def test_a_first_order_sensor_has_the_t90_of_its_time_constant(self):
        tau, times = 8.0, [k / 5 for k in range(400)]  # 80 s, ten time constants
        values = [2.0 + 48.0 * (1.0 - math.exp(-t / tau)) for t in times]
        bump = bump_of(times, values, baseline=2.0, expected=50.0)
        assert bump.response == pytest.approx(0.96, abs=0.001)
        assert bump.t90_s == pytest.approx(tau * math.log(10.0), abs=0.2)
        assert bump.rise_s == pytest.approx(tau * math.log(9.0), abs=0.4)
        assert not bump.is_rising

    def test_gas_that_was_applied_too_shortly_is_told(self):
        times = [k / 5 for k in range(100)]
        values = [50.0 * t / 20.0 for t in times]
        bump = bump_of(times, values, baseline=0.0, expected=50.0)
        assert bump.is_rising

    @pytest.mark.parametrize("sign", [0.0, -1.0])
    def test_no_answer_and_a_wrong_sign_have_no_t90_and_fail(self, sign):
        bump = bump_of(range(20), [sign * 40.0] * 20, baseline=0.0, expected=50.0)
        assert math.isnan(bump.t90_s)
        finding = judged_bump("nose/pid", bump, expected_gas("pid=50 ppm"))
        assert finding.state == "failure"
        assert "no rise" in finding.found

    @pytest.mark.parametrize(
        ("response", "state"),
        [(0.4, "failure"), (0.7, "warning"), (0.81, "ok"), (1.19, "ok"), (1.3, "warning"),
         (2.1, "failure")],
    )  # fmt: skip
    def test_how_much_of_the_expected_is_enough(self, response, state):
        bump = bump_of(range(20), [0.0] * 2 + [response] * 18, baseline=0.0, expected=1.0)
        assert judged_bump("nose/pid", bump, expected_gas("pid=50 ppm")).state == state

    @pytest.mark.parametrize(
        ("text", "device", "channel", "value", "unit"),
        [
            ("co=50 ppm", "", "co", 50e-6, "1"),
            ("pid/isobutylene = 100ppb", "pid", "isobutylene", 1e-7, "1"),
            ("ch4=2.5 %", "", "ch4", 0.025, "1"),
            ("pm=1e2 ug/m3", "", "pm", 1e-7, "kg m-3"),
        ],
    )
    def test_a_gas_is_named_with_its_unit(self, text, device, channel, value, unit):
        found = expected_gas(text)
        assert (found.device, found.channel, found.unit) == (device, channel, unit)
        assert found.value == pytest.approx(value)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "co",
            "co=50",
            "co=ppm",
            "co=-5 ppm",
            "co=0 ppm",
            "co=1e999 ppm",
            "=5 ppm",
            "co=5 furlong",
            "co=+- ppm",
        ],
    )
    def test_a_gas_without_sense_is_refused_with_an_example(self, text):
        with pytest.raises(ConfigError, match=r"--bump"):
            expected_gas(text)


class TestResults:
    def test_results_are_added_and_nothing_else_is_left(self, tmp_path):
        path = tmp_path / "recordings" / "calibration-results.json"
        keep_results(path, [result()])
        keep_results(path, [result(channel="co")])
        assert [one["channel"] for one in kept_results(path)] == ["pid", "co"]
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"results": 3}', '{"results": [{}]}',
                                      '{"results": [{"time": 3}]}', "\udcff"])  # fmt: skip
    def test_a_damaged_file_is_told_and_not_overwritten(self, tmp_path, text):
        path = tmp_path / "calibration-results.json"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        before = path.read_bytes()
        with pytest.raises(ConfigError, match="is damaged"):
            keep_results(path, [result()])
        assert path.read_bytes() == before
        assert ages(path, [("nose", "pid")])[0].state == "warning"

    def test_missing_old_and_failed_tests_are_warnings_and_a_fresh_one_is_not(self, tmp_path):
        path = tmp_path / "calibration-results.json"
        channels = [("nose", "pid")]
        assert {one.state for one in ages(path, channels, NOW)} == {"warning"}
        keep_results(path, [result(kind="zero"), result()])
        zero, bump = ages(path, channels, NOW + timedelta(hours=3))
        assert (zero.state, bump.state) == ("ok", "ok")
        assert bump.found == "bump test 3.0 hours ago by Kim, response 97 %"
        late = ages(path, channels, NOW + timedelta(days=31))
        assert {one.state for one in late} == {"warning"}
        keep_results(path, [result(state="failure", response=0.1)])
        assert ages(path, channels, NOW)[1].state == "warning"


@pytest.fixture
def nose(tmp_path, monkeypatch):
    """Mission with a PID that tells 0.1 ppm with noise, and 10 ppm more in gas."""
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.3)
    monkeypatch.setattr("drone.doctor_devices.WATCH_S", 1.0)
    monkeypatch.setattr("drone.doctor_gas.BASELINE_S", 1.0)
    path = tmp_path / "mission.toml"
    path.write_text(
        '[mission]\nname = "x"\nauthority = "city"\noperator = "Kim"\n'
        '[[device]]\nname = "nose"\ndriver = "mcu_cobs"\nchannels = ["pid_ppb"]\n'
        f'port = "{tmp_path / "nose"}"\n[autopilot]\nlink = "udpout:127.0.0.1:9"\n'
    )
    return path


def frames(level):
    noise = random.Random(5)
    return [{"kind": "mcu", "sequence": k % 65536, "device_us": k * 50_000,
             "values": [level(k / 20) + noise.gauss(0.0, 1.0)]} for k in range(2000)]  # fmt: skip


def checks_of(capsys, *arguments):
    code = run(["doctor", "--json", *map(str, arguments)])
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    return code, captured.err, {(one["area"], one["subject"]): one for one in told["checks"]}


def test_a_zero_test_is_told_kept_and_counted_as_done(nose, tmp_path, capsys):
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    with VirtualDevice(driver, frames(lambda _: 100.0), tmp_path / "nose", rate_hz=20):
        code, said, checks = checks_of(capsys, nose, "--zero", "2")
    assert code == 0
    assert "keep all sensors in clean air for 2 s" in said
    zero = checks["zero", "nose/pid"]
    assert zero["figures"]["mean"] == pytest.approx(100e-9, rel=0.02)
    assert 0.5e-9 < zero["figures"]["noise"] < 2e-9
    (kept,) = kept_results(tmp_path / "recordings" / "calibration-results.json")
    assert (kept["kind"], kept["device"], kept["channel"]) == ("zero", "nose", "pid")
    assert (kept["operator"], kept["unit"], kept["driver"]) == ("Kim", "1", "mcu_cobs")
    assert abs(datetime.fromisoformat(kept["time"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_bump_test_says_when_to_apply_gas_and_how_the_channel_answered(
    nose, tmp_path, capsys, monkeypatch
):
    """The gas comes when it is asked for: the virtual device watches for the prompt."""
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    clean, gas = frames(lambda _: 100.0), frames(lambda _: 10_100.0)
    applied = threading.Event()
    with VirtualDevice(driver, clean, tmp_path / "nose", rate_hz=20) as device:

        def listen(text):
            if "NOW" in text:
                device._frames.clear()
                device._frames.extend(driver.encode(frame) for frame in gas)
                applied.set()

        monkeypatch.setattr("drone.cli.doctor.warn", listen)
        code, _, checks = checks_of(capsys, nose, "--bump", "pid=10 ppm", "--bump-for", "5")
    assert applied.is_set()
    bump = checks["bump", "nose/pid"]
    assert code == 0, bump
    assert bump["state"] == "ok"
    assert bump["figures"]["response"] == pytest.approx(1.0, abs=0.01)
    assert 0.0 <= bump["figures"]["t90_s"] < 2.0
    (kept,) = kept_results(tmp_path / "recordings" / "calibration-results.json")
    assert kept["expected"] == pytest.approx(10e-6)
    assert kept["baseline"] == pytest.approx(100e-9, rel=0.05)


@pytest.mark.parametrize(
    ("gas", "complaint"),
    [("co=50 ppm", "heard are nose/pid"), ("pid=50 mg/m3", "the gas is given in kg m-3")],
)
def test_a_gas_no_channel_can_be_held_against_is_a_failure_at_once(
    nose, tmp_path, capsys, gas, complaint
):
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    with VirtualDevice(driver, frames(lambda _: 100.0), tmp_path / "nose", rate_hz=20):
        begun = time.monotonic()
        code, _, checks = checks_of(capsys, nose, "--bump", gas)
        assert time.monotonic() - begun < 25
    assert code == 2
    (bump,) = [
        one for (area, _), one in checks.items() if area == "bump" and one["state"] == "failure"
    ]
    assert complaint in bump["found"]
    assert not (tmp_path / "recordings").exists()


def test_a_device_that_falls_silent_in_the_zero_test_leaves_no_result(
    nose, tmp_path, capsys, monkeypatch
):
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    with VirtualDevice(driver, frames(lambda _: 100.0), tmp_path / "nose", rate_hz=20) as device:
        monkeypatch.setattr("drone.cli.doctor.warn", lambda _: device.mute())
        code, _, checks = checks_of(capsys, nose, "--zero", "1")
    assert code == 2
    assert checks["zero", "nose/pid"]["state"] == "failure"
    assert not (tmp_path / "recordings").exists()


def test_results_that_cannot_be_kept_are_a_failure(nose, tmp_path, capsys):
    results = tmp_path / "recordings" / "calibration-results.json"
    results.parent.mkdir()
    results.write_text("{ torn")
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    with VirtualDevice(driver, frames(lambda _: 100.0), tmp_path / "nose", rate_hz=20):
        code, _, checks = checks_of(capsys, nose, "--zero", "1")
    assert code == 2
    assert "is damaged" in checks["zero", "results"]["found"]
    assert results.read_text() == "{ torn"
