"""One short flight as a file of every format, written independently of our readers.

Only NetCDF, which is a format of our Flight, is made with our own code.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, Writer
from pymavlink.dialects.v20 import all as mavlink

from firmware_bridge.formats import csv
from firmware_bridge.logfile import ReadReport
from sensors import flight
from sensors.assemble import assemble

BOOT_S = 42.0  # the autopilot's uptime at the first sample
UTC_S = 1_795_221_600  # 2026-11-21T00:40:00Z, at the first sample
RECEIVER_AHEAD_S = 3.4
SECONDS, RATE_HZ = 30, 10
TIME_S = np.arange(SECONDS * RATE_HZ) / RATE_HZ
LATITUDE = 52.0907 + TIME_S * 1e-5
LONGITUDE = 5.1214 - TIME_S * 2e-5
ALTITUDE_M, HOME_M = 10.0, 2.0
WIND_SPEED, WIND_FROM_DEG = 3.0, 240.0
EAST = -WIND_SPEED * np.sin(np.radians(WIND_FROM_DEG))
NORTH = -WIND_SPEED * np.cos(np.radians(WIND_FROM_DEG))
PRESSURE_PA = 101_300.0
GAS = 2.0 + np.sin(TIME_S)  # CH4, ppm; once a second in autopilot logs
WIND_FROM_S = 6.0  # take-off at 0: no estimate before


class _Tlog:
    """Writes a .tlog with pymavlink's encoder."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self._senders: dict[tuple[int, int], mavlink.MAVLink] = {}

    def add(
        self,
        time_s: float,
        message: mavlink.MAVLink_message,
        *,
        system: int = 1,
        component: int = 1,
    ) -> None:
        sender = self._senders.setdefault(
            (system, component), mavlink.MAVLink(None, system, component)
        )
        received_us = int((UTC_S + RECEIVER_AHEAD_S + time_s) * 1e6)
        self.stream.write(struct.pack(">Q", received_us) + message.pack(sender))
        sender.seq = (sender.seq + 1) % 256


def write_tlog(
    path: Path, *, knows_utc: bool = True, first_boot_ms: int = int(BOOT_S * 1e3)
) -> None:
    log = _Tlog()
    for number, time_s in enumerate(TIME_S):
        boot_ms = (first_boot_ms + round(float(time_s) * 1e3)) % (1 << 32)
        if number % RATE_HZ == 0:
            utc_us = int((UTC_S + time_s) * 1e6) if knows_utc else 0
            log.add(time_s, mavlink.MAVLink_heartbeat_message(2, 3, 209, 5, 4, 3))
            log.add(
                time_s,
                mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3),
                system=255,
                component=190,
            )
            log.add(time_s, mavlink.MAVLink_system_time_message(utc_us, boot_ms))
            log.add(time_s, mavlink.MAVLink_extended_sys_state_message(0, 1 if time_s < 1 else 2))
            log.add(
                time_s, mavlink.MAVLink_scaled_pressure_message(boot_ms, PRESSURE_PA / 100, 0, 3000)
            )
            value = mavlink.MAVLink_named_value_float_message(boot_ms, b"CH4_PPM", GAS[number])
            log.add(time_s, value, component=191)
        if number % 5 == 0:
            is_known = time_s >= WIND_FROM_S
            direction, speed = (WIND_FROM_DEG - 360.0, WIND_SPEED) if is_known else (-180.0, 0.0)
            log.add(time_s, mavlink.MAVLink_wind_message(direction, speed, 0.0))
        log.add(
            time_s,
            mavlink.MAVLink_global_position_int_message(
                boot_ms,
                round(LATITUDE[number] * 1e7),
                round(LONGITUDE[number] * 1e7),
                round(ALTITUDE_M * 1e3),
                round((ALTITUDE_M - HOME_M) * 1e3),
                0,
                0,
                0,
                65535,
            ),
        )
    log.add(float(TIME_S[-1]), mavlink.MAVLink_statustext_message(6, b"Landed", 0, 0))
    path.write_bytes(log.stream.getvalue())


