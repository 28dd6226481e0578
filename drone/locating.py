"""Where the source is, second by second of a flight that goes on.

A full search (what `sniffdrone process` does with the flight so far) runs in a thread of its own
at a bounded share of a core; when it is done the next one begins. Readings that come meanwhile
are corrected by the causal filter and counted at once, see `detection.source.live`.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detection.pacing import at_pace, breathe
from detection.signal.causal_flight import CausalChannels
from detection.source.estimators import grid
from detection.source.faults import is_resistance
from detection.source.live import LivePosterior
from drone.analysis import corrected_flight, domain_of, observations_of
from drone.channels import believable_channel
from drone.cpu_budget import CpuBudget, GivenUp
from drone.inputs import Input, Inputs
from drone.joined_batches import joined
from drone.located import Located, located
from sensors.assemble import assemble
from sensors.errors import FlightError
from sensors.flight import from_columns
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations
    from drone.choices import Choices
    from mapping.area import Domain
    from sensors.records import RecordBatch

    FloatArray = NDArray[np.float64]

__all__ = ["SHARE", "Locator"]

SHARE = 0.45  # of a core, for all that is done beside the flight
LEAST_SHARE = 0.05  # of a core, for searches, however much the line of a second took
LEAST_NEW_S = 1.0  # of data before another search is worth while
FULL_BIN_S = 0.4  # a mean over a second lies so far before the end of the data, at least
NOTHING_YET = "no readings yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What a search over the flight up to a moment gave.

    Attributes
    ----------
    until_ns : int
    domain : Domain or None
    channel : str
    observations : Observations or None
    live : LivePosterior or None
    shortage : str
        Why there is none of these.
    rate_factor : float
        As in `drone.analysis.Seen`.
    """

    until_ns: int
    domain: Domain | None = None
    channel: str = ""
    observations: Observations | None = None
    live: LivePosterior | None = None
    shortage: str = ""
    rate_factor: float = 1.0


