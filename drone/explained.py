"""What known emitters explain of a flight, before sources nobody told of are sought."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detection.source.known_fit import MOST_EMITTERS, fit_known, that_matter, without_known
from drone.wording import probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drone.analysis import Seen
    from mapping.area import Domain
    from mapping.known import Known

__all__ = ["beside_known"]

WORTH_A_NOTE = 0.05  # share of the gas read from which an emitter is spoken of


def beside_known(
    flights: Sequence[Seen], known: Sequence[Known], domain: Domain, *, seed: int
) -> tuple[list[Seen], tuple[Known, ...], list[str]]:
    """Readings as far as known emitters do not explain them, and the emitters as found.

    Parameters
    ----------
    flights : sequence of Seen
    known : sequence of Known
    domain : Domain
    seed : int

    Returns
    -------
    flights : list of Seen
        The same where no emitter can matter.
    known : tuple of Known
        With the probability that each emits, and its rate, of the flight it gave most gas to.
    notes : list of str
    """
    left, notes, found = [], [], list(known)
    for seen in flights:
        one, told, more = _one_flight(seen, known, domain, seed=seed)
        found = [a if _share(a) >= _share(b) else b for a, b in zip(found, told, strict=True)]
        left.append(one)
        notes += [note for note in more if note not in notes]
    return left, tuple(found), notes


def _share(known: Known) -> float:
    return known.share if known.was_seen else -1.0


def _one_flight(
    seen: Seen, known: Sequence[Known], domain: Domain, *, seed: int
) -> tuple[Seen, tuple[Known, ...], list[str]]:
    observations = seen.observations
    if observations is None or not known:
        return seen, tuple(known), []
    emitters = [one.emitter for one in known]
    which = that_matter([observations], emitters, domain.bounds)
    if not which:
        return seen, tuple(known), []
    fit = fit_known(
        [observations],
        [emitters[k] for k in which],
        domain.bounds,
        rng=np.random.default_rng([seed, 1]),
    )
    found = list(known)
    for place, k in enumerate(which):
        found[k] = replace(
            known[k],
            probability=float(fit.probability[place]),
            rate_g_s=1e3 * float(fit.rate[place]),
            rate_g_s_p05=1e3 * float(fit.rate_p05[place]),
            rate_g_s_p95=1e3 * float(fit.rate_p95[place]),
            share=float(fit.share[place]),
        )
    notes = [_note(one) for one in found if one.was_seen and one.share >= WORTH_A_NOTE]
    if len(which) == MOST_EMITTERS < len(known):
        notes.append(f"of {len(known)} known emitters the {MOST_EMITTERS} that can matter most are "
                     "fitted")  # fmt: skip
    left = without_known(observations, fit)
    return replace(seen, observations=left), tuple(found), notes


def _note(one: Known) -> str:
    return (
        f'known emitter "{one.emitter.name}" accounts for about {100 * min(one.share, 1.0):.0f} % '
        f"of the gas read (probability that it emits {probability(one.probability)}); it is not "
        "among the sources sought"
    )