_DATAFLASH = {
    "FMT": (128, "BBnNZ", "Type,Length,Name,Format,Columns"),
    "GPS": (130, "QBBIHBcLLe", "TimeUS,I,Status,GMS,GWk,NSats,HDop,Lat,Lng,Alt"),
    "POS": (131, "QLLfff", "TimeUS,Lat,Lng,Alt,RelHomeAlt,RelOriginAlt"),
    "XKF2": (132, "QBcc", "TimeUS,C,VWN,VWE"),
    "XKF4": (133, "QBb", "TimeUS,C,PI"),
    "BARO": (134, "QBff", "TimeUS,I,Alt,Press"),
    "MSG": (135, "QZ", "TimeUS,Message"),
    "EV": (136, "QB", "TimeUS,Id"),
    "NVAL": (137, "QINfBB", "TimeUS,TimeBootMS,Name,Value,SSys,SCom"),
}
_STRUCT = {"B": "B", "b": "b", "n": "4s", "N": "16s", "Z": "64s", "Q": "Q", "I": "I", "H": "H"}
_STRUCT |= {"c": "h", "L": "i", "e": "i", "f": "f"}


def dataflash_message(name: str, *values: object) -> bytes:
    kind, form, _ = _DATAFLASH[name]
    body = struct.pack("<" + "".join(_STRUCT[letter] for letter in form), *values)
    return bytes([0xA3, 0x95, kind]) + body


def dataflash_formats() -> bytes:
    rows = []
    for name, (kind, form, columns) in _DATAFLASH.items():
        size = 3 + struct.calcsize("<" + "".join(_STRUCT[letter] for letter in form))
        texts = (text.encode() for text in (name, form, columns))
        rows.append(dataflash_message("FMT", kind, size, *texts))
    return b"".join(rows)


