"""Output that appears whole or not at all: a folder of results, or a single file."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sensors.errors import ConfigError
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SUMMARY", "check_output", "output_file", "output_folder"]

SUMMARY = "summary.json"
LEAST_FREE_BYTES = 100_000_000  # the results of a large area
_SIDECAR = ".aux.xml"  # what GDAL and QGIS leave beside a raster they have shown


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raise unless results may be put in a folder; asked before any work is done.

    Parameters
    ----------
    out : Path
    overwrite : bool
        A folder that holds results of ours, and nothing else, may be replaced.

    Raises
    ------
    ConfigError
        It is no folder, is the current one, or holds things that are not ours to remove.
    """
    try:
        if out.resolve() == Path.cwd():
            raise ConfigError(f"{out}: is the current folder; name a new folder in it")
        if not os.path.lexists(out):
            _check_writable(out)
            return
        if not out.is_dir():
            raise ConfigError(f"{out}: exists and is not a folder; name another")
        _check_writable(out)
        names = sorted(entry.name for entry in out.iterdir())
    except OSError as error:
        raise _unwritable(out, error) from error
    if not names:
        return
    ours = _files_of_ours(out)
    if ours is None:
        raise ConfigError(
            f"{out}: is not empty and holds no results of sniffdrone (--overwrite replaces only "
            "those); name another folder"
        )
    if not overwrite:
        raise ConfigError(f"{out}: holds earlier results; give --overwrite to replace them")
    foreign = [name for name in names if name not in ours and not name.endswith(_SIDECAR)]
    for name in foreign:
        held = name.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal")
        if held in ours:
            raise ConfigError(
                f"{out}: {held} is open in another program ({name} is beside it); close it there, "
                "in QGIS by removing its layers"
            )
    if foreign:
        raise ConfigError(
            f"{out}: holds {foreign[0]}, which sniffdrone did not write; move it elsewhere first"
        )


@contextlib.contextmanager
def output_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes it when the block ends without an error.

    Parameters
    ----------
    out : Path
    overwrite : bool
        As in `check_output`.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    ConfigError
        As `check_output`, or the disk refuses.
    """
    check_output(out, overwrite=overwrite)
    target = out.resolve()
    partial = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:  # from before it is made, so that an interrupt at any moment leaves nothing
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
        yield partial
        partial.chmod(0o777 & ~_umask())
        _take_place(partial, target)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes it when the block ends without an error.

    Raises
    ------
    ConfigError
        `path` is a folder or cannot be written.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            yield partial
    except OSError as error:
        raise _unwritable(path, error) from error


def _check_writable(out: Path) -> None:
    """Ask early what `output_folder` would find out late, after all the work."""
    there = next(folder for folder in out.resolve().parents if folder.exists())
    if not there.is_dir():
        raise ConfigError(f"{out}: {there} is not a folder; choose another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"{out}: no permission to write in {there}; choose another place")
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE_BYTES:
        raise ConfigError(
            f"{out}: the disk has {free / 1e6:.1f} MB left, {LEAST_FREE_BYTES / 1e6:.0f} MB are "
            "needed; make room or choose another place"
        )


def _take_place(partial: Path, target: Path) -> None:
    """Rename; what stood there is put aside first and removed last."""
    aside = partial.with_name(partial.name + ".old")
    if target.exists():
        target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _files_of_ours(out: Path) -> set[str] | None:
    """Names in the summary of earlier results; None if there is no such summary."""
    try:
        summary = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(summary, dict) or "sniffdrone_version" not in summary:
        return None
    files = summary.get("files", [])
    return {SUMMARY, *(name for name in files if isinstance(name, str))}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: OSError) -> ConfigError:
    why = error.strerror or str(error)
    return ConfigError(f"{path}: cannot be written ({why}); choose a place that can")
