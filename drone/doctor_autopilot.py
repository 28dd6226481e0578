"""The autopilot as the bridge hears it before a flight: nothing aboard is written or commanded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from drone.doctor_findings import one, split_advice
from drone.doctor_parameters import judged, names_for
from firmware_bridge.claims import claim_ports
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.mavlink_ports import parse_address
from firmware_bridge.ports import open_serial
from sensors.errors import ConfigError, LinkError, PortInUse
from sensors.records import Event

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from drone.doctor_findings import Finding, State
    from firmware_bridge.clock import BridgeClock
    from sensors.config import AutopilotTable

__all__ = ["VehicleCheck"]

NS = 1_000_000_000
HEAR_S = 6.0  # several heartbeats, and a TCP connection that is made anew
ASK_S = 5.0
WATCH_S = 3.0
WAIT_S = 0.02
ENOUGH = 0.6  # of the rate that was granted


class VehicleCheck:
    """Listens to the autopilot for some seconds.

    Parameters
    ----------
    table : AutopilotTable
    clock : BridgeClock
        Learns the vehicle's time.
    folder : Path
        Where the mission file is.
    has_anemometer : bool
    stop : Event
        Ends it early.

    Attributes
    ----------
    is_heard : bool
    messages_per_s : float or None
        What came from the vehicle once its rates were set; None if it was not heard.
    """

    def __init__(
        self,
        table: AutopilotTable,
        *,
        clock: BridgeClock,
        folder: Path,
        has_anemometer: bool,
        stop: threading.Event,
    ) -> None:
        self.is_heard = False
        self.messages_per_s: float | None = None
        self._table, self._clock, self._folder = table, clock, folder
        self._has_anemometer, self._stop = has_anemometer, stop
        self._link_text = ""

    def run(self) -> list[Finding]:
        """All that can be said of it, in some 15 s at most."""
        table = self._table
        try:
            address = parse_address(table.link)
            self._is_serial = address.kind == "serial"
            claim_ports((), address)
            if self._is_serial:
                open_serial(address.host, address.port).close()
            vehicle = Autopilot(
                table,
                clock=self._clock,
                folder=self._folder,
                attitude_hz=20.0 if self._has_anemometer else 10.0,
            )
        except (ConfigError, PortInUse) as error:
            found, fix = split_advice(str(error))
            fix = fix or "correct [autopilot] in the mission file"
            return [_one("failure", "link", found, fix), *_skipped("its link cannot be used")]
        except LinkError as error:
            found, fix = split_advice(str(error))
            return [_one("warning", "link", found, fix), *_skipped("its link is not there")]
        with vehicle:
            return self._talk(vehicle)

    def _talk(self, autopilot: Autopilot) -> list[Finding]:
        vehicle = autopilot.vehicle
        begun = time.monotonic()
        self._run(autopilot, begun + HEAR_S, until=lambda: vehicle.is_heard)
        if not vehicle.is_heard:
            return [self._unheard(autopilot), *_skipped("it is not heard")]
        self.is_heard = True
        heard_s = time.monotonic() - begun
        kind = str(vehicle.latest["HEARTBEAT"][1]["vehicle"])
        vehicle.parameters.ask(names_for(vehicle.gate.autopilot, kind))
        end = time.monotonic() + ASK_S
        self._run(
            autopilot, end, until=lambda: vehicle.rates.is_done and vehicle.parameters.is_done
        )
        granted = vehicle.rates.granted_hz
        before, watched = vehicle.rates.total.copy(), time.monotonic()
        self._run(autopilot, watched + WATCH_S)
        span_s = time.monotonic() - watched
        came = vehicle.rates.total - before
        self.messages_per_s = sum(came.values()) / span_s
        return [
            self._heartbeat(autopilot, kind, heard_s),
            self._rates(
                {name: came[name] / span_s for name in granted}, granted, vehicle.rates.refused
            ),
            self._gps(autopilot),
            *judged(
                vehicle.parameters.values,
                autopilot=vehicle.gate.autopilot,
                vehicle=kind,
                is_serial=self._is_serial,
                has_anemometer=self._has_anemometer,
            ),
        ]

    def _run(self, autopilot: Autopilot, end: float, *, until: object = None) -> None:
        while not self._stop.is_set() and time.monotonic() < end:
            autopilot.wait(WAIT_S)
            for record in autopilot.step():
                if isinstance(record, Event) and record.kind.startswith("link"):
                    self._link_text = record.text
            if callable(until) and until():
                return

    def _unheard(self, autopilot: Autopilot) -> Finding:
        counters = autopilot.counters()
        gate, received = counters["gate"], counters["link"].get("received", 0)
        figures: dict[str, float | str] = {"received_bytes": received, **gate}
        wanted = f"system {self._table.system_id}"
        if gate.get("other_system"):
            return _one(
                "warning",
                "link",
                f"other systems speak on {self._table.link}, not {wanted}",
                "set system_id in [autopilot] to that of the vehicle",
                figures,
            )
        if any(gate.get(name) for name in ("unsigned", "signature", "replay")):
            return _one(
                "warning",
                "link",
                f"{wanted} speaks, and its signature is not believed",
                "the same key must be in signing_key and in the vehicle",
                figures,
            )
        if received:
            return _one(
                "warning",
                "link",
                f"{received} bytes on {self._table.link}, and no heartbeat of {wanted} in them",
                "check baud rate and SERIALn_PROTOCOL = 2",
                figures,
            )
        text = f" ({self._link_text})" if self._link_text not in {"", self._table.link} else ""
        return _one(
            "warning",
            "link",
            f"nothing on {self._table.link} in {HEAR_S:g} s{text}",
            "check power and wiring, or the router's outputs; fly starts without it, "
            "and readings then have no position",
            figures,
        )

    def _heartbeat(self, autopilot: Autopilot, kind: str, heard_s: float) -> Finding:
        vehicle = autopilot.vehicle
        _, beat = vehicle.latest["HEARTBEAT"]
        _, version = vehicle.latest.get("AUTOPILOT_VERSION", (0, {}))
        told = version.get("flight_sw_version", "of unknown version")
        lost = vehicle.gate.counters["lost"]
        figures: dict[str, float | str] = {
            "heard_after_s": round(heard_s, 2),
            "lost_messages": lost,
            "version": str(told),
        }
        found = f"{beat['autopilot']} {told}, {kind}, system {self._table.system_id}"
        if beat["armed"]:
            return _one(
                "warning",
                "heartbeat",
                f"{found}; it is armed",
                "disarm it: checks belong on the ground",
                figures,
            )
        return _one("ok", "heartbeat", found, "", figures)

    def _rates(
        self, came_hz: dict[str, float], granted_hz: dict[str, float], refused: list[str]
    ) -> Finding:
        figures: dict[str, float | str] = {}
        for name, hz in granted_hz.items():
            figures |= {f"{name}_hz": round(came_hz[name], 1), f"{name}_wanted_hz": hz}
        if not granted_hz:
            return _one(
                "warning",
                "rates",
                "it grants no message rates",
                "update its firmware; positions then come as seldom as it likes",
                figures,
            )
        seldom = [
            f"{name} {hz:.1f} of {granted_hz[name]:g}"
            for name, hz in came_hz.items()
            if 0.0 < hz < ENOUGH * granted_hz[name]
        ]
        needed = [
            f"{name} 0 of {granted_hz[name]:g}"
            for name in ("GLOBAL_POSITION_INT", "ATTITUDE", "SYSTEM_TIME")
            if came_hz.get(name) == 0.0
        ]
        if seldom or needed:
            return _one(
                "warning",
                "rates",
                f"messages a second: {', '.join(needed + seldom)}",
                "raise the port's baud rate, or stop the ground station from setting rates "
                "(SRn_* of that port)",
                figures,
            )
        shown = ", ".join(f"{name} {hz:.1f}" for name, hz in list(came_hz.items())[:3])
        silent = f"; refused: {', '.join(refused)}" if refused else ""
        return _one("ok", "rates", f"messages a second as asked: {shown}{silent}", "", figures)

    def _gps(self, autopilot: Autopilot) -> Finding:
        told = autopilot.vehicle.latest.get("GPS_RAW_INT")
        if told is None:
            return _one("not checked", "GPS", "it sends no GPS_RAW_INT")
        _, gps = told
        figures = {
            name: float(gps[name])
            for name in ("satellites", "hdop", "h_acc_m")
            if gps.get(name) is not None
        }
        found = ", ".join(f"{name} {value:g}" for name, value in figures.items())
        if gps.get("lat_deg") is None:
            return _one(
                "warning",
                "GPS",
                f"no 3D fix ({found})",
                "wait outdoors for a fix before take-off",
                {**figures},
            )
        return _one("ok", "GPS", f"3D fix, {found}", "", {**figures})


def _skipped(why: str) -> list[Finding]:
    return [_one("not checked", subject, why) for subject in ("rates", "GPS", "parameters")]


def _one(
    state: State,
    subject: str,
    found: str,
    fix: str = "",
    figures: dict[str, float | str] | None = None,
) -> Finding:
    return one("autopilot", subject, state, found, fix, figures)
