"""A flight that goes on, its channels corrected as far as a live channel can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from detection.signal import baseline_steps, kernels, layout
from detection.signal.airborne import is_airborne
from detection.signal.baseline import NO_WARM_UP, Corrected, relative
from detection.signal.corrected_variables import corrected_variables
from detection.signal.glitches import is_impossible
from sensors.records import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["CausalChannels"]

VOID = Quality.MISSING | Quality.OUT_OF_RANGE | Quality.FAULT
COLUMNS = ("reading", "baseline", "sigma", "plume", "warming_up")


@dataclass(slots=True)
class _Channel:
    """State of a channel's filter, and what it made of the rows so far."""

    state: FloatArray = field(default_factory=lambda: np.array(layout.new_state()))
    time_ns: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: FloatArray = field(default_factory=lambda: np.zeros((len(COLUMNS), 0)))


class CausalChannels:
    """Baselines of channels, each row of a growing flight filtered once.

    The filter of `detection.signal.baseline.correct` with ``causal=True``, which it equals; noise
    that is not known yet is NaN.
    """

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def corrected(self, ds: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
        """The flight with the variables that `correct_flight` adds, for some channels.

        Parameters
        ----------
        ds : Dataset
            A Flight; rows before the last ones of the call before are not looked at again unless
            they have changed.
        names : sequence of str
            Gas channels.
        """
        airborne = ("obs", is_airborne(ds).astype(np.uint8), {"long_name": "in flight"})
        flight = ds.assign(airborne=airborne)
        for name in names:
            is_relative = ds[name].attrs["units"] == "ohm"
            signal = self._of(ds, name, is_relative=is_relative)
            units = "1" if is_relative else str(ds[name].attrs["units"])
            flight = flight.assign(corrected_variables(ds, name, signal, units=units))
        return flight

    def _of(self, ds: xr.Dataset, name: str, *, is_relative: bool) -> Corrected:
        time_ns = ds["time"].values.astype("datetime64[ns]").astype(np.int64)
        channel = self._channels.setdefault(name, _Channel())
        known = channel.time_ns.size
        if not np.array_equal(channel.time_ns, time_ns[:known]):  # a row came late
            channel = self._channels[name] = _Channel()
            known = 0
        new = ds.isel(obs=slice(known, None))
        reading = _readings(new, name, is_relative=is_relative)
        family = str(ds[name].attrs["sensor_family"])
        baseline, sigma, plume, warming_up, _ = kernels.filter_pass(
            channel.state,
            (time_ns[known:] - time_ns[0]) * 1e-9,
            reading,
            new["air_temperature"].values.astype(np.float64),
            new["relative_humidity"].values.astype(np.float64),
            np.ones(reading.size),
            baseline_steps.SPAN_S,
            0.0 if family in NO_WARM_UP else baseline_steps.WARM_UP_S,
        )
        rows = np.stack([reading, baseline, sigma, plume, warming_up])
        channel.rows = np.concatenate([channel.rows, rows], axis=1)
        channel.time_ns = time_ns
        reading, baseline, sigma, plume, warming_up = channel.rows
        sigma = np.where(sigma > 0.0, sigma, np.nan)  # not known before some readings differed
        found = Corrected(reading - baseline, baseline, sigma, plume, warming_up > 0.0)
        return relative(found) if is_relative else found


def _readings(ds: xr.Dataset, name: str, *, is_relative: bool) -> FloatArray:
    """Good readings, NaN otherwise; of a resistance minus the logarithm, as its filter wants."""
    reading = np.asarray(ds[name].values, np.float64)
    bits = ds[f"{name}_quality"].values if f"{name}_quality" in ds else np.zeros(reading.size, int)
    is_void = (bits & np.uint16(VOID)) != 0
    is_void |= is_impossible(reading, str(ds[name].attrs["units"])) | ~np.isfinite(reading)
    if not is_relative:
        return np.where(is_void, np.nan, reading)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(is_void | (reading <= 0.0), np.nan, -np.log(reading))
