"""What a recording of ours looks like: topics, schemas, metadata, and records as JSON both ways.

Shared by the recorder, which runs on the flight side, and the reader, which runs anywhere. Times
in the file are on the *recording axis*: the monotonic clock plus a constant, its `ANCHOR`, so
that they are nanoseconds since 1970 by the companion's clock at the start and never step.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal

import orjson

from sensors.records import EnvironmentSample, Event, GasSample, PoseSample, Quality, WindSample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Record = GasSample | PoseSample | WindSample | EnvironmentSample | Event

__all__ = [
    "ALARMS",
    "ANCHOR",
    "CLOCK",
    "DEVICE",
    "FORMAT",
    "HEALTH",
    "JSON",
    "KINDS",
    "MISSION_FILE",
    "PROFILE",
    "RAW_ENCODING",
    "RECORDER",
    "RECORDING",
    "ROLE",
    "SCHEMAS",
    "SCHEMA_ENCODING",
    "SOFTWARE",
    "SOURCE",
    "SUFFIX",
    "VERSION",
    "Kind",
    "data_of_message",
    "messages_of_records",
    "raw_topic",
    "record_topic",
    "records_of_message",
    "schema_data",
]

PROFILE = "sniffdrone"  # of the MCAP header
FORMAT = "1"  # version of all that is written down in this file
SUFFIX = ".mcap"

RAW_ENCODING = "application/octet-stream"
JSON = "json"
SCHEMA_ENCODING = "jsonschema"

CLOCK, HEALTH, ALARMS = "/clock", "/health", "/alarms"
RECORDER = "recorder"  # the source of events about the recording itself

# metadata records: "recording" has ANCHOR, VERSION (the FORMAT), "monotonic_ns" at the start,
# "run" (one id for all files of a run), "file" (their number from 1), "mission", "sniffdrone",
# "begin_utc" (by the companion's clock); "software" has versions; one per device is DEVICE + name
RECORDING, SOFTWARE, DEVICE = "recording", "software", "device "
ANCHOR, VERSION = "anchor_ns", "format"
MISSION_FILE = "mission.toml"  # an attachment: the mission as it was

# metadata of a channel: SOURCE is its source, ROLE is "raw" or a key of SCHEMAS; raw ones may
# have "peer" (who sent, where there are several), "link", "baud" and "driver"
SOURCE, ROLE = "source", "role"

Kind = Literal["gas", "pose", "wind", "environment", "event"]
KINDS: dict[type, Kind] = {
    GasSample: "gas",
    PoseSample: "pose",
    WindSample: "wind",
    EnvironmentSample: "environment",
    Event: "event",
}

# schema name of each kind of message
SCHEMAS = {
    "gas": "sniffdrone.Gas",
    "pose": "sniffdrone.Pose",
    "wind": "sniffdrone.Wind",
    "environment": "sniffdrone.Environment",
    "event": "sniffdrone.Event",
    "clock": "sniffdrone.Clock",
    "health": "sniffdrone.Health",
    "alarm": "sniffdrone.Alarm",
}


def raw_topic(source: str) -> str:
    """Topic of the bytes exactly as read from a source, one message a read."""
    return f"/raw/{source}"


def record_topic(source: str, kind: Kind) -> str:
    """Topic of the decoded records of one kind from a source, one message a frame."""
    return f"/records/{source}/{kind}"


def messages_of_records(records: Sequence[Record]) -> Iterator[tuple[Kind, bytes]]:
    """JSON of records as they came: gas samples of one moment are one message.

    Parameters
    ----------
    records : sequence of GasSample, PoseSample, WindSample, EnvironmentSample or Event

    Yields
    ------
    kind : {"gas", "pose", "wind", "environment", "event"}
    data : bytes
        The schema of `kind` says what is in it. NaN and infinite numbers become null. The source
        is that of the channel.

    Examples
    --------
    >>> for kind, data in messages_of_records([Event(5, "pid", "link lost", "no power")]):
    ...     print(kind, data.decode())
    event {"time_ns":5,"kind":"link lost","text":"no power","time_sigma_s":null}
    """
    begin = 0
    while begin < len(records):
        first = records[begin]
        kind = KINDS[type(first)]
        end = begin + 1
        if isinstance(first, GasSample):
            while end < len(records) and _is_of_frame(first, records[end]):
                end += 1
            yield kind, _gas(first, records[begin:end])
        else:
            yield kind, _single(first)
        begin = end


def records_of_message(kind: str, data: bytes, source: str) -> list[Record]:
    """Records in one message, as they were handed to the recorder; null becomes NaN.

    Parameters
    ----------
    kind : str
        Role of the channel, a value of `KINDS`.
    data : bytes
    source : str
        Source of the channel.

    Raises
    ------
    ValueError
        Not JSON, or not what the schema says.

    Examples
    --------
    >>> data = b'{"time_ns":5,"time_sigma_s":0.1,"kind":"mode","text":"A"}'
    >>> records_of_message("event", data, "x")
    [Event(time_ns=5, source='x', kind='mode', text='A', time_sigma_s=0.1)]
    """
    told = orjson.loads(data)
    try:
        if kind == "gas":
            return _gas_samples(told, source)
        cls = next(one for one, name in KINDS.items() if name == kind)
        for name in _NUMBERS[kind]:
            if told.get(name, 0.0) is None:
                told[name] = math.nan
        if "quality" in told:
            told["quality"] = Quality(told["quality"])
        return [cls(source=source, **told)]
    except (AttributeError, KeyError, StopIteration, TypeError) as error:
        raise ValueError(f"{source}: a message of kind {kind} is not as its schema says") from error


def data_of_message(fields: dict[str, Any]) -> bytes:
    """JSON of `fields`, for `CLOCK`, `HEALTH` and `ALARMS`; NaN and infinity become null."""
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def schema_data(role: str) -> bytes:
    """JSON schema of a key of `SCHEMAS`."""
    return json.dumps(
        {
            "title": SCHEMAS[role],
            "description": _ABOUT[role],
            "type": "object",
            "properties": _PROPERTIES[role],
        },
        separators=(",", ":"),
    ).encode()


def _is_of_frame(first: GasSample, other: Record) -> bool:
    """Whether two have all in common that a message has once."""
    if not isinstance(other, GasSample) or other.time_ns != first.time_ns:
        return False
    one, two = first.time_sigma_s, other.time_sigma_s
    return one == two or (math.isnan(one) and math.isnan(two))


def _gas(first: GasSample, frame: Sequence[Any]) -> bytes:
    return orjson.dumps(
        {
            "time_ns": first.time_ns,
            "time_sigma_s": first.time_sigma_s,
            "channels": [one.channel for one in frame],
            "values": [one.value for one in frame],
            "units": [one.unit for one in frame],
            "quality": [int(one.quality) for one in frame],
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def _gas_samples(told: dict[str, Any], source: str) -> list[Record]:
    sigma = math.nan if told["time_sigma_s"] is None else told["time_sigma_s"]
    columns = zip(told["channels"], told["values"], told["units"], told["quality"], strict=True)
    return [
        GasSample(
            time_ns=told["time_ns"],
            source=source,
            channel=channel,
            value=math.nan if value is None else value,
            unit=unit,
            quality=Quality(quality),
            time_sigma_s=sigma,
        )
        for channel, value, unit, quality in columns
    ]


def _single(record: Any) -> bytes:
    fields = {name: getattr(record, name) for name in record.__slots__ if name != "source"}
    if "quality" in fields:
        fields["quality"] = int(fields["quality"])
    if "text" in fields:  # may hold bytes that were no UTF-8, which JSON cannot
        fields["text"] = fields["text"].encode("utf-8", "backslashreplace").decode()
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)


_NUMBER = {"type": ["number", "null"]}
_INTEGER = {"type": "integer"}
_TEXT = {"type": "string"}
_TIME = {"time_ns": _INTEGER, "time_sigma_s": _NUMBER}
_QUALITY = {"quality": _INTEGER}

_NUMBERS: dict[str, tuple[str, ...]] = {
    "pose": (
        "latitude",
        "longitude",
        "altitude_amsl_m",
        "height_above_home_m",
        "height_above_ground_m",
        "time_sigma_s",
    ),
    "wind": ("eastward", "northward", "upward", "time_sigma_s"),
    "environment": ("temperature", "relative_humidity", "pressure", "time_sigma_s"),
    "event": ("time_sigma_s",),
}


def _numbers(kind: str) -> dict[str, Any]:
    return _TIME | dict.fromkeys(_NUMBERS[kind], _NUMBER)


def _array(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_PROPERTIES: dict[str, dict[str, Any]] = {
    "gas": _TIME
    | {"channels": _array(_TEXT), "values": _array(_NUMBER), "units": _array(_TEXT)}
    | {"quality": _array(_INTEGER)},
    "pose": _numbers("pose") | _QUALITY,
    "wind": _numbers("wind") | _QUALITY | {"frame": _TEXT},
    "environment": _numbers("environment") | _QUALITY,
    "event": _numbers("event") | {"kind": _TEXT, "text": _TEXT},
    "clock": {"utc_ns": _INTEGER, "sigma_s": _NUMBER, "source": _TEXT, "host_step_s": _NUMBER},
    "health": {},
    "alarm": {
        "time_ns": _INTEGER,
        "source": _TEXT,
        "channel": _TEXT,
        "state": _TEXT,
        "value": _NUMBER,
        "unit": _TEXT,
        "sigma": _NUMBER,
        "strength": _NUMBER,
        "latitude": _NUMBER,
        "longitude": _NUMBER,
        "altitude_amsl_m": _NUMBER,
    },
}

_BITS = ", ".join(
    f"{bit.value} {bit.name.lower().replace('_', ' ')}" for bit in Quality if bit.name
)
_WHEN = "time_ns is UTC as then known, uncertain by time_sigma_s [s]; null is not known"

_ABOUT = {
    "gas": f"Readings of one frame, SI in the UDUNITS of units; {_WHEN}; quality bits: {_BITS}",
    "pose": f"Degrees WGS 84, heights in m; {_WHEN}",
    "wind": f"Vector the air moves towards [m s-1], in the earth's or the vehicle's frame; {_WHEN}",
    "environment": f"Temperature [K], relative humidity [1], pressure [Pa]; {_WHEN}",
    "event": f"Something that happened; {_WHEN}",
    "clock": "UTC of this message's log time, its standard deviation, and who says so",
    "health": "What the screen showed",
    "alarm": "A channel began or ended to read above what noise explains",
}
