"""Winsen ZE07, ZE08 and MH-Z19B modules: cheap electrochemical cells and infrared CO2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Quality
from sensors.winsen_frames import (
    MODE_REPLY,
    READ_REPLY,
    WinsenDecoder,
    command,
    framed,
    is_whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {
    "read": command(0x86),
    "set_active": command(0x78, 0x40),
    "set_qa": command(0x78, 0x41),
    "auto_baseline_off": command(0x79),
}
BASELINE_REPLY = 0x79
UNITS = {0x03: ("ppm", 1e-6), 0x04: ("ppb", 1e-9)}
MOST_DECIMALS = 3
BEYOND = 1.1  # of the largest range: no such module reads so much


@dataclass(frozen=True, slots=True)
class _Model:
    """What the frames of a model mean, which they do not tell.

    `ranges` are the full scales it is sold with, as mole fractions. `gas_type` begins what it
    uploads by itself; 0 for one that does not.
    """

    species: str
    gas_type: int
    ranges: tuple[float, ...]


_MODELS = {
    "mhz19b": _Model("CO2", 0x00, (2000e-6, 5000e-6, 10_000e-6)),
    "ze07_ch2o": _Model("HCHO", 0x17, (5e-6,)),
    "ze08_ch2o": _Model("HCHO", 0x17, (5e-6,)),
    "ze07_co": _Model("CO", 0x04, (500e-6,)),
}


class _Decoder(WinsenDecoder):
    def __init__(self, model: _Model) -> None:
        super().__init__(COMMANDS)
        self._model = model

    def parse_checked(self, frame: bytes) -> Parsed | None:
        if frame[1] == READ_REPLY:
            return self._reply(frame)
        if frame[1] == self._model.gas_type and self._model.gas_type:
            return self._upload(frame)
        if frame[1] in {MODE_REPLY, BASELINE_REPLY}:
            return None  # some firmwares acknowledge a command
        raise BrokenFrame("format")

    def _reply(self, frame: bytes) -> Parsed:
        species = self._model.species
        first, last = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[6:8], "big")
        raw: dict[str, Any]
        if species == "CO2":
            raw = {"ppm": first, "temp_byte": frame[4]}
            si = {"mole_fraction": first * 1e-6, "temperature_K": frame[4] - 40 + 273.15}
        elif species == "HCHO":
            raw = {"ug_m3": first, "ppb": last}
            si = {"mole_fraction": last * 1e-9, "mass_concentration_kg_m3": first * 1e-9}
        else:  # tenths of a ppm, as two public drivers read it; to be checked on a unit
            raw = {"ppm": first / 10}
            si = {"mole_fraction": first * 1e-7}
        return "gas", {"species": species, "raw": raw, "si": si}

    def _upload(self, frame: bytes) -> Parsed:
        decimals = frame[3]
        if frame[2] not in UNITS or decimals > MOST_DECIMALS:
            raise BrokenFrame("format")
        unit, scale = UNITS[frame[2]]
        value = int.from_bytes(frame[4:6], "big") / 10**decimals
        full = int.from_bytes(frame[6:8], "big") / 10**decimals
        raw = {unit: value, f"full_scale_{unit}": full}
        si = {"mole_fraction": value * scale, "full_scale_mole_fraction": full * scale}
        return "gas", {"species": self._model.species, "raw": raw, "si": si}


class Driver(Base):
    """Asked once a second; a unit that never answers is left to upload by itself.

    The temperature of an MH-Z19B is that of its housing and stays in the frame.
    """

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

    def __init__(self, *, model: str = "", channels: Sequence[str] = ()) -> None:
        printed = re.sub(r"[^a-z0-9]", "", model.lower())  # on the module: MH-Z19B, ZE07-CH2O
        known = {one.replace("_", ""): one for one in _MODELS}
        super().__init__(model=known.get(printed, model), channels=channels)

    def decoder(self) -> Decoder:
        return _Decoder(_MODELS[self.model])

    def dialogue(self) -> Dialogue:
        opening = [Request(name="set_qa", send=COMMANDS["set_qa"])]
        if self.model == "mhz19b":  # it would take the lowest value of a day for clean air
            name = "auto_baseline_off"
            opening.append(Request(name=name, send=COMMANDS[name]))
        return Dialogue(
            opening=tuple(opening),
            poll=Request(name="read", send=COMMANDS["read"], answers=lambda f: f.kind == "gas"),
            period_s=1.0,
            fallback=(Request(name="set_active", send=COMMANDS["set_active"]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        for code, (unit, _) in UNITS.items():
            if f"full_scale_{unit}" in raw:
                return self._uploaded(code, raw[unit], raw[f"full_scale_{unit}"])
        species = _MODELS[self.model].species
        if species == "CO2":
            body = raw["ppm"].to_bytes(2, "big") + bytes([raw.get("temp_byte", 60), 0, 0, 0])
        elif species == "HCHO":
            body = raw["ug_m3"].to_bytes(2, "big") + bytes(2) + raw["ppb"].to_bytes(2, "big")
        else:
            body = round(raw["ppm"] * 10).to_bytes(2, "big") + bytes(4)
        return framed(bytes([READ_REPLY]) + body)

    def _uploaded(self, unit: int, value: float, full: float) -> bytes:
        decimals = next(
            (n for n in range(MOST_DECIMALS) if is_whole(value * 10**n, full * 10**n)),
            MOST_DECIMALS,
        )
        body = bytes([_MODELS[self.model].gas_type, unit, decimals])
        for number in (value, full):
            body += round(number * 10**decimals).to_bytes(2, "big")
        return framed(body)

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        model, si = _MODELS[self.model], frame.fields["si"]
        value = si["mole_fraction"]
        told = si.get("full_scale_mole_fraction", 0.0)
        ranges = (told,) if told > 0.0 else model.ranges
        quality = self.warmth(moment)
        if value >= ranges[-1] or any(abs(value - one) < 1e-9 * one for one in ranges):
            quality |= Quality.SATURATED  # which of its ranges a unit has is not known
        if value > BEYOND * ranges[-1]:
            quality |= Quality.OUT_OF_RANGE
        return [gas_sample(moment, model.species.lower(), value, "1", quality)]
