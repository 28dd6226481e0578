"""Decoders by name: of devices, of MAVLink, and of files that are a stream of frames."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sensors import devices, plugins
from sensors.devices import FOLDER, driver_for
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from sensors.framing import Decoder

__all__ = ["STREAMS", "decoder_for", "device_named"]

STREAMS = "firmware_bridge.decoders"


def device_named(name: str, *, streams: bool = False) -> str:
    """Name of a device as drivers are called, however it was written.

    Parameters
    ----------
    name : str
        ``winsen_mhz19b`` is ``winsen`` with its model; upper case and hyphens do not matter.
    streams : bool
        Whether streams in `firmware_bridge.decoders` are meant as well.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        There is no such device; the message names the nearest.

    Examples
    --------
    >>> device_named("TriSonica"), device_named("Winsen-MHZ19B")
    ('trisonica', 'winsen_mhz19b')
    """
    plain = name.lower().replace("-", "_")
    drivers = plugins.available(FOLDER)
    others = plugins.available(STREAMS) if streams else []
    if plain in others or any(f"{plain}_".startswith(f"{one}_") for one in drivers):
        return plain
    near = _nearest(plain, [*devices.names(), *drivers, *others])
    hint = f'did you mean "{near}"?' if near else "sniffdrone devices lists them"
    raise ConfigError(f'there is no device "{name}"; {hint}')


def _nearest(plain: str, known: list[str]) -> str | None:
    """A name alike, or one that holds it, or the device whose maker or type is called so."""
    near = difflib.get_close_matches(plain, known, n=1)
    holding = [one for one in known if plain in one.split("_") or plain in one]
    wanted = plain.replace("_", " ").split()
    titled = [
        one
        for one in plugins.available(FOLDER)
        if all(word in plugins.load(FOLDER, one).Driver.device.title.lower() for word in wanted)
    ]
    return next(iter([*near, *holding, *titled]), None) if plain else None


def decoder_for(name: str, *, model: str = "") -> Decoder:
    """A decoder that has seen nothing yet.

    Parameters
    ----------
    name : str
        Of a device driver, as `device_named` takes it, or of a stream in
        `firmware_bridge.decoders`.
    model : str

    Returns
    -------
    Decoder

    Raises
    ------
    ConfigError
        There is no such name (tells the nearest) or model.
    """
    name = device_named(name, streams=True)
    if name not in plugins.available(STREAMS):
        return driver_for(name, model=model).decoder()
    if model:
        raise ConfigError(f"{name}: has no models; leave --model out")
    decoder: Decoder = plugins.load(STREAMS, name).decoder()
    return decoder
