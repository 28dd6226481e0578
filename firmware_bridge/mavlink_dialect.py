"""Every MAVLink message pymavlink knows: its name, layout and checksum seed, to and from bytes."""

from __future__ import annotations

import binascii
import os
import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Definition", "checksum", "definition", "definition_of"]

os.environ.setdefault("MAVLINK20", "1")  # pymavlink reads it when it is first imported
_MIRRORED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


@dataclass(frozen=True, slots=True)
class Definition:
    """One message of the dialect.

    Attributes
    ----------
    message_id : int
    name : str
    checksum_seed : int
        CRC_EXTRA.
    layout : Struct
        The payload as MAVLink 2 sends it, extensions included, before zeros are trimmed.
    wire_fields : tuple of str
        In the order of the payload.
    fields : tuple of str
        In the order of the message definition.
    array_lengths : tuple of int
        Of `wire_fields`; 0 for a single value. Text is an array of its own kind.
    is_text : tuple of bool
        Of `wire_fields`.
    """

    message_id: int
    name: str
    checksum_seed: int
    layout: struct.Struct
    wire_fields: tuple[str, ...]
    fields: tuple[str, ...]
    array_lengths: tuple[int, ...]
    is_text: tuple[bool, ...]

    def unpack(self, payload: bytes) -> dict[str, Any]:
        """Fields of a payload: numbers, lists of numbers, and text up to its first NUL.

        Zeros that MAVLink 2 left off the end are put back, and what is longer than this
        definition (extensions that came later) is left out.
        """
        size = self.layout.size
        values = iter(self.layout.unpack(payload[:size].ljust(size, b"\0")))
        found: dict[str, Any] = {}
        for name, length, text in zip(
            self.wire_fields, self.array_lengths, self.is_text, strict=True
        ):
            if text:
                found[name] = next(values).partition(b"\0")[0].decode("utf-8", "replace")
            elif length:
                found[name] = [next(values) for _ in range(length)]
            else:
                found[name] = next(values)
        return {name: found[name] for name in self.fields}

    def pack(self, fields: Mapping[str, Any]) -> bytes:
        """Payload with its trailing zeros left off, as MAVLink 2 wants it; absent fields are 0.

        Raises
        ------
        ValueError
            A field the message does not have, or a value that does not fit in it.
        """
        unknown = set(fields) - set(self.fields)
        if unknown:
            raise ValueError(f"{self.name} has no {', '.join(sorted(unknown))}")
        values: list[Any] = []
        for name, length, text in zip(
            self.wire_fields, self.array_lengths, self.is_text, strict=True
        ):
            value = fields.get(name, "" if text else [0] * length if length else 0)
            if text:
                value = value.encode()
                if len(value) > max(length, 1):
                    raise ValueError(f"{self.name}.{name}: {value!r} is longer than {length} bytes")
                values.append(value)
            elif length:
                if len(value) > length:
                    raise ValueError(f"{self.name}.{name}: more than {length} values")
                values += [*value, *[0] * (length - len(value))]
            else:
                values.append(value)
        try:
            payload = self.layout.pack(*values)
        except struct.error as error:
            raise ValueError(f"{self.name}: {error}") from error
        return payload.rstrip(b"\0") or payload[:1]


def definition(message_id: int) -> Definition | None:
    """Definition of a message; None for an id in no dialect."""
    return _definitions().get(message_id)


def definition_of(name: str) -> Definition:
    """Definition of a message by its name.

    Raises
    ------
    KeyError
        There is none.
    """
    return _by_name()[name]


def checksum(data: bytes) -> int:
    """CRC-16/MCRF4XX, which MAVLink calls X.25.

    >>> hex(checksum(b"123456789"))  # the check value of the CRC catalogue
    '0x6f91'
    """
    # binascii has the same polynomial, most significant bit first: hence the mirrors
    crc = binascii.crc_hqx(data.translate(_MIRRORED), 0xFFFF)
    return _MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]


@cache
def _by_name() -> dict[str, Definition]:
    return {one.name: one for one in _definitions().values()}


@cache
def _definitions() -> dict[int, Definition]:
    from pymavlink.dialects.v20 import all as messages  # noqa: PLC0415 - 40 ms

    return {number: _read(message) for number, message in messages.mavlink_map.items()}


def _read(message: Any) -> Definition:
    kinds = dict(zip(message.fieldnames, message.fieldtypes, strict=True))
    wire_fields = tuple(message.ordered_fieldnames)
    is_text = tuple(kinds[name] == "char" for name in wire_fields)
    return Definition(
        message_id=message.id,
        name=message.msgname,
        checksum_seed=message.crc_extra,
        layout=message.unpacker,
        wire_fields=wire_fields,
        fields=tuple(message.fieldnames),
        array_lengths=tuple(message.array_lengths),
        is_text=is_text,
    )
