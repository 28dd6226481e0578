"""Where MAVLink bytes come from and go to: UDP, TCP and serial ports that never wait."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from firmware_bridge.ports import open_serial
from sensors.errors import ConfigError, LinkError

__all__ = ["READS", "Address", "Port", "Received", "open_port", "parse_address"]

Peer = tuple[str, int]
RECEIVE_BYTES = 65_536
CONNECT_S = 3.0
READS = 64  # datagrams taken at once
BUFFER_BYTES = 1 << 20  # asked of the kernel, which may give less
SO_TIMESTAMPNS = 35  # of Linux; Python's socket module does not name it
TIMESPEC = struct.Struct("@ll")
LONGEST_WAIT_NS = 1_000_000_000  # an older stamp is of a clock that was set meanwhile

_SHAPES = "udp:HOST:PORT, udpout:HOST:PORT, tcp:HOST:PORT or serial:/dev/…,BAUD"


@dataclass(frozen=True, slots=True)
class Address:
    """A link as the mission file names it; a serial port has its path as `host`, baud as `port`."""

    kind: Literal["udp", "udpout", "tcp", "serial"]
    host: str
    port: int

    def __str__(self) -> str:
        if self.kind == "serial":
            return f"serial:{self.host},{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}:{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Address of a link.

    Raises
    ------
    ConfigError
        It has none of the four shapes.

    Examples
    --------
    >>> parse_address("udp:127.0.0.1:14550").port
    14550
    >>> parse_address("udp:[::1]:14550").host
    '::1'
    """
    kind, _, rest = text.partition(":")
    host, _, number = rest.rpartition("," if kind == "serial" else ":")
    if kind not in {"udp", "udpout", "tcp", "serial"} or not host or not number.isdecimal():
        raise ConfigError(f'[autopilot] link = "{text}" is not {_SHAPES}')
    port = int(number)
    if port == 0 or (kind != "serial" and port > 65_535):
        raise ConfigError(f'[autopilot] link = "{text}": {port} is no port')
    if host.startswith("[") and host.endswith("]"):  # IPv6
        host = host[1:-1]
    return Address(kind, host, port)  # type: ignore[arg-type]  # it is one of the four


class Received(NamedTuple):
    """Bytes, from whom (empty for a stream), and how long they waited to be taken [ns]."""

    data: bytes
    peer: str
    waited_ns: int = 0


class Port(Protocol):
    """An open port.

    Attributes
    ----------
    is_stream : bool
        Its bytes may be cut anywhere, and a silence means that it is dead.
    is_stamped : bool
        `Received.waited_ns` is known: what comes need not be taken at once.
    """

    is_stream: bool
    is_stamped: bool

    def fileno(self) -> int:
        """For `select`."""

    def receive(self) -> list[Received]:
        """What is there, at most `READS` datagrams.

        Raises
        ------
        OSError
            The port is lost.
        """

    def send(self, data: bytes, peer: str) -> int:
        """Bytes of `data` that went out.

        Raises
        ------
        OSError
            The port is lost.
        """

    def close(self) -> None:
        """Give it back."""


def open_port(address: Address) -> Port:
    """An open port.

    Raises
    ------
    OSError
        Not now; `serial.SerialException` is one.
    """
    if address.kind == "serial":
        return _Serial(address)
    if address.kind == "tcp":
        return _Tcp(address)
    return _Udp(address)


class _Udp:
    is_stream = False

    def __init__(self, address: Address) -> None:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
        # a name of both kinds, such as localhost, means IPv4 to autopilots and routers
        family, _, _, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._fixed: Peer | None = None
        try:
            if address.kind == "udp":
                self._socket.bind(place)
            else:
                self._fixed = (str(place[0]), int(place[1]))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.is_stamped = False
        with contextlib.suppress(OSError):  # not of this system
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.is_stamped = True

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[Received]:
        found: list[Received] = []
        room = socket.CMSG_SPACE(TIMESPEC.size)
        for _ in range(READS):
            try:
                data, notes, _, peer = self._socket.recvmsg(RECEIVE_BYTES, room)
            except BlockingIOError:
                break
            except ConnectionRefusedError:  # nobody listens there yet
                continue
            if self._fixed in {None, peer[:2]}:
                found.append(Received(data, f"{peer[0]}:{peer[1]}", _waited_ns(notes)))
        return found

    def send(self, data: bytes, peer: str) -> int:
        host, _, port = peer.rpartition(":")
        target = self._fixed or ((host, int(port)) if host else None)
        if target is None:
            raise ValueError("nobody to send to")
        try:
            self._socket.sendto(data, target)
        except BlockingIOError:
            return 0
        except ConnectionRefusedError:
            pass
        return len(data)

    def close(self) -> None:
        self._socket.close()


def _waited_ns(notes: list[tuple[int, int, bytes]]) -> int:
    """Since the kernel got the datagram; 0 where that is not known."""
    for level, kind, stamp in notes:
        if (level, kind, len(stamp)) == (socket.SOL_SOCKET, SO_TIMESTAMPNS, TIMESPEC.size):
            seconds, rest_ns = TIMESPEC.unpack(stamp)
            waited_ns = time.time_ns() - (seconds * 1_000_000_000 + rest_ns)
            return waited_ns if 0 <= waited_ns < LONGEST_WAIT_NS else 0
    return 0


class _Tcp:
    is_stream, is_stamped = True, False

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection((address.host, address.port), timeout=CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[Received]:
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError("the other end closed the connection")
        return [Received(data, "")]

    def send(self, data: bytes, peer: str) -> int:  # noqa: ARG002 - there is one peer
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        self._socket.close()


class _Serial:
    is_stream, is_stamped = True, False

    def __init__(self, address: Address) -> None:
        try:
            self._port = open_serial(address.host, address.port, timeout_s=0, write_timeout_s=0)
        except LinkError as error:
            raise OSError(str(error)) from error

    def fileno(self) -> int:
        return int(self._port.fileno())

    def receive(self) -> list[Received]:
        try:
            data = os.read(self._port.fileno(), RECEIVE_BYTES)
        except BlockingIOError:
            return []
        if not data:  # ready to be read, and nothing there
            raise OSError("unplugged")
        return [Received(data, "")]

    def send(self, data: bytes, peer: str) -> int:  # noqa: ARG002 - there is one peer
        try:
            return os.write(self._port.fileno(), data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        self._port.close()
