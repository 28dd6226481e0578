"""Anemometers beyond the golden vectors: units, states, axes, and what is void."""

import math

import pytest

from sensors import nmea
from sensors.drivers.vaisala_wxt import crc
from sensors.records import EnvironmentSample, Event, Quality, WindSample
from tests.sensors.drivers.readings import faults_of, frames_of, records_of

MPH = 0.44704  # m s-1


def gill(body):
    return f"\x02{body}\x03{nmea.checksum(body):02X}\r\n".encode("latin-1")


def vaisala(body):
    return f"{body}{crc(body)}\r\n".encode("latin-1")


def one_frame(name, data):
    (frame,) = frames_of(name, data)
    return frame.as_json()


def wind_of(name, data):
    return next(one for one in records_of(name, data) if isinstance(one, WindSample))


class TestNmea:
    @pytest.mark.parametrize(
        ("letter", "factor"), [("M", 1.0), ("K", 1 / 3.6), ("N", 1852 / 3600), ("S", MPH)]
    )
    def test_every_unit_of_speed(self, letter, factor):
        frame = one_frame("nmea_mwv", nmea.encoded(f"WIMWV,090,R,36.0,{letter},A"))
        assert frame["si"]["wind_speed_m_s"] == pytest.approx(36.0 * factor)

    def test_units_of_other_makers_are_none_of_it(self):
        assert faults_of("nmea_mwv", nmea.encoded("WIMWV,090,R,36.0,P,A")) == ["format"]

    def test_wind_from_the_east_moves_to_the_west(self):
        wind = wind_of("nmea_mwv", nmea.encoded("WIMWV,090,R,5.0,M,A"))
        assert (wind.eastward, wind.northward) == (pytest.approx(-5.0), pytest.approx(0.0))
        assert wind.frame == "vehicle"
        assert wind.source == "device"

    def test_true_wind_is_another_series_in_the_frame_of_the_earth(self):
        wind = wind_of("nmea_mwv", nmea.encoded("IIMWV,000,T,5.0,M,A"))
        assert wind.source == "device.true"
        assert wind.frame == "earth"
        assert wind.northward == pytest.approx(-5.0)

    @pytest.mark.parametrize(
        "body", ["WIMWV,045,R,3.0,M,V", "WIMWV,045,R,,M,A", "WIMWV,,R,,,V", "WIMWV,,,,,V"]
    )
    def test_a_void_wind_is_no_calm(self, body):
        data = nmea.encoded(body)
        frame = one_frame("nmea_mwv", data)
        assert frame["valid"] is False
        assert frame["si"]["wind_speed_m_s"] is None
        wind = wind_of("nmea_mwv", data)
        assert math.isnan(wind.eastward)
        assert wind.quality & Quality.FAULT

    @pytest.mark.parametrize(
        ("body", "void"),
        [
            ("WIMWV,045,R,180.0,M,A", "wind_speed_m_s"),
            ("WIMWV,045,R,-1.0,M,A", "wind_speed_m_s"),
            ("WIMWV,720,R,3.0,M,A", "wind_from_deg"),
        ],
    )
    def test_what_no_wind_can_be_is_void_and_flagged(self, body, void):
        frame = one_frame("nmea_mwv", nmea.encoded(body))
        assert frame["si"][void] is None
        assert frame["invalid"] == [void]
        wind = wind_of("nmea_mwv", nmea.encoded(body))
        assert math.isnan(wind.northward)
        assert wind.quality == Quality.OUT_OF_RANGE

    def test_other_sentences_are_neither_frames_nor_faults(self):
        data = nmea.encoded("GPZDA,120000,21,11,2026,00,00")
        assert frames_of("nmea_mwv", data) == []
        assert faults_of("nmea_mwv", data) == []

    def test_a_station_without_bar_is_read_in_inches(self):
        frame = one_frame(
            "nmea_mda", nmea.encoded("WIMDA,29.796,I,,B,31.7,C,,,45.0,,,,,,,,7.4,N,,")
        )
        assert frame["si"]["pressure_Pa"] == pytest.approx(100_900.8, rel=1e-5)
        assert frame["si"]["relative_humidity_fraction"] == pytest.approx(0.45)
        assert frame["si"]["wind_speed_m_s"] == pytest.approx(7.4 * 1852 / 3600)
        assert frame["si"]["wind_from_true_deg"] is None

    def test_fields_in_the_wrong_place_are_refused(self):
        shifted = "WIMDA,29.796,I,1.009,B,31.7,C,12.0,M,,,,,82.3,T,72.3,M,7.4,N,3.8,M"
        assert faults_of("nmea_mda", nmea.encoded(shifted)) == ["format"]

    def test_a_station_out_of_its_mind_keeps_its_good_fields(self):
        body = "WIMDA,,I,9.9,B,21.0,C,,,,,,,400.0,T,,M,,N,3.8,M"
        frame = one_frame("nmea_mda", nmea.encoded(body))
        assert frame["invalid"] == ["pressure_Pa", "wind_from_true_deg"]
        assert frame["si"]["pressure_Pa"] is None
        assert frame["si"]["temperature_K"] == pytest.approx(294.15)
        assert frame["si"]["wind_speed_m_s"] == 3.8


