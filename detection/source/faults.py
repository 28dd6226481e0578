"""Gas channels that cannot be believed: constant, stuck, clipped, or wired the wrong way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.flight import is_usable
from detection.source.observations import bin_samples
from detection.source.observe import best_channel, seconds_of, shortage
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

__all__ = ["is_resistance", "left_out"]

STUCK_S = 60.0  # the same value this long, though it is not the channel's least
CLIPPED = 5  # readings in a row at the extreme value, which noise would have told apart
CLIPPED_NOISES = 10.0
BRIGHT = 4.0  # noises above which the other channels tell of gas
CORRELATED_S = 5.0  # readings closer than this count as one
OPPOSITE = 3.0  # standard deviations by which a channel falls where all others rise


def left_out(flight: xr.Dataset, *, gas: str | None = None) -> dict[str, str]:
    """Channels that cannot be believed, and why in a few words.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    gas : str, optional
        Gas looked for; only channels of it are judged.

    Returns
    -------
    dict of str to str
        Only what is a fault: a channel of another gas, or without a position, is not named.
    """
    names = [n for n in gas_channels(flight) if flight[n].attrs["gas"] == _gas(flight, gas)]
    faults = {name: _fault(flight, name) for name in names}
    found = {name: why for name, why in faults.items() if why is not None}
    sound = [name for name in names if name not in found and shortage(flight, name) is None]
    return found | _opposed(flight, sound)


def _gas(flight: xr.Dataset, gas: str | None) -> str:
    return str(flight[best_channel(flight, gas=gas)].attrs["gas"])


def is_resistance(flight: xr.Dataset, name: str) -> bool:
    """Whether a channel is a resistance as it came, not an average of it."""
    return flight[name].attrs["units"] == "ohm" and float(flight.attrs["averaging_time_s"]) <= 0


def _fault(flight: xr.Dataset, name: str) -> str | None:
    """A constant, stuck or clipped channel."""
    known = np.isfinite(flight[f"{name}_corrected"].values) & (flight["airborne"].values == 1)
    values = flight[name].values[known].astype(np.float64)
    if values.size < CLIPPED:
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"reads {low:g} throughout"
    time = seconds_of(flight)[known]
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0.0)
    ends = np.append(starts[1:], values.size) - 1
    least = high if is_resistance(flight, name) else low
    held = np.where(values[starts] == least, 0.0, time[ends] - time[starts])
    if held.max() >= STUCK_S:
        return f"stuck at {values[starts[held.argmax()]]:g} for {held.max():.0f} s"
    top = low if least == high else high
    excess = flight[f"{name}_corrected"].values[known] / flight[f"{name}_sigma"].values[known]
    clipped = (values[starts] == top) & (ends - starts + 1 >= CLIPPED)
    if clipped.any() and np.nanmax(excess[values == top]) > CLIPPED_NOISES:
        return f"clipped at {top:g}"
    return None


def _opposed(flight: xr.Dataset, names: Sequence[str]) -> dict[str, str]:
    """Of three channels or more, those that fall where all others rise."""
    if len(names) < 3:
        return {}
    seconds, columns = seconds_of(flight), {}
    for name in names:
        ratio = flight[f"{name}_corrected"].values / flight[f"{name}_sigma"].values
        columns[name] = np.where(is_usable(flight, name), np.clip(ratio, -30.0, 30.0), np.nan)
    together = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    if not together.any():
        return {}
    time, binned, count = bin_samples(
        seconds[together], {name: c[together] for name, c in columns.items()}, width_s=1.0
    )
    scores = np.stack([binned[name] for name in names]) * np.sqrt(count)
    independent = max(
        1.0, CORRELATED_S / max(float(np.median(np.diff(time, append=time[-1]))), 1.0)
    )
    found = {}
    for place, name in enumerate(names):
        others = np.median(np.delete(scores, place, axis=0), axis=0)
        bright = others > BRIGHT
        if bright.sum() >= 2 * independent:
            mean = float(np.mean(scores[place][bright]))
            if mean < -OPPOSITE * np.sqrt(independent / bright.sum()) - 1.0:
                found[name] = "falls where all other channels rise; check its wiring"
    return found
