"""Simulated flights with a known truth: each is named by its kind, turbulence and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sims.scenario import KINDS, draw_scenario
from sims.simulate import simulate

if TYPE_CHECKING:
    from sims.simulate import SimulatedFlight

TURBULENCES = ("ou", "fourier")
GAS = "acetone"


@dataclass(frozen=True, slots=True, order=True)
class World:
    """A simulated world; the same three values give the same flight, to the last bit."""

    kind: str
    turbulence: str
    seed: int

    def flown(self) -> SimulatedFlight:
        """The flight through it."""
        rng = np.random.default_rng(self.seed)
        scenario = draw_scenario(rng, self.kind, turbulence=self.turbulence)
        return simulate(scenario, rng=rng)


def worlds(each: int, *, kinds: tuple[str, ...] = KINDS, first_seed: int) -> list[World]:
    """Worlds of all kinds in both turbulences, `each` of every pair, no two with one seed."""
    pairs = [(kind, turbulence) for kind in kinds for turbulence in TURBULENCES]
    return [
        World(*pair, first_seed + place * 1000 + number)
        for number in range(each)
        for place, pair in enumerate(pairs)
    ]
