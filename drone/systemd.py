"""The service that flies a mission from power-on, and what it tells systemd."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

__all__ = ["Notifier", "unit"]

_UNIT = """\
[Unit]
Description=Sniffdrone: record and tell what the drone smells ({name})
After=time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
SupplementaryGroups=dialout
WorkingDirectory={folder}
ExecStart={python} -m drone.cli fly {mission}
Environment=PYTHONUNBUFFERED=1
WatchdogSec=10
Restart=always
RestartSec=1
KillSignal=SIGTERM
TimeoutStopSec=20
Nice=-5

[Install]
WantedBy=multi-user.target
"""


def unit(mission: Path, *, name: str, user: str) -> str:
    """Text of a systemd unit that runs ``sniffdrone fly`` on this mission file.

    Parameters
    ----------
    mission : Path
    name : str
        Of the mission.
    user : str
        Who runs it; is put into the group dialout.

    Examples
    --------
    >>> print(unit(Path("/home/pi/harbour.toml"), name="harbour", user="pi"))
    [Unit]
    Description=Sniffdrone: record and tell what the drone smells (harbour)
    ...
    """
    path = mission.resolve()
    return _UNIT.format(
        name=" ".join(name.split()).replace("%", "%%"),
        user=user,
        folder=_quoted(path.parent),
        python=_quoted(Path(sys.executable)),
        mission=_quoted(path),
    )


def _quoted(path: Path) -> str:
    """As systemd reads it: specifiers doubled, quotes where there are blanks."""
    text = str(path).replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    return f'"{text}"' if any(character.isspace() for character in text) else text


class Notifier:
    """Tells systemd that the service is ready and alive; says nothing where there is none.

    Parameters
    ----------
    address : str, optional
        Name of systemd's socket; from the environment unless given.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        if self._address.startswith("@"):  # of the abstract kind
            self._address = "\0" + self._address[1:]

    def ready(self) -> None:
        """All is open."""
        self._tell("READY=1")

    def alive(self, status: str) -> None:
        """The loop that does the work has come round; to be said more often than the watchdog."""
        self._tell(f"WATCHDOG=1\nSTATUS={' '.join(status.split())}")

    def stopping(self) -> None:
        """Finishing the files."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as port:
            port.setblocking(False)
            try:
                port.sendto(text.encode(), self._address)
            except OSError:
                return  # it is busy, or starting anew: the next one follows in a second
