"""Who is believed: the one vehicle the mission file names, over one route, each message once."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_bridge.mavlink_frames import Packet
    from firmware_bridge.signing import Signer

__all__ = ["AUTOPILOT", "Gate"]

NS = 1_000_000_000
AUTOPILOT = 1  # component
RECENT = 128  # frames; half of the sequence numbers
SILENT_NS = 3 * NS  # then another route may take over
FORGOTTEN_NS = 7 * NS // 2  # then another kind of vehicle may answer to the number
NO_AUTOPILOT = 8
# MAV_TYPE of antenna trackers, ground stations, companions, and of parts: gimbals, cameras, ...
NOT_VEHICLES = frozenset({5, 6, 18, 26, 27, *range(30, 35), *range(36, 43), 44, 48})


class Gate:
    """Lets through what the vehicle says and counts the rest by why.

    Parameters
    ----------
    system : int
        Of the vehicle; its component is 1.
    signer : Signer, optional
        With one, only what is signed with its key is believed.

    Attributes
    ----------
    counters : Counter
        ``accepted``, ``lost`` (by sequence number), and refused: ``other_system``,
        ``other_component``, ``duplicate``, ``unsigned``, ``signature``, ``replay``,
        ``other_route``, ``before_heartbeat``, ``spoofed``.
    peer : str
        Where the vehicle speaks from.
    autopilot : int or None
        MAV_AUTOPILOT of its heartbeat.
    is_doubled : bool
        Two kinds of vehicle speak with its number by turns.

    Notes
    -----
    Before its motors are known a hexacopter of ArduPilot says that it is a quadcopter. So a kind
    that follows another is believed when the first has been silent for three heartbeats.
    """

    def __init__(self, system: int, signer: Signer | None = None) -> None:
        self.system = system
        self.counters: Counter[str] = Counter()
        self.peer = ""
        self.autopilot: int | None = None
        self.is_doubled = False
        self._kind: tuple[int, int] | None = None
        self._has_other_kind = False
        self._signer = signer
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self._sequence: int | None = None
        self._heard_ns = self._heartbeat_ns = -(1 << 62)

    def refusal(self, packet: Packet, arrival_ns: int, peer: str) -> str | None:
        """Why a packet is not believed, None if it is; counted.

        Parameters
        ----------
        packet : Packet
        arrival_ns : int
            On the monotonic clock.
        peer : str
            Who sent it; empty on a link with two ends.
        """
        reason = self._refusal(packet, arrival_ns, peer)
        self.counters[reason or "accepted"] += 1
        if reason is None:
            self._heard_ns = arrival_ns
            self._recent.append(packet.data)
            self._count_lost(packet.sequence)
        return reason

    def is_signed_well(self, packet: Packet) -> bool:
        """Whether a packet of somebody else may be answered; counted if not."""
        reason = self._signer.fault(packet) if self._signer else None
        if reason:
            self.counters[reason] += 1
        return reason is None

    def restart(self) -> None:
        """Sequence numbers begin anew, after a reboot, and it may be set up otherwise."""
        self._sequence = None
        self._heartbeat_ns = -(1 << 62)

    def _refusal(self, packet: Packet, arrival_ns: int, peer: str) -> str | None:
        if packet.system != self.system:
            return "other_system"
        if packet.component != AUTOPILOT:
            return "other_component"
        if packet.data in self._recent:
            return "duplicate"
        reason = self._signer.fault(packet) if self._signer else None
        return reason or self._impostor(packet, arrival_ns, peer)

    def _impostor(self, packet: Packet, arrival_ns: int, peer: str) -> str | None:
        """Why it does not come from the vehicle although it says so."""
        kind = _kind(packet) if packet.name == "HEARTBEAT" else None
        if kind is not None and not self._is_vehicle(kind, arrival_ns):
            self._has_other_kind = True
            return "spoofed"
        if peer != self.peer and arrival_ns - self._heard_ns < SILENT_NS:
            return "other_route"
        if kind is None:  # a route opens with a heartbeat
            return "before_heartbeat" if self._kind is None or peer != self.peer else None
        self.is_doubled = self._has_other_kind and kind == self._kind
        self._has_other_kind = False
        self.peer, self._kind, self._heartbeat_ns = peer, kind, arrival_ns
        self.autopilot = kind[0]
        return None

    def _is_vehicle(self, kind: tuple[int, int], arrival_ns: int) -> bool:
        autopilot, vehicle = kind
        if autopilot == NO_AUTOPILOT or vehicle in NOT_VEHICLES:
            return False
        is_forgotten = arrival_ns - self._heartbeat_ns > FORGOTTEN_NS
        return self._kind is None or kind == self._kind or is_forgotten

    def _count_lost(self, sequence: int) -> None:
        if self._sequence is not None:
            missing = (sequence - self._sequence - 1) & 0xFF
            if missing >= RECENT:  # overtaken by later ones, and counted as lost with them
                self.counters["lost"] -= self.counters["lost"] > 0
                return
            self.counters["lost"] += missing
        self._sequence = sequence


def _kind(packet: Packet) -> tuple[int, int]:
    fields = packet.fields()
    return fields["autopilot"], fields["type"]
