"""``sniffdrone replay``: a recorded flight once more, on pseudo-terminals and UDP."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drone.cli.options import Quiet, speed_factor
from drone.cli.terminal import answer, progress_bar, warn
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from drone.cli.terminal import Progress
    from firmware_bridge.mavlink_ports import Address
    from sims.replay import Outcome, ReplayPort

__all__ = ["EXAMPLES", "replay"]

POLL_S = 0.05
SETTLE_S = 0.5  # whoever opens a port empties it first
DRAIN_S = 1.0  # what a reader has not taken is gone with its port
EXAMPLES = """\b
Examples:
  sniffdrone replay recordings/harbour_001.mcap
  sniffdrone fly replay/mission.toml            (in another terminal, when it says so)
  sniffdrone replay a_001.mcap a_002.mcap --speed 4 --folder /tmp/again
  sniffdrone replay harbour_001.mcap --speed max --no-wait
A folder is made with a port for every device and a mission file that names them. Playing begins
when all ports have been opened.
"""


def replay(
    recordings: Annotated[list[Path], typer.Argument(help="Files of one flight, in order.")],
    folder: Annotated[
        Path, typer.Option("--folder", help="Where ports and mission file are made.")
    ] = Path("replay"),
    link: Annotated[
        str, typer.Option("--link", help="Where the bridge listens as to an autopilot.")
    ] = "udp:127.0.0.1:14550",
    speed: Annotated[str, typer.Option("--speed", help="1, 4, 0.5 ... or max.")] = "1",
    wait: Annotated[
        bool, typer.Option(help="Begin when all ports have been opened; else at once.")
    ] = True,
    quiet: Quiet = False,
) -> int:
    """Play the recorded bytes to whoever reads the ports, with the timing they came with.

    Sensors speak on pseudo-terminals, the autopilot by UDP. `sniffdrone fly` on the other side
    records and alarms as it did in flight.
    """
    from drone.replaying import pieces_of, recorded_devices, replayed_mission
    from firmware_bridge.mavlink_ports import parse_address
    from sims.replay import Datagrams, ReplayPort
    from sims.replay import replay as play

    factor = speed_factor(speed)
    address = parse_address(link)
    if address.kind != "udp":
        raise ConfigError(f"--link {link}: the replay speaks to udp:HOST:PORT only")
    mission, devices = recorded_devices(recordings[0])
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ports = {
                name: stack.enter_context(ReplayPort(folder.resolve() / name)) for name in devices
            }
            told = replayed_mission(mission, {n: p.name for n, p in ports.items()}, link=link)
            (folder / "mission.toml").write_text(told, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"{folder}: cannot be written ({reason})") from error
        datagrams = stack.enter_context(Datagrams(address.host, address.port))
        if not quiet:
            names = ", ".join(ports) or "none"
            answer(f"ports in {folder}: {names}; autopilot on {link}")
            answer(f"now in another terminal: sniffdrone fly {folder / 'mission.toml'}")
            sys.stdout.flush()
        if wait:
            _wait_for_all(ports, address)
        with progress_bar(quiet=quiet) as show:
            begin_s = time.monotonic()
            outcome = play(
                pieces_of(recordings, warn=warn),
                ports,
                datagrams,
                speed=factor,
                progress=_shown(show),
            )
            took_s = time.monotonic() - begin_s
        if any(port.is_open for port in ports.values()):
            time.sleep(DRAIN_S)
    if not quiet:
        answer(_summary(outcome, took_s))
    return 0


def _wait_for_all(ports: dict[str, ReplayPort], address: Address) -> None:
    """Until somebody reads every port, and the link too where we can see that."""
    from firmware_bridge.ports import udp_holders

    is_here = address.host.startswith("127.") or address.host in {"localhost", "::1"}
    while not all(port.is_open for port in ports.values()):
        time.sleep(POLL_S)
    while is_here and not udp_holders(address.port):
        time.sleep(POLL_S)
    time.sleep(SETTLE_S)


def _shown(show: Progress) -> Callable[[Outcome], None]:
    told_s = [0.0]

    def progress(outcome: Outcome) -> None:
        now_s = time.monotonic()
        if now_s - told_s[0] > 0.2:
            told_s[0] = now_s
            show(f"{outcome.recorded_s:.0f} s of the flight", 0.0)

    return progress


def _summary(outcome: Outcome, took_s: float) -> str:
    told = (
        f"played {outcome.bytes} bytes in {outcome.pieces} pieces: {outcome.recorded_s:.1f} s "
        f"of flight in {took_s:.1f} s; at most {1e3 * outcome.latest_s:.0f} ms late"
    )
    if outcome.dropped_bytes:
        told += f"; {outcome.dropped_bytes} bytes nobody took"
    return told
