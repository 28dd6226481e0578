"""``sniffdrone locate``: where the source is, second by second, while the flight goes on."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

import contextlib
import json
import math
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drone.cli.inputs import Area, Gas, Mission, WindFrom, WindSpeed
from drone.cli.options import Json, Quiet, Seed, speed_factor
from drone.cli.terminal import answer, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drone.located import Located
    from drone.locating import Locator
    from sensors.records import RecordBatch

    # records, whether they are all of the flight again, and seconds of data since the last
    Piece = tuple[list[RecordBatch], bool, float]

__all__ = ["EXAMPLES", "locate"]

EXIT_INTERRUPTED = 130
LOOK_S = 1.0
HASTY_SHARE = 0.15  # of a second of a core for each second of data, where nobody waits for it
PATIENCE_S = 5.0  # until a finished file is taken for the last of its run
EXAMPLES = """\b
Examples:
  sniffdrone fly mission.toml                        (in another terminal)
  sniffdrone locate recordings                       (the newest recording in there)
  sniffdrone locate recordings/20260401T101500Z_harbour_001.mcap --mission mission.toml
  sniffdrone locate flight.csv --speed 10            (a finished flight, ten times as fast)
  sniffdrone locate flight.mcap --speed max --json | jq .p_any_source
Each line is an indication, to be confirmed by sampling. Distance and bearing are from the drone to
the likeliest place; the radius about it holds the source with 90 % if there is one. A place is told
from a probability of 0.5. It takes half a core, and can run on the companion or on any computer
that sees the file. When the recording ends, the last line is what `sniffdrone process` starts from.
"""


def locate(
    flight: Annotated[
        Path,
        typer.Argument(
            help="Recording that is being written, a folder of them, or a finished flight.",
            readable=False,
        ),
    ],
    *,
    speed: Annotated[
        str, typer.Option("--speed", help="Play a finished flight at 1, 4, 0.5 ... or max.")
    ] = "",
    gas: Gas = None,
    mission: Mission = None,
    area: Area = None,
    wind_speed: WindSpeed = None,
    wind_from: WindFrom = None,
    seed: Seed = 0,
    seconds: Annotated[float, typer.Option("--for", min=0.0, help="Stop after [s]; 0: never.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Tell where the source is while the flight goes on: one line a second.

    It reads the recording that `sniffdrone fly` writes, and sends nothing to anybody.
    """
    from drone.choices import choices_of

    choices = choices_of(
        mission=mission,
        gas=gas,
        offset_s=None,
        wind_speed=wind_speed,
        wind_from=wind_from,
        wind_height_m=None,
        averaging_time_s=None,
        background_removed=False,
        area=area,
        seed=seed,
    )
    factor = speed_factor(speed) if speed else None
    from drone.locating import SHARE, Locator

    stop = threading.Event()
    usual = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    show = _Shown(choices.indicate_above, as_json=as_json, quiet=quiet)
    end = time.monotonic() + seconds if seconds else math.inf
    try:
        at_full_speed = factor == math.inf
        share = HASTY_SHARE if at_full_speed else SHARE
        with contextlib.closing(Locator(choices, share=share)) as locator:
            pieces = _pieces(flight, factor, stop, end)
            try:
                _follow(locator, pieces, show, at_full_speed=at_full_speed)
            except KeyboardInterrupt:
                show.end()
                return EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, usual)
    show.end()
    return 0


def _follow(
    locator: Locator, pieces: Iterator[Piece], show: _Shown, *, at_full_speed: bool
) -> None:
    for batches, from_the_start, seconds in pieces:
        if from_the_start:
            locator.start_over()
        locator.take(batches)
        show(locator.update(seconds=seconds))
        if at_full_speed:
            locator.keep_pace()
    show(locator.finish(), is_final=True)


def _pieces(path: Path, factor: float | None, stop: threading.Event, end: float) -> Iterator[Piece]:
    """What comes each second, live or played."""
    from firmware_bridge.following import is_being_written, newest_recording

    if path.is_dir():
        path = newest_recording(path)
        warn(f"following {path}")
    if factor is None and is_being_written(path):
        return _live(path, stop, end)
    return _replayed(path, 1.0 if factor is None else factor, stop, end)


def _live(path: Path, stop: threading.Event, end: float) -> Iterator[Piece]:
    from firmware_bridge.following import FollowedRecording

    reader = FollowedRecording(path)
    told = 0
    finished_s = math.inf
    before_s = time.monotonic() - LOOK_S
    while not stop.is_set() and time.monotonic() < min(end, finished_s + PATIENCE_S):
        batches, from_the_start = reader.take()
        for line in reader.warnings[told:]:
            warn(f"warning: {line}")
        told = len(reader.warnings)
        now_s = time.monotonic()
        yield batches, from_the_start, now_s - before_s
        before_s = now_s
        finished_s = min(finished_s, now_s) if reader.is_finished else math.inf
        stop.wait(max(0.0, now_s + LOOK_S - time.monotonic()))


def _replayed(path: Path, factor: float, stop: threading.Event, end: float) -> Iterator[Piece]:
    from drone.inputs import read_inputs
    from drone.played_batches import played

    inputs = read_inputs([path])
    for note in inputs.notes:
        warn(f"warning: {note}")
    begin_s = time.monotonic()
    for number, (_, batches) in enumerate(played(inputs.batches), start=1):
        stop.wait(max(0.0, min(begin_s + number / factor, end) - time.monotonic()))
        if stop.is_set() or time.monotonic() >= end:
            return
        yield batches, False, 1.0


class _Shown:
    """Prints a line a second, or draws one over and over where a person looks."""

    def __init__(self, indicate_above: float, *, as_json: bool, quiet: bool) -> None:
        self._indicate_above = indicate_above
        self._as_json, self._is_silent = as_json, quiet and not as_json
        self._redraws = sys.stdout.isatty() and not as_json
        self._verdict = ""

    def __call__(self, told: Located, *, is_final: bool = False) -> None:
        from drone.located_words import as_fields, line_of, verdict_of

        if self._is_silent:
            return
        if self._as_json:
            fields = as_fields(told, indicate_above=self._indicate_above, is_final=is_final)
            answer(json.dumps(fields, allow_nan=False, ensure_ascii=False))
            sys.stdout.flush()
            return
        line = line_of(told, indicate_above=self._indicate_above)
        if not self._redraws:
            answer(line)
            sys.stdout.flush()
            return
        verdict = verdict_of(told, indicate_above=self._indicate_above)
        if self._verdict and verdict != self._verdict:
            answer("")  # the line before stays on the screen: something changed
        self._verdict = verdict
        sys.stdout.write(f"\r\x1b[2K{line[: shutil.get_terminal_size().columns - 1]}")
        sys.stdout.flush()

    def end(self) -> None:
        """Say what it is, once."""
        from drone.located_words import CONFIRM

        if self._is_silent or self._as_json:
            return
        if self._redraws:
            answer("")
        answer(f"{CONFIRM}; maps and report: sniffdrone process FLIGHT -o out")
