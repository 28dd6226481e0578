"""The vehicle as the bridge knows it: what it says becomes records, what we need is asked for."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from firmware_bridge.gate import Gate
from firmware_bridge.mavlink_messages import in_si
from firmware_bridge.mavlink_parameters import ParameterRequests
from firmware_bridge.mavlink_rates import RATES_HZ, RateRequests
from firmware_bridge.mavlink_records import VehicleRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firmware_bridge.clock import BridgeClock
    from firmware_bridge.device_clock import Estimate
    from firmware_bridge.mavlink_frames import Packet
    from firmware_bridge.mavlink_records import Record
    from firmware_bridge.outlet import Outlet
    from firmware_bridge.signing import Signer

__all__ = ["Vehicle"]

NS = 1_000_000_000
LOST_NS = 5 * NS
FAST_FOR_NS, FAST_NS, SLOW_NS = 10 * NS, NS // 5, NS  # TIMESYNC: 5 Hz for 10 s, then 1 Hz
WARN_NS, SELDOM_NS = 30 * NS, 600 * NS  # between two warnings of one kind
# those that autopilots stamp with the time since boot at which they are sent, and no other clock
CLOCKED = frozenset(
    {"ATTITUDE", "ATTITUDE_QUATERNION", "GLOBAL_POSITION_INT", "LOCAL_POSITION_NED", "SYSTEM_TIME"}
)
OLDEST_NS, AHEAD_NS = 30 * NS, NS  # a sample's own time that is farther off is of another clock
REQUEST_MESSAGE, UNSUPPORTED, ACCEPTED = 512, 3, 0
AUTOPILOT_VERSION = 148
GROUND_STATION, MOST_STATIONS = 6, 8  # MAV_TYPE
MAVLINK2 = 8192  # MAV_PROTOCOL_CAPABILITY_MAVLINK2


class Vehicle:
    """One vehicle on one link.

    Parameters
    ----------
    outlet : Outlet
        Carries the vehicle's system id.
    clock : BridgeClock
        Its vehicle clock is fed from here.
    signer : Signer, optional
    rates_hz : dict of str to float
        Of messages every autopilot has.
    on_records : callable, optional
        Called with the records of each message, when it arrived and when its sample was taken,
        both on the monotonic clock [ns].

    Attributes
    ----------
    gate : Gate
        Counts what is believed and what is not.
    rates : RateRequests
    parameters : ParameterRequests
    latest : dict
        By message, when it arrived (monotonic) and what it said in SI: attitude, velocity,
        battery, version, home.
    stations : set of int
        System ids of the ground stations that were heard through it, eight at most.
    counters : Counter
        ``reboots``, ``losses``, ``clock_steps``, ``odd_times``.
    """

    def __init__(
        self,
        *,
        outlet: Outlet,
        clock: BridgeClock,
        signer: Signer | None = None,
        rates_hz: Mapping[str, float] = RATES_HZ,
        on_records: Callable[[list[Record], int, int], None] | None = None,
    ) -> None:
        self.gate = Gate(outlet.system, signer)
        self.rates = RateRequests(outlet, rates_hz)
        self.parameters = ParameterRequests(outlet)
        self.latest: dict[str, tuple[int, dict[str, Any]]] = {}
        self.stations: set[int] = set()
        self.counters: Counter[str] = Counter()
        self._outlet, self._clock, self._on_records = outlet, clock, on_records
        self._records = VehicleRecords()
        self._first_ns: int | None = None
        self._heard_ns: int | None = None
        self._is_lost = False
        self._asked_ns = -(1 << 62)
        self._warned_ns: dict[str, int] = {}
        self._asked: deque[int] = deque(maxlen=16)
        self._trips: deque[int] = deque(maxlen=60)  # of TIMESYNC [ns]

    @property
    def is_heard(self) -> bool:
        """Whether it speaks."""
        return self._heard_ns is not None and not self._is_lost

    def boot_ms(self, monotonic_ns: int) -> int | None:
        """What the vehicle's clock said at a moment on ours [ms]; None while it is not known."""
        try:
            return self._clock.vehicle.boot_of_monotonic(monotonic_ns).time_ns // 1_000_000
        except LookupError:
            return None

    def take(self, packet: Packet, arrival_ns: int, peer: str = "") -> list[Record]:
        """Records in a packet; none if it is not believed.

        Parameters
        ----------
        packet : Packet
        arrival_ns : int
            On the monotonic clock.
        peer : str
            Who sent it, where several can.
        """
        reason = self.gate.refusal(packet, arrival_ns, peer)
        if reason in {"other_system", "other_component"}:
            return self._hear_others(packet, arrival_ns)
        if reason:
            return []
        found = self._note_heard(arrival_ns)
        raw = packet.fields()
        if self.gate.is_doubled and packet.name == "HEARTBEAT":
            what = f"heartbeats of another kind of vehicle as system {packet.system}"
            found += self._warning("spoofed heartbeat", what, arrival_ns)
        self.rates.heard(packet.name)
        if packet.name in CLOCKED:
            event = self._clock.vehicle.add_message(raw["time_boot_ms"], arrival_ns)
            found += self._note_clock(event, arrival_ns)
        found += self._note(packet.name, raw, arrival_ns)
        si = in_si(packet.name, raw) or {}
        if si:
            self.latest[packet.name] = (arrival_ns, si)
        if not self._records.reads(packet.name):
            return found
        utc, sample_ns = self._time_of(raw, arrival_ns)
        records = self._records.of(packet.name, raw, si, utc, arrival_ns)
        if records and self._on_records is not None:
            self._on_records(records, arrival_ns, sample_ns)
        return found + records

    def step(self, now_ns: int) -> list[Record]:
        """Ask what is due, and notice silence; called from the loop that does the work."""
        if self._heard_ns is None:
            return []
        if now_ns - self._heard_ns > LOST_NS:
            if self._is_lost:
                return []
            self._is_lost = True
            self.counters["losses"] += 1
            return [self._event("vehicle lost", "nothing heard for 5 s", now_ns)]
        self.rates.step(now_ns)
        self.parameters.step(now_ns)
        self._ask_time(now_ns)
        if not self.rates.complaint:
            return []
        return self._warning("rates", self.rates.complaint, now_ns, every_ns=SELDOM_NS)

    def _note_heard(self, arrival_ns: int) -> list[Record]:
        found: list[Record] = []
        if self._heard_ns is None:
            found.append(self._event("vehicle found", f"system {self.gate.system}", arrival_ns))
            self._restart(arrival_ns)
        elif self._is_lost:
            gap_s = (arrival_ns - self._heard_ns) / NS
            found.append(self._event("vehicle back", f"after {gap_s:.1f} s", arrival_ns))
            self._restart(arrival_ns)
        self._heard_ns, self._is_lost = arrival_ns, False
        return found

    def _note_clock(self, event: str | None, arrival_ns: int) -> list[Record]:
        if event == "reboot":
            self.counters["reboots"] += 1
            self.gate.restart()
            self._restart(arrival_ns)
            self._records = VehicleRecords()
            return [self._event("autopilot reboot", "its clock began anew", arrival_ns)]
        if event == "step":
            self.counters["clock_steps"] += 1
            return self._warning("vehicle clock step", "", arrival_ns)
        return []

    def _restart(self, now_ns: int) -> None:
        """Ask for messages and time as at the beginning."""
        self._first_ns = now_ns
        if self.gate.autopilot is not None:
            self.rates.start(self.gate.autopilot)

    def _note(self, name: str, raw: dict[str, Any], arrival_ns: int) -> list[Record]:
        """What is not a reading: time and acknowledgements."""
        vehicle = self._clock.vehicle
        if name == "SYSTEM_TIME":
            event = vehicle.add_system_time(raw["time_unix_usec"], raw["time_boot_ms"])
            return self._note_clock(event, arrival_ns)
        if name == "COMMAND_ACK":
            self.rates.acknowledge(raw, arrival_ns)
        elif name == "PARAM_VALUE":
            self.parameters.take(raw, self.gate.autopilot)
        elif name == "COMMAND_LONG":
            self._answer_command(raw, self.gate.system, 1, arrival_ns)
        elif name == "TIMESYNC" and raw["tc1"] == 0:
            answer = {"tc1": arrival_ns, "ts1": raw["ts1"]}
            self._outlet.send("TIMESYNC", answer, arrival_ns)
        elif name == "TIMESYNC":
            if raw["ts1"] in self._asked:
                self._trips.append(arrival_ns - raw["ts1"])
            event = vehicle.add_timesync(raw["ts1"], raw["tc1"], arrival_ns)
            return self._note_clock(event, arrival_ns)
        return []

    def _ask_time(self, now_ns: int) -> None:
        fast = self._first_ns is not None and now_ns - self._first_ns < FAST_FOR_NS
        if now_ns - self._asked_ns < (FAST_NS if fast else SLOW_NS):
            return
        if self._outlet.send("TIMESYNC", {"tc1": 0, "ts1": now_ns}, now_ns):
            self._clock.vehicle.asked(now_ns)
            self._asked.append(now_ns)
            self._asked_ns = now_ns

    def _hear_others(self, packet: Packet, arrival_ns: int) -> list[Record]:
        """Commands to us are answered, our number is given up to who has it; no more is read."""
        if packet.name not in {"COMMAND_LONG", "HEARTBEAT"} or self._outlet.is_own(packet.data):
            return []
        if packet.name == "COMMAND_LONG":
            if self.gate.is_signed_well(packet):
                sender = (packet.system, packet.component)
                self._answer_command(packet.fields(), *sender, arrival_ns)
            return []
        if packet.system != self.gate.system and len(self.stations) < MOST_STATIONS:
            if packet.fields()["type"] == GROUND_STATION:
                self.stations.add(packet.system)
            return []
        ours = (self._outlet.system, self._outlet.component)
        if (packet.system, packet.component) != ours or not self.gate.is_signed_well(packet):
            return []
        if not self._outlet.give_way():
            return []
        what = f"another computer is {ours[1]}, we are {self._outlet.component}"
        return [self._event("component id taken", what, arrival_ns)]

    def _answer_command(
        self, raw: dict[str, Any], system: int, component: int, now_ns: int
    ) -> None:
        """Say who we are when asked; refuse all else. Nobody commands the bridge by MAVLink."""
        ours = (self._outlet.system, self._outlet.component)
        if (raw["target_system"], raw["target_component"]) != ours:
            return
        can = raw["command"] == REQUEST_MESSAGE and raw["param1"] == AUTOPILOT_VERSION
        answer = {
            "command": raw["command"],
            "result": ACCEPTED if can else UNSUPPORTED,
            "target_system": system,
            "target_component": component,
        }
        self._outlet.send("COMMAND_ACK", answer, now_ns, is_value=True)
        if can:
            self._outlet.send(
                "AUTOPILOT_VERSION", {"capabilities": MAVLINK2}, now_ns, is_value=True
            )

    def _time_of(self, raw: dict[str, Any], arrival_ns: int) -> tuple[Estimate, int]:
        """UTC of a message's sample, and the moment on our clock.

        By its own time since boot where it has one, else by its arrival.
        """
        vehicle, boot_ms = self._clock.vehicle, raw.get("time_boot_ms")
        if boot_ms is not None and vehicle.is_set:
            sample_ns = vehicle.boot_to_monotonic(boot_ms * 1_000_000).time_ns
            if -AHEAD_NS < arrival_ns - sample_ns < OLDEST_NS:
                if vehicle.has_utc:
                    return vehicle.utc_of_boot(boot_ms * 1_000_000), sample_ns
                return self._clock.utc_of_monotonic(sample_ns), sample_ns
            self.counters["odd_times"] += 1
        sample_ns = arrival_ns - min(self._trips, default=0) // 2
        return self._clock.utc_of_monotonic(sample_ns), sample_ns

    def _warning(
        self, kind: str, text: str, monotonic_ns: int, *, every_ns: int = WARN_NS
    ) -> list[Record]:
        """An event, unless one of its kind was told not long ago."""
        if monotonic_ns - self._warned_ns.get(kind, -(1 << 62)) < every_ns:
            return []
        self._warned_ns[kind] = monotonic_ns
        return [self._event(kind, text, monotonic_ns)]

    def _event(self, kind: str, text: str, monotonic_ns: int) -> Record:
        event = self._records.event(kind, text, self._clock.utc_of_monotonic(monotonic_ns))
        if self._on_records is not None:
            self._on_records([event], monotonic_ns, monotonic_ns)
        return event
