"""The mission file: one TOML file, one frozen dataclass per table, nothing guessed."""

from __future__ import annotations

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sensors import gases
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import DataclassInstance

__all__ = [
    "AutopilotTable",
    "DetectionTable",
    "DeviceTable",
    "MappingTable",
    "Mission",
    "MissionTable",
    "RecorderTable",
    "from_table",
    "load_mission",
    "read_toml",
]

LEAST_BUDGET_BYTES_S = 400
LEAST_FILE_MB = 1.0
LONGEST_RETENTION_DAYS = 36_525
MOST_FALSE_ALARMS = 60.0

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionTable:
    """``[mission]``: what is flown, by whom, on whose authority and legal basis.

    ``retention_days`` is how long what was recorded may be kept, counted from the flight.
    """

    name: str
    operator: str = ""
    authority: str = ""
    legal_basis: str = ""
    retention_days: int = 90
    gas: str = "acetone"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopilotTable:
    """``[autopilot]``: the vehicle that is believed and the link to it.

    ``link`` is ``udp:``, ``udpout:``, ``tcp:`` or ``serial:/dev/…,baud``; ``signing_key`` names
    a file of 32 bytes, beside the mission file; ``budget_bytes_s`` is all that we send.
    """

    link: str = "udp:127.0.0.1:14550"
    system_id: int = 1
    signing_key: str = ""
    budget_bytes_s: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTable:
    """``[[device]]``: a sensor and where it is plugged in; None means as its driver says.

    ``calibration`` maps a channel to the factor its raw values are multiplied with.
    """

    driver: str
    port: str
    name: str = ""
    model: str = ""
    baud: int | None = None
    lag_s: float | None = None
    channels: tuple[str, ...] = ()
    calibration: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderTable:
    """``[recorder]``: where recordings go, beside the mission file unless absolute.

    A file that has reached ``file_mb`` [MB] is finished and the next begun.
    """

    folder: str = "recordings"
    file_mb: float = 256.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionTable:
    """``[detection]``: the source that detection power is stated for, and when to say so.

    ``false_alarms_per_hour`` is what all channels together may cost in the air.
    """

    reference_rate_g_s: float = 1.0
    indicate_above: float = 0.95
    false_alarms_per_hour: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTable:
    """``[mapping]``: no settings of its own yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """A mission file.

    Attributes
    ----------
    mission, autopilot, recorder, detection, mapping
        The tables of the same name.
    device : tuple of DeviceTable
        At least one.
    """

    mission: MissionTable
    device: tuple[DeviceTable, ...]
    autopilot: AutopilotTable = AutopilotTable()
    recorder: RecorderTable = RecorderTable()
    detection: DetectionTable = DetectionTable()
    mapping: MappingTable = MappingTable()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful operator would not leave out, one line each."""
        if self.mission.authority:
            return ()
        return ("[mission] has no authority: say on whose authority and legal basis you fly",)


def load_mission(path: Path) -> Mission:
    """Mission of a TOML file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Mission

    Raises
    ------
    ConfigError
        Unreadable, not TOML, or a key that is missing, unknown or of the wrong kind.
    """
    mission = from_table(Mission, read_toml(path), str(path))
    if not mission.device:
        raise ConfigError(f"{path}: no [[device]]; add one with driver and port")
    names = [device.name or device.driver for device in mission.device]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f'{path} [[device]]: two are named "{twice}"; give each its own name')
    try:
        gases.resolve(mission.mission.gas)
    except ConfigError as error:
        raise ConfigError(f"{path} [mission]: {error}") from error
    if not 0 <= mission.mission.retention_days <= LONGEST_RETENTION_DAYS:
        raise ConfigError(
            f"{path} [mission]: retention_days must lie between 0 and {LONGEST_RETENTION_DAYS}"
        )
    if not 1 <= mission.autopilot.system_id <= 250:
        raise ConfigError(f"{path} [autopilot]: system_id must lie between 1 and 250")
    if mission.autopilot.budget_bytes_s < LEAST_BUDGET_BYTES_S:
        raise ConfigError(
            f"{path} [autopilot]: budget_bytes_s must be at least {LEAST_BUDGET_BYTES_S}: "
            "heartbeat, time and requests need that much"
        )
    detection = mission.detection
    if not 0.0 < detection.indicate_above < 1.0:
        raise ConfigError(f"{path} [detection]: indicate_above must lie between 0 and 1")
    if not 0.0 < detection.reference_rate_g_s < math.inf:
        raise ConfigError(f"{path} [detection]: reference_rate_g_s must be above 0")
    if not 0.0 < detection.false_alarms_per_hour <= MOST_FALSE_ALARMS:
        raise ConfigError(
            f"{path} [detection]: false_alarms_per_hour must lie between 0 and "
            f"{MOST_FALSE_ALARMS:g}"
        )
    if not LEAST_FILE_MB <= mission.recorder.file_mb < math.inf:
        raise ConfigError(f"{path} [recorder]: file_mb must be at least {LEAST_FILE_MB:g}")
    return mission


