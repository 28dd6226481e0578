"""``sniffdrone watch``: what the ground hears, over real sockets."""

from __future__ import annotations

import csv
import io
import json
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from drone import ground_link
from drone.ground_link import GroundLink
from drone.heard import Alarm, GasMessage, Said, as_json
from drone.watch import Watch
from drone.watch_csv import ReadingsTable
from drone.watch_screen import drawn, lines_of, summary_line
from firmware_bridge.logfile import ReadReport, read_log
from firmware_bridge.mavlink_frames import PacketDecoder, frame_bytes
from firmware_bridge.tunnel import PAYLOAD_TYPE, Batch, Channel, TunnelFlag
from sensors.assemble import assemble
from sensors.errors import ConfigError, LinkError
from sensors.records import Quality
from tests.mavlink_vehicle import FakeAutopilot
from tests.peers.processes import bridge, free_port, vehicle

ROOT = Path(__file__).parents[2]
NS = 1_000_000_000
NOON_US = 1_790_000_000_000_000
PLACE = {"latitude": 52.1, "longitude": 5.12, "altitude_amsl_m": 61.0}
CH4 = Channel(index=0, species=1, unit=1, value=2.5, sigma=0.125)


class Ground:
    """A watch that hears frames at once; the bridge is component 191."""

    def __init__(self, system=None):
        self.watch = Watch(system, wall_ns=lambda: NOON_US * 1000)
        self.autopilot = FakeAutopilot()
        self.companion = FakeAutopilot(component=191)
        self.now_ns = 1000 * NS

    def hear(self, frame):
        heard = []
        for one in PacketDecoder().feed(frame, self.now_ns):
            heard += self.watch.take(one.fields["packet"], self.now_ns)
        return heard

    def tunnel(self, batch):
        return self.hear(tunnel_frame(self.companion, batch.encode()))

    def picture(self):
        console = Console(width=140, record=True, file=io.StringIO())
        console.print(drawn(self.watch, "udp:x", self.now_ns))
        return console.export_text()


def tunnel_frame(companion, payload, *, kind=PAYLOAD_TYPE, length=None):
    return companion.frame(
        "TUNNEL",
        target_system=255,
        payload_type=kind,
        payload_length=len(payload) if length is None else length,
        payload=list(payload),
    )


def gas(number, *channels, device=1, flags=TunnelFlag.UTC, **fields):
    time_us = NOON_US + number * 200_000
    return Batch(
        device=device,
        sequence=number,
        time_us=time_us,
        channels=channels or (CH4,),
        flags=flags,
        **(PLACE | fields),
    )


@pytest.fixture
def ground():
    made = Ground()
    made.hear(made.autopilot.heartbeat(armed=True))
    return made


