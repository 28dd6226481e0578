"""Asking the autopilot for its messages: one request at a time, with its acknowledgement."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from firmware_bridge.gate import AUTOPILOT
from firmware_bridge.mavlink_dialect import definition_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from firmware_bridge.outlet import Outlet

__all__ = ["RATES_HZ", "RateRequests"]

NS = 1_000_000_000
SET_MESSAGE_INTERVAL, REQUEST_MESSAGE = 511, 512
ACCEPTED, TEMPORARILY_REJECTED, UNSUPPORTED, IN_PROGRESS = 0, 1, 3, 5
REPLY_NS = NS
TRIES = 3
ARDUPILOT, PX4 = 3, 12
ALL_STREAMS = 0
STREAMS_HZ = 4
LOOK_NS, LONGEST_LOOK_NS = 5 * NS, 60 * NS
ENOUGH = 0.6  # of the rate that was accepted

RATES_HZ: dict[str, float] = {
    "GLOBAL_POSITION_INT": 10.0,
    "ATTITUDE": 10.0,
    "SYSTEM_TIME": 1.0,
    "GPS_RAW_INT": 5.0,
    "LOCAL_POSITION_NED": 5.0,
    "VFR_HUD": 2.0,
    "SCALED_PRESSURE": 2.0,
    "DISTANCE_SENSOR": 5.0,
    "SYS_STATUS": 1.0,
    "EXTENDED_SYS_STATE": 1.0,
    "MISSION_CURRENT": 1.0,
}
# asking the other kind for these makes it complain to the pilot
OF_ARDUPILOT = {"WIND": 2.0, "TERRAIN_REPORT": 1.0}
OF_PX4 = {"WIND_COV": 2.0, "ALTITUDE": 5.0}
ONCE = ("AUTOPILOT_VERSION", "HOME_POSITION")


class RateRequests:
    """Requests that wait, the one that is out, and whether what was granted is kept.

    Ground stations ask for streams (MAVProxy four times a second, again every 15 s), which on
    ArduPilot undoes what others on that port have asked. So what comes too seldom, or was not
    answered, is asked for again, ever more seldom if that does not help.

    Parameters
    ----------
    outlet : Outlet
    rates_hz : dict of str to float
        Of messages every autopilot has; wind and terrain come by its kind.

    Attributes
    ----------
    counters : Counter
        ``asked``, ``accepted``, ``refused``, ``unanswered``, ``asked_again``.
    complaint : str
        What comes more seldom than was granted; empty if nothing does.
    refused : list of str
        Messages the vehicle will not send, since the last start.
    total : Counter
        Messages that came, by name.
    """

    def __init__(self, outlet: Outlet, rates_hz: Mapping[str, float] = RATES_HZ) -> None:
        self.counters: Counter[str] = Counter()
        self.refused: list[str] = []
        self.total: Counter[str] = Counter()
        self._outlet, self._rates_hz = outlet, dict(rates_hz)
        self._waiting: deque[tuple[str, int, float]] = deque()  # message, command, interval [us]
        self._tries = 0
        self._asked_ns = 0
        self.complaint = ""
        self._unanswered: list[tuple[str, int, float]] = []
        self._granted_hz: dict[str, float] = {}
        self._heard: Counter[str] = Counter()  # since it was last looked
        self._known: set[str] = set()  # heard at all
        self._looked_ns, self._look_ns = 0, LOOK_NS

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask."""
        return not self._waiting

    @property
    def granted_hz(self) -> dict[str, float]:
        """Rates the vehicle has acknowledged [1/s]."""
        return dict(self._granted_hz)

    def start(self, autopilot: int) -> None:
        """Ask for everything: at first, after a reboot, after the link was lost.

        Parameters
        ----------
        autopilot : int
            MAV_AUTOPILOT of its heartbeat.
        """
        rates = dict(self._rates_hz)
        if autopilot == ARDUPILOT:
            rates |= OF_ARDUPILOT
        elif autopilot == PX4:
            rates |= OF_PX4
        self._waiting.clear()
        self._waiting.extend(
            (name, SET_MESSAGE_INTERVAL, 1e6 / rate_hz) for name, rate_hz in rates.items()
        )
        self._waiting.extend((name, REQUEST_MESSAGE, 0.0) for name in ONCE)
        self.refused = []
        self._tries = 0
        self._unanswered.clear()
        self._granted_hz.clear()
        self._known.clear()
        self._look_ns = LOOK_NS

    def heard(self, name: str) -> None:
        """A message of the vehicle came."""
        self._heard[name] += 1
        self.total[name] += 1

    def step(self, now_ns: int) -> None:
        """Ask what is due."""
        if not self._waiting:
            self._look(now_ns)
            return
        self._looked_ns = 0
        if self._tries and now_ns - self._asked_ns < REPLY_NS:
            return
        name, command, interval_us = self._waiting[0]
        if self._tries >= TRIES:
            self.counters["unanswered"] += 1
            self._unanswered.append(self._waiting[0])
            self._give_up(name, now_ns)
            return
        fields = {
            "target_system": self._outlet.system,
            "target_component": AUTOPILOT,
            "command": command,
            "confirmation": self._tries,
            "param1": float(definition_of(name).message_id),
            "param2": interval_us,
        }
        if self._outlet.send("COMMAND_LONG", fields, now_ns):
            self.counters["asked"] += 1
            self._tries += 1
            self._asked_ns = now_ns

    def acknowledge(self, fields: Mapping[str, Any], now_ns: int) -> None:
        """Take in a COMMAND_ACK of the vehicle; those to others are left out.

        It does not say which message it is about: that is why only one request is out.
        """
        if not self._waiting or not self._tries or fields["command"] != self._waiting[0][1]:
            return
        targets = (fields["target_system"], fields["target_component"])
        if targets not in {(0, 0), (self._outlet.system, self._outlet.component)}:
            return
        result = fields["result"]
        if result in {TEMPORARILY_REJECTED, IN_PROGRESS}:
            return  # asked again when its time is over
        name = self._waiting[0][0]
        if result == ACCEPTED:
            self.counters["accepted"] += 1
            _, command, interval_us = self._waiting[0]
            if command == SET_MESSAGE_INTERVAL:
                self._granted_hz[name] = 1e6 / interval_us
            if name in self.refused:  # unanswered at first
                self.refused.remove(name)
            self._next()
            return
        self.counters["refused"] += 1
        self._give_up(name, now_ns)

    def _give_up(self, name: str, now_ns: int) -> None:
        if name not in self.refused:
            self.refused.append(name)
        is_first = name == next(iter(self._rates_hz), None)
        self._next()
        if is_first:  # an autopilot older than the command
            fields = {
                "target_system": self._outlet.system,
                "target_component": AUTOPILOT,
                "req_stream_id": ALL_STREAMS,
                "req_message_rate": STREAMS_HZ,
                "start_stop": 1,
            }
            self._outlet.send("REQUEST_DATA_STREAM", fields, now_ns)

    def _next(self) -> None:
        self._waiting.popleft()
        self._tries = 0

    def _look(self, now_ns: int) -> None:
        """Ask again for what comes too seldom, now that nothing else is left to ask."""
        if not self._looked_ns:
            self._looked_ns = now_ns
            self._heard.clear()
        span_ns = now_ns - self._looked_ns
        if span_ns < self._look_ns:
            return
        self._known |= self._heard.keys()
        come_hz = {name: self._heard[name] * NS / span_ns for name in self._granted_hz}
        # what never came may have no source, such as a rangefinder
        seldom = [
            name
            for name, granted_hz in self._granted_hz.items()
            if name in self._known and come_hz[name] < ENOUGH * granted_hz
        ]
        self._heard.clear()
        self._looked_ns = now_ns
        is_all_well = not seldom and not self._unanswered
        self._look_ns = LOOK_NS if is_all_well else min(2 * self._look_ns, LONGEST_LOOK_NS)
        self._waiting.extend(self._unanswered)  # the link was one-way, or the vehicle busy
        self._unanswered.clear()
        self.complaint = ""
        if seldom:
            name = seldom[0]
            self.complaint = (
                f"{name} comes {come_hz[name]:.1f} times a second and not "
                f"{self._granted_hz[name]:g}: another program sets rates, or the link is full"
            )
            self.counters["asked_again"] += len(seldom)
            self._waiting.extend(
                (name, SET_MESSAGE_INTERVAL, 1e6 / self._granted_hz[name]) for name in seldom
            )
