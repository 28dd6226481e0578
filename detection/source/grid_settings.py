"""How much work the grid estimator does, and how much more for some readings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from detection.source.noise import AVERAGING_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detection.source.observations import Observations

__all__ = ["Settings"]

# The more readings say of nuisances, the fewer draws of those fit and the more are needed: so
# many times those of one flight of single readings.
AVERAGED_WORK = 8  # for time averages, whose eddies are averaged away, and ...
AVERAGED_ROUNDS = 3  # ... in so many rounds, each around what fits of those before
TOGETHER_WORK = 3  # for several flights over one source
ONE_WIND_WORK = 4  # where the wind is one value, and its error wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much work the grid does; accuracy grows slowly with each.

    Attributes
    ----------
    pilots, hypotheses : int
        Draws of the nuisance parameters: from the prior, and from where those fit best.
    rounds : int
        In which the hypotheses are drawn, each where all before fit best.
    scouts : int
        Pilots used for the coarse look.
    rates : int
        Candidate rates between the prior's bounds.
    coarse_cells, fine_cells : int
        Upper bounds on the number of cells.
    finest_m : float
        Smallest cell [m].
    readings : int
        Twice as many or more are thinned; the likelihood is tempered by less then.
    draws : int
        Draws in the Posterior.
    max_sources : int
    smoothing_s : float
        Smoothing of the measured wind [s].
    depth : float
        Cells and rates whose log weight is this far below the best are left out.
    """

    pilots: int = 32
    hypotheses: int = 48
    rounds: int = 1
    scouts: int = 12
    rates: int = 26
    coarse_cells: int = 2000
    fine_cells: int = 2000
    finest_m: float = 3.0
    readings: int = 700
    draws: int = 2000
    max_sources: int = 4
    smoothing_s: float = 15.0
    depth: float = 9.0

    def for_flights(self, groups: Sequence[Sequence[Observations]]) -> Settings:
        """The same with the draws of the nuisances that these series of each flight need."""
        if groups[0][0].averaging_time_s >= AVERAGING_S:
            return self._with_draws(AVERAGED_WORK, AVERAGED_ROUNDS)
        if any(group[0].has_one_wind for group in groups):
            wider = self._with_draws(ONE_WIND_WORK)
            return replace(wider, scouts=ONE_WIND_WORK * self.scouts)
        return self._with_draws(TOGETHER_WORK) if len(groups) > 1 else self

    def _with_draws(self, times: int, rounds: int = 1) -> Settings:
        return replace(
            self, pilots=times * self.pilots, hypotheses=times * self.hypotheses, rounds=rounds
        )
