"""Readings, state changes and our heartbeat on their way to the ground.

Nothing here waits: of each value only the newest is kept, and what a full link cannot carry is
counted.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firmware_bridge.tunnel import PAYLOAD_TYPE

if TYPE_CHECKING:
    from collections.abc import Set

    from firmware_bridge.outlet import Outlet
    from firmware_bridge.tunnel import Batch

__all__ = ["ALARM", "INFO", "TEXT_BYTES", "WARNING", "Telemetry"]

NS = 1_000_000_000
HEARTBEAT_NS = NS
VALUE_NS = NS  # NAMED_VALUE_FLOAT: one of each name a second
BATCH_NS = NS // 5  # TUNNEL: five of each device a second
TEXT_NS = 5 * NS
STALE_NS = 5 * NS
MOST_NAMES = 6
MOST_BATCHES = 16
MOST_TEXTS = 8
NAME_CHARACTERS = 10
TEXT_BYTES = 50
GROUND_STATION, EVERYBODY = 255, 0
ONBOARD_CONTROLLER, NO_AUTOPILOT = 18, 8
ACTIVE, CRITICAL = 4, 5
MAVLINK_VERSION = 3
ALARM = 3  # kind of a batch that goes before all readings
WARNING, INFO = 4, 6  # severities of STATUSTEXT


@dataclass(slots=True)
class _Slot:
    """The newest value of one kind."""

    period_ns: int
    name: str
    fields: dict[str, Any] | None = None  # None once it is sent
    offered_ns: int = 0
    is_alarm: bool = False
    sent_ns: int = -(1 << 62)


class Telemetry:
    """Sends what is offered when it may.

    Parameters
    ----------
    outlet : Outlet
    stations : set of int
        It may grow as they are heard.

    Attributes
    ----------
    stations : set of int
        System ids of ground stations. An autopilot passes on what is addressed to a system only
        where it has heard that: with one that is not 255, readings go to all.
    counters : Counter
        ``replaced`` by a newer value before they went out, ``stale``, ``texts_dropped``,
        ``names_refused``, ``batches_refused``.
    """

    def __init__(self, outlet: Outlet, stations: Set[int] = frozenset()) -> None:
        self.counters: Counter[str] = Counter()
        self.stations = stations
        self._outlet = outlet
        self._slots: dict[str, _Slot] = {}
        self._texts: deque[tuple[int, str]] = deque()
        self._text_sent_ns = self._heartbeat_ns = -(1 << 62)

    def value(self, name: str, value: float, *, boot_ms: int, now_ns: int) -> bool:
        """Offer a NAMED_VALUE_FLOAT; False when six other names are in use.

        Parameters
        ----------
        name : str
            At most 10 ASCII characters, for example ``"CH4_PPM"``.
        value : float
        boot_ms : int
            When it was measured, on the autopilot's clock.
        now_ns : int
            On the monotonic clock.

        Raises
        ------
        ValueError
            The name is empty, too long, or not ASCII.
        """
        if not name or len(name) > NAME_CHARACTERS or not name.isascii():
            raise ValueError(f'"{name}" is not 1 to {NAME_CHARACTERS} ASCII characters')
        key = f"value {name}"
        names = sum(slot.name == "NAMED_VALUE_FLOAT" for slot in self._slots.values())
        if key not in self._slots and names >= MOST_NAMES:
            self.counters["names_refused"] += 1
            return False
        fields = {"time_boot_ms": boot_ms & 0xFFFFFFFF, "name": name, "value": value}
        self._offer(key, "NAMED_VALUE_FLOAT", fields, now_ns, VALUE_NS)
        return True

    def batch(self, batch: Batch, *, now_ns: int) -> bool:
        """Offer a device's readings as TUNNEL; False when 16 other devices are in use.

        Raises
        ------
        ValueError
            It does not fit in a TUNNEL.
        """
        key = f"batch {batch.kind} {batch.device}"
        batches = sum(slot.name == "TUNNEL" for slot in self._slots.values())
        if key not in self._slots and batches >= MOST_BATCHES:
            self.counters["batches_refused"] += 1
            return False
        payload = batch.encode()
        fields = {
            "target_system": EVERYBODY if self.stations - {GROUND_STATION} else GROUND_STATION,
            "target_component": 0,
            "payload_type": PAYLOAD_TYPE,
            "payload_length": len(payload),
            "payload": list(payload),
        }
        is_alarm = batch.kind == ALARM
        self._offer(key, "TUNNEL", fields, now_ns, 0 if is_alarm else BATCH_NS)
        self._slots[key].is_alarm = is_alarm
        return True

    def text(self, text: str, *, severity: int = WARNING) -> None:
        """Tell the pilot of a change, in 50 bytes; one goes out in five seconds.

        The worst goes first. Of more than eight that wait the oldest is left out.
        """
        if (severity, text) in self._texts:
            return
        self._texts.append((severity, text))
        if len(self._texts) > MOST_TEXTS:
            mildest = max(severity for severity, _ in self._texts)
            self._texts.remove(next(one for one in self._texts if one[0] == mildest))
            self.counters["texts_dropped"] += 1

    def step(self, now_ns: int, *, is_critical: bool = False, is_heard: bool = True) -> None:
        """Send what is due. The loop that does the work calls it: if that hangs, we fall silent.

        Parameters
        ----------
        now_ns : int
            On the monotonic clock.
        is_critical : bool
            Something that is needed does not work; our heartbeat says so.
        is_heard : bool
            The vehicle speaks. Texts wait until it does: each is sent only once.
        """
        if now_ns - self._heartbeat_ns >= HEARTBEAT_NS:
            heartbeat = {
                "type": ONBOARD_CONTROLLER,
                "autopilot": NO_AUTOPILOT,
                "system_status": CRITICAL if is_critical else ACTIVE,
                "mavlink_version": MAVLINK_VERSION,
            }
            if self._outlet.send("HEARTBEAT", heartbeat, now_ns):
                self._heartbeat_ns = now_ns
        if is_heard:
            self._send_text(now_ns)
        for slot in self._due(now_ns):
            if slot.fields is None:
                continue
            if not self._outlet.send(slot.name, slot.fields, now_ns, is_value=not slot.is_alarm):
                break  # the budget is used up; this one is first when there is some again
            slot.fields, slot.sent_ns = None, now_ns

    def _offer(
        self, key: str, name: str, fields: dict[str, Any], now_ns: int, period_ns: int
    ) -> None:
        slot = self._slots.setdefault(key, _Slot(period_ns, name))
        if slot.fields is not None:
            self.counters["replaced"] += 1
        slot.fields, slot.offered_ns = fields, now_ns

    def _due(self, now_ns: int) -> list[_Slot]:
        """Alarms first; then the newest, by the second; of those, what was left out longest."""
        due = []
        for slot in self._slots.values():
            if slot.fields is None:
                continue
            if now_ns - slot.offered_ns > STALE_NS:
                slot.fields = None
                self.counters["stale"] += 1
            elif now_ns - slot.sent_ns >= slot.period_ns:
                due.append(slot)
        return sorted(
            due,
            key=lambda slot: (
                not slot.is_alarm,
                (now_ns - slot.offered_ns) // NS,
                slot.sent_ns,
            ),
        )

    def _send_text(self, now_ns: int) -> None:
        if not self._texts or now_ns - self._text_sent_ns < TEXT_NS:
            return
        severity, text = min(self._texts, key=lambda one: one[0])
        fitting = text.encode()[:TEXT_BYTES].decode("utf-8", "ignore")
        if self._outlet.send("STATUSTEXT", {"severity": severity, "text": fitting}, now_ns):
            self._texts.remove((severity, text))
            self._text_sent_ns = now_ns
