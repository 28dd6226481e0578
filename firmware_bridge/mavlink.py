"""The autopilot's side of the bridge: link, decoder, vehicle and telemetry, stepped by one loop."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.mavlink_link import MavlinkLink
from firmware_bridge.mavlink_ports import parse_address
from firmware_bridge.mavlink_rates import RATES_HZ
from firmware_bridge.outlet import Outlet
from firmware_bridge.signing import Signer, read_key
from firmware_bridge.telemetry import Telemetry
from firmware_bridge.vehicle import Vehicle
from sensors.framing import Frame
from sensors.records import Event

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import Self

    from firmware_bridge.clock import BridgeClock
    from firmware_bridge.mavlink_link import Arrival
    from firmware_bridge.mavlink_records import Record
    from sensors.config import AutopilotTable

__all__ = ["Autopilot"]

NS = 1_000_000_000
MOST_PEERS = 8
QUIET_NS = NS // 5  # inside a frame: the rest will not come


class Autopilot:
    """Talks with one vehicle.

    Whoever owns it calls `step` often; everything is sent from there, our heartbeat too.

    Parameters
    ----------
    table : AutopilotTable
        ``[autopilot]`` of the mission file.
    clock : BridgeClock
        Learns the vehicle's time.
    folder : Path
        Where the mission file is: a relative ``signing_key`` counts from there.
    tap : callable, optional
        Gets all bytes as they arrived, for the recording.
    on_records : callable, optional
        Called with the records of each message, and with when it arrived and when its sample was
        taken, both on the monotonic clock [ns]; `step` calls it and then returns them as well.
    attitude_hz : float
        20 where an anemometer on board has to be turned with the vehicle.
    silence_s : float
        After which a stream that brings nothing is opened anew.
    wake : Event, optional
        Set when something arrived.
    monotonic_ns : callable

    Attributes
    ----------
    vehicle : Vehicle
    telemetry : Telemetry
        Where readings for the ground are offered.

    Raises
    ------
    ConfigError
        The link or the key is not as it should be.
    """

    def __init__(
        self,
        table: AutopilotTable,
        *,
        clock: BridgeClock,
        folder: Path = Path(),
        tap: Callable[[Arrival], None] | None = None,
        on_records: Callable[[list[Record], int, int], None] | None = None,
        attitude_hz: float = 10.0,
        silence_s: float = 5.0,
        wake: threading.Event | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        address = parse_address(table.link)
        signer = None
        if table.signing_key:
            path = folder / table.signing_key
            signer = Signer(read_key(path), path.with_name(path.name + ".time"))
        self._monotonic_ns, self._clock, self._tap = monotonic_ns, clock, tap
        self._on_records = on_records
        self._decoders: dict[str, PacketDecoder] = {}
        self._fed_ns: dict[str, int] = {}
        self._forgotten: Counter[str] = Counter()  # by decoders that are no more
        self._link = MavlinkLink(address, silence_s=silence_s, wake=wake, monotonic_ns=monotonic_ns)
        self._outlet = Outlet(
            self._link.write,
            system=table.system_id,
            budget_bytes_s=table.budget_bytes_s,
            signer=signer,
        )
        self.vehicle = Vehicle(
            outlet=self._outlet,
            clock=clock,
            signer=signer,
            rates_hz={**RATES_HZ, "ATTITUDE": attitude_hz},
            on_records=on_records,
        )
        self.telemetry = Telemetry(self._outlet, self.vehicle.stations)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the link."""
        self._link.close()

    def wait(self, timeout_s: float) -> bool:
        """Wait until something arrived, at most so long; on `wake`, if there is one."""
        return self._link.wait(timeout_s)

    def step(self, *, is_critical: bool = False) -> list[Record]:
        """Take in what arrived, and send what is due.

        Parameters
        ----------
        is_critical : bool
            Something that is needed does not work; our heartbeat says so.

        Returns
        -------
        list of record
            Poses, wind, air and events since the last call.
        """
        found: list[Record] = [
            self._event(event.kind, event.text, event.time_ns) for event in self._link.events()
        ]
        for arrival in self._link.take():
            if self._tap:
                self._tap(arrival)
            found += self._read(arrival)
        now_ns = self._monotonic_ns()
        for peer, fed_ns in self._fed_ns.items():
            decoder = self._decoders[peer]
            if decoder.pending and now_ns - fed_ns > QUIET_NS:
                found += self._records(decoder.flush(), peer)
        self._link.answer_to(self.vehicle.gate.peer)
        found += self.vehicle.step(now_ns)
        self.telemetry.step(now_ns, is_critical=is_critical, is_heard=self.vehicle.is_heard)
        return found

    def counters(self) -> dict[str, dict[str, int]]:
        """What was counted, by part of the way."""
        decoding = self._forgotten.copy()
        for decoder in self._decoders.values():
            decoding.update(_counted(decoder))
        parts: dict[str, Any] = {
            "link": self._link.counters,
            "decoder": decoding,
            "gate": self.vehicle.gate.counters,
            "vehicle": self.vehicle.counters,
            "rates": self.vehicle.rates.counters,
            "outlet": self._outlet.counters,
            "telemetry": self.telemetry.counters,
        }
        return {name: dict(part) for name, part in parts.items()}

    def _read(self, arrival: Arrival) -> list[Record]:
        decoder = self._decoders.get(arrival.peer)
        if decoder is None:
            if len(self._decoders) >= MOST_PEERS:
                self._forget_a_peer()
            decoder = self._decoders[arrival.peer] = PacketDecoder()
        self._fed_ns[arrival.peer] = arrival.time_ns
        return self._records(decoder.feed(arrival.data, arrival.time_ns), arrival.peer)

    def _forget_a_peer(self) -> None:
        """Whoever has been silent longest, but not the vehicle: anybody can send us datagrams."""
        others = [peer for peer in self._decoders if peer != self.vehicle.gate.peer]
        silent = min(others, key=lambda peer: self._fed_ns[peer])
        self._forgotten.update(_counted(self._decoders.pop(silent)))
        del self._fed_ns[silent]

    def _records(self, frames: list[Any], peer: str) -> list[Record]:
        found: list[Record] = []
        for frame in frames:
            if isinstance(frame, Frame):
                found += self.vehicle.take(frame.fields["packet"], frame.time_ns, peer)
        return found

    def _event(self, kind: str, text: str, monotonic_ns: int) -> Event:
        utc = self._clock.utc_of_monotonic(monotonic_ns)
        event = Event(utc.time_ns, "autopilot", kind, text, utc.sigma_s)
        if self._on_records is not None:
            self._on_records([event], monotonic_ns, monotonic_ns)
        return event


def _counted(decoder: PacketDecoder) -> Counter[str]:
    counters = decoder.counters
    told = Counter({"frames_ok": counters.frames_ok, "garbage_bytes": counters.garbage_bytes})
    told.update(counters.errors)
    return told
