"""The channels of a recording, numbered once for all files of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcap import records
from mcap.data_stream import RecordBuilder

from firmware_bridge.recording import (
    ALARMS,
    CLOCK,
    HEALTH,
    JSON,
    RAW_ENCODING,
    ROLE,
    SCHEMA_ENCODING,
    SCHEMAS,
    SOURCE,
    raw_topic,
    record_topic,
    schema_data,
)

if TYPE_CHECKING:
    from mcap.records import McapRecord

    from firmware_bridge.recording import Kind

__all__ = ["Channel", "Channels", "encoded"]

MOST_PEERS = 32  # of a source; more share one channel, so that strangers cannot use up numbers
OTHERS = "others"
_ROLES = {CLOCK: "clock", HEALTH: "health", ALARMS: "alarm"}
_SCHEMA_IDS = {role: number for number, role in enumerate(SCHEMAS, start=1)}


@dataclass(slots=True, eq=False)
class Channel:
    """One channel, and how many messages it was handed.

    Attributes
    ----------
    id, schema_id : int
        `schema_id` 0 is none.
    topic : str
    channel_record, schema_record : bytes
        As they stand in the file; the latter is empty if there is no schema.
    is_raw : bool
    handed : int
        Messages handed to the recorder so far; a message carries its number, so that gaps show.
    """

    id: int
    schema_id: int
    topic: str
    channel_record: bytes
    schema_record: bytes
    is_raw: bool
    handed: int = 0

    @property
    def definition(self) -> bytes:
        """What makes a chunk with this channel readable on its own."""
        return self.schema_record + self.channel_record


class Channels:
    """Finds the channel of a message, or makes it. Not safe for threads: its caller locks."""

    def __init__(self) -> None:
        self._raw: dict[tuple[str, str], Channel] = {}
        self._told: dict[tuple[str, str], Channel] = {}
        self._peers: dict[str, int] = {}
        self._about: dict[str, dict[str, str]] = {}
        self._number = 0

    def describe(self, source: str, about: dict[str, str]) -> None:
        """Metadata for the raw channels of a source that are made from now on."""
        self._about[source] = dict(about)

    def raw(self, source: str, peer: str = "") -> Channel:
        """Channel of a source's bytes, one for each peer."""
        channel = self._raw.get((source, peer))
        if channel is not None:
            return channel
        if self._peers.get(source, 0) >= MOST_PEERS and peer != OTHERS:
            return self.raw(source, OTHERS)
        self._peers[source] = self._peers.get(source, 0) + 1
        metadata = {SOURCE: source, ROLE: "raw", **self._about.get(source, {})}
        if peer:
            metadata["peer"] = peer
        channel = self._made(raw_topic(source), RAW_ENCODING, "", metadata)
        self._raw[(source, peer)] = channel
        return channel

    def records(self, source: str, kind: Kind) -> Channel:
        """Channel of a source's records of one kind."""
        channel = self._told.get((source, kind))
        if channel is None:
            metadata = {SOURCE: source, ROLE: kind}
            channel = self._made(record_topic(source, kind), JSON, kind, metadata)
            self._told[(source, kind)] = channel
        return channel

    def topic(self, topic: str) -> Channel:
        """Channel of `CLOCK`, `HEALTH` or `ALARMS`.

        Raises
        ------
        ValueError
            Another topic.
        """
        channel = self._told.get((topic, ""))
        if channel is None:
            role = _ROLES.get(topic)
            if role is None:
                raise ValueError(f"{topic} is no topic of ours; {', '.join(_ROLES)} are")
            channel = self._made(topic, JSON, role, {SOURCE: "bridge", ROLE: role})
            self._told[(topic, "")] = channel
        return channel

    def _made(self, topic: str, encoding: str, role: str, metadata: dict[str, str]) -> Channel:
        self._number += 1
        schema_id = _SCHEMA_IDS.get(role, 0)
        schema = b""
        if schema_id:
            schema = encoded(
                records.Schema(
                    id=schema_id,
                    name=SCHEMAS[role],
                    encoding=SCHEMA_ENCODING,
                    data=schema_data(role),
                )
            )
        channel = records.Channel(
            id=self._number,
            topic=topic,
            message_encoding=encoding,
            metadata=metadata,
            schema_id=schema_id,
        )
        return Channel(self._number, schema_id, topic, encoded(channel), schema, not schema_id)


def encoded(record: McapRecord) -> bytes:
    """Bytes of a record."""
    builder = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]
