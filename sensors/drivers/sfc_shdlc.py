"""Any Sensirion device with SHDLC, for example mass flow controllers: replies as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Moment
from sensors.devices import Driver as Base
from sensors.shdlc import Reply, ShdlcDecoder, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame

__all__ = ["Driver"]


class Driver(Base):
    """Shows frames and makes no records of them: what their data mean is not known here."""

    device = Device(
        title="Sensirion SHDLC device (SFC5xxx, SFC6xxx, SEN5x, ...)",
        measures="nothing by itself: replies are shown as bytes",
        wiring="RS-485 or UART 8N1",
        baud=115_200,
        rate_hz=10.0,
    )

    def decoder(self) -> Decoder:
        return ShdlcDecoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        return reply(
            Reply(
                frame.get("address", 0),
                frame["command_id"],
                frame.get("state", 0),
                bytes.fromhex(frame["data"]),
            )
        )

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        del frame, moment
        return []