class TestGill:
    @pytest.mark.parametrize(
        ("letter", "factor"),
        [("M", 1.0), ("N", 1852 / 3600), ("P", MPH), ("K", 1 / 3.6), ("F", 0.3048 / 60)],
    )
    def test_every_unit_of_speed(self, letter, factor):
        told = one_frame("gill_windsonic", gill(f"Q,229,012.00,{letter},00,"))
        assert told["si"]["wind_speed_m_s"] == pytest.approx(12.0 * factor)
        along = one_frame("gill_windsonic", gill(f"Q,+003.00,-004.00,{letter},00,"))
        assert along["si"]["wind_speed_m_s"] == pytest.approx(5.0 * factor)

    @pytest.mark.parametrize("status", ["01", "02", "04", "08", "09"])
    def test_any_status_but_00_is_no_wind(self, status):
        for body in (f"Q,229,002.74,M,{status},", f"Q,+001.00,+001.00,M,{status},"):
            frame = one_frame("gill_windsonic", gill(body))
            assert set(frame["si"].values()) == {None}
            wind = wind_of("gill_windsonic", gill(body))
            assert math.isnan(wind.eastward)
            assert wind.quality & Quality.FAULT

    @pytest.mark.parametrize(
        ("line", "kind"),
        [
            (b"\x02Q,229,002.74,M,00,\r\n", "framing"),
            (b"\x02Q,229,002.74,M,00,\x03\r\n", "checksum"),
            (b"\x02Q,229,002.74,M,00,\x03ZZ\r\n", "checksum"),
            (b"9,002.74,M,00,\x0316\r\n", "format"),
            (b"\x02Q,229,002.74,X,00,\x0303\r\n", "format"),
        ],
    )
    def test_a_broken_line_says_what_is_broken(self, line, kind):
        assert faults_of("gill_windsonic", line) == [kind]

    @pytest.mark.parametrize("status", ["A", "00"])
    def test_nmea_mode_knows_both_kinds_of_good(self, status):
        frame = one_frame("gill_windsonic", nmea.encoded(f"WIMWV,229,R,002.74,M,{status}"))
        assert frame["valid"] is True
        assert frame["si"]["wind_speed_m_s"] == 2.74

    def test_nmea_mode_with_a_fault_of_gill_is_void(self):
        frame = one_frame("gill_windsonic", nmea.encoded("WIMWV,229,R,002.74,M,04"))
        assert frame["valid"] is False
        assert frame["si"]["wind_speed_m_s"] is None

    @pytest.mark.parametrize(
        ("u", "v", "east", "north"),
        [  # manual, 9.2: U from south to north, V from east to west
            ("+005.00", "+000.00", 0.0, 5.0),
            ("-005.00", "+000.00", 0.0, -5.0),
            ("+000.00", "+005.00", -5.0, 0.0),
            ("+001.59", "-002.74", 2.74, 1.59),
            ("+000.00", "+000.00", 0.0, 0.0),
        ],
    )
    def test_the_axes_point_to_the_north_and_to_the_west(self, u, v, east, north):
        wind = wind_of("gill_windsonic", gill(f"Q,{u},{v},M,00,"))
        assert (wind.eastward, wind.northward) == (pytest.approx(east), pytest.approx(north))
        assert wind.quality == Quality(0)

    def test_both_modes_tell_the_same_wind(self):
        polar = wind_of("gill_windsonic", gill("Q,240,010.00,N,00,"))
        u, v = 10 * math.cos(math.radians(60)), -10 * math.sin(math.radians(60))
        along = wind_of("gill_windsonic", gill(f"Q,{u:+09.4f},{v:+09.4f},N,00,"))
        assert along.eastward == pytest.approx(polar.eastward, rel=1e-4)
        assert along.northward == pytest.approx(polar.northward, rel=1e-4)
        assert polar.eastward > 0  # from the west-south-west

    def test_a_calm_without_direction_is_a_calm(self):
        wind = wind_of("gill_windsonic", gill("Q,,000.04,M,00,"))
        assert math.hypot(wind.eastward, wind.northward) <= 0.04
        assert wind.quality == Quality(0)

    def test_a_wind_without_direction_is_void(self):
        wind = wind_of("gill_windsonic", gill("Q,,002.74,M,00,"))
        assert math.isnan(wind.eastward)
        assert wind.quality == Quality.MISSING

    @pytest.mark.parametrize(
        "body",
        ["Q,22,002.74,M,00,", "Q,229,2.74,M,00,", "Q,+00159,-00274,M,00,", "Q,229,010.0,N,0,"],
    )
    def test_equal_digits_lost_are_seen_though_the_checksum_holds(self, body):
        assert faults_of("gill_windsonic", gill(body)) == ["format"]

    def test_full_scale_is_told(self):
        assert wind_of("gill_windsonic", gill("Q,229,060.00,M,00,")).quality == Quality.SATURATED


