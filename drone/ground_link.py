"""A MAVLink link as a ground station has it: it listens, and sends heartbeats where it must.

An autopilot sends nothing to a ground station that never spoke, and hands on what our bridge
addresses to one only where it heard one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from firmware_bridge.mavlink_frames import PacketDecoder, frame_bytes
from firmware_bridge.mavlink_link import MavlinkLink
from firmware_bridge.mavlink_ports import open_port, parse_address
from firmware_bridge.tunnel import PAYLOAD_TYPE
from sensors.errors import ConfigError, LinkError
from sensors.framing import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from firmware_bridge.mavlink_frames import Packet

__all__ = ["GroundLink"]

NS = 1_000_000_000
AUTOPILOT = 1
COMPONENT = 25  # MAV_COMP_ID_USER1: the pilot's ground station keeps 190
GROUND_STATION, NO_AUTOPILOT, ACTIVE, MAVLINK_VERSION = 6, 8, 4, 3
MOST_PEERS = 8
QUIET_NS = NS // 5
FED_NS = 3 * NS  # a vehicle that speaks for so long and brings no gas has to hear from us


class GroundLink:
    """Packets that arrive; use it in a ``with`` statement.

    Parameters
    ----------
    link : str
        ``udp:HOST:PORT``, ``udpout:…``, ``tcp:…`` or ``serial:…``.
    own_system : int
        System id of our heartbeats, one a second; 0 sends none. A UDP port that others send to is
        silent as long as gas arrives, for then another ground station has spoken.

    Attributes
    ----------
    is_speaking : bool
        Heartbeats are sent.

    Raises
    ------
    ConfigError
        `link` has none of these shapes.
    LinkError
        Another program has the UDP port.
    """

    def __init__(self, link: str, *, own_system: int = 255) -> None:
        try:
            address = parse_address(link)
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix("[autopilot] ").replace(" = ", " ")) from None
        if address.kind == "udp":
            try:
                open_port(address).close()
            except OSError as error:
                raise LinkError(
                    f"{link}: cannot be opened ({error.strerror}); close the program that has "
                    "it, or let that forward to another port"
                ) from error
        self._own_system = own_system
        self.is_speaking = address.kind != "udp" and own_system > 0
        self._fed_ns: int | None = None  # when gas came last, or the vehicle first
        self._decoders: dict[str, tuple[PacketDecoder, int]] = {}
        self._sequence, self._beat_ns = 0, -NS
        self._link = MavlinkLink(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._link.close()

    def packets(self, timeout_s: float) -> list[tuple[Packet, int]]:
        """Packets since the last call and when each arrived; waits for the first, at most so long.

        The times are on the monotonic clock [ns].
        """
        self._link.wait(timeout_s)
        found: list[tuple[Packet, int]] = []
        for arrival in self._link.take():
            decoder = self._decoder(arrival.peer, arrival.time_ns)
            packets = _packets(decoder.feed(arrival.data, arrival.time_ns))
            for packet, time_ns in packets:
                self._note(packet, time_ns, arrival.peer)
            found += packets
        now_ns = time.monotonic_ns()
        for decoder, fed_ns in self._decoders.values():
            if decoder.pending and now_ns - fed_ns > QUIET_NS:
                found += _packets(decoder.flush())
        if self._own_system and self._fed_ns is not None and now_ns - self._fed_ns > FED_NS:
            self.is_speaking = True
        if self.is_speaking and now_ns - self._beat_ns >= NS:
            self._beat(now_ns)
        return found

    def troubles(self) -> list[str]:
        """What happened to the link since the last call, but for its first opening."""
        events = self._link.events()
        return [f"{one.kind}: {one.text}" for one in events if one.kind != "link opened"]

    def _note(self, packet: Packet, time_ns: int, peer: str) -> None:
        """Where the vehicle speaks from, and whether it brings gas."""
        if packet.component == AUTOPILOT and packet.name == "HEARTBEAT":
            self._link.answer_to(peer)
            self._fed_ns = time_ns if self._fed_ns is None else self._fed_ns
        elif packet.name == "TUNNEL" and packet.fields()["payload_type"] == PAYLOAD_TYPE:
            self._fed_ns = time_ns

    def _decoder(self, peer: str, now_ns: int) -> PacketDecoder:
        if peer not in self._decoders and len(self._decoders) >= MOST_PEERS:
            silent = min(self._decoders, key=lambda one: self._decoders[one][1])
            del self._decoders[silent]
        decoder, _ = self._decoders.get(peer, (PacketDecoder(), 0))
        self._decoders[peer] = decoder, now_ns
        return decoder

    def _beat(self, now_ns: int) -> None:
        fields = {
            "type": GROUND_STATION,
            "autopilot": NO_AUTOPILOT,
            "system_status": ACTIVE,
            "mavlink_version": MAVLINK_VERSION,
        }
        frame = frame_bytes(
            "HEARTBEAT",
            fields,
            sequence=self._sequence,
            system=self._own_system,
            component=COMPONENT,
        )
        if self._link.write(frame):
            self._sequence, self._beat_ns = (self._sequence + 1) & 0xFF, now_ns


def _packets(frames: Sequence[object]) -> list[tuple[Packet, int]]:
    return [(one.fields["packet"], one.time_ns) for one in frames if isinstance(one, Frame)]
