"""Names of channels that come over the link as numbers."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from firmware_bridge.telemetry_names import channel_of_species, channel_of_value
from firmware_bridge.tunnel import SPECIES
from sensors.units import RECORD_UNITS

if TYPE_CHECKING:
    from firmware_bridge.tunnel import Channel

__all__ = ["ChannelNames"]

RAW = 201
RECENT_VALUES = 64
MOST_CHANNELS = 256
SURE = 2  # values that both have, before a name is believed


class ChannelNames:
    """Gives each channel a name that stays, and that no other has.

    A TUNNEL tells numbers only: of the device, of its channel and of the species.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[int, int, int, int, int], str] = {}
        self._taken: set[str] = set()
        self._values: deque[tuple[float, str]] = deque(maxlen=RECENT_VALUES)
        self._shared: Counter[tuple[str, str]] = Counter()
        self._aboard: dict[str, str] = {}

    def note(self, name: str, value: float) -> None:
        """Take in a NAMED_VALUE_FLOAT: it says a channel's name aboard, and a value of it."""
        if channel_of_value(name) is not None:
            self._values.append((value, name))

    def aboard(self, component: int, device: int, channel: Channel) -> str:
        """Name of a channel aboard, by values that its NAMED_VALUE_FLOAT says as well.

        Until two have been the same, and where another channel has that name, it is `of`.
        """
        own = self.of(component, device, channel)
        if own in self._aboard:
            return self._aboard[own]
        link = channel_of_species(channel.species, channel.unit)
        same = [one for one in self._values if one[0] == channel.value]
        told = [channel_of_value(name) for name in dict.fromkeys(name for _, name in same)]
        alike = [
            one.channel
            for one in told
            if one is not None
            and link is not None
            and RECORD_UNITS[one.unit].kind == RECORD_UNITS[link.unit].kind
            and (one.channel == own or one.channel not in self._taken)
        ]
        if len(alike) != 1:
            return own
        for one in same:  # each counts once
            self._values.remove(one)
        self._shared[own, alike[0]] += 1
        if self._shared[own, alike[0]] < SURE:
            return own
        self._aboard[own] = alike[0]
        self._taken.add(alike[0])
        return alike[0]

    def has_room(self, component: int, device: int, channel: Channel) -> bool:
        """Whether a channel is known or there is room for it; a bridge sends at most 128."""
        key = (component, device, channel.index, channel.species, channel.unit)
        return key in self._names or len(self._names) < MOST_CHANNELS

    def of(self, component: int, device: int, channel: Channel) -> str:
        """Name of a channel: ``ch4``, of a second methane sensor ``ch4_device2``."""
        key = (component, device, channel.index, channel.species, channel.unit)
        if key not in self._names:
            self._names[key] = self._new(*key)
            self._taken.add(self._names[key])
        return self._names[key]

    def _new(self, component: int, device: int, index: int, species: int, unit: int) -> str:
        told = channel_of_species(species, unit)
        if told is not None:
            name = told.channel
        else:
            name = SPECIES.get(species, f"species{species}").lower().replace(" ", "_")
        name = "gas" if name == "?" else name
        names = [
            name,
            f"{name}_device{device}",
            f"{name}_device{device}_{index}",
            f"{name}_device{device}_{index}_from{component}",
            f"{name}_device{device}_{index}_from{component}_species{species}_unit{unit}",
        ]
        if species == RAW:  # there are always several
            del names[:2]
        return next(one for one in names if one not in self._taken)
