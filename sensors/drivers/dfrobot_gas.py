"""DFRobot SEN0465 to SEN0476: Winsen's frame, other mode codes; the reply tells the gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Quality
from sensors.winsen_frames import MODE_REPLY, READ_REPLY, WinsenDecoder, command, framed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {
    "read": command(0x86),
    "set_active": command(0x78, 0x03),
    "set_qa": command(0x78, 0x04),
}
ALL_DATA = 0x88  # same layout; what some units upload
# gas types of the maker's library, and full scale of the module sold, as a mole fraction
_GASES = {
    0x02: ("NH3", 100e-6),
    0x03: ("H2S", 100e-6),
    0x04: ("CO", 1000e-6),
    0x05: ("O2", 0.25),
    0x06: ("H2", 1000e-6),
    0x2A: ("O3", 10e-6),
    0x2B: ("SO2", 20e-6),
    0x2C: ("NO2", 20e-6),
    0x2E: ("HCl", 10e-6),
    0x31: ("Cl2", 20e-6),
    0x33: ("HF", 10e-6),
    0x45: ("PH3", 1000e-6),
}
BEYOND = 1.1  # of full scale: no such module reads so much
MOST_DECIMALS = 2


def _unit(species: str) -> tuple[str, float]:
    return ("percent", 1e-2) if species == "O2" else ("ppm", 1e-6)


class _Decoder(WinsenDecoder):
    def __init__(self) -> None:
        super().__init__(COMMANDS)

    def parse_checked(self, frame: bytes) -> Parsed | None:
        if frame[1] == MODE_REPLY and frame[2] in {0, 1} and not any(frame[3:8]):
            return "ack", {"raw": {"success": frame[2]}}
        if frame[1] not in {READ_REPLY, ALL_DATA}:
            raise BrokenFrame("format")
        gas, decimals = frame[4], frame[5]
        if gas not in _GASES or decimals > MOST_DECIMALS:
            raise BrokenFrame("format")
        species = _GASES[gas][0]
        unit, scale = _unit(species)
        value = int.from_bytes(frame[2:4], "big") / 10**decimals
        raw = {
            unit: value,
            "gas_type": gas,
            "decimals": decimals,
            "thermistor_adc": int.from_bytes(frame[6:8], "big"),
        }
        return "gas", {"species": species, "raw": raw, "si": {"mole_fraction": value * scale}}


class Driver(Base):
    """The layout of the reply is that of the maker's library (DFRobot_MultiGasSensor).

    It was never seen on a unit by us. Its compensation for temperature is not applied: versions
    of the library differ in it.
    """

    device = Device(
        title="DFRobot SEN0465 to SEN0476 (multi-gas)",
        measures="one of NH3, H2S, CO, O2, H2, O3, SO2, NO2, HCl, Cl2, HF, PH3 [mole fraction]",
        wiring="UART 3.3 to 5 V 8N1; its switch at UART",
        baud=9600,
        warm_up_s=180.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(
            opening=(
                Request(name="set_qa", send=COMMANDS["set_qa"], answers=lambda f: f.kind == "ack"),
            ),
            poll=Request(name="read", send=COMMANDS["read"], answers=lambda f: f.kind == "gas"),
            period_s=1.0,
            fallback=(Request(name="set_active", send=COMMANDS["set_active"]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        if frame["kind"] == "ack":
            return framed(bytes([MODE_REPLY, raw["success"], 0, 0, 0, 0, 0]))
        unit, _ = _unit(_GASES[raw["gas_type"]][0])
        body = bytes([READ_REPLY]) + round(raw[unit] * 10 ** raw["decimals"]).to_bytes(2, "big")
        body += bytes([raw["gas_type"], raw["decimals"]])
        return framed(body + raw.get("thermistor_adc", 0).to_bytes(2, "big"))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        if frame.kind != "gas":
            return []
        species, full = _GASES[frame.fields["raw"]["gas_type"]]
        value = frame.fields["si"]["mole_fraction"]
        quality = self.warmth(moment)
        if value >= full * (1 - 1e-9):
            quality |= Quality.SATURATED
        if value > BEYOND * full:
            quality |= Quality.OUT_OF_RANGE
        return [gas_sample(moment, species.lower(), value, "1", quality)]
