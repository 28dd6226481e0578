"""Factors of the mission file on the readings of a driver."""

import math

import pytest

from sensors.calibration import mission_driver
from sensors.config import DeviceTable
from sensors.devices import Moment
from sensors.errors import ConfigError
from sensors.framing import Frame

MOMENT = Moment(source="pid", time_ns=1_000_000_000)


def table(**more):
    return DeviceTable(
        driver="mcu_cobs", port="/dev/null", channels=("pid_ppb", "mox1_ohm"), **more
    )


def values(driver):
    frame = {"kind": "mcu", "sequence": 1, "device_us": 5, "values": [100.0, None]}
    decoder = driver.decoder()
    (found,) = decoder.feed(driver.encode(frame), 0)
    assert isinstance(found, Frame)
    return {record.channel: record.value for record in driver.records(found, MOMENT)}


@pytest.mark.parametrize("name", ["pid", "pid_ppb"])
def test_a_factor_multiplies_its_channel_and_no_other(name):
    plain, calibrated = (
        values(mission_driver(table())),
        values(mission_driver(table(calibration={name: 2.5}))),
    )
    assert calibrated["pid"] == pytest.approx(2.5 * plain["pid"], rel=1e-12)
    assert math.isnan(calibrated["mox1"])


def test_a_calibrated_driver_is_otherwise_the_same():
    plain, calibrated = mission_driver(table()), mission_driver(table(calibration={"pid": 2.0}))
    assert calibrated.device == plain.device
    assert calibrated.dialogue() == plain.dialogue()
    assert calibrated.channels == plain.channels


@pytest.mark.parametrize(
    ("calibration", "words"),
    [({"pid": 0.0}, "above 0"), ({"pid": -1.0}, "above 0"), ({"co": 1.0}, 'no channel "co"')],
)
def test_a_wrong_factor_is_refused_and_named(calibration, words):
    with pytest.raises(ConfigError, match=words):
        mission_driver(table(calibration=calibration))
