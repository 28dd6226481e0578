"""Simulated flights kept on disk, so that measuring an estimator again costs no simulation."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sims.recording import flight_csv
from sims.scenario import draw_scenario
from sims.simulate import simulate

if TYPE_CHECKING:
    from sims.simulate import SimulatedFlight

_ROOT = Path(__file__).resolve().parents[1]
FOLDER = _ROOT / "build" / "benchmark-worlds"
_DRAWN_FROM = "blind_worlds.py"
_TRIED = ("single", "double", "calm", "none")  # kinds whose bytes tell one simulator from another


class Flown(Protocol):
    """A world by a name that says all of it."""

    @property
    def name(self) -> str: ...

    @property
    def turbulence(self) -> str: ...

    def flown(self) -> SimulatedFlight: ...


@dataclass(frozen=True, slots=True)
class KeptFlight:
    """A flight's log on disk, what was true, and the world's settings as plain values."""

    path: Path
    truth: dict[str, Any]
    scenario: dict[str, Any]
    wind: tuple[float, float]  # mean over the flight, towards east and north [m s-1]


def kept_flight(world: Flown, folder: Path = FOLDER) -> KeptFlight:
    """The flight of a world, simulated only if `folder` does not hold it yet.

    A kept flight is named by its world, by the text of the world's generator and by what the
    simulator makes of a few trial worlds: it is flown again after a change to any of them, but
    not after one to the simulator that leaves all bytes as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    maker = hashlib.sha256(_generator(type(world)) + _simulator()).hexdigest()
    stem = f"{world.name.replace(' ', '-')}-{maker[:12]}"
    log, notes = folder / f"{stem}.csv", folder / f"{stem}.json"
    if not notes.exists():
        flight = world.flown()
        _put(log, flight_csv(flight))
        wind = [float(np.mean(flight.wind_east)), float(np.mean(flight.wind_north))]
        about = {"truth": flight.truth, "scenario": asdict(flight.scenario), "wind": wind}
        _put(notes, json.dumps(about))
    about = json.loads(notes.read_text(encoding="utf-8"))
    return KeptFlight(log, about["truth"], about["scenario"], tuple(about["wind"]))


def without_columns(log: Path, start: str, into: Path) -> Path:
    """A copy of a log that lacks the columns whose names start so."""
    rows = [line.split(",") for line in log.read_text(encoding="ascii").splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if not name.startswith(start)]
    into.write_text("\n".join(",".join(row[place] for place in kept) for row in rows) + "\n")
    return into


def _put(path: Path, text: str) -> None:
    """Whole or not at all, also when two processes fly the same world."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)


@cache
def _generator(kind: type) -> bytes:
    """Text of the file that makes such worlds, and of the one that all of those draw from."""
    own = Path(inspect.getfile(kind))
    texts = [own.read_bytes()]
    if own.name != _DRAWN_FROM:
        texts.append((own.parent / _DRAWN_FROM).read_bytes())
    return b"".join(texts)


@cache
def _simulator() -> bytes:
    digest = hashlib.sha256()
    for number, kind in enumerate(_TRIED):
        rng = np.random.default_rng(number)
        scenario = draw_scenario(rng, kind, turbulence=("ou", "fourier")[number % 2])
        small = replace(scenario.survey, size_m=40.0, spacing_m=20.0)
        digest.update(flight_csv(simulate(replace(scenario, survey=small), rng=rng)).encode())
    return digest.digest()
