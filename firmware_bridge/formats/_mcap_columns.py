"""Records of a recording other than gas: from one message each to columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from sensors.records import Quality, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from firmware_bridge.formats._mcap_clock import RecordingTime
    from sensors.records import RecordKind

__all__ = ["RecordColumns"]

_FIELDS: dict[str, tuple[RecordKind, tuple[str, ...]]] = {
    "pose": (
        "pose",
        (
            "latitude",
            "longitude",
            "altitude_amsl_m",
            "height_above_home_m",
            "height_above_ground_m",
        ),
    ),
    "wind": ("wind", ("eastward", "northward", "upward")),
    "environment": ("environment", ("temperature", "relative_humidity", "pressure")),
}
_NOT_CLOCK = sum(Quality) & ~int(Quality.CLOCK_POOR)


class RecordColumns:
    """Makes batches of messages.

    Parameters
    ----------
    time : RecordingTime
    complain : callable
        Told in one line what is left out.
    """

    def __init__(self, time: RecordingTime, complain: Callable[[str], None]) -> None:
        self._time, self._complain = time, complain
        self._carried: Counter[str] = Counter()
        self._turned: Counter[str] = Counter()

    def batches(
        self, role: str, source: str, axis_ns: list[int], messages: list[bytes]
    ) -> Iterator[RecordBatch]:
        """The batch of messages of one role from one source.

        Parameters
        ----------
        role : {"pose", "wind", "environment", "event", "alarm"}
        source : str
        axis_ns : list of int
        messages : list of bytes
        """
        try:
            batch = self._batch(role, source, axis_ns, messages)
        except (KeyError, TypeError, ValueError, OverflowError):
            if len(messages) == 1:
                self._complain(f"{source}: {role} messages that are not as their schema says")
                return
            # most are good
            for time, message in zip(axis_ns, messages, strict=True):
                yield from self.batches(role, source, [time], [message])
            return
        if batch is not None:
            yield batch

    def close(self) -> None:
        """Say what could not be used."""
        for source, carried in self._carried.items():
            turned = self._turned[source]
            if carried > turned:
                self._complain(
                    f"{source}: {carried - turned} of {carried} readings of a carried anemometer "
                    "are left out: how the vehicle was turned and moved then is not known"
                )

    def _batch(
        self, role: str, source: str, times: list[int], messages: list[bytes]
    ) -> RecordBatch | None:
        """Raises what numpy and dictionaries raise where a message is not as it should be."""
        told: list[dict[str, Any]] = orjson.loads(b"[" + b",".join(messages) + b"]")
        if len(told) != len(times) or not all(isinstance(one, dict) for one in told):
            raise TypeError(role)
        if role == "wind":
            times, told = self._in_the_earths_frame(source, times, told)
        if not told:
            return None
        axis_ns = np.array(times, np.int64)
        columns: dict[str, NDArray[np.generic]]
        quality = self._time.quality(axis_ns)
        kind: RecordKind = "event"
        if role in _FIELDS:
            kind, fields = _FIELDS[role]
            columns = {
                field: np.array([one.get(field) for one in told], np.float64) for field in fields
            }
            bits = np.array([one.get("quality", 0) for one in told], np.int64)
            quality |= (bits & _NOT_CLOCK).astype(np.uint16)
        elif role == "alarm":
            columns = _texts([("alarm", _alarm_text(one)) for one in told])
        else:
            columns = _texts([(str(one["kind"]), str(one["text"])) for one in told])
        return RecordBatch(
            kind=kind,
            source=source,
            time_ns=self._time.utc_ns(axis_ns),
            columns=columns,
            quality=quality,
        )

    def _in_the_earths_frame(
        self, source: str, times: list[int], told: list[dict[str, Any]]
    ) -> tuple[list[int], list[dict[str, Any]]]:
        """Without what a carried anemometer felt: the bridge records the wind it made of it too."""
        rows = list(zip(times, told, strict=True))
        wind = [(time, one) for time, one in rows if one.get("frame") != "vehicle"]
        self._carried[source] += len(rows) - len(wind)
        self._turned[source] += len(wind)
        return [time for time, _ in wind], [one for _, one in wind]


def _texts(rows: list[tuple[str, str]]) -> dict[str, NDArray[np.generic]]:
    return {
        "kind": np.array([kind for kind, _ in rows], object),
        "text": np.array([text for _, text in rows], object),
    }


def _alarm_text(told: dict[str, Any]) -> str:
    return f"{told.get('source')} {told.get('channel')} {told.get('state')}"
