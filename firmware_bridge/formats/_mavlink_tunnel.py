"""Our TUNNEL messages in a window of a .tlog: found, checked, as columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.tunnel import MOST_CHANNELS, PAYLOAD_TYPE, VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_window import VehicleWindow

    IntArray = NDArray[np.int64]

__all__ = ["IDENTITY", "ChannelKey", "Tunnels", "holds_tunnels", "tunnels_in"]

_HEAD = np.dtype(
    [
        ("version", "u1"),
        ("kind", "u1"),
        ("device", "<u2"),
        ("sequence", "<u4"),
        ("time_us", "<u8"),
        ("latitude", "<i4"),
        ("longitude", "<i4"),
        ("altitude", "<i4"),
        ("flags", "<u2"),
        ("number", "u1"),
        ("spare", "u1"),
    ]
)
_CHANNEL = np.dtype(
    [
        ("index", "u1"),
        ("species", "u1"),
        ("unit", "u1"),
        ("quality", "u1"),
        ("value", "<f4"),
        ("sigma", "<f4"),
    ]
)
IDENTITY = ("index", "species", "unit")
# message id of TUNNEL and payload type, as they follow each other in every frame of ours
_MARK_BYTES = 5
_MARK = re.compile(re.escape((385).to_bytes(3, "little") + PAYLOAD_TYPE.to_bytes(2, "little")))
_SEARCHED_BYTES = 1 << 20

ChannelKey = tuple[int, int, int, int, int]
"""Component, device, index, species and unit: what tells one channel from another."""


class Tunnels(NamedTuple):
    """Whole TUNNEL messages of ours in a window, in file order, shape (n,).

    Attributes
    ----------
    row : ndarray of int64
        Place among the vehicle's frames of the window.
    component : ndarray of uint8
    arrival_ns : ndarray of int64
        By the link, on the window's clock.
    head : structured ndarray, shape (n,)
    channels : structured ndarray, shape (n, 8)
        Zero past the number that `head` tells.
    broken : int
        Payloads of our type that are not as they should be.
    """

    row: IntArray
    component: NDArray[np.uint8]
    arrival_ns: IntArray
    head: NDArray[np.void]
    channels: NDArray[np.void]
    broken: int

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Tunnels:
        """Some of them."""
        return Tunnels(
            self.row[chosen],
            self.component[chosen],
            self.arrival_ns[chosen],
            self.head[chosen],
            self.channels[chosen],
            0,
        )

    def devices(self) -> IntArray:
        """Component and device of each as one number."""
        number: IntArray = (self.component.astype(np.int64) << 16) + self.head["device"]
        return number

    def identity(self, place: int) -> IntArray:
        """Index, species and unit of one channel of each as one number of 24 bits."""
        number = np.zeros(self.row.size, np.int64)
        for name in IDENTITY:
            number = (number << 8) + self.channels[name][:, place]
        return number


def holds_tunnels(path: Path) -> bool:
    """Whether a file may hold TUNNEL messages of ours; finds their mark, decodes nothing."""
    rest = b""
    with path.open("rb") as stream:
        while block := stream.read(_SEARCHED_BYTES):
            if _MARK.search(rest + block[:_MARK_BYTES]) or _MARK.search(block):
                return True
            rest = block[-_MARK_BYTES:]
    return False


def tunnels_in(window: VehicleWindow) -> Tunnels | None:
    """TUNNEL messages of ours in a window, from every component; None if there are none."""
    messages = window.get("TUNNEL", component=None)
    if messages is None:
        return None
    ours = messages.fields["payload_type"] == PAYLOAD_TYPE
    if not ours.any():
        return None
    fields, row = messages.fields[ours], messages.row[ours]
    payload = np.ascontiguousarray(fields["payload"])
    head = payload[:, : _HEAD.itemsize].copy().view(_HEAD).reshape(-1)
    channels = payload[:, _HEAD.itemsize :].copy().view(_CHANNEL)
    number = head["number"].astype(np.int64)
    whole = (head["version"] == VERSION) & (number <= MOST_CHANNELS)
    whole &= fields["payload_length"] == _HEAD.itemsize + number * _CHANNEL.itemsize
    channels[np.arange(MOST_CHANNELS) >= number[:, np.newaxis]] = 0
    found = Tunnels(row, window.component(row), messages.time_ns[ours], head, channels, 0)
    return found.where(whole)._replace(broken=int((~whole).sum()))
