"""SPEC DGS lines: no checksum, so numbers, ranges, serial number and uptime have to agree."""

import math

import pytest

from sensors.devices import driver_for
from sensors.drivers.spec_dgs import COMMANDS
from sensors.records import EnvironmentSample, GasSample, Quality
from tests.sensors.drivers.readings import COLD, faults_of, frames_of, records_of

SERIAL = "102015020212"
DAY = 86_400


def line(uptime_s=DAY, *, serial=SERIAL, ppb=315, celsius=23, percent=47, adc=34287):
    minutes, seconds = divmod(uptime_s, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    values = [serial, ppb, celsius, percent, adc, 25992, 27301]
    clock = [f"{n:02d}" for n in (days, hours, minutes, seconds)]
    return (", ".join([*map(str, values), *clock]) + "\r\n").encode()


def uptimes(data):
    return [frame.fields["raw"]["uptime_s"] for frame in frames_of("spec_dgs", data)]


def gas_of(data, **options):
    found = records_of("spec_dgs", data, **options)
    return [record for record in found if isinstance(record, GasSample)]


def test_a_single_uptime_that_goes_back_is_refused():
    data = line(1000) + line(900) + line(1001)
    assert uptimes(data) == [1000, 1001]
    assert faults_of("spec_dgs", data) == ["format"]


def test_an_uptime_that_jumps_ahead_by_damage_costs_one_line():
    data = line(1000) + line(90 * DAY) + line(1001) + line(1002)
    assert uptimes(data) == [1000, 90 * DAY, 1002]


def test_a_restarted_unit_is_believed_at_its_second_line():
    data = line(5 * DAY) + line(3) + line(4) + line(5)
    assert uptimes(data) == [5 * DAY, 4, 5]
    assert faults_of("spec_dgs", data) == ["format"]


def test_one_damaged_serial_number_is_refused_and_a_changed_unit_is_not():
    other = "102015020999"
    assert uptimes(line(10) + line(11, serial=other) + line(12)) == [10, 12]
    data = line(10) + line(50, serial=other) + line(51, serial=other)
    assert [f.fields["raw"]["serial"] for f in frames_of("spec_dgs", data)] == [SERIAL, other]


def test_each_doubt_is_counted_once():
    data = line(1000) + line(5) + line(4) + line(1001)
    assert uptimes(data) == [1000, 1001]
    assert faults_of("spec_dgs", data) == ["format", "format"]


@pytest.mark.parametrize(
    "broken",
    [
        line(celsius=200),
        line(percent=130),
        line(adc=65_536),
        line(ppb=10**9),
        line(serial="10201502021"),
        line(serial="10201502021x"),
        line().replace(b"315", b"3.5"),
        line().replace(b"315", b""),
        line().replace(b"00, 00\r", b"00, 61\r"),
        line().replace(b", 00\r\n", b"\r\n"),
        line().replace(b"\r\n", b", 7\r\n"),
        line().replace(b"47", b"4 7"),
        line().replace(b"23", "\u0662\u0663".encode()),
        b"-\r\n",
        b",,,,,,,,,,\r\n",
    ],
)
def test_a_line_that_no_unit_writes_is_a_format_error(broken):
    assert frames_of("spec_dgs", broken) == []
    assert faults_of("spec_dgs", broken) == ["format"]


def test_the_gas_is_what_model_or_mission_says():
    assert [s.channel for s in gas_of(line())] == ["gas"]
    assert [s.channel for s in gas_of(line(), model="no2")] == ["no2"]
    assert [s.channel for s in gas_of(line(), channels=["h2s_left"])] == ["h2s_left"]


def test_full_scale_is_saturated_and_kept():
    (sample,) = gas_of(line(ppb=20_000), model="so2")
    assert (sample.value, sample.quality) == (pytest.approx(20e-6), Quality.SATURATED)
    (sample,) = gas_of(line(ppb=19_999), model="so2")
    assert sample.quality == Quality(0)


def test_warm_up_counts_from_its_own_uptime():
    assert gas_of(line(3599))[0].quality == Quality.WARMING_UP
    assert gas_of(line(3600))[0].quality == Quality(0)
    (late,) = [r for r in records_of("spec_dgs", line(3600), COLD) if isinstance(r, GasSample)]
    assert late.quality == Quality(0)


def test_noise_below_zero_is_kept():
    assert gas_of(line(ppb=-12))[0].value == pytest.approx(-12e-9)


def test_a_step_of_humidity_is_flagged_until_the_cell_has_settled():
    levels = [47] * 5 + [52] * 60
    data = b"".join(line(DAY + n, percent=level) for n, level in enumerate(levels))
    upset = [n for n, s in enumerate(gas_of(data)) if s.quality & Quality.DISTURBED]
    assert upset == list(range(5, 5 + 4 + 30))  # the step is seen for 5 s
    assert all(math.isfinite(sample.value) for sample in gas_of(data))


def test_a_slow_change_of_humidity_is_not_flagged():
    data = b"".join(line(DAY + n, percent=40 + n // 4) for n in range(100))
    assert all(sample.quality == Quality(0) for sample in gas_of(data))


def test_a_restart_forgets_the_humidity_before_it():
    data = line(5 * DAY, percent=20) + line(3) + line(4)
    assert [s.quality for s in gas_of(data)] == [Quality(0), Quality.WARMING_UP]


def test_fog_above_saturation_is_void_humidity_beside_a_good_reading():
    found = records_of("spec_dgs", line(percent=104))
    (air,) = [r for r in found if isinstance(r, EnvironmentSample)]
    assert math.isnan(air.relative_humidity)
    assert air.quality == Quality.OUT_OF_RANGE
    assert air.temperature == pytest.approx(296.15)
    assert gas_of(line(percent=104))[0].quality == Quality(0)


def test_what_already_speaks_is_left_alone_and_the_rest_is_asked():
    dialogue = driver_for("spec_dgs").dialogue()
    assert (dialogue.listen_s, dialogue.heard_is_enough) == (2.5, True)
    assert dialogue.opening == ()
    assert (dialogue.poll.send, dialogue.period_s) == (b"\r", 1.0)
    assert dialogue.poll.timeout_s > 1.0
    assert not {b"Z", b"S", b"r"} & set(COMMANDS.values())
