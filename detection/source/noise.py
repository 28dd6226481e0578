"""What is wrong with readings about a predicted concentration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detection.source.leaps import evidence_of_leap
from detection.source.tempering import Tempering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["AVERAGING_S", "Noise", "additive_sd", "noise_of"]

MARGIN = 0.05  # of a share explained, that says nothing
DISTRUST = 12  # power of the share of what is needed that is explained ...
AGAINST = 36  # ... and of what is left of it where one source explains more in a wind turned round
AVERAGED_TEMPER = 0.5  # what an average over minutes is worth
AVERAGED_SATURATION = 16 / 9  # how much stronger a signal of averages may be and still be believed
AVERAGED_SETTLED = 0.5
MET = 20.0  # of readings that leap with gas alone
CLEARLY_LESS = 0.75  # share of what is explained in the wind as measured
ONE_WIND_WORTH = 0.5  # of a reading, where the wind that brought its gas is one value for all
AVERAGING_S = 50.0  # averages beyond this are worth more than single readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Error model of the readings about a predicted concentration.

    Student's t with three degrees of freedom and scale^2 = additive^2 + (relative mu)^2:
    eddies make single readings wrong by about their own mean, and sometimes by far more.

    Attributes
    ----------
    relative : float
        Model error as a share of the predicted concentration.
    floor : float
        Additive model error as a share of the largest readings, beside the instrument's
        noise; without it single readings are believed too much.
    temper : float
        Power of the likelihood: neighbouring readings share their eddies, so n of them
        are worth fewer. Chosen so that held-out simulated flights are covered.
    saturation : float
        Log-likelihood ratio of the best single source beyond which a stronger signal does
        not make the model truer: the power falls with its square root, for what explains ...
    settled : float
        ... more than this share of what the best source does; see `Tempering`.
    sure : float
        Power of the likelihood up to what is settled: where readings stand out of the noise,
        that there is a source, and none that explains little of them, does not hang on the
        eddies that neighbouring readings share.
    weak : float
        Log-likelihood ratio of the best source up to which all of it tells that there is one:
        what explains `settled` of it counts as if it explained all, since chance does not
        reach it. On 200 simulated flights without a source the best place reached 0.5 to 8.0.
        0 where known emitters were taken off: what is left of their plumes reaches more.
    chance : float
        Log-likelihood ratio that says nothing of one more source, in readings that the others do
        not reach (`apart`): of 236 simulated flights told over one source 8 reach 6, and
        of the 77 in a wind none 5.
        Infinite where the wind is one value, since where a plume does not go is not known then,
        and for metal oxides, whose baseline wanders as far as faint gas.
    skewness : float
        Mean of the readings in a plume over the level this likelihood fits to them, which
        strong and rare patches of gas pull less; rates are multiplied by it. Measured on
        simulated flights: 1.4 for filaments that wander alone, 1.0 where eddies move them.
    coherence : float
        Share of what a perfect explanation of the readings would reach (see
        `scouting.coarse_look`), below which the model is distrusted, steeply: the power falls
        with the twelfth power of the share. Most simulated plumes of any turbulence reach
        0.75-1; a sensor that answers to the direction of flight, drift or ground handling
        0.25-0.6.
    met : float
        Log-likelihood ratio, at most `settled` of the best, up to which what explains readings
        counts in full, however little of them it explains, if a wind turned round
        would explain clearly less: that gas was met is sure then, and only where from is not.
        0 for sensors that leap without gas.
    leap : float
        Log evidence that gas was met, from readings that clean air does not make (`leaps`): what
        explains any of it has that over an empty sky, and what explains nothing as far as the
        model is not trusted.
    """

    relative: float = 0.8
    floor: float = 0.04
    temper: float = 0.2
    saturation: float = 45.0
    settled: float = 0.4
    sure: float = 1.0
    weak: float = 20.0
    chance: float = 5.0
    skewness: float = 1.2
    coherence: float = 0.74
    met: float = 0.0
    leap: float = 0.0

    def for_readings(self, observations: Observations) -> Noise:
        """Error model of a series: by its sensor, averaging time, wind, and what was taken off."""
        own = self.for_averages(observations.averaging_time_s)
        if observations.leaps_with_gas_alone:
            own = replace(own, met=MET)
        own = replace(own, leap=evidence_of_leap(observations))
        if observations.is_remainder:  # the eddies of a known plume are no chance
            own = replace(own, weak=0.0)
        if observations.has_one_wind:  # which way each reading's gas came is not known
            own = replace(own, temper=ONE_WIND_WORTH * own.temper)
        if observations.has_one_wind or observations.is_sure_only_of_clear:
            own = replace(own, chance=np.inf)
        return own

    def for_averages(self, averaging_time_s: float) -> Noise:
        """Error model of readings that are time averages: fewer share their eddies.

        Readings of a second are worth a fifth each; averages over minutes come from eddies of
        their own, and what remains in common is how far the model's plume is from the true one.
        Of the additive error the eddies' share falls with the root of their number.
        """
        eddies = max(averaging_time_s / AVERAGING_S, 1.0)
        worth = min(AVERAGED_TEMPER, self.temper * eddies)
        if worth <= self.temper:
            return self
        return replace(
            self,
            temper=worth,
            settled=AVERAGED_SETTLED,
            sure=worth,
            weak=0.0,
            saturation=AVERAGED_SATURATION * self.saturation,
            floor=self.floor / np.sqrt(eddies),
        )

    def tempering_for(
        self,
        best_log_ratio: float,
        explained: float,
        *,
        rival: float | None = None,
        gained: float = 0.0,
    ) -> Tempering:
        """Tempering for a flight whose best source explains so much.

        Parameters
        ----------
        best_log_ratio : float
            Log-likelihood ratio of the best source.
        explained : float
            Share of `attainable_log_ratio` that the best sources reach.
        rival : float, optional
            The same where the wind is turned round: a model is distrusted that explains less
            than that by more than `MARGIN`. Not given where that was not asked; where 0, gas
            that was met counts however badly it fits.
        gained : float
            Share of `attainable_log_ratio` by which the best single source reaches more where the
            wind is turned round: two may explain all there is in any wind. Beyond `MARGIN` the
            model is hardly believed. Of 185 simulated flights past a source one gains so much;
            turned round, 92 % of them do.

        Examples
        --------
        >>> Noise(temper=0.2, saturation=100.0, settled=0.5).tempering_for(400.0, 1.0)
        ... # doctest: +ELLIPSIS
        Tempering(slope=0.2, beyond=0.1, knee=200.0, sure=1.0, ...
        >>> Noise(temper=0.2, weak=20.0, settled=0.5).tempering_for(10.0, 1.0)
        ... # doctest: +ELLIPSIS
        Tempering(slope=0.2, beyond=0.2, knee=5.0, sure=2.0, ...
        """
        share = max(explained, 0.0)
        needed = max(self.coherence, (rival or 0.0) - MARGIN)
        trust = min(share / needed, 1.0) ** DISTRUST
        if gained > MARGIN:
            trust *= (share / (share + gained - MARGIN)) ** AGAINST
        slope = self.temper * trust
        strength = max(best_log_ratio / self.saturation, 1.0)
        settled = self.settled * best_log_ratio
        told = 1.0 if best_log_ratio <= self.weak else self.weak / best_log_ratio
        trusted = Tempering(
            slope=float(slope),
            beyond=float(slope / np.sqrt(strength)),
            knee=float(settled),
            sure=float(self.sure * max(1.0, told / self.settled) * trust),
            chance=0.0,
            gas=self.leap,
            anywhere=float(self.leap * (1.0 - trust)),
        )
        if rival is None or rival > CLEARLY_LESS * explained:
            return trusted
        gas_alone = replace(trusted, knee=float(min(settled, self.met)), sure=self.sure)
        return max(trusted, gas_alone, key=lambda one: float(one.of(best_log_ratio)))


def noise_of(observations: Observations, noise: Noise) -> FloatArray:
    """Additive standard deviation of each reading, instrument and model together [kg m-3]."""
    return additive_sd(observations.concentration, observations.sigma, noise)


def additive_sd(concentration: FloatArray, sigma: FloatArray, noise: Noise) -> FloatArray:
    """`noise_of` one or more series of readings.

    Parameters
    ----------
    concentration : ndarray, shape (..., n)
        [kg m-3].
    sigma : ndarray, shape (n,)
        Of the instrument [kg m-3].
    noise : Noise

    Returns
    -------
    ndarray, shape (..., n)
        [kg m-3].
    """
    if not concentration.size:
        return np.hypot(sigma, 0.0)
    peak = np.quantile(concentration, 0.995, axis=-1, keepdims=True)
    return np.asarray(np.hypot(sigma, noise.floor * np.maximum(peak, 0.0)))
