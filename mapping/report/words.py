"""What the report says in a language: its texts, numbers, dates and probabilities."""

from __future__ import annotations

import functools
import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LANGUAGES", "UNKNOWN", "Words", "words_of"]

LANGUAGES = ("en", "nl")
UNKNOWN = "\N{EN DASH}"

# Calibrated language of the IPCC, Mastrandrea et al. (2011), doi:10.1007/s10584-011-0178-6
_LIKELIHOOD = (
    (0.99, "likely_virtually_certain"),
    (0.95, "likely_extremely"),
    (0.90, "likely_very"),
    (0.66, "likely"),
    (0.33, "likely_as_not"),
    (0.10, "unlikely"),
    (0.01, "unlikely_very"),
    (0.0, "unlikely_exceptionally"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of one language, and how it writes numbers and dates.

    Attributes
    ----------
    language : str
        ISO 639-1.
    table : mapping
        As the file of the language holds it.
    """

    language: str
    table: Mapping[str, Any]

    def say(self, key: str, **values: object) -> str:
        """Text of a key with its braces filled in."""
        return str(self.table["words"][key]).format(**values)

    def named(self, kind: str, key: str) -> str:
        """Word for a gas, a sensor family, a wind source or a kind of cause; the key if none."""
        return str(self.table[kind].get(key, key))

    def number(self, value: float, decimals: int) -> str:
        r"""Number with a fixed count of decimals and the language's decimal mark.

        Examples
        --------
        >>> words_of("nl").number(-3.456, 1), words_of("en").number(12345.0, 0)
        ('−3,5', '12\xa0345')
        """
        if not math.isfinite(value):
            return UNKNOWN
        text = f"{abs(value):,.{decimals}f}".replace(",", "\N{NO-BREAK SPACE}")
        is_negative = value < 0 and any(digit in "123456789" for digit in text)
        return ("\N{MINUS SIGN}" if is_negative else "") + text.replace(
            ".", str(self.table["words"]["decimal_mark"])
        )

    def exact(self, value: float) -> str:
        """Number as somebody chose it, without digits that were not chosen.

        Examples
        --------
        >>> words_of("nl").exact(1.0), words_of("nl").exact(0.25)
        ('1', '0,25')
        """
        return f"{value:g}".replace(".", str(self.table["words"]["decimal_mark"]))

    def about(self, value: float, digits: int = 2) -> str:
        r"""Number with a count of significant digits, never in powers of ten.

        Examples
        --------
        >>> words_of("nl").about(0.5499), words_of("en").about(1547.3), words_of("en").about(0.0)
        ('0,55', '1\xa0500', '0')
        """
        if not math.isfinite(value) or value == 0:
            return self.number(value, 0)
        rounded = float(f"{value:.{digits - 1}e}")
        decimals = digits - 1 - math.floor(math.log10(abs(rounded)))
        return self.number(rounded, max(0, decimals))

    def probability(self, share: float) -> str:
        """Probability in percent that is never written as certainty.

        Examples
        --------
        >>> words_of("en").probability(0.9999), words_of("nl").probability(0.034)
        ('more than 99 %', '3 %')
        """
        return self._bounded(share, above="more_than", below="less_than")

    def short_probability(self, share: float) -> str:
        """The same with signs in place of words, for figures and tables.

        Examples
        --------
        >>> words_of("nl").short_probability(0.9999), words_of("nl").short_probability(0.5)
        ('> 99 %', '50 %')
        """
        if math.isnan(share):
            return UNKNOWN
        if share > 0.99:
            return "> 99 %"
        return "< 1 %" if share < 0.01 else f"{self.number(100 * share, 0)} %"

    def likelihood(self, share: float) -> str:
        """Probability in plain words, after the scale of the IPCC."""
        return self.say(next(key for least, key in _LIKELIHOOD if share >= least))

    def date(self, time_ns: int) -> str:
        """Day of a time, UTC.

        Examples
        --------
        >>> words_of("nl").date(1_747_000_000_000_000_000)
        '11 mei 2025'
        """
        year, month, day = _day(time_ns).split("-")
        return f"{int(day)} {self.table['months'][str(int(month))]} {year}"

    def _bounded(self, share: float, *, above: str, below: str) -> str:
        if share > 0.99:
            return self.say(above, value="99 %")
        return self.say(below, value="1 %") if share < 0.01 else self.short_probability(share)


@functools.cache
def words_of(language: str) -> Words:
    """Texts of a language.

    Parameters
    ----------
    language : {"en", "nl"}

    Returns
    -------
    Words

    Raises
    ------
    ConfigError
        There is no report in that language.
    """
    if language not in LANGUAGES:
        raise ConfigError(
            f"--language {language}: there is no such report; known are {', '.join(LANGUAGES)}"
        )
    text = files("mapping.report") / "texts" / f"{language}.toml"
    return Words(language, tomllib.loads(text.read_text(encoding="utf-8")))


def _day(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[D]"))
