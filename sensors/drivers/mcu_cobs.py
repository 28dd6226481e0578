"""Our own microcontroller frame: analogue front ends, COBS and CRC-32, with a clock of its own."""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from cobs import cobs

from sensors.decoders import DelimitedDecoder
from sensors.devices import Device, Moment, gas_sample
from sensors.devices import Driver as Base
from sensors.errors import ConfigError
from sensors.framing import BrokenFrame
from sensors.records import Quality
from sensors.units import parse_channel, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["Driver"]

VERSION = 1
HEADER = struct.Struct("<BBHIQBB")
CRC = struct.Struct("<I")
SMALLEST = HEADER.size + CRC.size
MOST_VALUES = 255
SEQUENCE_END = 2**32
SI_UNITS = {
    "mole fraction": "1",
    "mass concentration": "kg m-3",
    "resistance": "ohm",
    "voltage": "V",
}


class _Decoder(DelimitedDecoder):
    """A lost delimiter costs the two frames it stood between, and nothing else."""

    delimiter = b"\0"
    longest = (SMALLEST + 4 * MOST_VALUES) * 255 // 254 + 2

    def __init__(self) -> None:
        super().__init__()
        self._before: tuple[int, int, int] | None = None  # device, sequence, its time

    def parse(self, frame: bytes) -> Parsed | None:
        try:
            block = cobs.decode(frame)
        except cobs.DecodeError:
            raise BrokenFrame("cobs") from None
        if len(block) < CRC.size or CRC.unpack(block[-4:])[0] != zlib.crc32(block[:-4]):
            raise BrokenFrame("checksum")
        if len(block) < SMALLEST:
            raise BrokenFrame("length")
        version, kind, device, sequence, device_us, n, flags = HEADER.unpack_from(block)
        if version != VERSION:
            raise BrokenFrame("version")
        if len(block) != SMALLEST + 4 * n:
            raise BrokenFrame("length")
        values = struct.unpack_from(f"<{n}f", block, HEADER.size)
        self._count_gap((device, sequence, device_us))
        return "mcu", {
            "version": version,
            "type": kind,
            "device": device,
            "sequence": sequence,
            "device_us": device_us,
            "n": n,
            "flags": flags,
            "values": [value if math.isfinite(value) else None for value in values],
        }

    def _count_gap(self, now: tuple[int, int, int]) -> None:
        before, self._before = self._before, now
        if before and before[0] == now[0] and now[2] > before[2]:  # else it was started anew
            missing = (now[1] - before[1]) % SEQUENCE_END - 1
            self.counters.gaps += missing if 0 < missing < SEQUENCE_END // 2 else 0


class Driver(Base):
    """Its values are named by the mission's ``channels``, in order, each with its unit.

    ``channels = ["mox1_ohm", "pid_ppb"]``; what has no name is told as ``ch0``, in volts.
    """

    device = Device(
        title="Sniffdrone microcontroller (COBS frames)",
        measures="what is wired to it: MOX arrays, PIDs, flow, pressure",
        wiring="USB CDC, or UART 3.3 V 8N1",
        baud=115_200,
        other_bauds=(230_400, 460_800, 921_600),
        rate_hz=100.0,
    )

    def __init__(self, *, model: str = "", channels: Sequence[str] = ()) -> None:
        super().__init__(model=model, channels=channels)
        self._named: list[tuple[str, str, float]] = []
        for channel in channels:
            parsed = parse_channel(channel)
            if parsed is None:
                raise ConfigError(
                    f'channel "{channel}" does not end in a unit; write for example mox1_ohm'
                )
            unit = unit_of(parsed[1])
            self._named.append((parsed[0], SI_UNITS[unit.kind], unit.scale))

    def decoder(self) -> Decoder:
        return _Decoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        values = [math.nan if value is None else value for value in frame["values"]]
        head = HEADER.pack(
            frame.get("version", VERSION),
            frame.get("type", 1),
            frame.get("device", 1),
            frame.get("sequence", 0),
            frame.get("device_us", 0),
            len(values),
            frame.get("flags", 0),
        )
        block = head + struct.pack(f"<{len(values)}f", *values)
        return bytes(cobs.encode(block + CRC.pack(zlib.crc32(block)))) + b"\x00"

    def device_time_ns(self, frame: Frame) -> int | None:
        return int(frame.fields["device_us"]) * 1000

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        samples: list[Record] = []
        for number, value in enumerate(frame.fields["values"]):
            name, unit, scale = (
                self._named[number] if number < len(self._named) else (f"ch{number}", "V", 1.0)
            )
            if value is None:
                samples.append(gas_sample(moment, name, math.nan, unit, Quality.MISSING))
            else:
                samples.append(gas_sample(moment, name, value * scale, unit))
        return samples
