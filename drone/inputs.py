"""The files of one flight: their records, what was wrong with them, and their fingerprints."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.logfile import ReadReport, read_log
from sensors.errors import ConfigError, FlightError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sensors.records import RecordBatch

__all__ = ["Input", "Inputs", "read_inputs"]

MOST_READINGS = 3_000_000  # 83 hours at 10 Hz, and about 1 GB for each channel corrected
_HASH_BYTES = 1 << 20
_RECORDING = "mcap"
_AUTOPILOT_LOGS = frozenset({"tlog", "dataflash", "ulog"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One file, as the summary names it."""

    file: str
    format: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All files of a flight.

    Attributes
    ----------
    files : tuple of Input
    batches : tuple of RecordBatch
    notes : tuple of str
        What was wrong in the files, one line each.
    origins : tuple of int
        Which of the files each batch is from.
    """

    files: tuple[Input, ...]
    batches: tuple[RecordBatch, ...]
    notes: tuple[str, ...]
    origins: tuple[int, ...] = ()


def read_inputs(
    paths: Sequence[Path], *, progress: Callable[[str, float], None] | None = None
) -> Inputs:
    """Records of all files of one flight, in the order given.

    Parameters
    ----------
    paths : sequence of Path
    progress : callable, optional
        Called with what is done and the share of it, 0 to 1.

    Returns
    -------
    Inputs

    Raises
    ------
    FormatError
        A file is not there, unreadable, empty, of no format we know, or nothing in it is whole.
    FlightError
        There are more gas readings than one flight can have.
    ConfigError
        The same file is given twice.
    """
    for place, path in enumerate(paths):
        if path.resolve() in {earlier.resolve() for earlier in paths[:place]}:
            raise ConfigError(f"{path}: is given twice; name each file once")
    files: list[Input] = []
    batches: list[RecordBatch] = []
    notes: list[str] = []
    ends: list[int] = []  # how many batches there are after each file
    for path in paths:
        report = ReadReport(path=path, progress=_share_of(path, progress))
        for batch in read_log(path, report):
            batches.append(batch)
            _check_size(path, batches)
        ends.append(len(batches))
        # results are shared: where a file lay on this computer is nobody's business
        notes += [one.replace(str(path), path.name) for one in (*report.warnings, *_jumps(report))]
        files.append(
            Input(
                file=path.name,
                format=report.format,
                size_bytes=report.bytes_total,
                sha256=_sha256(path),
            )
        )
    parts = [batches[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    parts, copies = _without_copies(files, parts)
    return Inputs(
        files=tuple(files),
        batches=tuple(batch for part in parts for batch in part),
        notes=(*notes, *copies),
        origins=tuple(place for place, part in enumerate(parts) for _ in part),
    )


def _share_of(
    path: Path, progress: Callable[[str, float], None] | None
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(f"reading {path.name}", done / max(total, 1))


def _check_size(path: Path, batches: list[RecordBatch]) -> None:
    if sum(len(batch) for batch in batches if batch.kind == "gas") > MOST_READINGS:
        raise FlightError(
            f"{path}: more than {MOST_READINGS:,} readings, which is no one flight; cut it"
        )


def _without_copies(
    files: list[Input], parts: list[list[RecordBatch]]
) -> tuple[list[list[RecordBatch]], list[str]]:
    """Without what the bridge sent the autopilot of readings that its own recording holds."""
    holds_gas = [any(batch.kind == "gas" and len(batch) for batch in part) for part in parts]
    rows = list(zip(files, parts, holds_gas, strict=True))
    if not any(file.format == _RECORDING and has_gas for file, _, has_gas in rows):
        return parts, []
    kept, notes = [], []
    for file, part, has_gas in rows:
        is_copy = has_gas and file.format in _AUTOPILOT_LOGS
        kept.append([batch for batch in part if not (is_copy and batch.kind == "gas")])
        if is_copy:
            notes.append(
                f"{file.file}: its gas readings are left out, the recording beside it has them all"
            )
    return kept, notes


def _jumps(report: ReadReport) -> list[str]:
    if not report.clock_jumps:
        return []
    seconds = max((abs(float(jump["seconds"])) for jump in report.clock_jumps), default=0.0)
    return [
        f"{report.path.name}: its clock jumps {len(report.clock_jumps)} times, by up to "
        f"{seconds:.1f} s; check the times of the gas log against it"
    ]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()
