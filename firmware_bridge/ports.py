"""Serial ports: by names that stay, opened for us alone, and said plainly why not."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sensors.errors import LinkError, PortInUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    import serial

__all__ = ["holders", "known_ports", "open_serial", "stable_name", "udp_holders"]

BY_NAME = (Path("/dev/serial/by-id"), Path("/dev/serial/by-path"))
READ_TIMEOUT_S = 0.05
WRITE_TIMEOUT_S = 0.5


def stable_name(port: str, *, folders: Iterable[Path] = BY_NAME) -> str | None:
    """A name of this port that stays when others are plugged in; None if there is none.

    Adapters without a serial number share one name by id: then the name by path is told.

    Examples
    --------
    >>> stable_name("/dev/null") is None
    True
    """
    try:
        target = os.path.realpath(port)
        for folder in folders:
            for link in sorted(folder.glob("*")):
                if os.path.realpath(link) == target:
                    return str(link)
    except OSError:
        return None
    return None


def known_ports(*, folders: Iterable[Path] = BY_NAME) -> list[str]:
    """Ports that are plugged in, by stable names."""
    first, *rest = [sorted(map(str, folder.glob("*"))) for folder in folders]
    return first or [name for more in rest for name in more]


def holders(port: str) -> list[str]:
    """Programs that have a port open, as far as we may see."""
    return _processes_with({os.path.realpath(port)})


def udp_holders(port: int) -> list[str]:
    """Programs that listen on a UDP port, as far as we may see."""
    sockets = set()
    for table in (Path("/proc/net/udp"), Path("/proc/net/udp6")):
        with contextlib.suppress(OSError):  # there is no IPv6 everywhere
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
            sockets |= {row[9] for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    return _processes_with({f"socket:[{inode}]" for inode in sockets})


def _processes_with(targets: set[str]) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        # processes end while we look, and those of others may not be looked into
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in targets for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                found.append(f"{name} (process {process.name})")
    return found


def open_serial(
    port: str,
    baud: int,
    *,
    timeout_s: float = READ_TIMEOUT_S,
    write_timeout_s: float = WRITE_TIMEOUT_S,
) -> serial.Serial:
    """Open a port for us alone, in low-latency mode where the adapter has it.

    Parameters
    ----------
    port : str
        ``/dev/serial/by-id/…`` or any other name.
    baud : int
    timeout_s, write_timeout_s : float
        How long reads and writes wait at most; 0 for not at all.

    Returns
    -------
    serial.Serial
        Its input is empty.

    Raises
    ------
    LinkError
        Not there, not ours to open, or (`PortInUse`) held by another program; says what to do.
    """
    import serial  # noqa: PLC0415 - only where a port is opened

    try:
        opened = serial.Serial(
            port,
            baud,
            timeout=timeout_s,
            write_timeout=write_timeout_s,
            exclusive=True,
        )
    except (OSError, ValueError) as error:  # SerialException is an OSError
        if _is_in_use(port, error):
            by = ", ".join(holders(port)) or "another program"
            raise PortInUse(f"{port}: in use by {by}; close that first") from error
        raise LinkError(_complaint(port, baud, error)) from error
    # a pseudo-terminal and some adapters have no such mode, and work without
    with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
        opened.set_low_latency_mode(True)
    with contextlib.suppress(OSError):
        opened.reset_input_buffer()
    return opened


def _is_in_use(port: str, error: Exception) -> bool:
    number = getattr(error, "errno", None)
    is_there = os.path.exists(port)  # noqa: PTH110 - a name as given
    return is_there and (number in (errno.EAGAIN, errno.EBUSY) or "lock" in str(error))


def _complaint(port: str, baud: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if not os.path.exists(port):  # noqa: PTH110 - a name as given
        there = known_ports()
        hint = f"plugged in are {', '.join(there)}" if there else "nothing is plugged in"
        return f"{port}: there is no such port; {hint}"
    if number in (errno.EACCES, errno.EPERM):
        return f"{port}: no permission; {_group_hint(port)}"
    if isinstance(error, ValueError):
        return f"{port}: cannot be opened with {baud} baud ({error})"
    return f"{port}: cannot be opened ({os.strerror(number) if number else error})"


def _group_hint(port: str) -> str:
    """Which group may open it, and how to join that."""
    import grp  # noqa: PLC0415 - there is none on Windows

    try:
        group = grp.getgrgid(os.stat(port).st_gid).gr_name  # noqa: PTH116
    except (OSError, KeyError):
        group = "dialout"
    return f"join the group {group} (sudo usermod -aG {group} $USER) and log in again"
