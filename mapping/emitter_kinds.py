"""Which kind of emitter an owner's word for it means."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib.resources import files

__all__ = ["kind_of", "kinds"]


def kinds() -> tuple[str, ...]:
    """Names of the kinds that words are known for."""
    return tuple(dict.fromkeys(_words().values()))


def kind_of(text: str) -> str | None:
    """Kind, as in ``lookalikes.toml``, that a text names; None where none is recognised.

    The longest known word in it counts; words are whole ones, case does not matter.

    Examples
    --------
    >>> kind_of("Varkenshouderij"), kind_of("amenity=fuel"), kind_of("school")
    ('farm', 'filling_station', None)
    >>> kind_of("paint_shop"), kind_of("Bakery & brewery 't IJ")
    ('paint_shop', 'bakery_brewery')
    """
    wanted = text.casefold().strip()
    known = _words()
    if wanted in known:
        return known[wanted]
    plain = " ".join(re.split(r"[^\w=]+", wanted.replace("_", " ")))
    found = [word for word in known if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain)]
    return known[max(found, key=len)] if found else None


@functools.cache
def _words() -> dict[str, str]:
    text = (files("mapping") / "emitter_kinds.toml").read_text(encoding="utf-8")
    table: dict[str, list[str]] = tomllib.loads(text)["words"]
    return {word: kind for kind, words in table.items() for word in (kind, *words)}
