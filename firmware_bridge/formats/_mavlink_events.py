"""What happened on board, as the autopilot told it: messages to the pilot, modes, arming."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._columns import event_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_bridge.formats._mavlink_window import VehicleWindow
    from sensors.records import RecordBatch

__all__ = ["EventLog"]

_ARMED = 128
_CHUNK_CHARACTERS = 50


class EventLog:
    """Joins the pieces of long texts and notices changes, over the windows of a file."""

    def __init__(self) -> None:
        self._pieces: dict[int, tuple[int, str]] = {}
        self._mode: int | None = None
        self._is_armed: bool | None = None

    def batches(self, window: VehicleWindow) -> Iterator[RecordBatch]:
        """Batches of the events in a window."""
        for source, events in (
            ("STATUSTEXT", self._texts(window)),
            ("HEARTBEAT", self._changes(window)),
            ("MISSION_ITEM_REACHED", _reached(window)),
        ):
            batch = event_batch(source, events, clock=window.clock_name)
            if batch is not None:
                yield batch

    def _texts(self, window: VehicleWindow) -> Iterator[tuple[int, str, str]]:
        messages = window.get("STATUSTEXT", component=None)
        if messages is None:
            return
        for time_ns, (_, text, identifier, part) in zip(
            messages.time_ns.tolist(), messages.fields.tolist(), strict=True
        ):
            piece = text.decode("utf-8", "replace")
            if identifier == 0:
                yield time_ns, "text", piece
                continue
            began_ns, sofar = self._pieces.pop(identifier, (time_ns, ""))
            if part == 0:
                began_ns, sofar = time_ns, ""
            if len(text) < _CHUNK_CHARACTERS:
                yield began_ns, "text", sofar + piece
            else:
                self._pieces[identifier] = (began_ns, sofar + piece)

    def _changes(self, window: VehicleWindow) -> Iterator[tuple[int, str, str]]:
        messages = window.get("HEARTBEAT")
        if messages is None:
            return
        is_armed = (messages.fields["base_mode"] & _ARMED) > 0
        modes = messages.fields["custom_mode"].tolist()
        for time_ns, mode, armed in zip(
            messages.time_ns.tolist(), modes, is_armed.tolist(), strict=True
        ):
            if armed != self._is_armed:
                yield time_ns, "armed" if armed else "disarmed", ""
            if mode != self._mode:
                yield time_ns, "mode", str(mode)
            self._mode, self._is_armed = mode, armed


def _reached(window: VehicleWindow) -> Iterator[tuple[int, str, str]]:
    messages = window.get("MISSION_ITEM_REACHED")
    if messages is not None:
        for time_ns, item in zip(
            messages.time_ns.tolist(), messages.fields["seq"].tolist(), strict=True
        ):
            yield time_ns, "mission item reached", str(item)
