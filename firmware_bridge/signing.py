"""MAVLink 2 signing: who holds the key is believed, and nothing is believed twice.

https://mavlink.io/en/guide/message_signing.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from typing import TYPE_CHECKING

from firmware_bridge.mavlink_frames import SIGNATURE_BYTES
from sensors.errors import ConfigError
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_bridge.mavlink_frames import Packet

__all__ = ["Signer", "read_key"]

KEY_BYTES = 32
EPOCH_S = 1_420_070_400  # 2015-01-01
PER_S = 100_000  # the unit is 10 us
RESERVE = 60 * PER_S  # written ahead, so that a power cut never makes the time fall
OLDEST_NEW_STREAM = 60 * PER_S
LATEST = (1 << 48) - 1
RADIO_STATUS = 109  # radios insert it and hold no key
MOST_STREAMS = 64


def read_key(path: Path) -> bytes:
    """The secret key in a file of 32 bytes.

    Raises
    ------
    ConfigError
        Unreadable, or not 32 bytes.
    """
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror or error}; [autopilot] signing_key must name a file of "
            f"{KEY_BYTES} bytes"
        ) from error
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{path}: a signing key has {KEY_BYTES} bytes and this file {len(key)}; "
            "write the same key that the autopilot has"
        )
    return key


class Signer:
    """Signs what we send and judges what we hear.

    Parameters
    ----------
    key : bytes
        32 bytes; never printed.
    state : Path
        Where the time of the last signature is kept; it must rise over reboots, on a computer
        whose clock has no battery.
    link_id : int
        Of what we send.
    wall_ns : callable
        UTC, as far as this computer knows it [ns since 1970].

    Raises
    ------
    ConfigError
        The state cannot be read or written.
    """

    def __init__(
        self,
        key: bytes,
        state: Path,
        *,
        link_id: int = 0,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._key, self._state, self._link_id = key, state, link_id
        self._wall_ns = wall_ns
        self._heard: dict[tuple[int, int, int], int] = {}  # system, component, link: last time
        self._used = self._persisted()
        self._newest = self._used - RESERVE  # that somebody really used: what was kept is ahead
        self._reserved = 0
        self._reserve()

    def sign(self, frame: bytes) -> bytes:
        """A frame that was made with `is_signed`, with its signature.

        Raises
        ------
        ConfigError
            The time of the signature cannot be kept.
        """
        self._used = max(self._used + 1, self._now())
        self._reserve()
        head = bytes([self._link_id]) + self._used.to_bytes(6, "little")
        return frame + head + self._hash(frame + head)

    def fault(self, packet: Packet) -> str | None:
        """Why a packet is not to be believed: "unsigned", "signature" or "replay"; None if it is.

        A stream heard for the first time may be at most a minute behind the newest time known.
        """
        if not packet.signature:
            return None if packet.message_id == RADIO_STATUS else "unsigned"
        signed = packet.data[: -SIGNATURE_BYTES + 7]
        if not hmac.compare_digest(self._hash(signed), packet.signature[7:]):
            return "signature"
        stream = (packet.system, packet.component, packet.link_id)
        last = self._heard.get(stream)
        signed_at = packet.signed_at_10us
        if last is None and len(self._heard) >= MOST_STREAMS:
            return "replay"
        oldest = max(self._newest, self._now()) - OLDEST_NEW_STREAM
        if signed_at <= last if last is not None else signed_at < oldest:
            return "replay"
        self._heard[stream] = signed_at
        self._newest = max(self._newest, signed_at)
        if signed_at > self._used:
            self._used = signed_at
            self._reserve()
        return None

    def _hash(self, data: bytes) -> bytes:
        return hashlib.sha256(self._key + data).digest()[:6]

    def _now(self) -> int:
        return max(0, (self._wall_ns() - EPOCH_S * 1_000_000_000) // 10_000)

    def _persisted(self) -> int:
        try:
            return int(self._state.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{self._state}: the time of the last signature is not readable ({error}); "
                "delete the file once this computer's clock is right"
            ) from error

    def _reserve(self) -> None:
        """Keep on disk a time that no signature has reached yet."""
        if self._reserved > self._used:
            return
        self._reserved = min(max(self._used, self._now()) + RESERVE, LATEST)
        try:
            with whole_file(self._state) as partial, partial.open("w", encoding="ascii") as file:
                file.write(f"{self._reserved}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(
                f"{self._state}: {error.strerror or error}; the time of the last signature must "
                "be kept: make the folder of the key writable"
            ) from error
