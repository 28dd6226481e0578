"""MAVLink messages as numpy sees them: checksum seeds, names, layouts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_frames import FrameTable

__all__ = ["Dialect", "dialect"]

_UNKNOWN = -1


class Dialect(NamedTuple):
    """Tables by message id, and names.

    Attributes
    ----------
    checksum_seed : ndarray of int16, shape (largest id + 1,)
        CRC_EXTRA of each message, -1 where the id is unknown.
    boot_time_at : ndarray of int16, shape (largest id + 1,)
        Where in the payload ``time_boot_ms`` stands, -1 where there is none.
    names : dict of int to str
    layouts : dict of str to dtype
        Little-endian payload as a structured dtype, fields in wire order.
    identifiers : dict of str to int
    """

    checksum_seed: NDArray[np.int16]
    boot_time_at: NDArray[np.int16]
    names: dict[int, str]
    layouts: dict[str, np.dtype[np.void]]
    identifiers: dict[str, int]

    def name(self, message_id: int) -> str:
        """Name of a message, ``UNKNOWN_n`` for one in no dialect."""
        return self.names.get(message_id, f"UNKNOWN_{message_id}")

    def decode(self, name: str, data: NDArray[np.uint8], frames: FrameTable) -> NDArray[np.void]:
        """Payloads of frames that all are the named message.

        Parameters
        ----------
        name : str
        data : ndarray of uint8
            The window the frames were found in.
        frames : FrameTable, n rows

        Returns
        -------
        ndarray, shape (n,)
            Structured; a copy. Zeros that MAVLink 2 trimmed from the end are back.
        """
        layout = self.layouts[name]
        return payload_bytes(data, frames, 0, layout.itemsize).view(layout).reshape(-1)


def payload_bytes(
    data: NDArray[np.uint8], frames: FrameTable, first: int, number: int
) -> NDArray[np.uint8]:
    """Bytes ``first … first + number`` of each payload, 0 past its end; shape (n, number)."""
    column = np.arange(first, first + number)
    places = frames.payload_start[:, np.newaxis] + column
    octets: NDArray[np.uint8] = data[np.minimum(places, data.size - 1)]
    octets[column >= frames.payload_bytes[:, np.newaxis]] = 0
    return octets


@cache
def dialect() -> Dialect:
    """Every message pymavlink knows (its dialect "all")."""
    from pymavlink.dialects.v20 import all as messages  # noqa: PLC0415 - 60 ms

    known: dict[int, Any] = messages.mavlink_map
    checksum_seed = np.full(max(known) + 1, _UNKNOWN, np.int16)
    boot_time_at = np.full(max(known) + 1, _UNKNOWN, np.int16)
    layouts: dict[str, np.dtype[np.void]] = {}
    for message_id, message in known.items():
        layout = _layout(message)
        layouts[message.msgname] = layout
        checksum_seed[message_id] = message.crc_extra
        if layout.fields and "time_boot_ms" in layout.fields:
            boot_time_at[message_id] = layout.fields["time_boot_ms"][1]
    names = {message_id: message.msgname for message_id, message in known.items()}
    identifiers = {name: message_id for message_id, name in names.items()}
    return Dialect(checksum_seed, boot_time_at, names, layouts, identifiers)


def _layout(message: Any) -> np.dtype[np.void]:
    codes = message.native_format.decode().lstrip("<")
    formats: list[Any] = []
    for code, length in zip(codes, message.array_lengths, strict=True):
        if code == "c":
            formats.append(f"S{max(length, 1)}")
        else:
            formats.append((f"<{code}", (length,)) if length else f"<{code}")
    return np.dtype({"names": message.ordered_fieldnames, "formats": formats})