class TestWhatIsHeard:
    def test_a_reading_has_value_time_place_and_flags(self, ground):
        (message,) = ground.tunnel(gas(7, flags=TunnelFlag.UTC | TunnelFlag.WARMING_UP))
        assert isinstance(message, GasMessage)
        assert message.time_ns == (NOON_US + 1_400_000) * 1000
        assert message.latitude == pytest.approx(52.1)
        (reading,) = message.readings
        assert (reading.channel, reading.value, reading.unit) == ("ch4", 2.5, "ppm")
        assert reading.flags == ("warming_up",)
        assert (
            "ch4 2.5 +-0.12 ppm (device 1)  52.10000 N 5.12000 E 61 m  [warming_up]"
            in (lines_of(message)[0])
        )

    def test_flags_of_one_channel_are_not_those_of_its_neighbour(self, ground):
        cold = Channel(index=1, species=2, unit=1, value=400.0, quality=int(Quality.WARMING_UP))
        (message,) = ground.tunnel(gas(1, CH4, cold, flags=TunnelFlag.UTC | TunnelFlag.WARMING_UP))
        assert [one.flags for one in message.readings] == [(), ("warming_up",)]

    def test_a_device_at_fault_shows_no_value(self, ground):
        (message,) = ground.tunnel(gas(1, flags=TunnelFlag.UTC | TunnelFlag.FAULT))
        assert math.isnan(message.readings[0].value)
        assert "missing" in lines_of(message)[0]

    def test_time_since_boot_is_turned_into_utc(self, ground):
        boot = Batch(device=1, sequence=1, time_us=5_000_000, channels=(CH4,))
        (undated,) = ground.tunnel(boot)
        assert not undated.is_dated
        system_time = ground.autopilot.frame(
            "SYSTEM_TIME", time_unix_usec=NOON_US + 9_000_000, time_boot_ms=9000
        )
        ground.hear(system_time)
        later = Batch(device=1, sequence=2, time_us=5_500_000, channels=(CH4,))
        (dated,) = ground.tunnel(later)
        assert dated.is_dated
        assert dated.time_ns == (NOON_US + 5_500_000) * 1000

    def test_what_is_broken_or_foreign_is_counted_and_never_shown(self, ground):
        good = gas(1).encode()
        for payload, options in (
            (b"\x02" + good[1:], {}),
            (good, {"length": len(good) - 4}),
            (good, {"length": 255}),
            (b"", {}),
            (good, {"kind": 200}),
        ):
            assert ground.hear(tunnel_frame(ground.companion, payload, **options)) == []
        assert ground.watch.counters["broken"] == 4
        assert ground.watch.counters["foreign"] == 1
        assert not ground.watch.newest
        assert "4 broken; 1 of other programs" in summary_line(ground.watch, "", ground.now_ns)

    def test_what_comes_twice_is_told_once(self, ground):
        frame = tunnel_frame(ground.companion, gas(1).encode())
        again = tunnel_frame(ground.companion, gas(1).encode())  # numbered anew by a router
        assert [len(ground.hear(one)) for one in (frame, frame, again)] == [1, 0, 0]
        assert ground.watch.counters["duplicates"] == 1
        assert ground.watch.counters["repeated"] == 1

    def test_what_comes_late_does_not_replace_what_is_newer(self, ground):
        late = Channel(index=0, species=1, unit=1, value=9.0)
        ground.tunnel(gas(5))
        assert len(ground.tunnel(gas(4, late))) == 1
        ((_, newest),) = ground.watch.newest.values()
        assert newest.value == 2.5

    def test_a_bridge_that_began_anew_is_heard(self, ground):
        for number in range(5000, 5003):
            ground.tunnel(gas(number))
        again = Channel(index=0, species=1, unit=1, value=9.0)
        batch = Batch(
            device=1, sequence=0, time_us=NOON_US, channels=(again,), flags=TunnelFlag.UTC
        )
        ground.tunnel(batch)
        ((_, newest),) = ground.watch.newest.values()
        assert newest.value == 9.0
        assert ground.watch.missing(191, 1) == 0.0

    def test_gaps_are_shares(self, ground):
        for number in (0, 1, 2, 5, 6, 9):
            ground.autopilot.sequence = number + 1
            ground.hear(ground.autopilot.heartbeat(armed=True))
            ground.tunnel(gas(number))
        assert ground.watch.missing(191, 1) == pytest.approx(0.4)
        assert ground.watch.loss == pytest.approx(4 / 11)

    def test_other_vehicles_are_left_out(self, ground):
        stranger = FakeAutopilot(system=2, component=191)
        assert ground.hear(tunnel_frame(stranger, gas(1).encode())) == []
        assert ground.watch.counters["other_vehicles"] == 1
        chosen = Ground(system=2)
        chosen.hear(chosen.autopilot.heartbeat())
        assert chosen.watch.heartbeat_ns is None

    def test_texts_are_newest_first_and_alarms_stand_out(self, ground):
        for text, severity in (("pid lost", 4), ("GAS ch4 +3 ppm", 4), ("EKF failsafe", 2)):
            ground.hear(ground.companion.frame("STATUSTEXT", severity=severity, text=text))
            ground.now_ns += NS
        assert ground.watch.texts[0].text == "EKF failsafe"
        assert [one.is_alarm for one in ground.watch.texts] == [True, True, False]
        said = ground.hear(ground.companion.frame("STATUSTEXT", severity=6, text="\x1b[2J gone"))
        assert isinstance(said[0], Said)
        assert "\x1b" not in lines_of(said[0])[0]

    def test_an_alarm_begins_and_ends_with_place_and_strength(self, ground):
        ground.tunnel(gas(1))
        excess = Channel(index=0, species=1, unit=1, value=12.5)
        (alarm,) = ground.tunnel(gas(2, excess, kind=3))
        assert isinstance(alarm, Alarm)
        assert "ch4 +12.5 ppm above clean air (device 1) at 52.10000 N" in lines_of(alarm)[0]
        assert "GAS" in ground.picture()
        over = Channel(index=0, species=1, unit=1, value=0.0)
        ground.tunnel(gas(3, over, kind=3))
        assert not ground.watch.alarms

    def test_the_screen_tells_age_and_silence(self, ground):
        ground.tunnel(gas(1))
        assert "silent" not in ground.picture()
        ground.now_ns += 8 * NS
        picture = ground.picture()
        assert "8.0 s" in picture
        assert "silent" in picture
        assert "heartbeat 8.0 s ago" in picture


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


CH4_PATH = Channel(index=1, species=1, unit=7, value=40.0)


