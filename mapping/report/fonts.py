"""The typeface of the report, in the text and in its figures."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FAMILIES", "font_folders", "printable", "report_typeface"]

FAMILIES = ("Roboto", "DejaVu Sans")  # the second for letters that the first has not
NO_BREAK = "\N{NO-BREAK SPACE}"
_DROPPED = {"\t": " ", "\n": " ", "\r": " "}


def font_folders() -> list[Path]:
    """Folders that hold the files of the typeface."""
    own = Path(str(files("mapping.report") / "fonts"))
    return [own, Path(findfont(FontProperties(family=[FAMILIES[1]]))).parent]


@contextmanager
def report_typeface() -> Iterator[None]:
    """Figures drawn inside use the typeface, as outlines, and the same identifiers each time."""
    _known_to_matplotlib()
    settings: Any = {
        "font.family": list(FAMILIES),
        "svg.fonttype": "path",
        "svg.hashsalt": "sniffdrone",
        "text.parse_math": False,  # a dollar in a name is a dollar
        "path.simplify": True,
        "path.simplify_threshold": 0.2,
    }
    with mpl.rc_context(rc=settings):
        yield


def printable(text: str) -> str:
    r"""Text without what no letter of the typeface can show, which is written as its number.

    A PDF meant to last may hold no missing letter; control characters and marks that turn the
    direction of writing could make a text read otherwise than it is.

    Examples
    --------
    >>> printable("Café #1 <b>"), printable("fan\u202egpj"), printable("\U0001f4a8")
    ('Café #1 <b>', 'fan⟨U+202E⟩gpj', '⟨U+1F4A8⟩')
    """
    return "".join(_shown(_DROPPED.get(one, one)) for one in text)


def _shown(letter: str) -> str:
    is_plain = letter.isprintable() or letter == NO_BREAK
    return letter if is_plain and ord(letter) in _letters() else f"⟨U+{ord(letter):04X}⟩"


@functools.cache
def _known_to_matplotlib() -> None:
    for path in sorted(font_folders()[0].glob("*.ttf")):
        fontManager.addfont(str(path))


@functools.cache
def _letters() -> frozenset[int]:
    regular = font_folders()[0] / "Roboto-Regular.ttf"
    fallback = findfont(FontProperties(family=[FAMILIES[1]]))
    return frozenset(get_font(str(regular)).get_charmap()) | frozenset(
        get_font(fallback).get_charmap()
    )
