"""``python -m benchmarks.hard_cases``: bad input must lead to doubt and a reason, never astray."""

from __future__ import annotations

import re
import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.blind_flights import BlindFlight
from benchmarks.blind_worlds import TURBULENCES
from benchmarks.hard_worlds import CASES, HardWorld
from benchmarks.intervals import quantile_text, share_text
from benchmarks.judging import TOO_SURE
from benchmarks.measuring import measure
from benchmarks.tables import NOTHING, markdown, median, within_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.judging import Judged
    from benchmarks.measuring import Row

SOUND = "nothing wrong"
_NOTE_LENGTH = 110
_REASONS = 3


def _flights(case: str, count: int, cache: Path, first_seed: int) -> list[BlindFlight]:
    return [
        BlindFlight(case, HardWorld(case, TURBULENCES[number % 2], first_seed + number), cache)
        for number in range(count)
    ]


ROWS: dict[str, Row] = {case: partial(_flights, case) for case in CASES}


def report(rows: Mapping[str, Sequence[Judged]], _folder: Path) -> str:
    """The chapter on bad input."""
    header = (
        "case",
        "n",
        "indicated",
        "error, median [m]",
        "error of all, median [m]",
        "equal-area radius of 90 %, median [m]",
        "in 90 %",
        "rate within 2x",
        "confidently wrong",
        "stated reason (notes that a sound flight does not have)",
    )
    sound = rows.get(SOUND, ())
    usual = {note: count / len(sound) for note, count in _notes(sound).items()}
    lines = []
    for case, group in rows.items():
        told = [one for one in group if one.indicated]
        wrong = sum(one.misleading for one in group)
        lines.append(
            [
                case,
                str(len(group)),
                share_text([one.indicated for one in group]),
                quantile_text((one.error_m for one in told), 0.5),
                median(one.error_m for one in group),
                median(one.area_radius_90_m for one in told),
                share_text([one.inside_90 for one in told]),
                within_factor(one.rate_ratio for one in told),
                f"**{wrong}**" if wrong else "0",
                _reasons(group, usual) or NOTHING,
            ]
        )
    return (
        "\n\n".join(
            [
                "## Bad input",
                "Each case is one fault in surveys that are sound otherwise, over the same worlds "
                "(wind of 2 m/s or more, a peak of 50 ppb or more without the fault). *Confidently "
                "wrong*: indicated, and the truth lies outside the 90 % region by more than "
                f"{TOO_SURE:g} times its equal-area radius. Numbers in notes are written as #.",
                markdown(header, lines),
            ]
        )
        + "\n"
    )


def _notes(group: Sequence[Judged]) -> Counter[str]:
    """How many flights have each note, numbers left out."""
    return Counter(
        note for one in group for note in {re.sub(r"\d+(\.\d+)?", "#", note) for note in one.notes}
    )


def _reasons(group: Sequence[Judged], usual: Mapping[str, float]) -> str:
    """Notes twice as frequent as with sound flights, the most frequent first."""
    telling = [
        f"{count}x: {_short(note)}"
        for note, count in _notes(group).most_common()
        if count / len(group) > 2.0 * usual.get(note, 0.0)
    ]
    return "<br>".join(telling[:_REASONS])


def _short(note: str) -> str:
    cut = note if len(note) <= _NOTE_LENGTH else f"{note[:_NOTE_LENGTH]}…"
    return cut.replace("|", "/")


def main(arguments: Sequence[str]) -> int:
    """Measure the cases asked for."""
    return measure(
        arguments, name="hard_cases", rows=ROWS, count=20, report=report, description=__doc__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
