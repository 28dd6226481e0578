"""Names of channels that come over the link as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.telemetry_names import channel_of_species
from firmware_bridge.tunnel import SPECIES

if TYPE_CHECKING:
    from firmware_bridge.tunnel import Channel

__all__ = ["ChannelNames"]

RAW = 201


class ChannelNames:
    """Gives each channel a name that stays, and that no other has.

    A TUNNEL tells numbers only: of the device, of its channel and of the species.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[int, int, int, int, int], str] = {}
        self._taken: set[str] = set()

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
