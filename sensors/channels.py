"""Gas channels of a flight: which gas each means, in which unit, from which family of sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors import gases
from sensors.errors import ConfigError, FlightError
from sensors.records import Quality
from sensors.units import PATH_INTEGRAL, unit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.series import Readings
    from sensors.streams import Stream

__all__ = ["DEFAULT_GAS", "Channel", "channels_of"]

DEFAULT_GAS = "acetone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One gas channel.

    Attributes
    ----------
    values : ndarray, shape (n,)
        As given, in `unit`; NaN where there is no reading.
    unit : str
        UDUNITS.
    gas : str
        Key of the gas table.
    family : str
        Of the sensor, one of `gases.FAMILIES`.
    is_equivalent : bool
        Values are fractions of isobutylene that would give the same signal.
    quality : ndarray of uint16, shape (n,)
    """

    values: NDArray[np.float64]
    unit: str
    gas: str
    family: str
    is_equivalent: bool
    quality: NDArray[np.uint16]


def channels_of(
    readings: Readings, *, gas: str | None, lamp_ev: float
) -> tuple[dict[str, Channel], list[str]]:
    """Channels of the gas series of a flight, and what is to be said about them.

    Parameters
    ----------
    readings : Readings
    gas : str or None
        Gas looked for; None means `DEFAULT_GAS` and no complaint.
    lamp_ev : float
        [eV].

    Returns
    -------
    channels : dict of str to Channel
    notes : list of str

    Raises
    ------
    ConfigError
        `gas` is not in the table, or no channel can see it.
    FlightError
        All channels are sums along a beam.
    """
    wanted = gases.resolve(gas or DEFAULT_GAS).name
    streams, order = readings.streams, readings.order
    channels: dict[str, Channel] = {}
    notes: list[str] = []
    names = dict.fromkeys(name for stream in streams for name in stream.columns)
    for name in names:
        unit = _common_unit(streams, name)
        if unit == PATH_INTEGRAL:
            notes.append(f"{name}: summed along a beam, not measured at a point; left out")
            continue
        named, family = gases.channel_sensor(name, unit)
        meant, note = _meant(name, named, family, wanted, lamp_ev)
        notes += [note] if note else []
        values = np.concatenate([stream.column(name) for stream in streams])[order]
        flags = np.concatenate([stream.quality for stream in streams])[order]
        missing = np.where(np.isfinite(values), 0, int(Quality.MISSING)).astype(np.uint16)
        channels[name] = Channel(
            values=values,
            unit=unit,
            gas=meant,
            family=family,
            is_equivalent=named is None and unit_of(unit).kind == "mole fraction",
            quality=flags | missing,
        )
    if names and not channels:
        raise FlightError(
            f"{', '.join(names)}: summed along a beam, and sources are found from readings at a "
            "point; give the log of a sensor that samples air"
        )
    if gas is not None:
        _refuse_unseen(wanted, channels, lamp_ev)
    return channels, notes


def _meant(
    name: str, named: str | None, family: str, wanted: str, lamp_ev: float
) -> tuple[str, str | None]:
    if named is not None:
        return named, None
    if not gases.visible(wanted, family, lamp_ev=lamp_ev):
        return gases.REFERENCE_GAS, (
            f"{name}: cannot see {wanted}, so it is read as {gases.REFERENCE_GAS} equivalents"
        )
    if family == "pid" and gases.pid_factor(wanted, lamp_ev=lamp_ev) is None:
        return wanted, (
            f"{name}: no maker's factor for {wanted} at {lamp_ev:g} eV is known; "
            "rates take it to respond as isobutylene does"
        )
    return wanted, None


def _refuse_unseen(wanted: str, channels: dict[str, Channel], lamp_ev: float) -> None:
    if any(channel.gas == wanted for channel in channels.values()):
        return
    energy = gases.resolve(wanted).ionisation_energy_ev
    sensors = ", ".join(f"{name} ({channel.family})" for name, channel in channels.items())
    raise ConfigError(
        f'gas "{wanted}": none of the channels {sensors} can see it '
        f"(it ionises at {energy:g} eV, the lamp has {lamp_ev:g}); "
        "name another gas with --gas or fly a sensor made for it"
    )


def _common_unit(streams: list[Stream], name: str) -> str:
    units = {stream.units[name] for stream in streams if name in stream.columns}
    if len(units) > 1:
        raise ConfigError(
            f'channel "{name}" comes in {" and ".join(sorted(units))}; '
            "give the column one unit in all files"
        )
    return units.pop()
