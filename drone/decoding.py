"""Decoders by name: of devices, of MAVLink, and of files that are a stream of frames."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sensors import plugins
from sensors.devices import FOLDER, driver_for
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from sensors.framing import Decoder

__all__ = ["STREAMS", "decoder_for"]

STREAMS = "firmware_bridge.decoders"


def decoder_for(name: str, *, model: str = "") -> Decoder:
    """A decoder that has seen nothing yet.

    Parameters
    ----------
    name : str
        Of a device driver (``winsen_mhz19b`` is ``winsen`` with its model), or of a stream in
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
    streams, drivers = plugins.available(STREAMS), plugins.available(FOLDER)
    if name in streams:
        if model:
            raise ConfigError(f"{name}: has no models; leave --model out")
        decoder: Decoder = plugins.load(STREAMS, name).decoder()
        return decoder
    if name not in drivers and not any(name.startswith(f"{one}_") for one in drivers):
        near = difflib.get_close_matches(name, [*drivers, *streams], n=1)
        hint = f'did you mean "{near[0]}"?' if near else "sniffdrone devices lists them"
        raise ConfigError(f'there is no device "{name}"; {hint}')
    return driver_for(name, model=model).decoder()
