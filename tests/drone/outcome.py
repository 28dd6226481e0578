"""What one command left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drone.output import SUMMARY

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """Exit code, and what was on stdout and stderr."""

    code: int
    out: str
    err: str

    def is_refused(self, *words: str) -> bool:
        """Whether it was exit code 2 and one line, which has all of some words."""
        lines = self.err.splitlines()
        return (
            self.code == 2
            and self.out == ""
            and len(lines) == 1
            and lines[0].startswith("error: ")
            and all(word in lines[0] for word in words)
        )

    def warned(self, *words: str) -> bool:
        """Whether a warning has all of some words."""
        lines = [line for line in self.err.splitlines() if line.startswith("warning: ")]
        return any(all(word in line for word in words) for line in lines)


def summary_of(out: Path) -> dict[str, Any]:
    """The summary in a folder of results."""
    return json.loads((out / SUMMARY).read_text())