class Locator:
    """Posterior of one flight, kept up to date.

    Parameters
    ----------
    choices : Choices
    share : float
        Of a core for each second of data: searches may use what the update leaves of it.

    Attributes
    ----------
    searches : int
        That were finished.
    """

    def __init__(self, choices: Choices, *, share: float = SHARE) -> None:
        self.searches = 0
        self._choices, self._share = choices, share
        self._batches: list[RecordBatch] = []
        self._causal = CausalChannels()
        self._newest: xr.Dataset | None = None  # replaced as a whole, so that a search can read it
        self._found = _Search(until_ns=0, shortage=NOTHING_YET)
        self._budget = CpuBudget()
        self._idle = threading.Event()
        self._idle.set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._job: Future[_Search] | None = None

    @property
    def live(self) -> LivePosterior | None:
        """The posterior that is told from; None before the first search."""
        return self._found.live

    def take(self, batches: Sequence[RecordBatch]) -> None:
        """More records of the flight."""
        self._batches = joined([*self._batches, *batches])

    def start_over(self) -> None:
        """Forget all records: they are about to come again, their times put right."""
        self._batches, self._newest = [], None

    def update(self, *, seconds: float = 1.0) -> Located:
        """What is known with the records taken so far.

        Parameters
        ----------
        seconds : float
            Of data since the last call, for which the search may use its share of a core.

        Raises
        ------
        ConfigError
            The gas looked for is one that no channel can see.
        """
        begin_s = time.thread_time()
        try:
            columns = assemble(self._batches, wind=self._choices.wind, gas=self._choices.gas)
            self._newest = from_columns(columns)
        except FlightError as error:
            return Located(time_ns=_end_ns(self._batches), waiting_for=str(error))
        self._adopt()
        live, found = self._found.live, self._found
        if live is not None:
            live.extend([self._carried_on(found)])
        told = self._told()
        self._begin()
        left_s = seconds * self._share - (time.thread_time() - begin_s)
        self._budget.grant(max(left_s, seconds * LEAST_SHARE))
        return told

    def keep_pace(self) -> None:
        """Wait until the search has used what it was granted, or is done."""
        self._budget.wait_until_spent(self._idle)

    def settle(self) -> None:
        """Search all records taken so far, without delay."""
        self._search_all(is_last=False)

    def finish(self) -> Located:
        """What is known when no more records come: a search over all of them, without delay.

        As in `process`, another channel may then stand in for one that hears little.
        """
        self._search_all(is_last=True)
        return self._told()

    def close(self) -> None:
        """End the search, if one is running."""
        self._budget.give_up()
        self._pool.shutdown()

    def _search_all(self, *, is_last: bool) -> None:
        self._budget.set_endless(True)
        if self._job is not None:
            self._job.result()
            self._adopt()
        if self._newest is not None:
            self._begin(is_last=is_last)
            if self._job is not None:
                self._job.result()
                self._adopt()
        self._budget.set_endless(False)

    def _adopt(self) -> None:
        """Go over to what the newest search found, if it is done."""
        if self._job is None or not self._job.done():
            return
        self._found = self._job.result()
        self._job = None
        self.searches += 1

    def _begin(self, *, is_last: bool = False) -> None:
        newest = self._newest
        if self._job is not None or newest is None:
            return
        new_ns = _last_ns(newest) - self._found.until_ns
        if self._found.until_ns and new_ns < LEAST_NEW_S * 1e9 and not is_last:
            return
        self._idle.clear()
        self._job = self._pool.submit(self._searched, tuple(self._batches), is_last)

    def _searched(self, batches: tuple[RecordBatch, ...], is_last: bool) -> _Search:
        try:
            with at_pace(self._budget.pace):
                return self._search(batches, is_last=is_last)
        except GivenUp:
            return _Search(until_ns=0, shortage="given up")
        finally:
            self._idle.set()

    def _search(self, batches: tuple[RecordBatch, ...], *, is_last: bool) -> _Search:
        """The steps of `drone.pipeline.analyse` up to the posterior, then the newest readings."""
        whence = Input(file="flight", format="", size_bytes=0, sha256="")
        inputs = Inputs(files=(whence,), batches=batches, notes=())
        flight, _ = corrected_flight(inputs, self._choices)
        breathe()
        until_ns = _last_ns(flight)
        domain, _ = domain_of(flight, self._choices)
        channel, _ = believable_channel(flight, gas=self._choices.gas)
        gas = self._choices.gas
        seen = observations_of(flight, domain, channel, gas=gas, may_stand_in=is_last)
        breathe()
        if seen.observations is None:
            return _Search(until_ns=until_ns, channel=channel, shortage=str(seen.shortage))
        rng = np.random.default_rng(self._choices.seed)
        found = grid.search([seen.observations], domain.bounds, rng=rng)
        return _Search(
            until_ns=until_ns,
            domain=domain,
            channel=channel,
            observations=seen.observations,
            live=LivePosterior(found),
            rate_factor=seen.rate_factor,
        )

    def _carried_on(self, found: _Search) -> Observations:
        """Readings that were searched, those that came since, and the wind of all."""
        assert found.observations is not None
        assert found.domain is not None
        assert self._newest is not None
        names = [found.channel]
        if is_resistance(self._newest, found.channel):
            names = gas_channels(self._newest)
        unused = [one for one in gas_channels(self._newest) if one not in names]
        flight = self._newest.drop_vars([*unused, *(f"{one}_quality" for one in unused)])
        flight = self._causal.corrected(flight, names)
        seen = observations_of(flight, found.domain, found.channel, gas=self._choices.gas)
        now, old = seen.observations, found.observations
        if now is None:
            return old
        end_s = 1e-9 * (_last_ns(flight) - _first_ns(flight))
        later = (now.time_s > old.time_s[-1] + 0.5) & (now.time_s < end_s - FULL_BIN_S)

        def both(name: str) -> FloatArray:
            return np.concatenate([getattr(old, name), getattr(now, name)[later]])

        return replace(
            old,
            time_s=both("time_s"),
            east=both("east"),
            north=both("north"),
            height=both("height"),
            concentration=both("concentration"),
            sigma=both("sigma"),
            wind_time_s=now.wind_time_s,
            eastward_wind=now.eastward_wind,
            northward_wind=now.northward_wind,
        )

    def _told(self) -> Located:
        found, newest = self._found, self._newest
        if found.live is None or found.domain is None or newest is None:
            return Located(time_ns=_end_ns(self._batches), waiting_for=found.shortage)
        return located(
            found.live,
            found.domain,
            newest,
            searched_ns=found.until_ns,
            channel=found.channel,
            rate_factor=found.rate_factor,
        )


def _last_ns(flight: xr.Dataset) -> int:
    return int(flight["time"].values.astype("datetime64[ns]").astype(np.int64).max())


def _first_ns(flight: xr.Dataset) -> int:
    return int(flight["time"].values.astype("datetime64[ns]").astype(np.int64).min())


def _end_ns(batches: Sequence[RecordBatch]) -> int:
    return max((int(one.time_ns.max()) for one in batches if len(one)), default=0)