class TestFtTechnologies:
    @pytest.mark.parametrize("name", ["WVP", "WVC"])
    @pytest.mark.parametrize(("unit", "kelvin"), [("C", 299.45), ("F", 269.98333), ("K", 26.3)])
    def test_a_valid_temperature_in_every_unit(self, name, unit, kelvin):
        data = nmea.encoded(f"WI,{name}=003.0,090,0,+026.3,{unit},V")
        frame = one_frame("ft_technologies", data)
        assert frame["si"]["temperature_K"] == pytest.approx(kelvin)
        assert frame["temperature_status"] == "V"

    def test_a_means_that_it_still_acquires(self):
        wind, air = records_of("ft_technologies", nmea.encoded("WI,WVC=003.0,090,0,+026.3,C,A"))
        assert wind.eastward == pytest.approx(-3.0)
        assert isinstance(air, EnvironmentSample)
        assert math.isnan(air.temperature)
        assert air.quality == Quality.MISSING

    @pytest.mark.parametrize("status", ["1", "2", "A", "V", "Z"])
    def test_any_status_but_0_is_no_wind(self, status):
        for speed in ("003.0", "---.-", ""):
            data = nmea.encoded(f"WI,WVP={speed},090,{status}")
            assert set(one_frame("ft_technologies", data)["si"].values()) == {None}
            wind = wind_of("ft_technologies", data)
            assert math.isnan(wind.eastward)
            assert wind.quality == Quality.FAULT

    @pytest.mark.parametrize(
        "body", ["WVP=20.0,045,0", "WVP=020.0,45,0", "WVP=020.,045,0", "WVP=020.0,045,", "WV=1,2,0"]
    )
    def test_equal_digits_lost_are_seen_though_the_checksum_holds(self, body):
        assert faults_of("ft_technologies", nmea.encoded(f"WI,{body}")) == ["format"]

    def test_in_nmea_mode_a_is_valid_again(self):
        frame = one_frame("ft_technologies", nmea.encoded("WIMWV,045,R,072.0,K,A"))
        assert frame["si"]["wind_speed_m_s"] == pytest.approx(20.0)
        assert frame["valid"] is True

    def test_answers_to_questions_about_settings_are_no_wind(self):
        (frame,) = frames_of("ft_technologies", nmea.encoded("WI,FL=E,0008,0008"))
        assert frame.kind == "reply"
        assert frame.fields["raw"]["values"] == ["E", "0008", "0008"]
        (event,) = records_of("ft_technologies", nmea.encoded("WI,FL=E,0008,0008"))
        assert (event.kind, event.text) == ("setting", "FL=E,0008,0008")


