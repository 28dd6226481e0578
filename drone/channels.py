"""Which channels a flight is judged by: the best that can be believed, or what stands out more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal.slow_noise import CLEAR
from detection.source.array import observe_array
from detection.source.faults import is_resistance, left_out
from detection.source.leaps import agreed_leap, leap_of
from detection.source.observe import best_channel, observe
from detection.source.scale import scale_beside
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["Heard", "believable_channel", "heard_best", "observed"]

LOUD = 20.0  # noises of the largest reading from which the best channel needs no help
# Gas met over gas read by usual elements, below which it is not the gas of the channel beside
SMALLEST_SCALE = 0.06
DRIFTING = 1.2  # factor on the noise of metal oxides that is worth a note


class Heard(NamedTuple):
    """What a flight is judged by, and what to know about how it was chosen.

    Rates found are to be multiplied by `rate_factor`.
    """

    observations: Observations
    notes: tuple[str, ...] = ()
    rate_factor: float = 1.0


def believable_channel(flight: xr.Dataset, *, gas: str | None) -> tuple[str, list[str]]:
    """Channel to judge a flight by, and what to know about those that are left out.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    gas : str or None
        Gas looked for.

    Returns
    -------
    channel : str
        The best one without a fault, or the best one if all have faults.
    notes : list of str
    """
    faults = left_out(flight, gas=gas)
    notes = [f"{name}: left out as faulty ({why})" for name, why in faults.items()]
    best = best_channel(flight, gas=gas)
    if best in faults and set(gas_channels(flight)) - set(faults):
        instead = best_channel(flight.drop_vars(list(faults)), gas=gas)
        if flight[instead].attrs["gas"] == flight[best].attrs["gas"]:
            return instead, notes
    return best, notes


def observed(
    flight: xr.Dataset,
    channel: str,
    *,
    east: FloatArray,
    north: FloatArray,
    gas: str | None,
    may_stand_in: bool = False,
) -> Heard:
    """What the channels of a flight have seen.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`, n readings.
    channel : str
        From `believable_channel`.
    east, north : ndarray, shape (n,)
        Projected positions [m], NaN where unknown.
    gas : str or None
        Gas looked for.
    may_stand_in : bool
        Whether another channel may take the place of one that hears little. Not where several
        flights must agree on a rate, of which an array knows too little, nor while a flight goes
        on, when the channel must stay.

    Returns
    -------
    Heard
        A metal oxide is read together with the others of the array. Any other channel is read
        alone, unless `heard_best` says that the array shows more.
    """
    heard = _heard(flight, channel, east=east, north=north, gas=gas, may_stand_in=may_stand_in)
    return heard._replace(notes=(*heard.notes, *_drift_notes(heard.observations)))


def _heard(
    flight: xr.Dataset,
    channel: str,
    *,
    east: FloatArray,
    north: FloatArray,
    gas: str | None,
    may_stand_in: bool,
) -> Heard:
    """`observed`, without what is to be known of the series chosen."""
    if is_resistance(flight, channel):
        for one in observe_array(flight, east=east, north=north, gas=gas):
            if channel in one.channel.split("+"):
                return Heard(one)
    own = observe(flight, channel, east=east, north=north)
    if not may_stand_in or _loudness(own) >= LOUD:
        return Heard(own)
    series = observe_array(flight, east=east, north=north, gas=gas)
    return heard_best(own, [one for one in series if channel not in one.channel.split("+")])


def heard_best(own: Observations, others: Sequence[Observations]) -> Heard:
    """The series by which a flight is judged, where the best channel hears little.

    Parameters
    ----------
    own : Observations
        Of the best channel.
    others : sequence of Observations
        Of the same flight and gas; their scales need not be known.

    Returns
    -------
    Heard
        `own`, unless another one stands out clearly and by more noises. That one keeps its
        scale while sources are sought, as a flight without `own` would; `own` tells how far
        off the rates then are.

    Notes
    -----
    Channels are not added up: they meet the same eddies, which are most of what is wrong with
    a plume, so that a sum believes in a place too much (`benchmarks.array`).
    """
    notes: list[str] = []
    for one in sorted(others, key=_loudness, reverse=True):
        if _loudness(one) < max(CLEAR, _loudness(own)):
            break
        scale = scale_beside(one, own)
        if scale is not None and scale.factor * np.exp(2.0 * scale.log_sd) < SMALLEST_SCALE:
            notes.append(
                f"{one.channel}: stands out where {own.channel} reads nothing, which it should if "
                f"this were {own.gas}; it is not used, look for another gas or for a fault"
            )
            continue
        notes.append(
            f"sources are sought with {one.channel}, whose largest reading is "
            f"{_loudness(one):.0f} times its noise, because {own.channel} reaches only "
            f"{_loudness(own):.0f} times; metal oxides do not tell which gas they smell"
        )
        chosen = replace(one, leap_beside=max(leap_of(own), agreed_leap(own, one)))
        if scale is None:
            return Heard(chosen, tuple(notes))
        known = replace(chosen, gain_log_sd=min(scale.log_sd, one.gain_log_sd))
        return Heard(known, tuple(notes), scale.factor)
    return Heard(own, tuple(notes))


def _drift_notes(series: Observations) -> list[str]:
    if series.lasting < DRIFTING:
        return []
    return [
        f"{series.channel}: stands above clean air for half a minute and more, yet never "
        f"{CLEAR:.0f} times its noise, as metal oxides that drift do; that is not taken for gas "
        f"(its noise counts {series.lasting:.1f} times), and faint gas is missed with it: fly "
        "again with warm sensors, or nearer"
    ]


def _loudness(series: Observations) -> float:
    """Largest reading in units of its noise."""
    return float(np.max(series.concentration / series.sigma))
