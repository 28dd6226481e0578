"""Winsen modules: what a model's frame means, ranges, warm-up and modes."""

import math

import pytest

from sensors.devices import driver_for
from sensors.drivers.winsen import COMMANDS
from sensors.errors import ConfigError
from sensors.records import Quality
from sensors.winsen_frames import framed
from tests.sensors.drivers.readings import COLD, WARM, faults_of, frames_of, records_of


def reply(ppm, last=0):
    high = ppm.to_bytes(2, "big")
    return framed(b"\x86" + high + b"\x42\x00" + last.to_bytes(2, "big"))


def upload(gas_type, unit, decimals, value, full):
    numbers = value.to_bytes(2, "big") + full.to_bytes(2, "big")
    return framed(bytes([gas_type, unit, decimals]) + numbers)


def test_without_a_model_it_asks_for_one():
    with pytest.raises(ConfigError, match="say which model it is: mhz19b, ze07_ch2o"):
        driver_for("winsen")
    with pytest.raises(ConfigError, match='there is no model "mhz14"'):
        driver_for("winsen", model="mhz14")
    assert driver_for("winsen", model="ze07_co").model == driver_for("winsen_ze07_co").model


def test_the_same_bytes_mean_what_the_model_says():
    data = reply(250, 32)
    values = [records_of(f"winsen_{m}", data)[0] for m in ("mhz19b", "ze07_ch2o", "ze07_co")]
    assert [v.channel for v in values] == ["co2", "hcho", "co"]
    assert [v.value for v in values] == pytest.approx([250e-6, 32e-9, 25e-6])
    assert {v.unit for v in values} == {"1"}


@pytest.mark.parametrize("ppm", [2000, 5000, 10_000])
def test_full_scale_of_any_range_it_is_sold_with_is_saturated(ppm):
    (sample,) = records_of("winsen_mhz19b", reply(ppm))
    assert sample.quality == Quality.SATURATED
    assert sample.value == pytest.approx(ppm * 1e-6)


def test_more_than_any_range_is_void():
    (sample,) = records_of("winsen_mhz19b", reply(12_000))
    assert sample.quality == Quality.SATURATED | Quality.OUT_OF_RANGE
    assert math.isnan(sample.value)


def test_the_range_an_upload_tells_is_the_one_that_counts():
    (below,) = records_of("winsen_ze08_ch2o", upload(0x17, 4, 0, 1999, 2000))
    (at,) = records_of("winsen_ze08_ch2o", upload(0x17, 4, 0, 2000, 2000))
    assert (below.quality, at.quality) == (Quality(0), Quality.SATURATED)


def test_an_upload_in_another_unit_is_converted_and_encoded_again():
    data = upload(0x17, 3, 2, 123, 500)
    (frame,) = frames_of("winsen_ze08_ch2o", data)
    assert frame.fields["raw"] == {"ppm": 1.23, "full_scale_ppm": 5.0}
    assert frame.fields["si"]["mole_fraction"] == pytest.approx(1.23e-6)
    assert driver_for("winsen_ze08_ch2o").encode(frame.as_json()) == data


@pytest.mark.parametrize("ppm", [410, 500, 5000])
def test_the_constants_shown_while_warming_up_are_flagged(ppm):
    (sample,) = records_of("winsen_mhz19b", reply(ppm), COLD)
    assert sample.quality & Quality.WARMING_UP
    (sample,) = records_of("winsen_mhz19b", reply(410), WARM)
    assert sample.quality == Quality(0)


def test_a_frame_of_another_gas_or_unit_is_refused():
    assert faults_of("winsen_ze07_co", upload(0x17, 4, 0, 37, 5000)) == ["format"]
    assert faults_of("winsen_ze08_ch2o", upload(0x17, 5, 0, 37, 5000)) == ["format"]
    assert faults_of("winsen_ze08_ch2o", upload(0x17, 4, 4, 37, 5000)) == ["format"]
    assert faults_of("winsen_mhz19b", upload(0x00, 4, 0, 37, 5000)) == ["format"]


def test_the_housing_is_not_the_air():
    assert [type(r).__name__ for r in records_of("winsen_mhz19b", reply(636))] == ["GasSample"]


def test_it_is_asked_once_a_second_and_else_left_to_upload():
    dialogue = driver_for("winsen_ze07_ch2o").dialogue()
    assert [r.name for r in dialogue.opening] == ["set_qa"]
    assert (dialogue.poll.name, dialogue.period_s) == ("read", 1.0)
    assert [r.name for r in dialogue.fallback] == ["set_active"]
    (frame,) = frames_of("winsen_ze07_ch2o", reply(42, 32))
    assert dialogue.poll.answers(frame)


def test_only_the_infrared_one_has_its_baseline_switched_off():
    opening = driver_for("winsen_mhz19b").dialogue().opening
    assert [r.name for r in opening] == ["set_qa", "auto_baseline_off"]
    assert COMMANDS["auto_baseline_off"].hex() == "ff0179000000000086"
    assert not any(data[2] in {0x87, 0x88} for data in COMMANDS.values())  # calibration


@pytest.mark.parametrize(
    ("printed", "model"),
    [("MH-Z19B", "mhz19b"), ("ZE07-CH2O", "ze07_ch2o"), ("ze08 ch2o", "ze08_ch2o")],
)
def test_a_model_may_be_written_as_on_the_module(printed, model):
    assert driver_for("winsen", model=printed).model == model
