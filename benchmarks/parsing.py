"""How fast logs are read, beside pymavlink and pyulog on the same files in the same run.

Ours makes every record of a Flight (positions, wind, air, gas, events, clock) and counts every
message; the references hand out messages (pymavlink) or arrays (pyulog). Real logs from the shared
data folder where it is present, else the short flight the tests are made of.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymavlink import DFReader, mavutil
from pyulog import ULog

from firmware_bridge.logfile import ReadReport, read_log
from tests import log_samples

if TYPE_CHECKING:
    from collections.abc import Callable

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_REAL = {
    "tlog": _SHARED / "autopilot_sitl" / "survey_a.tlog",
    "dataflash": _SHARED / "autopilot_sitl" / "survey_a.BIN",
    "ulog": _SHARED / "autopilot_logs" / "px4_sample_px4_events.ulg",
}
_BYTES = {"tlog": 6_000_000, "dataflash": 11_000_000, "ulog": 25_000_000}
_OUR_RUNS = 5
_TOPICS = [
    "vehicle_global_position",
    "vehicle_gps_position",
    "vehicle_local_position",
    "vehicle_land_detected",
    "vehicle_air_data",
    "vehicle_status",
    "home_position",
    "distance_sensor",
    "wind",
]


def rows() -> list[dict[str, Any]]:
    """One row a format and reference: size, messages, seconds, rates, how much faster ours is."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("tlog", "dataflash", "ulog"):
            path = Path(folder) / f"long.{name}"
            path.write_bytes(_long_log(name, Path(folder)))
            ours_s, messages = _ours(path)
            for reference, read in _REFERENCES[name].items():
                reference_s = _seconds(lambda read=read, path=path: read(path))
                table.append(
                    {
                        "format": name,
                        "reference": reference,
                        "data": "real" if _REAL[name].exists() else "synthetic",
                        "megabytes": round(path.stat().st_size / 1e6, 1),
                        "messages": messages,
                        "ours_s": round(ours_s, 4),
                        "reference_s": round(reference_s, 4),
                        "ours_million_per_s": round(messages / ours_s / 1e6, 2),
                        "reference_million_per_s": round(messages / reference_s / 1e6, 3),
                        "ours_mb_per_s": round(path.stat().st_size / ours_s / 1e6),
                        "reference_mb_per_s": round(path.stat().st_size / reference_s / 1e6),
                        "times_faster": round(reference_s / ours_s, 1),
                    }
                )
    return table


def _long_log(name: str, folder: Path) -> bytes:
    """The log repeated until it is long enough to measure."""
    sample = _REAL[name]
    if not sample.exists():
        sample = folder / f"sample.{name}"
        log_samples.WRITERS[name](sample)
    octets = sample.read_bytes()
    again = octets[_ulog_data_start(octets) :] if name == "ulog" else octets
    return octets + again * (_BYTES[name] // len(again))


def _ulog_data_start(octets: bytes) -> int:
    """Where definitions and subscriptions end; these must not be repeated."""
    at = 16
    while octets[at + 2] in b"BFIMPQA":
        at += 3 + int.from_bytes(octets[at : at + 2], "little")
    return at


def _ours(path: Path) -> tuple[float, int]:
    """Best time of several, the first being left out: it may compile. And how many messages."""
    report = ReadReport(path=path)

    def read() -> None:
        report.messages.clear()
        for _ in read_log(path, report):
            pass

    read()
    return min(_seconds(read) for _ in range(_OUR_RUNS)), sum(report.messages.values())


def _seconds(call: Callable[[], None]) -> float:
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        call()
    return time.perf_counter() - begin


def _pymavlink_tlog(path: Path) -> None:
    connection = mavutil.mavlink_connection(str(path))
    while connection.recv_msg() is not None:
        pass


def _pymavlink_dataflash(path: Path) -> None:
    reader = DFReader.DFReader_binary(str(path))
    while reader.recv_msg() is not None:
        pass


_REFERENCES: dict[str, dict[str, Callable[[Path], Any]]] = {
    "tlog": {"pymavlink": _pymavlink_tlog},
    "dataflash": {"pymavlink": _pymavlink_dataflash},
    "ulog": {
        "pyulog": lambda path: ULog(str(path)),
        "pyulog, same topics": lambda path: ULog(str(path), _TOPICS),
    },
}


def main() -> None:
    """Print the table."""
    for row in rows():
        print(
            f"{row['format']:10} {row['megabytes']:6.1f} MB {row['messages']:8d} messages  "
            f"ours {row['ours_million_per_s']:6.2f} M/s {row['ours_mb_per_s']:5d} MB/s  "
            f"{row['reference']:20} {row['reference_million_per_s']:6.3f} M/s "
            f"{row['reference_mb_per_s']:4d} MB/s  {row['times_faster']:6.1f} times faster"
        )


if __name__ == "__main__":
    main()
