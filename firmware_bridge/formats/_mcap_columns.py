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
        told = _objects(messages)
        if told is None or len(told) != len(messages):
            self._complain(
                f"{source}: {len(messages)} {role} messages are not as their schema says"
            )
            return
        rows = list(zip(axis_ns, told, strict=True))
        if role == "wind":
            rows = self._in_the_earths_frame(source, rows)
        if not rows:
            return
        try:
            yield self._batch(role, source, rows)
        except (TypeError, ValueError, OverflowError):
            self._complain(f"{source}: {len(rows)} {role} messages are not as their schema says")

    def close(self) -> None:
        """Say what could not be used."""
        for source, carried in self._carried.items():
            turned = self._turned[source]
            if carried > turned:
                self._complain(
                    f"{source}: {carried - turned} of {carried} readings of a carried anemometer "
                    "are left out: how the vehicle was turned and moved then is not known"
                )

    def _batch(self, role: str, source: str, rows: list[tuple[int, dict[str, Any]]]) -> RecordBatch:
        axis_ns = np.array([time for time, _ in rows], np.int64)
        told = [one for _, one in rows]
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
        self, source: str, rows: list[tuple[int, dict[str, Any]]]
    ) -> list[tuple[int, dict[str, Any]]]:
        """Without what a carried anemometer felt: the bridge records the wind it made of it too."""
        felt = {time for time, one in rows if one.get("frame") == "vehicle"}
        wind = [(time, one) for time, one in rows if one.get("frame") != "vehicle"]
        self._carried[source] += len(felt)
        self._turned[source] += len(felt.intersection(time for time, _ in wind))
        return wind


def _objects(messages: list[bytes]) -> list[dict[str, Any]] | None:
    try:
        told = orjson.loads(b"[" + b",".join(messages) + b"]")
    except orjson.JSONDecodeError:
        return None
    return told if all(isinstance(one, dict) for one in told) else None


def _texts(rows: list[tuple[str, str]]) -> dict[str, NDArray[np.generic]]:
    return {
        "kind": np.array([kind for kind, _ in rows], object),
        "text": np.array([text for _, text in rows], object),
    }


def _alarm_text(told: dict[str, Any]) -> str:
    return f"{told.get('source')} {told.get('channel')} {told.get('state')}"
