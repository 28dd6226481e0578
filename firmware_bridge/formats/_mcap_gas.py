"""Gas readings of a recording: from one message a frame to columns, values as they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from sensors.records import Quality, RecordBatch
from sensors.units import PATH_INTEGRAL, UNITS, parse_channel, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from firmware_bridge.formats._mcap_clock import RecordingTime

__all__ = ["ChannelNames", "GasColumns", "channels_in"]

_CHANNELS, _VALUES = b'"channels":[', b'"values":['
_UNIT_ENDING = next(iter(UNITS))
_MISSING, _CLOCK_POOR = int(Quality.MISSING), int(Quality.CLOCK_POOR)
_KNOWN_BITS = sum(Quality)

_Frame = tuple[bytes, bytes]  # a message without its times and its values


class ChannelNames:
    """What a device's channels are called in a flight.

    Parameters
    ----------
    sources : mapping of str to set of str
        Devices that have a channel of this name, as far as is known beforehand. A name that
        several have is followed by that of the device.
    """

    def __init__(self, sources: Mapping[str, set[str]]) -> None:
        self._owner = {name: next(iter(own)) for name, own in sources.items() if len(own) == 1}
        self._shared = {name for name, own in sources.items() if len(own) > 1}

    def of(self, source: str, channel: str) -> str:
        """Name of a channel."""
        is_own = channel not in self._shared and self._owner.setdefault(channel, source) == source
        name = _plain(channel if is_own else f"{channel}_{source}")
        # names that a flight keeps for itself
        return name if parse_channel(f"{name}_{_UNIT_ENDING}") else f"{name}_{_plain(source)}_gas"


class _Template(NamedTuple):
    """What all frames of a kind have in common."""

    channels: list[str]
    units: list[str]
    quality: list[int]


class GasColumns:
    """Makes batches of frames.

    Parameters
    ----------
    names : ChannelNames
    time : RecordingTime
    complain : callable
        Told in one line what is left out.
    """

    def __init__(
        self, names: ChannelNames, time: RecordingTime, complain: Callable[[str], None]
    ) -> None:
        self._names, self._time, self._complain = names, time, complain

    def batches(
        self, source: str, axis_ns: list[int], messages: list[bytes]
    ) -> Iterator[RecordBatch]:
        """Batches of the frames of one source.

        Frames of the same channels and quality are one batch. Where channels of a frame differ
        in quality it becomes several rows of one time, for a row has one quality.

        Parameters
        ----------
        source : str
        axis_ns : list of int
        messages : list of bytes
        """
        frames = _frames(axis_ns, messages)
        for frame, (times, rows) in frames.items():
            template = _template(frame)
            table = _table(rows, template)
            if template is None or table is None:
                self._complain(f"{source}: gas messages that are not as their schema says")
                continue
            yield from self._rows(source, np.array(times, np.int64), table, template)

    def _rows(
        self,
        source: str,
        axis_ns: NDArray[np.int64],
        table: NDArray[np.float64],
        template: _Template,
    ) -> Iterator[RecordBatch]:
        bits = [flag & _KNOWN_BITS & ~_CLOCK_POOR for flag in template.quality]
        told = [flag for flag in bits if not flag & _MISSING]
        clock = self._time.quality(axis_ns)
        for quality in dict.fromkeys(told or bits):
            columns, units = {}, {}
            for place, (channel, unit) in enumerate(
                zip(template.channels, template.units, strict=True)
            ):
                if bits[place] != quality and not bits[place] & _MISSING:
                    continue
                if not self._is_usable(source, channel, unit):
                    continue
                name = self._names.of(source, channel)
                is_void = bool(bits[place] & _MISSING)
                columns[name] = np.full(axis_ns.size, np.nan) if is_void else table[:, place]
                units[name] = unit
            if columns:
                yield RecordBatch(
                    kind="gas",
                    source=source,
                    time_ns=self._time.utc_ns(axis_ns),
                    columns=columns,
                    units=units,
                    quality=clock | np.uint16(quality),
                )

    def _is_usable(self, source: str, channel: str, unit: str) -> bool:
        try:
            unit_of(unit)
        except ValueError:
            if unit == PATH_INTEGRAL:
                return True  # said and left out where channels are chosen
            self._complain(f'{source}: channel {channel} in "{unit}" is no gas; left out')
            return False
        return True


def channels_in(source: str, message: bytes, seen: set[tuple[str, _Frame]]) -> list[str]:
    """Channels of a gas message; none if its like was seen before from this source."""
    frame, _ = _split(message)
    if (source, frame) in seen:
        return []
    seen.add((source, frame))
    template = _template(frame)
    return template.channels if template else []


def _frames(
    axis_ns: list[int], messages: list[bytes]
) -> dict[_Frame, tuple[list[int], list[bytes]]]:
    """Times and values of the messages of each kind of frame."""
    frame, _ = _split(messages[0])
    head, tail = frame
    # nearly always they are all of one kind, and then a few searches through all of them will do
    together = b"\n".join(messages) + b"\n"
    pieces = together.split(head + _VALUES) if head else []
    if len(pieces) == len(messages) + 1 and together.count(b"]" + tail + b"\n") == len(messages):
        return {frame: (axis_ns, [piece[: piece.index(b"]")] for piece in pieces[1:]])}
    frames: dict[_Frame, tuple[list[int], list[bytes]]] = {}
    for time, message in zip(axis_ns, messages, strict=True):
        frame, values = _split(message)
        if frame not in frames:
            frames[frame] = ([], [])
        times, rows = frames[frame]
        times.append(time)
        rows.append(values)
    return frames


def _split(message: bytes) -> tuple[_Frame, bytes]:
    """What is before the values but for the times, what is after them, and the values.

    This is three times as fast as reading all the JSON, most of which is the same each time.
    """
    values = message.find(_VALUES)
    end = message.find(b"]", values)
    channels = message.find(_CHANNELS)
    if not 0 < channels < values < end:
        return _split_slowly(message)
    frame = message[channels:values], message[end + 1 :]
    return frame, message[values + len(_VALUES) : end]


def _split_slowly(message: bytes) -> tuple[_Frame, bytes]:
    """The same of JSON that another program wrote."""
    try:
        told = orjson.loads(message)
        values = orjson.dumps(told.pop("values"))[1:-1]
        kept = {name: told[name] for name in ("channels", "units", "quality")}
        return (orjson.dumps(kept)[1:-1] + b",", b"}"), values
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return (b"", b""), b""


def _template(frame: _Frame) -> _Template | None:
    head, tail = frame
    try:
        told: dict[str, Any] = orjson.loads(b"{" + head + b'"values":[]' + tail)
        channels, units = told["channels"], told["units"]
        quality = told["quality"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    lists = channels, units, quality
    if not all(isinstance(each, list) and len(each) == len(channels) for each in lists):
        return None
    if not all(isinstance(each, str) for each in channels + units):
        return None
    if not all(isinstance(each, int) for each in quality):
        return None
    return _Template(channels, units, quality)


def _table(rows: list[bytes], template: _Template | None) -> NDArray[np.float64] | None:
    """Values, shape (frames, channels); None if they do not fit the channels."""
    if template is None:
        return None
    try:
        values = np.array(orjson.loads(b"[" + b",".join(rows) + b"]"), np.float64)
    except (orjson.JSONDecodeError, TypeError, ValueError, OverflowError):
        return None
    shape = len(rows), len(template.channels)
    return values.reshape(shape) if values.shape == (shape[0] * shape[1],) else None


def _plain(name: str) -> str:
    """A name a variable can have.

    Examples
    --------
    >>> _plain("PM2.5"), _plain("0")
    ('pm2_5', 'c0')
    """
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    letters = letters.lower()
    return letters if letters[:1].isalpha() else f"c{letters}"
