"""All commands under one name, and what their errors mean for the exit code."""

from __future__ import annotations

import errno
import sys

import typer

from drone.cli import (
    compare,
    decode,
    demo,
    devices,
    doctor,
    fly,
    identify,
    info,
    listen,
    locate,
    process,
    recover,
    replay,
    simulate,
    version,
    watch,
)
from drone.cli import map as map_command
from drone.cli.terminal import forget_unread, warn
from sensors.errors import SniffdroneError

__all__ = ["EXIT_INPUT", "EXIT_INTERRUPTED", "run"]

EXIT_INPUT = 2
EXIT_INTERRUPTED = 130

_HELP = """From what a gas-sniffing drone smells to a map an investigator can act on.

\b
Try it, no drone needed:
  sniffdrone demo
Your own flight:
  sniffdrone info flight.csv
  sniffdrone process flight.csv -o out
A gas log and the autopilot's log beside it:
  sniffdrone process gas.csv flight.tlog -o out
In the air, on the companion computer:
  sniffdrone fly mission.toml
  sniffdrone locate recordings
A sensor on the bench:
  sniffdrone devices
  sniffdrone identify --port /dev/serial/by-id/usb-...
  sniffdrone listen --device trisonica --port /dev/serial/by-id/usb-...

What it finds is an indication, to be confirmed by sampling; never an identification.
"""

_APP = typer.Typer(
    help=_HELP,
    add_completion=False,
    rich_markup_mode=None,  # plain help keeps examples on one line, ready to paste
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
_APP.command("demo", epilog=demo.EXAMPLES)(demo.demo)
_APP.command("process", epilog=process.EXAMPLES)(process.process)
_APP.command("map", epilog=map_command.EXAMPLES)(map_command.map_readings)
_APP.command("compare", epilog=compare.EXAMPLES)(compare.compare)
_APP.command("info", epilog=info.EXAMPLES)(info.info)
_APP.command("simulate", epilog=simulate.EXAMPLES)(simulate.simulate)
_APP.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
_APP.command("fly", epilog=fly.EXAMPLES)(fly.fly)
_APP.command("locate", epilog=locate.EXAMPLES)(locate.locate)
_APP.command("replay", epilog=replay.EXAMPLES)(replay.replay)
_APP.command("watch", epilog=watch.EXAMPLES)(watch.watch)
_APP.command("devices", epilog=devices.EXAMPLES)(devices.devices)
_APP.command("listen", epilog=listen.EXAMPLES)(listen.listen)
_APP.command("identify", epilog=identify.EXAMPLES)(identify.identify)
_APP.command("recover", epilog=recover.EXAMPLES)(recover.recover)
_APP.command("decode", epilog=decode.EXAMPLES)(decode.decode)
_APP.command("version")(version.version)


@_APP.callback()
def _sniffdrone() -> None:
    """Make a group of the commands, however few."""


_sniffdrone.__doc__ = _HELP


def run(argv: list[str] | None = None) -> int:
    """Run one command and say in one line what is wrong with its input.

    Parameters
    ----------
    argv : list of str, optional
        Arguments after the program's name; those of the process unless given.

    Returns
    -------
    int
        Exit code. What is no fault of the input is raised.
    """
    try:
        given = sys.argv[1:] if argv is None else argv
        code = _APP(given or ["--help"], prog_name="sniffdrone", standalone_mode=False)
    except SniffdroneError as error:
        warn(f"error: {_one_line(str(error))}")
        return EXIT_INPUT
    except typer.TyperException as error:
        warn(f"error: {_one_line(error.format_message())} (sniffdrone COMMAND --help shows how)")
        return EXIT_INPUT
    except MemoryError:
        warn("error: not enough memory for these files; cut the flight into parts")
        return EXIT_INPUT
    except OSError as error:  # answers say themselves what is full
        if error.errno != errno.ENOSPC:
            raise
        forget_unread()
        named = f"no room left for {error.filename}"
        full = named if error.filename else "the disk that output goes to is full"
        warn(f"error: {full}; make room, or write elsewhere")
        return EXIT_INPUT
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:
        warn("interrupted; nothing half-done was left behind")
    return code if isinstance(code, int) else 0


def _one_line(message: str) -> str:
    return " ".join(message.split())
