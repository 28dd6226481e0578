"""A mission file for a recording that is played again: the same devices, on other ports."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import tomli_w

from firmware_bridge.recorded_bytes import RecordedBytes
from firmware_bridge.recording import MISSION_FILE
from sensors.errors import FormatError
from sims.replay import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["pieces_of", "recorded_devices", "replayed_mission"]


def replayed_mission(text: str, ports: Mapping[str, Path], *, link: str) -> str:
    """The recorded mission with its devices on the ports of a replay.

    Parameters
    ----------
    text : str
        The mission file as it was recorded.
    ports : mapping of str to Path
        By name of the device.
    link : str
        Where the replay speaks as the autopilot. The key of the vehicle is left out: what it
        signed then is too old now.

    Returns
    -------
    str
        TOML. Devices that were not recorded are left out.
    """
    mission: dict[str, Any] = tomllib.loads(text)
    devices = []
    for table in mission["device"]:
        name = table.get("name") or table["driver"]
        if name in ports:
            devices.append({**table, "port": str(ports[name])})
    autopilot = {**mission.get("autopilot", {}), "link": link}
    autopilot.pop("signing_key", None)
    return tomli_w.dumps({**mission, "device": devices, "autopilot": autopilot})


def recorded_devices(path: Path) -> tuple[str, list[str]]:
    """The mission file that is in a recording, and its devices.

    Raises
    ------
    FormatError
        No recording of ours, or there is no mission file in it.
    """
    recorded = RecordedBytes(path)
    next(iter(recorded), None)  # attachments come before the first bytes
    text = recorded.attachments.get(MISSION_FILE)
    if text is None:
        raise FormatError(f"{path}: holds no mission file; give the first file of a flight")
    mission = text.decode("utf-8-sig")
    devices = [table.get("name") or table["driver"] for table in tomllib.loads(mission)["device"]]
    return mission, devices


def pieces_of(paths: Sequence[Path], *, warn: Callable[[str], None]) -> Iterator[Piece]:
    """Bytes of several files, in order; what is damaged is told.

    Parameters
    ----------
    paths : sequence of Path
    warn : callable
        Takes a line.

    Raises
    ------
    FormatError
        No recording of ours, or not readable.
    """
    for path in paths:
        recorded = RecordedBytes(path)
        for piece in recorded:
            yield Piece(*piece)
        if recorded.damaged_bytes:
            warn(f"warning: {path}: {recorded.damaged_bytes} damaged bytes were left out")
        if recorded.truncated_at_byte is not None:
            warn(f"warning: {path}: cut off after byte {recorded.truncated_at_byte}")
