"""What the channels of a .tlog's TUNNEL messages are called, found before they are read.

A TUNNEL numbers devices and channels; names are in the NAMED_VALUE_FLOAT that say some of the
same values once more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._mavlink_tunnel import tunnels_in
from firmware_bridge.telemetry_names import (
    LinkChannel,
    channel_of_species,
    channel_of_value,
    species_and_unit,
)
from sensors.units import RECORD_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_bridge.formats._mavlink_tunnel import ChannelKey
    from firmware_bridge.formats._mavlink_window import VehicleWindow

__all__ = ["TunnelSurvey", "survey_tunnels"]

_GAS = 1
_MOST_VALUES = 1 << 16  # remembered of each channel
_SI = {
    "mole fraction": "1",
    "mass concentration": "kg m-3",
    "number concentration": "m-3",
    "path integral": "m",
    "resistance": "ohm",
    "voltage": "V",
    "count": "count",
}


@dataclass(frozen=True, slots=True)
class TunnelSurvey:
    """What a file's TUNNEL messages are about.

    Attributes
    ----------
    channels : dict of ChannelKey to LinkChannel
    repeated : frozenset of bytes
        Names of NAMED_VALUE_FLOAT that say what TUNNEL says as well.
    utc_minus_boot_ns : int or None
        As the file's pairs of both clocks will have it.
    has_place : bool
        The vehicle itself tells where it is.
    notes : tuple of str
    """

    channels: dict[ChannelKey, LinkChannel]
    repeated: frozenset[bytes]
    utc_minus_boot_ns: int | None
    has_place: bool
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    """Values by channel and by name, some of them, and whether the vehicle tells its place."""

    channels: dict[ChannelKey, set[float]] = field(default_factory=dict)
    names: dict[bytes, set[float]] = field(default_factory=dict)
    has_place: bool = False


def survey_tunnels(windows: Iterable[VehicleWindow]) -> TunnelSurvey:
    """Names of channels in windows, which are read to the end; where UTC lies is left open."""
    found = _Found()
    for window in windows:
        _note(window, found)
    named = _paired(found)
    channels = _named_apart(found, named)
    repeated, notes = _repeated(found, named)
    if not found.has_place:
        notes += ("positions are those in the TUNNEL messages; the vehicle's own are not in it",)
    return TunnelSurvey(channels, repeated, None, found.has_place, notes)


def _note(window: VehicleWindow, found: _Found) -> None:
    for name in ("GLOBAL_POSITION_INT", "GPS_RAW_INT"):
        places = window.get(name)
        found.has_place |= places is not None and bool(places.fields["lat"].any())
    tunnels = tunnels_in(window)
    if tunnels is not None:
        gas = tunnels.where(tunnels.head["kind"] == _GAS)
        for place in range(gas.channels.shape[1]):
            has = gas.head["number"] > place
            identity = ((gas.devices() << 24) + gas.identity(place))[has]
            column = gas.channels["value"][:, place][has]
            for code in np.unique(identity).tolist():
                key = (
                    code >> 40,
                    code >> 24 & 0xFFFF,
                    code >> 16 & 255,
                    code >> 8 & 255,
                    code & 255,
                )
                values = column[identity == code]
                _remember(found.channels.setdefault(key, set()), values)
    messages = window.get("NAMED_VALUE_FLOAT", component=None)
    if messages is not None:
        names = messages.fields["name"]
        for name in np.unique(names):
            if channel_of_value(name.decode("ascii", "replace")) is not None:
                values = messages.fields["value"][names == name]
                _remember(found.names.setdefault(bytes(name), set()), values)


def _remember(known: set[float], values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    if len(known) < _MOST_VALUES:
        known.update(values[np.isfinite(values)].tolist())


def _paired(found: _Found) -> dict[bytes, ChannelKey]:
    """The channel each name is of: the one that says most of its values, or the only one."""
    pairs: dict[bytes, ChannelKey] = {}
    possible = {name: _candidates(name, found) for name in found.names}
    shared = sorted(
        (
            (len(found.names[name] & found.channels[key]), name, key)
            for name, keys in possible.items()
            for key in keys
        ),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    for count, name, key in shared:
        if count and name not in pairs and key not in pairs.values():
            pairs[name] = key
    for name, keys in possible.items():
        left = [key for key in keys if key not in pairs.values()]
        rivals = [one for one, others in possible.items() if one not in pairs and left == others]
        if name not in pairs and len(left) == 1 and len(rivals) <= 1:
            pairs[name] = left[0]
    return pairs


def _candidates(name: bytes, found: _Found) -> list[ChannelKey]:
    """Channels that are of the same species and kind of unit as the name says."""
    told = channel_of_value(name.decode("ascii", "replace"))
    if told is None:
        return []
    kind = RECORD_UNITS[told.unit].kind
    species, _, _ = species_and_unit(told.channel, _SI[kind])
    return [
        key
        for key in sorted(found.channels)
        if key[3] == species
        and (other := channel_of_species(key[3], key[4])) is not None
        and RECORD_UNITS[other.unit].kind == kind
    ]


def _named_apart(found: _Found, named: dict[bytes, ChannelKey]) -> dict[ChannelKey, LinkChannel]:
    """A name for each channel: of its NAMED_VALUE_FLOAT, else of its species; none twice."""
    names = {key: channel_of_value(name.decode("ascii")) for name, key in named.items()}
    channels: dict[ChannelKey, LinkChannel] = {}
    for key in sorted(found.channels):
        unit = channel_of_species(key[3], key[4])
        if unit is not None:
            own = names.get(key)
            channels[key] = LinkChannel(own.channel if own else unit.channel, unit.unit, unit.scale)
    taken = {one.channel for key, one in channels.items() if names.get(key)}
    for tail in (_of_device, _of_index, _of_component, _of_unit):
        many = Counter(one.channel for one in channels.values())
        for key, one in channels.items():
            is_shared = many[one.channel] > 1 or one.channel in taken
            if is_shared and not names.get(key):
                channels[key] = LinkChannel(one.channel + tail(key), one.unit, one.scale)
    return channels


def _of_device(key: ChannelKey) -> str:
    return f"_device{key[1]}"


def _of_index(key: ChannelKey) -> str:
    return f"_{key[2]}"


def _of_component(key: ChannelKey) -> str:
    return f"_from{key[0]}"


def _of_unit(key: ChannelKey) -> str:
    return f"_species{key[3]}_unit{key[4]}"


def _repeated(
    found: _Found, named: dict[bytes, ChannelKey]
) -> tuple[frozenset[bytes], tuple[str, ...]]:
    """Names whose gas TUNNEL tells, and what is to be said about them."""
    same = sorted(named)
    unclear = sorted(name for name in found.names if name not in named and _candidates(name, found))
    notes = []
    if same:
        notes.append(
            f"gas is taken from TUNNEL; {_joined(same)} (NAMED_VALUE_FLOAT) say the same and are "
            "left out"
        )
    if unclear:
        notes.append(
            f"gas is taken from TUNNEL; {_joined(unclear)} (NAMED_VALUE_FLOAT) say the same gas, "
            "which of its channels is not clear, and are left out"
        )
    return frozenset([*same, *unclear]), tuple(notes)


def _joined(names: list[bytes]) -> str:
    return ", ".join(name.decode("ascii", "replace") for name in names)