def write_dataflash(path: Path) -> None:
    parts = [dataflash_formats(), dataflash_message("MSG", int(BOOT_S * 1e6), b"Arming")]
    parts.append(dataflash_message("EV", int(BOOT_S * 1e6), 28))
    gps_s = UTC_S + 18 - 315_964_800
    for number, time_s in enumerate(TIME_S):
        boot_us = round(float(BOOT_S + time_s) * 1e6)
        place = round(LATITUDE[number] * 1e7), round(LONGITUDE[number] * 1e7)
        if number % 2 == 0:
            week, second = divmod(gps_s + time_s, 604_800)
            parts.append(
                dataflash_message(
                    "GPS",
                    boot_us,
                    0,
                    3,
                    round(second * 1e3),
                    int(week),
                    12,
                    90,
                    *place,
                    round(ALTITUDE_M * 100),
                )
            )
        is_known = time_s >= WIND_FROM_S
        wind = (round(NORTH * 100), round(EAST * 100)) if is_known else (0, 0)
        for core in (0, 1):
            parts.append(dataflash_message("XKF4", boot_us, core, 1))
            parts.append(
                dataflash_message("XKF2", boot_us, core, *(wind if core == 1 else (500, 0)))
            )
        parts.append(
            dataflash_message("POS", boot_us, *place, ALTITUDE_M, ALTITUDE_M - HOME_M, 0.0)
        )
        parts.append(dataflash_message("BARO", boot_us, 0, 0.0, PRESSURE_PA))
        if number % RATE_HZ == 0:
            named = b"CH4_PPM", float(GAS[number]), 1, 191
            parts.append(dataflash_message("NVAL", boot_us + 9000, boot_us // 1000, *named))
    path.write_bytes(b"".join(parts))


def ulog_message(kind: str, payload: bytes) -> bytes:
    return struct.pack("<HB", len(payload), ord(kind)) + payload


ULOG_HEADER = b"ULog\x01\x12\x35\x01" + struct.pack("<Q", int(BOOT_S * 1e6))
_ULOG = {
    "vehicle_gps_position": "uint64_t timestamp;uint64_t time_utc_usec;int32_t lat;int32_t lon;"
    "int32_t alt;uint8_t fix_type;uint8_t[3] _padding0;",
    "vehicle_global_position": "uint64_t timestamp;uint64_t timestamp_sample;double lat;double lon;"
    "float alt;bool terrain_alt_valid;uint8_t[3] _padding0;",
    "wind": "uint64_t timestamp;float windspeed_north;float windspeed_east;",
    "vehicle_air_data": "uint64_t timestamp;float baro_pressure_pa;",
    "vehicle_land_detected": "uint64_t timestamp;bool landed;",
    "home_position": "uint64_t timestamp;double lat;double lon;float alt;",
}


def ulog_definitions() -> bytes:
    formats = [ulog_message("F", f"{name}:{fields}".encode()) for name, fields in _ULOG.items()]
    topics = [
        ulog_message("A", struct.pack("<BH", 0, number) + name.encode())
        for number, name in enumerate(_ULOG)
    ]
    flags = ulog_message("B", bytes(40))
    return ULOG_HEADER + flags + b"".join(formats + topics)


def ulog_data(name: str, form: str, *values: object) -> bytes:
    return ulog_message("D", struct.pack("<H" + form, list(_ULOG).index(name), *values))


def write_ulog(path: Path) -> None:
    parts = [ulog_definitions()]
    for number, time_s in enumerate(TIME_S):
        us = round(float(BOOT_S + time_s) * 1e6)
        if number == 0:
            parts.append(ulog_data("home_position", "Qddf", us, 0.0, 0.0, HOME_M))
        if number % RATE_HZ == 0:
            parts.append(ulog_data("vehicle_land_detected", "QB", us, int(time_s < 1)))
            place = round(LATITUDE[number] * 1e7), round(LONGITUDE[number] * 1e7)
            utc_us = int((UTC_S + time_s) * 1e6)
            parts.append(ulog_data("vehicle_gps_position", "QQiiiB", us, utc_us, *place, 10_000, 3))
            parts.append(ulog_data("vehicle_air_data", "Qf", us, PRESSURE_PA))
        if number % 5 == 0:
            wind = (NORTH, EAST) if time_s >= WIND_FROM_S else (0.0, 0.0)
            parts.append(ulog_data("wind", "Qff", us, *wind))
        place = float(LATITUDE[number]), float(LONGITUDE[number]), ALTITUDE_M
        parts.append(ulog_data("vehicle_global_position", "QQddfB", us + 5000, us, *place, 0))
    parts.append(ulog_message("L", struct.pack("<BQ", 54, us) + b"Landed"))
    path.write_bytes(b"".join(parts))


def csv_text() -> str:
    rows = [
        "time,latitude,longitude,altitude_amsl_m,wind_speed_m_s,wind_from_deg,pressure_pa,ch4_ppm"
    ]
    for number, time_s in enumerate(TIME_S):
        stamp = np.datetime64(int(UTC_S * 1000 + round(time_s * 1000)), "ms")
        rows.append(
            f"{stamp}Z,{LATITUDE[number]:.7f},{LONGITUDE[number]:.7f},{ALTITUDE_M},"
            f"{WIND_SPEED},{WIND_FROM_DEG},{PRESSURE_PA},{GAS[number]:.6f}"
        )
    return "\n".join(rows) + "\n"


def write_csv(path: Path) -> None:
    path.write_text(csv_text(), encoding="utf-8")


def write_netcdf(path: Path) -> None:
    table = path.with_suffix(".csv")
    write_csv(table)
    columns = assemble(csv.read(table, ReadReport(path=table)))
    flight.write_netcdf(flight.from_columns(columns), path)
    table.unlink()


BME_OHM = 50_000.0 + 100.0 * np.arange(TIME_S.size)  # two sensors in turn, three heater steps
_BME_KEYS = (
    "sensor_index",
    "sensor_id",
    "timestamp_since_poweron",
    "real_time_clock",
    "temperature",
    "pressure",
    "relative_humidity",
    "resistance_gassensor",
    "heater_profile_step_index",
    "scanning_enabled",
    "scanning_cycle_index",
    "label_tag",
    "error_code",
)


def bme_file(rows: Iterable[Sequence[float | bool | None]], keys: Sequence[str] = _BME_KEYS) -> str:
    """A .bmerawdata as the development kit's board writes it."""
    head = {
        "configHeader": {"appVersion": "2.0.0", "boardType": "board_8"},
        "configBody": {
            "heaterProfiles": [
                {"id": "heater_1", "timeBase": 140, "temperatureTimeVectors": [[320, 5], [100, 2]]}
            ]
        },
        "rawDataHeader": {"dateCreated": "0", "firmwareVersion": "1.5.5", "boardId": "84CCA8"},
    }
    columns = [{"name": key, "unit": "", "format": "", "key": key} for key in keys]
    lines = ",\n".join(json.dumps(row) for row in rows)
    return (
        f'{json.dumps(head, indent=1)[:-1]},"rawDataBody": {{"dataColumns": {json.dumps(columns)},'
        f'\n"dataBlock": [\n{lines}\n]}}}}'
    )


def write_bmerawdata(path: Path) -> None:
    rows = []
    for number, time_s in enumerate(TIME_S.tolist()):
        times = round(1e3 * (BOOT_S + time_s)), int(UTC_S + time_s)
        step = number // 2 % 3
        air = 24.5, PRESSURE_PA / 100, 41.0
        rows.append([number % 2, 90_595_661, *times, *air, BME_OHM[number], step, 1, 1, 0, 0])
    path.write_text(bme_file(rows), encoding="utf-8")


CLOCK_SURE_S = 3.0  # GNSS time is known from here on


class _Recording:
    """Writes a recording as `firmware_bridge.recording` describes it, with the mcap library."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._writer = Writer(stream, chunk_size=4096, compression=CompressionType.ZSTD)
        self._writer.start(profile="sniffdrone", library="tests")
        self._channels: dict[str, int] = {}

    def metadata(self, name: str, **told: str) -> None:
        self._writer.add_metadata(name, told)

    def add(
        self, topic: str, time_s: float, data: dict[str, object] | bytes, *, arrival_s: float = 0.0
    ) -> None:
        if topic not in self._channels:
            _, root, *rest = topic.split("/")
            role = rest[1] if root == "records" else root.removesuffix("s")
            schema = 0
            if root != "raw":
                text = f"sniffdrone.{role.title()}"
                schema = self._writer.register_schema(text, "jsonschema", b'{"type":"object"}')
            self._channels[topic] = self._writer.register_channel(
                topic,
                "application/octet-stream" if root == "raw" else "json",
                schema,
                {"role": role, "source": rest[0]} if rest else {"role": role},
            )
        axis_ns = round((UTC_S + RECEIVER_AHEAD_S + time_s) * 1e9)
        payload = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":"))
        self._writer.add_message(
            self._channels[topic],
            axis_ns + round((arrival_s or 0.02) * 1e9),
            payload if isinstance(payload, bytes) else payload.encode(),
            axis_ns,
        )

    def close(self) -> None:
        self._writer.finish()


def write_mcap(path: Path) -> None:
    with path.open("wb") as stream:
        log = _Recording(stream)
        log.metadata("recording", format="1", run="5f0c", anchor_ns="0", file="1")
        for number, time_s in enumerate(TIME_S.tolist()):
            sure = time_s >= CLOCK_SURE_S
            utc_ns = round((UTC_S + time_s + (0.0 if sure else RECEIVER_AHEAD_S)) * 1e9)
            then = {"time_ns": utc_ns, "time_sigma_s": 0.02 if sure else 86_400.0}
            poor = {"quality": 0 if sure else 64}
            log.add("/raw/ch4", time_s, b"%.6f\r\n" % GAS[number])
            gas = {"channels": ["ch4"], "values": [GAS[number] * 1e-6], "units": ["1"]}
            log.add("/records/ch4/gas", time_s, then | gas | {"quality": [poor["quality"]]})
            pose = {"latitude": LATITUDE[number], "longitude": LONGITUDE[number]}
            heights = {"altitude_amsl_m": ALTITUDE_M, "height_above_home_m": ALTITUDE_M - HOME_M}
            nothing = {"height_above_ground_m": None}
            log.add("/records/autopilot/pose", time_s, then | pose | heights | nothing | poor)
            if number % RATE_HZ == 0:
                source = {"sigma_s": then["time_sigma_s"], "source": "vehicle" if sure else "host"}
                log.add("/clock", time_s, {"utc_ns": utc_ns, "host_step_s": None} | source)
                air = {"temperature": None, "relative_humidity": None, "pressure": PRESSURE_PA}
                log.add("/records/autopilot/environment", time_s, then | air | poor)
            if number % 5 == 0:
                known = time_s >= WIND_FROM_S
                wind = {"eastward": EAST if known else None, "northward": NORTH if known else None}
                wind |= {"upward": None, "frame": "earth", "quality": 0 if known else 1}
                log.add("/records/autopilot/wind", time_s, then | wind)
        log.close()


WRITERS: dict[str, Callable[[Path], None]] = {
    "bmerawdata": write_bmerawdata,
    "csv": write_csv,
    "dataflash": write_dataflash,
    "mcap": write_mcap,
    "netcdf": write_netcdf,
    "tlog": write_tlog,
    "ulog": write_ulog,
}
