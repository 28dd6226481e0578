"""DFRobot SEN0465-SEN0476: Winsen's frame, other mode codes, gas type and decimals in the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Quality
from sensors.winsen_frames import WinsenDecoder, command, framed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

READ_REPLY, MODE_REPLY = 0x86, 0x78
COMMANDS = {
    "read": command(0x86),
    "set_active": command(0x78, 0x03),
    "set_qa": command(0x78, 0x04),
}
# DFRobot_MultiGasSensor, GAS_TYPE: species and full scale as a mole fraction of the module sold.
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
_PERCENT = ("O2",)


class _Decoder(WinsenDecoder):
    def parse(self, frame: bytes) -> Parsed | None:
        kind = self.checked(frame)[1]
        if kind == MODE_REPLY:
            return "ack", {"raw": {"success": frame[2]}}
        if kind == 0x01 and frame in COMMANDS.values():
            return None  # an echo of what was sent
        if kind != READ_REPLY:
            raise BrokenFrame("format")
        return self._reply(frame)

    def _reply(self, frame: bytes) -> Parsed:
        """Value, gas, decimals and thermistor, after DFRobot_MultiGasSensor."""
        gas, decimals = frame[4], frame[5]
        if gas not in _GASES or decimals > 3:
            raise BrokenFrame("format")
        species = _GASES[gas][0]
        unit, scale = ("percent", 1e-2) if species in _PERCENT else ("ppm", 1e-6)
        value = int.from_bytes(frame[2:4], "big") / 10**decimals
        raw = {
            unit: value,
            "gas_type": gas,
            "decimals": decimals,
            "thermistor_adc": int.from_bytes(frame[6:8], "big"),
        }
        return "gas", {"species": species, "raw": raw, "si": {"mole_fraction": value * scale}}


class Driver(Base):
    """The layout of the reply is that of the maker's library; check it on the unit."""

    device = Device(
        title="DFRobot SEN0465-SEN0476 multi-gas",
        measures="one gas: NH3, H2S, CO, O2, H2, O3, SO2, NO2, HCl, Cl2, HF or PH3 [mole fraction]",
        wiring="UART 3.3-5 V 8N1, its switch at UART",
        baud=9600,
        warm_up_s=180.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        acknowledged = Request(
            name="set_qa", send=COMMANDS["set_qa"], answers=lambda frame: frame.kind == "ack"
        )
        return Dialogue(
            opening=(acknowledged,),
            poll=Request(name="read", send=COMMANDS["read"], answers=lambda f: f.kind == "gas"),
            period_s=1.0,
            fallback=(Request(name="set_active", send=COMMANDS["set_active"]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        if frame["kind"] == "ack":
            return framed(bytes([MODE_REPLY, raw["success"], 0, 0, 0, 0, 0]))
        value = raw["percent"] if "percent" in raw else raw["ppm"]
        body = bytes([READ_REPLY]) + round(value * 10 ** raw["decimals"]).to_bytes(2, "big")
        body += bytes([raw["gas_type"], raw["decimals"]])
        return framed(body + raw.get("thermistor_adc", 0).to_bytes(2, "big"))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        if frame.kind != "gas":
            return []
        species, full = _GASES[frame.fields["raw"]["gas_type"]]
        value = frame.fields["si"]["mole_fraction"]
        quality = self.warmth(moment)
        if value >= full:
            quality |= Quality.SATURATED
        return [gas_sample(moment, species.lower(), value, "1", quality)]
