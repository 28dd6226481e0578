"""What a device is, how it is talked to, and what its frames mean: the contract of a driver."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sensors import plugins
from sensors.errors import ConfigError
from sensors.records import GOOD, GasSample, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from sensors.framing import Decoder, Frame
    from sensors.records import EnvironmentSample, Event, WindSample

    Record = GasSample | WindSample | EnvironmentSample | Event

__all__ = [
    "FOLDER",
    "Device",
    "Dialogue",
    "Driver",
    "Moment",
    "Request",
    "driver_for",
    "gas_sample",
    "names",
]

FOLDER = "sensors.drivers"
_VOID = int(Quality.MISSING | Quality.FAULT | Quality.OUT_OF_RANGE)  # flags are slow to combine


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What an operator has to know of a device.

    Attributes
    ----------
    title : str
        Maker and type.
    measures : str
    wiring : str
        Interface and levels.
    baud : int
        As delivered.
    other_bauds : tuple of int
        That it may have been set to.
    warm_up_s : float
        After power-on, until readings can be used.
    rate_hz : float
        Frames a second, at most, as it is used.
    models : tuple of str
        Values the option ``model`` may have; empty where there is nothing to choose. The
        first is the default, unless `needs_model`.
    needs_model : bool
        The frames do not tell the model, and it changes what they mean.
    """

    title: str
    measures: str
    wiring: str
    baud: int
    other_bauds: tuple[int, ...] = ()
    warm_up_s: float = 0.0
    rate_hz: float = 1.0
    models: tuple[str, ...] = ()
    needs_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Bytes to send and the frame that answers them; ``answers=None`` waits for nothing."""

    name: str
    send: bytes
    answers: Callable[[Frame], bool] | None = None
    timeout_s: float = 0.5
    tries: int = 3
    required: bool = False  # without an answer the device is not in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """How a device is opened and read.

    Attributes
    ----------
    listen_s : float
        Listen so long first. If data comes, `opening` and `poll` are left out when
        `heard_is_enough`.
    heard_is_enough : bool
    opening : tuple of Request
        Sent in turn after every (re)opening of the port. None writes to the device's memory.
    identify : tuple of Request
        Sent after the opening, also to a device that was heard: who it is. No answer is no fault.
    poll : Request, optional
        Sent every `period_s`.
    period_s : float
    fallback : tuple of Request
        Sent when `poll` stays without answer 5 times: the device is then left to stream.
    """

    listen_s: float = 0.0
    heard_is_enough: bool = False
    opening: tuple[Request, ...] = ()
    identify: tuple[Request, ...] = ()
    poll: Request | None = None
    period_s: float = 1.0
    fallback: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Whose reading it is and when it was taken, as the bridge knows it.

    Attributes
    ----------
    source : str
        Name of the device in the mission.
    time_ns : int
        UTC of the sample.
    time_sigma_s : float
        Standard deviation of `time_ns` [s].
    heard_for_s : float
        Since the device was first heard after (re)connecting [s]; warm-up counts from there
        unless the device tells its uptime.
    """

    source: str
    time_ns: int
    time_sigma_s: float = float("nan")
    heard_for_s: float = float("inf")


class Driver(ABC):
    """One kind of device.

    A module in `sensors.drivers` holds one subclass named ``Driver``.

    Parameters
    ----------
    model : str
        One of ``device.models``.
    channels : sequence of str
        What the mission file calls the values, where the device does not name them.

    Raises
    ------
    ConfigError
        There is no such model, or the device needs one.
    """

    device: ClassVar[Device]

    def __init__(self, *, model: str = "", channels: Sequence[str] = ()) -> None:
        known = ", ".join(self.device.models)
        if model and model not in self.device.models:
            raise ConfigError(
                f'{self.device.title}: there is no model "{model}"; '
                + (f"known are {known}" if known else "leave it out")
            )
        if not model and self.device.needs_model:
            raise ConfigError(f"{self.device.title}: say which model it is: {known}")
        self.model = model or next(iter(self.device.models), "")
        self.channels = tuple(channels)

    @abstractmethod
    def decoder(self) -> Decoder:
        """A decoder that has seen nothing yet."""

    @abstractmethod
    def encode(self, frame: Mapping[str, Any]) -> bytes:
        """Bytes of a frame given as `Frame.as_json` gives it: ``decode(encode(x)) == x``.

        What is left out is as in a healthy device.
        """

    @abstractmethod
    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        """What a frame says, in SI, with quality flags; frames that only answer give none."""

    def dialogue(self) -> Dialogue:
        """How it is opened and read; a device that speaks unasked needs nothing."""
        return Dialogue()

    def warmth(self, moment: Moment) -> Quality:
        """`Quality.WARMING_UP` until the device has been heard for its warm-up."""
        cold = moment.heard_for_s < self.device.warm_up_s
        return Quality.WARMING_UP if cold else GOOD

    def device_time_ns(self, frame: Frame) -> int | None:  # noqa: ARG002 - few have a clock
        """When the reading was taken by the device's own clock [ns]; None if it has none."""
        return None

    def sample_delay_s(self, frame: Frame) -> float:  # noqa: ARG002 - some frames tell it
        """How long before the arrival of its first byte the reading was taken [s]."""
        return 0.0


def gas_sample(
    moment: Moment, channel: str, value: float, unit: str, quality: Quality = GOOD
) -> GasSample:
    """A reading; where it is missing or the device at fault, its value is NaN."""
    void = int(quality) & _VOID
    return GasSample(
        moment.time_ns,
        moment.source,
        channel,
        math.nan if void else value,
        unit,
        quality,
        moment.time_sigma_s,
    )


def driver_for(name: str, *, model: str = "", channels: Sequence[str] = ()) -> Driver:
    """Driver of a device.

    Parameters
    ----------
    name : str
        Of a module in `sensors.drivers`; ``winsen_mhz19b`` is ``winsen`` with its model.
    model : str
    channels : sequence of str

    Returns
    -------
    Driver

    Raises
    ------
    ConfigError
        There is no such device (names the nearest) or model.
    """
    folder = plugins.available(FOLDER)
    stem = next(
        (one for one in sorted(folder, key=len, reverse=True) if name.startswith(one + "_")), name
    )
    if name not in folder and stem in folder and not model:
        return driver_for(stem, model=name.removeprefix(stem + "_"), channels=channels)
    driver: Driver = plugins.load(FOLDER, name).Driver(model=model, channels=channels)
    return driver


def names() -> list[str]:
    """Names of all devices, those with models once for each."""
    found = []
    for name in plugins.available(FOLDER):
        device: Device = plugins.load(FOLDER, name).Driver.device
        found += [f"{name}_{model}" for model in device.models] or [name]
    return found
