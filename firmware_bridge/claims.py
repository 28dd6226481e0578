"""Ports taken before anything is recorded, so that a second start is refused and harms nothing."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from firmware_bridge.ports import udp_holders
from sensors.errors import LinkError, PortInUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_bridge.link import SerialLink
    from firmware_bridge.mavlink_ports import Address

__all__ = ["claim_ports"]


def claim_ports(links: Iterable[SerialLink], address: Address) -> None:
    """Open the serial ports that are there; make sure that the autopilot's link can be.

    Parameters
    ----------
    links : iterable of SerialLink
        One that is not there yet is left closed.
    address : Address
        Of the autopilot.

    Raises
    ------
    PortInUse
        Another program holds one of them; all are closed again.
    """
    links = tuple(links)
    try:
        if address.kind == "udp":
            _check_free(address)
        for link in links:
            try:
                link.open()
            except PortInUse:
                raise
            except LinkError:
                continue  # whoever reads it tells, and waits for it
    except PortInUse:
        for link in links:
            link.close()
        raise


def _check_free(address: Address) -> None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    host = address.host.strip("[]")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, address.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return  # an address that is not up yet: the link waits for it
            by = ", ".join(udp_holders(address.port)) or "another program"
            raise PortInUse(
                f"{address}: in use by {by}; close that first, or let a router send to another port"
            ) from error