def read_toml(path: Path) -> dict[str, Any]:
    """Tables of a TOML file.

    Raises
    ------
    ConfigError
        Unreadable, or not TOML; the message has the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; check the name") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not text in UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def from_table(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Dataclass instance made of a TOML table, checked key by key.

    Parameters
    ----------
    cls : type
        A dataclass. Its fields may be text, numbers, booleans, tuples, dicts from text, other
        dataclasses, or any of these or None.
    table : dict
    where : str
        File and table, for messages.

    Returns
    -------
    cls

    Raises
    ------
    ConfigError
        A key is unknown (names the nearest known one), missing, or of the wrong kind.

    Examples
    --------
    >>> from_table(RecorderTable, {"foldr": "x"}, "mission.toml [recorder]")
    Traceback (most recent call last):
    sensors.errors.ConfigError: mission.toml [recorder]: unknown key "foldr"; did you mean "folder"?
    """
    fields = {entry.name: entry for entry in dataclasses.fields(cls)}
    for key in table:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            known = ", ".join(fields) or "none"
            hint = f'did you mean "{near[0]}"?' if near else f"known are {known}"
            raise ConfigError(f'{where}: unknown key "{key}"; {hint}')
    for name, entry in fields.items():
        required = (
            entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        )
        if required and name not in table:
            raise ConfigError(f'{where}: "{name}" is missing; add it')
    kinds = typing.get_type_hints(cls)
    values = {key: _value(kinds[key], value, where, key) for key, value in table.items()}
    return cls(**values)


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        (kind,) = [option for option in typing.get_args(kind) if option is not types.NoneType]
        return _value(kind, value, where, key)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return from_table(typing.cast("type[Any]", kind), value, f"{where} [{key}]")
    if origin is tuple and isinstance(value, list):
        return _tuple(kind, value, where, key)
    if origin is dict and isinstance(value, dict):
        inner = typing.get_args(kind)[1]
        return {name: _value(inner, item, where, f"{key}.{name}") for name, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isnan(value):
            raise ConfigError(f'{where}: "{key}" is nan; give a number or leave it out')
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ConfigError(f'{where}: "{key}" must be {_in_words(kind)}, not {value!r}')


def _tuple(kind: Any, value: list[Any], where: str, key: str) -> tuple[Any, ...]:
    inner = typing.get_args(kind)
    if len(inner) == 2 and inner[1] is Ellipsis:
        inner = (inner[0],) * len(value)
    if len(inner) != len(value):
        raise ConfigError(f'{where}: "{key}" must have {len(inner)} values, not {len(value)}')
    many = f"[[{key}]] " if dataclasses.is_dataclass(inner[0] if inner else None) else ""
    converted = []
    for number, (item_kind, item) in enumerate(zip(inner, value, strict=True), start=1):
        name = item.get("name", number) if many and isinstance(item, dict) else number
        if many and isinstance(item, dict):
            place = f'{where} {many}"{name}"' if isinstance(name, str) else f"{where} {many}{name}"
            converted.append(from_table(item_kind, item, place))
        else:
            converted.append(_value(item_kind, item, where, f"{key} {number}"))
    return tuple(converted)


def _in_words(kind: Any) -> str:
    words = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        tuple: "a list",
        dict: "a table",
    }
    origin = typing.get_origin(kind) or kind
    return "a table" if dataclasses.is_dataclass(origin) else words.get(origin, str(kind))