class TestLink:
    @pytest.mark.parametrize(
        ("own_system", "with_gas", "is_sent"),
        [(255, True, False), (255, False, True), (0, False, False)],
    )
    def test_udp_speaks_only_where_no_gas_comes_without(
        self, own_system, with_gas, is_sent, monkeypatch
    ):
        monkeypatch.setattr(ground_link, "FED_NS", NS)
        port, autopilot = free_port(), FakeAutopilot()
        companion = FakeAutopilot(component=191)
        with (
            GroundLink(f"udp:127.0.0.1:{port}", own_system=own_system) as link,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            other.bind(("127.0.0.1", 0))
            other.settimeout(0.02)
            heard, number = [], 0
            end = time.monotonic() + (10 if is_sent else 2)
            while not heard and time.monotonic() < end:
                number += 1
                frames = autopilot.heartbeat()
                if with_gas:
                    frames += tunnel_frame(companion, gas(number).encode())
                other.sendto(frames, ("127.0.0.1", port))
                link.packets(0.1)
                try:
                    heard += PacketDecoder().feed(other.recv(1000))
                except TimeoutError:
                    continue
        assert link.is_speaking == is_sent
        assert [one.fields["packet"].name for one in heard] == ["HEARTBEAT"] * is_sent

    @pytest.mark.parametrize(("own_system", "is_sent"), [(255, True), (0, False)])
    def test_a_stream_is_sent_heartbeats_and_nothing_else(self, own_system, is_sent):
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            GroundLink(f"tcp:127.0.0.1:{server.getsockname()[1]}", own_system=own_system) as link,
        ):
            stream, _ = server.accept()
            with stream:
                decoder, names = PacketDecoder(), []
                stream.settimeout(0.1)
                end = time.monotonic() + (10 if is_sent else 2)
                while len(names) < 2 and time.monotonic() < end:
                    link.packets(0.1)
                    try:
                        data = stream.recv(1000)
                    except TimeoutError:
                        continue
                    for frame in decoder.feed(data):
                        packet = frame.fields["packet"]
                        assert (packet.system, packet.fields()["type"]) == (255, 6)
                        names.append(packet.name)
        assert names == ["HEARTBEAT"] * (2 if is_sent else 0)

    def test_a_port_in_use_is_said_at_once(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", 0))
            link = f"udp:127.0.0.1:{holder.getsockname()[1]}"
            with pytest.raises(LinkError, match="close the program"):
                GroundLink(link)

    def test_a_wrong_link_is_named_as_the_option_is(self, run):
        outcome = run("watch", "--link", "cup:1")
        assert outcome.code == 2
        assert 'link "cup:1" is not udp:' in outcome.err


class Watching:
    """The command as a process, and its lines."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "watch", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines, self.errors = [], []
        self._threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in (
                (self.process.stdout, self.lines),
                (self.process.stderr, self.errors),
            )
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def until(self, condition, *, patience_s=30.0):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if condition(list(self.lines)):
                return
            assert self.process.poll() is None, self.errors
            time.sleep(0.02)
        raise AssertionError((self.lines[-3:], self.errors))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def test_a_flying_bridge_is_heard_through_its_vehicle(tmp_path):
    port, companion = free_port(), free_port(socket.SOCK_STREAM)
    path = tmp_path / "survey.csv"
    with (
        vehicle("--companion-tcp", companion, "--ground", f"127.0.0.1:{port}"),
        bridge(f"tcp:127.0.0.1:{companion}"),
        Watching("--link", f"udp:127.0.0.1:{port}", "--csv", path, "--json") as watching,
    ):
        watching.until(lambda lines: sum('"gas"' in line for line in lines) > 10)
        watching.until(lambda lines: any("pid lost" in line for line in lines))
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(20) == 130
        for thread in watching._threads:
            thread.join(5)
        told = [json.loads(line) for line in watching.lines]
        assert "Traceback" not in "".join(watching.errors)
        assert "vehicle 1: heartbeat" in "".join(watching.errors)
    readings = [one for one in told if one["record"] == "gas"]
    assert {one["value"] for one in readings} == {2.125}
    assert {(one["device"], one["channel"], one["unit"]) for one in readings} == {
        (16, "ch4", "ppm")
    }
    assert path.read_text().count("2.125") == len(readings)
    assert any(one["record"] == "text" and one["text"] == "pid lost" for one in told)


def test_nothing_that_was_heard_is_lost_on_kill(tmp_path):
    port, path = free_port(), tmp_path / "survey.csv"
    companion = FakeAutopilot(component=191)
    with (
        Watching("--link", f"udp:127.0.0.1:{port}", "--csv", path, "--json") as watching,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        number = 0
        end = time.monotonic() + 30
        while len(watching.lines) < 20 and time.monotonic() < end:
            number += 1
            batch = gas(number, device=1 + number % 3)
            frame = tunnel_frame(companion, batch.encode())
            sender.sendto(frame, ("127.0.0.1", port))
            time.sleep(0.02)
        watching.process.kill()
        watching.process.wait(10)
        seen = len(watching.lines)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert seen >= 20
    assert len(rows) >= seen
    assert {"ch4_ppm", "ch4_device2_ppm", "ch4_device3_ppm"} & set(rows[0])
    assert "".join(watching.lines).count('"record": "gas"') == seen