class TestVaisala:
    @pytest.mark.parametrize(
        "printed",
        [  # WXT520 user's guide M210906EN-C, automatic mode with CRC
            "0r1,Sn=0.1M,Sm=0.1M,Sx=0.1MGOG",
            "0r2,Ta=22.7C,Ua=55.5P,Pa=1004.7H@Fn",
            "0r3,Rc=0.00M,Rd=0s,Ri=0.0MIlm",
            "0r5,Th=25.0C,Vh=10.6#,Vs=10.8V,Vr=3.369VO]T",
        ],
    )
    def test_printed_messages_with_a_checksum(self, printed):
        kinds = {"1": "wind", "2": "met", "3": "precipitation", "5": "supervisor"}
        frame = one_frame("vaisala_wxt", printed.encode() + b"\r\n")
        assert frame["kind"] == kinds[printed[2]]
        assert faults_of("vaisala_wxt", printed[:-1].encode() + b"A\r\n") == ["checksum"]

    def test_air_in_degrees_of_all_kinds(self):
        frame = one_frame("vaisala_wxt", b"0R2,Ta=74.6F,Ua=14.7P,Pa=1012.9H\r\n")
        assert frame["si"]["temperature_K"] == pytest.approx((74.6 - 32) / 1.8 + 273.15)
        assert frame["si"]["relative_humidity_fraction"] == pytest.approx(0.147)
        assert frame["si"]["pressure_Pa"] == pytest.approx(101_290)

    @pytest.mark.parametrize(
        ("field", "pascal"),
        [("1012.9H", 101_290), ("101290P", 101_290), ("1.0129B", 101_290), ("759.7M", 101_285)],
    )
    def test_pressure_in_every_unit(self, field, pascal):
        frame = one_frame("vaisala_wxt", f"0R2,Pa={field}\r\n".encode())
        assert frame["si"]["pressure_Pa"] == pytest.approx(pascal, rel=1e-4)

    @pytest.mark.parametrize(
        ("letter", "factor"), [("M", 1.0), ("K", 1 / 3.6), ("S", MPH), ("N", 1852 / 3600)]
    )
    def test_every_unit_of_speed(self, letter, factor):
        frame = one_frame("vaisala_wxt", f"0R1,Dm=027D,Sm=10.1{letter}\r\n".encode())
        assert frame["si"]["wind_speed_m_s"] == pytest.approx(10.1 * factor)
        assert frame["raw"] == {"Dm": 27, "Sm": 10.1}

    def test_a_composite_message_holds_wind_and_air(self):
        data = vaisala("0r0,Dm=090D,Sm=2.0M,Ta=20.0C,Ua=50.0P,Pa=1000.0H,Rc=0.0M,Vs=12.1V")
        wind, air = records_of("vaisala_wxt", data)
        assert wind.eastward == pytest.approx(-2.0)
        assert air.pressure == pytest.approx(100_000)

    def test_text_of_the_owner_is_no_number(self):
        data = b"0R5,Th=25.9C,Vh=12.0N,Vs=15.2V,Vr=3.475V,Id=HEL___\r\n"
        frame = one_frame("vaisala_wxt", data)
        assert frame["raw"]["Id"] == "HEL___"
        assert frame["raw"]["Vs"] == 15.2

    def test_void_wind_is_missing_and_absurd_wind_out_of_range(self):
        void = wind_of("vaisala_wxt", b"0R1,Dm=000#,Sm=0.0#\r\n")
        assert void.quality == Quality.MISSING
        absurd = wind_of("vaisala_wxt", b"0R1,Dm=010D,Sm=999.0M\r\n")
        assert absurd.quality == Quality.OUT_OF_RANGE
        assert math.isnan(absurd.eastward)

    def test_a_field_in_no_unit_it_can_have_is_refused(self):
        assert faults_of("vaisala_wxt", b"0R1,Dm=010D,Sm=1.0X\r\n") == ["format"]
        assert faults_of("vaisala_wxt", b"0R2,Ta=20.0P\r\n") == ["format"]

    def test_what_it_complains_of_is_an_event(self):
        (event,) = records_of("vaisala_wxt", b"0TX,Unable to measure error\r\n")
        assert isinstance(event, Event)
        assert event.text == "Unable to measure error"

    @pytest.mark.parametrize("echo", [b"0R1\r\n", b"0r0Kld\r\n", b"0R\r\n"])
    def test_an_echo_is_neither_frame_nor_fault(self, echo):
        assert frames_of("vaisala_wxt", echo) == []
        assert faults_of("vaisala_wxt", echo) == []
