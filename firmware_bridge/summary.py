"""What a log holds, in a few lines: times, rates, gaps, place, wind, clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firmware_bridge.extent import LONGEST_GAP_S, Extent, LogUtc, Place, value_rows
from firmware_bridge.logfile import ReadReport, identify, read_log
from sensors.streams import vehicle_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sensors.records import RecordBatch

__all__ = ["render", "summarise"]

_SECOND_NS = 1_000_000_000
_SHOWN_MESSAGES = 12
_SHOWN_GAPS = 5
_ANEMOMETER, _AUTOPILOT = "anemometer", "autopilot"


def summarise(path: Path, *, report: ReadReport | None = None) -> dict[str, Any]:
    """What a file holds, as ``sniffdrone info --json`` prints it.

    Parameters
    ----------
    path : Path
    report : ReadReport, optional
        Give one to see progress while reading and warnings after.

    Returns
    -------
    dict
        ``path``, ``format``, ``start``, ``end`` (ISO 8601 UTC; None if the file knows no UTC),
        ``messages`` {name: {``count``, ``rate_hz``}}, ``gaps`` [{``start``, ``end``, ``seconds``}]
        where positions or gas samples are more than 2 s apart, ``bounding_box`` [west, south,
        east, north] in degrees as in RFC 7946 or None, ``wind_source`` or None, ``clock_jumps``
        [{``kind``, ``time``, ``seconds``}], ``truncated_at_byte`` or None.

    Raises
    ------
    FormatError
        As `firmware_bridge.logfile.read_log`.
    """
    report = report or ReadReport(path=path)
    report.format = report.format or identify(path)
    extent, place = Extent(), Place()
    wind_source = None
    pairs = []
    for batch in read_log(path, report):
        extent.add(batch)
        if batch.kind == "clock":
            pairs.append(batch)
        elif batch.kind == "pose":
            place.add(batch)
        elif batch.kind == "wind" and _has_values(batch):
            wind_source = _wind_source(batch)
    utc = LogUtc(vehicle_time(pairs).utc_minus_boot_ns)
    first, last = extent.first_last()
    lasted_s = (last - first) / _SECOND_NS if last > first else 0.0
    return {
        "path": str(path),
        "format": report.format,
        "start": utc.iso(first, extent.clock) if extent.clock else None,
        "end": utc.iso(last, extent.clock) if extent.clock else None,
        "messages": {
            name: {"count": count, "rate_hz": round(count / lasted_s, 3) if lasted_s else None}
            for name, count in sorted(report.messages.items())
        },
        "gaps": extent.gaps(utc),
        "bounding_box": place.box(),
        "wind_source": wind_source,
        "clock_jumps": [_jump(jump, utc) for jump in report.clock_jumps],
        "truncated_at_byte": report.truncated_at_byte,
    }


def render(summary: Mapping[str, Any]) -> str:
    """A summary for people, with units; several lines, no newline at the end.

    Examples
    --------
    >>> print(render({"path": "a.csv", "format": "csv", "start": "2026-11-21T00:26:10.000Z",
    ...     "end": "2026-11-21T00:26:40.000Z", "messages": {"row": {"count": 300, "rate_hz": 10.0}},
    ...     "gaps": [], "bounding_box": [5.12, 52.09, 5.125, 52.093], "wind_source": None,
    ...     "clock_jumps": [], "truncated_at_byte": None}))
    a.csv (csv)
      time      2026-11-21T00:26:10Z to 2026-11-21T00:26:40Z, 30 s
      place     52.09000 to 52.09300 N, 5.12000 to 5.12500 E
      wind      none
      gaps      none longer than 2 s
      clock     no jumps
      messages  row 300 (10.0 Hz)
    """
    lines = [
        f"{summary['path']} ({summary['format']})",
        f"  time      {_time_line(summary)}",
        f"  place     {_place_line(summary['bounding_box'])}",
        f"  wind      {summary['wind_source'] or 'none'}",
        f"  gaps      {_gap_line(summary['gaps'])}",
        f"  clock     {_clock_line(summary['clock_jumps'])}",
        f"  messages  {_message_line(summary['messages'])}",
    ]
    if summary["truncated_at_byte"] is not None:
        lines.append(f"  cut off   after byte {summary['truncated_at_byte']}")
    return "\n".join(lines)


def _has_values(batch: RecordBatch) -> bool:
    return bool(value_rows(batch).any())


def _wind_source(batch: RecordBatch) -> str:
    if batch.clock != "utc":
        return _AUTOPILOT
    return batch.source if batch.source in {_AUTOPILOT, "given"} else _ANEMOMETER


def _jump(jump: Mapping[str, Any], utc: LogUtc) -> dict[str, Any]:
    return {
        "kind": jump["kind"],
        "time": utc.iso(jump["time_ns"], jump["clock"]),
        "seconds": round(float(jump["seconds"]), 3),
    }


def _time_line(summary: Mapping[str, Any]) -> str:
    start, end = summary["start"], summary["end"]
    if start is None or end is None:
        return "unknown: the file holds no UTC"
    span = np.datetime64(end[:-1]) - np.datetime64(start[:-1])
    return f"{start[:19]}Z to {end[:19]}Z, {_duration(span / np.timedelta64(1, 's'))}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _place_line(box: list[float] | None) -> str:
    if box is None:
        return "no positions"
    west, south, east, north = box
    return f"{south:.5f} to {north:.5f} N, {west:.5f} to {east:.5f} E"


def _gap_line(gaps: list[dict[str, Any]]) -> str:
    if not gaps:
        return f"none longer than {LONGEST_GAP_S:g} s"
    total_s = sum(gap["seconds"] for gap in gaps)
    shown = ", ".join(
        f"{gap['seconds']:.1f} s" + (f" from {gap['start'][:19]}Z" if gap["start"] else "")
        for gap in gaps[:_SHOWN_GAPS]
    )
    more = f" and {len(gaps) - _SHOWN_GAPS} more" if len(gaps) > _SHOWN_GAPS else ""
    return f"{len(gaps)} ({total_s:.1f} s): {shown}{more}"


def _clock_line(jumps: list[dict[str, Any]]) -> str:
    if not jumps:
        return "no jumps"
    return "; ".join(
        f"{jump['kind']} ({jump['seconds']:+.1f} s)"
        + (f" at {jump['time'][:19]}Z" if jump["time"] else "")
        for jump in jumps[:_SHOWN_GAPS]
    ) + (f" and {len(jumps) - _SHOWN_GAPS} more" if len(jumps) > _SHOWN_GAPS else "")


def _message_line(messages: Mapping[str, Mapping[str, Any]]) -> str:
    commonest = sorted(messages.items(), key=lambda item: -item[1]["count"])
    shown = ", ".join(
        f"{name} {said['count']}" + (f" ({said['rate_hz']:.1f} Hz)" if said["rate_hz"] else "")
        for name, said in commonest[:_SHOWN_MESSAGES]
    )
    more = len(commonest) - _SHOWN_MESSAGES
    return shown + (f" and {more} other kinds" if more > 0 else "")
