"""What one command left behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """Exit code, and what was on stdout and stderr."""

    code: int
    out: str
    err: str
