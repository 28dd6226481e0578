"""``sniffdrone watch --csv``: every reading heard, as a table."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drone.heard import GasMessage, as_json
from drone.watch_csv import ReadingsTable
from drone.watch_screen import lines_of
from firmware_bridge.logfile import ReadReport, read_log
from firmware_bridge.mavlink_frames import frame_bytes
from firmware_bridge.tunnel import Channel, TunnelFlag
from sensors.assemble import assemble
from sensors.errors import ConfigError
from tests.drone.ground import NOON_US, Ground, gas, tunnel_frame

CH4_PATH = Channel(index=1, species=1, unit=7, value=40.0)


class TestTable:
    def rows(self, path):
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream))

    def filled(self, ground, path, *batches):
        with ReadingsTable(path) as table:
            for one in batches:
                for message in ground.tunnel(one):
                    table.add(message)
                assert path.read_bytes().endswith(b"\n")  # whole at every moment
        return self.rows(path)

    def test_it_is_a_flight(self, ground, tmp_path):
        path = tmp_path / "survey.csv"
        batches = [
            gas(number, Channel(index=0, species=1, unit=1, value=2.0 + number / 8), CH4_PATH)
            for number in range(50)
        ]
        self.filled(ground, path, *batches)
        report = ReadReport(path=path)
        flight = assemble(read_log(path, report))
        assert list(flight.channels) == ["ch4"]
        assert flight.channels["ch4"].values.tolist() == [2.0 + n / 8 for n in range(50)]
        assert flight.channels["ch4"].unit == "1e-6"
        assert flight.time_ns.tolist() == [(NOON_US + n * 200_000) * 1000 for n in range(50)]
        assert flight.latitude[0] == pytest.approx(52.1)
        assert flight.altitude[0] == pytest.approx(61.0)

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        payloads=st.lists(
            st.builds(
                lambda head, channels, kind: (
                    b"%c%c" % (1, kind) + head + bytes([len(channels), 0]) + b"".join(channels)
                ),
                st.binary(min_size=28, max_size=28),
                st.lists(st.binary(min_size=12, max_size=12), max_size=8),
                st.sampled_from([1, 3]),
            ),
            max_size=5,
        )
    )
    def test_no_payload_breaks_screen_lines_json_or_table(self, tmp_path, payloads):
        ground, path = Ground(), tmp_path / "any.csv"
        path.unlink(missing_ok=True)
        with ReadingsTable(path) as table:
            for payload in payloads:
                for heard in ground.hear(tunnel_frame(ground.companion, payload)):
                    lines_of(heard)
                    json.dumps(as_json(heard), allow_nan=False)
                    if isinstance(heard, GasMessage):
                        table.add(heard)
            assert table.lost == 0
        assert not ground.watch.counters["broken"]
        ground.picture()
        widths = {len(row) for row in csv.reader(path.read_text().splitlines())}
        assert len(widths) == 1

    def test_strangers_cannot_fill_the_memory(self, ground):
        for device in range(1000):
            ground.tunnel(gas(1, device=device))
        assert len(ground.watch.newest) == 256
        assert ground.watch.counters["broken"] == 744

    def test_a_channel_that_comes_later_has_its_column_in_all_rows(self, ground, tmp_path):
        late = Channel(index=0, species=9, unit=2, value=31.0, sigma=math.nan)
        batches = [gas(1), gas(2, late, device=2, flags=TunnelFlag.UTC | TunnelFlag.SATURATED)]
        rows = self.filled(ground, tmp_path / "survey.csv", *batches, gas(3))
        assert [row["ch4_ppm"] for row in rows] == ["2.5", "", "2.5"]
        assert [row["o3_ppb"] for row in rows] == ["", "31", ""]
        assert [row["ch4_ppm_sigma"] for row in rows] == ["0.125", "", "0.125"]
        assert [row["device"] for row in rows] == ["1", "2", "1"]
        assert [row["flags"] for row in rows] == ["", "saturated", ""]
        assert list(tmp_path.iterdir()) == [tmp_path / "survey.csv"]

    def test_columns_take_the_names_that_channels_have_aboard(self, ground, tmp_path):
        path = tmp_path / "survey.csv"
        with ReadingsTable(path) as table:
            for number in range(20):
                channels = [
                    Channel(index=place, species=201, unit=8, value=1e5 * (place + 1) + number)
                    for place in (0, 1)
                ]
                if number % 3 == 2:
                    for place in (1, 0):
                        name, value = f"MOX{place + 1}_OHM", channels[place].value
                        value_frame = frame_bytes(
                            "NAMED_VALUE_FLOAT",
                            {"name": name, "value": value},
                            sequence=number,
                            system=1,
                            component=191,
                        )
                        ground.hear(value_frame)
                (message,) = ground.tunnel(gas(number, *channels))
                table.add(message)
        assert [one.channel for one in message.readings] == ["raw_device1_0", "raw_device1_1"]
        assert [one.name for one in message.readings] == ["mox1", "mox2"]
        rows = self.rows(path)
        assert [row["mox1_ohm"] for row in rows] == [str(100000 + n) for n in range(20)]
        assert [row["mox2_ohm"] for row in rows] == [str(200000 + n) for n in range(20)]
        assert not any(name.startswith("raw") for name in rows[0])

    def test_two_sensors_of_a_gas_have_a_column_each(self, ground, tmp_path):
        rows = self.filled(ground, tmp_path / "s.csv", gas(1), gas(1, device=2))
        assert rows[0]["ch4_ppm"] == rows[1]["ch4_device2_ppm"] == "2.5"

    def test_an_unknown_place_is_blank(self, ground, tmp_path):
        batch = gas(1, latitude=math.nan, altitude_amsl_m=math.nan)
        (row,) = self.filled(ground, tmp_path / "s.csv", batch)
        assert (row["latitude"], row["longitude"], row["altitude_amsl_m"]) == ("", "", "")

    def test_no_file_is_overwritten(self, tmp_path):
        path = tmp_path / "survey.csv"
        path.write_text("mine")
        with pytest.raises(ConfigError, match="exists"):
            ReadingsTable(path)
        assert path.read_text() == "mine"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
    def test_a_full_disk_is_counted_and_tried_again(self, ground, tmp_path):
        path = tmp_path / "survey.csv"
        with ReadingsTable(path) as table:
            (message,) = ground.tunnel(gas(1))
            table.add(message)
            good = table._stream
            table._stream = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
            table.add(message)
            assert (table.rows, table.lost) == (1, 1)
            assert table.trouble
            table._stream.close()
            table._stream = good
            table.add(message)
            assert (table.rows, table.lost, table.trouble) == (2, 1, "")
        assert len(self.rows(path)) == 2
