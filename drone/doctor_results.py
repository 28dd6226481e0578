"""Results of zero and bump tests, kept beside the recordings so that they go into each of them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drone.doctor_findings import Finding
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["RESULTS_FILE", "ages", "keep_results", "kept_results"]

RESULTS_FILE = "calibration-results.json"
FORMAT = 1
MOST_RESULTS = 500
OLD = timedelta(days=30)


def kept_results(path: Path) -> list[dict[str, Any]]:
    """Results in a file, the oldest first; none if there is no file.

    Raises
    ------
    ConfigError
        It is not what `keep_results` writes.
    """
    try:
        told = json.loads(path.read_bytes())
        results = told["results"]
        for one in results:
            datetime.fromisoformat(one["time"])
            if not {"kind", "device", "channel"} <= one.keys():
                raise ValueError("a result lacks its kind, device or channel")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: is damaged ({error}); move it away") from error
    return list(results)


def keep_results(path: Path, new: Iterable[dict[str, Any]]) -> None:
    """Add results to a file, whole or not at all.

    Raises
    ------
    ConfigError
        The file is damaged, or cannot be written.
    """
    results = [*kept_results(path), *new][-MOST_RESULTS:]
    text = json.dumps({"format": FORMAT, "results": results}, indent=2, allow_nan=False)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); make room") from error
    finally:
        beside.unlink(missing_ok=True)


def ages(
    path: Path, channels: Sequence[tuple[str, str]], now: datetime | None = None
) -> list[Finding]:
    """Whether each channel had its zero and bump test, and how long ago.

    Parameters
    ----------
    path : Path
        Of the results.
    channels : sequence of (str, str)
        Device and channel, of those that measure a gas.
    now : datetime, optional
    """
    now = now or datetime.now(UTC)
    try:
        results = kept_results(path)
    except ConfigError as error:
        found, _, fix = str(error).partition("; ")
        return [Finding(area="bump", subject="results", state="warning", found=found, fix=fix)]
    found_all = []
    for device, channel in channels:
        for kind in ("zero", "bump"):
            newest = next(
                (
                    one
                    for one in reversed(results)
                    if (one["kind"], one["device"], one["channel"]) == (kind, device, channel)
                ),
                None,
            )
            found_all.append(_age(kind, f"{device}/{channel}", newest, now))
    return found_all


def _age(kind: str, subject: str, newest: dict[str, Any] | None, now: datetime) -> Finding:
    how = "--zero 60" if kind == "zero" else f'--bump "{subject}=VALUE ppm"'
    fix = f"sniffdrone doctor MISSION {how}"
    if newest is None:
        return Finding(
            area=kind, subject=subject, state="warning", found=f"no {kind} test yet", fix=fix
        )
    age = now - datetime.fromisoformat(newest["time"])
    told = f"{kind} test {_span(age)} ago by {newest.get('operator') or 'unknown'}"
    if kind == "bump":
        told += f", response {100.0 * newest.get('response', 0.0):.0f} %"
    is_old = age > OLD
    return Finding(
        area=kind,
        subject=subject,
        state="warning" if is_old or newest.get("state") == "failure" else "ok",
        found=told + (", which was not in order" if newest.get("state") == "failure" else ""),
        fix=fix if is_old or newest.get("state") == "failure" else "",
        figures={"age_days": round(age / timedelta(days=1), 3)},
    )


def _span(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return f"{hours:.1f} hours" if hours < 48.0 else f"{hours / 24.0:.0f} days"
