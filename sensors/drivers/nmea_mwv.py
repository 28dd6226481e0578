"""NMEA 0183 wind sensors: sentence MWV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Moment
from sensors.devices import Driver as Base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["Driver"]


class _Decoder(LineDecoder):
    longest = 120
    restart = b"$"
    ends_with_return = True

    def parse_line(self, line: str) -> Parsed | None:
        fields = nmea.checked(line).split(",")
        return nmea.wind_of_mwv(fields) if fields[0][2:] == "MWV" else None


class Driver(Base):
    """Relative (R) and true (T) wind are series of their own."""

    device = Device(
        title="NMEA 0183 anemometer (MWV)",
        measures="wind in the plane of the instrument [m/s]",
        wiring="RS-422 or RS-232 8N1",
        baud=4800,
        other_bauds=(9600, 38_400),
        rate_hz=4.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        si = frame["si"]
        speed, from_deg = si["wind_speed_m_s"], si["wind_from_deg"]
        told = "" if speed is None else f"{speed:.6f}"
        angle = "" if from_deg is None else f"{from_deg:.6g}"
        status = "A" if frame["valid"] else "V"
        return nmea.encoded(f"{frame['talker']}MWV,{angle},{frame['reference']},{told},M,{status}")

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        si = frame.fields["si"]
        return [
            nmea.polar_wind(
                moment,
                si["wind_speed_m_s"],
                si["wind_from_deg"],
                is_true=frame.fields["reference"] == "T",
                faulty=not frame.fields["valid"],
                invalid="invalid" in frame.fields,
            )
        ]
