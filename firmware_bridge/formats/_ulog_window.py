"""A .ulg log's topics, decoded by the formats the log itself declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.formats._columns import numbers
from firmware_bridge.formats._ulog_frames import ANY_SIZE, HEADER_BYTES, TopicSizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

__all__ = ["Definitions", "LogWindow", "Messages"]

_MESSAGE_ID_BYTES = 2
_LATEST_US = 1 << 52
_CODES = {
    "int8_t": "i1",
    "uint8_t": "u1",
    "bool": "u1",
    "int16_t": "<i2",
    "uint16_t": "<u2",
    "int32_t": "<i4",
    "uint32_t": "<u4",
    "int64_t": "<i8",
    "uint64_t": "<u8",
    "float": "<f4",
    "double": "<f8",
}
_DEEPEST_NESTING = 8
_LARGEST_LAYOUT = 0xFFFF - _MESSAGE_ID_BYTES


class _Topic(NamedTuple):
    message_id: int
    layout: np.dtype[np.void]


class Messages(NamedTuple):
    """Messages of one topic, in file order, shape (n,)."""

    row: IntArray
    fields: NDArray[np.void]
    time_ns: IntArray

    def has(self, *names: str) -> bool:
        """Whether the log's format of this topic has all of these fields, as single numbers."""
        return all(_is_number(self.fields.dtype, name) for name in names)

    def field(self, name: str, scale: float = 1.0) -> NDArray[np.float64]:
        """A field as float64 times `scale`; NaN where the log's format has no such field."""
        if not self.has(name):
            return np.full(self.row.size, np.nan)
        return numbers(self.fields[name]) * scale

    def flag(self, name: str) -> NDArray[np.bool_]:
        """A boolean field; false where the log's format has no such field."""
        if not self.has(name):
            return np.zeros(self.row.size, np.bool_)
        return np.asarray(self.field(name) != 0)


class Definitions:
    """Formats (F) and subscriptions (A) met so far.

    Attributes
    ----------
    sizes : TopicSizes
        Shared with the compiled search, which needs them to tell whole messages.
    """

    def __init__(self) -> None:
        self.sizes = TopicSizes(np.zeros(1 << 16, np.int32), np.zeros(1 << 16, np.int32))
        self._formats: dict[str, list[tuple[str, str, int]]] = {}
        self._topics: dict[tuple[str, int], _Topic] = {}
        self._names: dict[int, str] = {}

    def learn_format(self, payload: bytes) -> None:
        """Take in ``name:type field;type[3] field;…``."""
        name, _, declared = payload.decode("latin-1").partition(":")
        fields = []
        for entry in declared.split(";"):
            kind, _, field = entry.strip().partition(" ")
            if not field:
                continue
            kind, _, length = kind.partition("[")
            digits = length.rstrip("]")
            is_array = digits.isascii() and digits.isdigit()
            length_found = int(digits[:6]) if is_array else 0  # six digits are too many already
            fields.append((field, kind, length_found))
        self._formats[name] = fields

    def subscribe(self, payload: bytes) -> None:
        """Take in a subscription: instance (u8), message id (u16), topic."""
        if len(payload) < 4:
            return
        message_id = int.from_bytes(payload[1:3], "little")
        name = payload[3:].decode("latin-1")
        layout = self._layout(name, _DEEPEST_NESTING)
        if layout is None or not layout.itemsize:
            return
        instance = payload[0]
        self._topics[name, instance] = _Topic(message_id, layout)
        self._names[message_id] = name if instance == 0 else f"{name}[{instance}]"
        padding = 0
        last = self._formats[name][-1]
        if last[0].startswith("_padding"):
            padding = max(last[2], 1)
        self.sizes.most[message_id] = _MESSAGE_ID_BYTES + layout.itemsize
        self.sizes.least[message_id] = _MESSAGE_ID_BYTES + layout.itemsize - padding

    def accept_any_size(self, message_id: int) -> None:
        """Let messages pass whose subscription is missing; they are counted, not decoded."""
        self.sizes.most[message_id] = ANY_SIZE

    def topic(self, name: str, instance: int) -> _Topic | None:
        """Message id and layout of an instance of a topic."""
        return self._topics.get((name, instance))

    def instances(self, name: str) -> list[int]:
        """Instances of a topic that were subscribed to."""
        return sorted(instance for topic, instance in self._topics if topic == name)

    def name(self, message_id: int) -> str:
        """Topic of a message id, with the instance if it is not the first."""
        return self._names.get(message_id, f"UNKNOWN_{message_id}")

    def _layout(self, name: str, depth: int) -> np.dtype[np.void] | None:
        names, formats = [], []
        size = 0
        for field, kind, length in self._formats.get(name, []):
            code = f"S{length or 1}" if kind == "char" else _CODES.get(kind, "")
            if not code:
                nested = self._layout(kind, depth - 1) if depth else None
                if nested is None or not nested.itemsize:
                    return None
                code = f"V{nested.itemsize}"
            if length > _LARGEST_LAYOUT:
                return None
            is_array = length and kind != "char"
            formats.append(np.dtype((code, (length,))) if is_array else np.dtype(code))
            names.append(field)
            size += formats[-1].itemsize
            if size > _LARGEST_LAYOUT:
                return None
        if not names or len(set(names)) != len(names):
            return None
        return np.dtype({"names": names, "formats": formats})


class LogWindow:
    """Decodes what is asked for, and only that.

    Parameters
    ----------
    data : ndarray of uint8
    start, topic : ndarray of int32, shape (n,)
        Place and message id of the messages in the window, in file order.
    definitions : Definitions
    """

    def __init__(
        self,
        data: NDArray[np.uint8],
        start: NDArray[np.int32],
        topic: NDArray[np.int32],
        definitions: Definitions,
    ) -> None:
        self._data, self._start, self._topic = data, start, topic
        self._definitions = definitions

    def get(self, name: str, instance: int = 0) -> Messages | None:
        """Messages of an instance of a topic, None if there are none."""
        topic = self._definitions.topic(name, instance)
        if topic is None or not _is_integer(topic.layout, "timestamp"):
            return None
        row = np.flatnonzero(self._topic == topic.message_id)
        if not row.size:
            return None
        first = self._start[row].astype(np.int64) + HEADER_BYTES + _MESSAGE_ID_BYTES
        # a padding at the end of the format is not on file: what is read there is not used
        places = first[:, np.newaxis] + np.arange(topic.layout.itemsize)
        octets = self._data[np.minimum(places, self._data.size - 1)]
        fields = octets.view(topic.layout).reshape(-1)
        sane = (fields["timestamp"] >= 0) & (fields["timestamp"] < _LATEST_US)
        row, fields = row[sane], fields[sane]
        if not row.size:
            return None
        return Messages(row, fields, fields["timestamp"].astype(np.int64) * 1_000)

    def first(self, *names: str) -> Messages | None:
        """The first of several topics, and of its instances, that the window has messages of."""
        for name in names:
            for instance in self._definitions.instances(name):
                messages = self.get(name, instance)
                if messages is not None:
                    return messages
        return None


def _is_integer(layout: np.dtype[np.void], name: str) -> bool:
    return name in (layout.names or ()) and layout[name].kind in "iu"


def _is_number(layout: np.dtype[np.void], name: str) -> bool:
    return name in (layout.names or ()) and layout[name].kind in "iuf"
