"""Winsen ZE07, ZE08 and MH-Z19B modules: cheap electrochemical cells and infrared CO2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import GOOD, EnvironmentSample, Quality
from sensors.winsen_frames import WinsenDecoder, command, framed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

READ_REPLY, MODE_REPLY = 0x86, 0x78
PPM, PPB = 0x03, 0x04
COMMANDS = {
    "read": command(0x86),
    "set_active": command(0x78, 0x40),
    "set_qa": command(0x78, 0x41),
    "auto_baseline_off": command(0x79),
}


@dataclass(frozen=True, slots=True)
class _Model:
    """`layout` of the reply: "co2" or "hcho"; full scale as a mole fraction."""

    species: str
    gas_type: int
    unit: str
    layout: str
    full_scale: float


_MODELS = {
    "mhz19b": _Model("CO2", 0x00, "ppm", "co2", 5000e-6),
    "ze07_ch2o": _Model("HCHO", 0x17, "ppb", "hcho", 5e-6),
    "ze08_ch2o": _Model("HCHO", 0x17, "ppb", "hcho", 5e-6),
    "ze07_co": _Model("CO", 0x04, "ppm", "active", 500e-6),
}
_FRACTION = {"ppm": 1e-6, "ppb": 1e-9}


class _Decoder(WinsenDecoder):
    def __init__(self, model: _Model) -> None:
        super().__init__()
        self._model = model

    def parse(self, frame: bytes) -> Parsed | None:
        kind = self.checked(frame)[1]
        if kind == READ_REPLY:
            return self._reply(frame)
        if kind == self._model.gas_type and kind:
            return self._upload(frame)
        if kind == MODE_REPLY or (kind == 0x01 and frame in COMMANDS.values()):
            return None  # an answer to a change of mode, or an echo of what was sent
        raise BrokenFrame("format")

    def _reply(self, frame: bytes) -> Parsed:
        model = self._model
        first, last = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[6:8], "big")
        raw: dict[str, Any]
        if model.layout == "co2":
            raw = {"ppm": first, "temp_byte": frame[4]}
            si = {"mole_fraction": first * 1e-6, "temperature_K": frame[4] - 40 + 273.15}
        elif model.layout == "hcho":
            raw = {"ug_m3": first, "ppb": last}
            si = {"mole_fraction": last * 1e-9, "mass_concentration_kg_m3": first * 1e-9}
        else:
            raw = {model.unit: float(first)}
            si = {"mole_fraction": first * _FRACTION[model.unit]}
        return "gas", {"species": model.species, "raw": raw, "si": si}

    def _upload(self, frame: bytes) -> Parsed:
        unit = {PPM: "ppm", PPB: "ppb"}.get(frame[2])
        decimals = frame[3]
        if unit is None or decimals > 3:
            raise BrokenFrame("format")
        value = int.from_bytes(frame[4:6], "big") / 10**decimals
        full = int.from_bytes(frame[6:8], "big") / 10**decimals
        raw = {unit: value, f"full_scale_{unit}": full}
        si = {
            "mole_fraction": value * _FRACTION[unit],
            "full_scale_mole_fraction": full * _FRACTION[unit],
        }
        return "gas", {"species": self._model.species, "raw": raw, "si": si}


class Driver(Base):
    """Asked once a second; a unit that never answers is left to upload by itself."""

    device = Device(
        title="Winsen MH-Z19B (CO2), ZE07-CH2O, ZE08-CH2O (formaldehyde), ZE07-CO",
        measures="one gas, as its model says [mole fraction]",
        wiring="UART 3.3 V 8N1; supply 5 V",
        baud=9600,
        warm_up_s=180.0,
        rate_hz=1.0,
        models=tuple(_MODELS),
        needs_model=True,
    )

    def decoder(self) -> Decoder:
        return _Decoder(_MODELS[self.model])

    def dialogue(self) -> Dialogue:
        opening: tuple[Request, ...] = (Request(name="set_qa", send=COMMANDS["set_qa"]),)
        if self.model == "mhz19b":  # it would take the lowest value of a day for clean air
            off = Request(name="auto_baseline_off", send=COMMANDS["auto_baseline_off"])
            opening = (off,)
        return Dialogue(
            opening=opening,
            poll=Request(name="read", send=COMMANDS["read"], answers=lambda f: f.kind == "gas"),
            period_s=1.0,
            fallback=(Request(name="set_active", send=COMMANDS["set_active"]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        model, raw = _MODELS[self.model], frame["raw"]
        if f"full_scale_{model.unit}" in raw:
            value, full = raw[model.unit], raw[f"full_scale_{model.unit}"]
            decimals = next(d for d in range(4) if _is_whole(value * 10**d, full * 10**d))
            unit = PPM if model.unit == "ppm" else PPB
            body = bytes([model.gas_type, unit, decimals])
            for number in (value, full):
                body += round(number * 10**decimals).to_bytes(2, "big")
            return framed(body)
        if model.layout == "co2":
            temperature = raw.get("temp_byte", 60)
            body = raw["ppm"].to_bytes(2, "big") + bytes([temperature, 0, 0, 0])
        elif model.layout == "hcho":
            body = raw["ug_m3"].to_bytes(2, "big") + bytes(2) + raw["ppb"].to_bytes(2, "big")
        else:
            body = round(raw[model.unit]).to_bytes(2, "big") + bytes(4)
        return framed(bytes([READ_REPLY]) + body)

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        model, si = _MODELS[self.model], frame.fields["si"]
        value = si["mole_fraction"]
        full = si.get("full_scale_mole_fraction") or model.full_scale
        quality = self.warmth(moment)
        if value >= full * (1 - 1e-9):
            quality |= Quality.SATURATED
        if value > full * 1.1:
            quality |= Quality.OUT_OF_RANGE
        found: list[Record] = [gas_sample(moment, model.species.lower(), value, "1", quality)]
        if "temperature_K" in si:  # of the housing, and undocumented
            found.append(
                EnvironmentSample(
                    moment.time_ns,
                    f"{moment.source}.housing",
                    temperature=si["temperature_K"],
                    quality=GOOD,
                    time_sigma_s=moment.time_sigma_s,
                )
            )
        return found


def _is_whole(*values: float) -> bool:
    return all(abs(value - round(value)) < 1e-6 for value in values)
