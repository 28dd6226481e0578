"""Calibration factors of the mission file, put between a driver and whoever takes its records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sensors.devices import Driver, driver_for
from sensors.errors import ConfigError
from sensors.records import GasSample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sensors.config import DeviceTable
    from sensors.devices import Dialogue, Moment, Record
    from sensors.framing import Decoder, Frame

__all__ = ["Calibrated", "mission_driver"]


def mission_driver(table: DeviceTable) -> Driver:
    """The driver of a ``[[device]]``, its readings multiplied with the table's ``calibration``.

    Parameters
    ----------
    table : DeviceTable
        ``calibration`` maps the name of a channel, with or without its unit (``pid_ppb`` or
        ``pid``), to a factor.

    Returns
    -------
    Driver

    Raises
    ------
    ConfigError
        No such driver or model; a factor that is not above 0, or of a channel not named.
    """
    where = f'[[device]] "{table.name or table.driver}"'
    try:
        driver = driver_for(table.driver, model=table.model, channels=table.channels)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    bare = {name: name.rpartition("_")[0] for name in table.channels}
    factors = {bare.get(name, name): factor for name, factor in table.calibration.items()}
    for name, factor in factors.items():
        if not factor > 0.0:
            raise ConfigError(f'{where}: the calibration of "{name}" must be above 0')
        if bare and name not in bare.values():
            known = ", ".join(bare.values())
            raise ConfigError(f'{where}: there is no channel "{name}"; known are {known}')
    return Calibrated(driver, factors) if factors else driver


class Calibrated(Driver):
    """A driver whose gas readings are multiplied with a factor a channel.

    Parameters
    ----------
    driver : Driver
    factors : dict of str to float
    """

    def __init__(self, driver: Driver, factors: Mapping[str, float]) -> None:
        self.device = driver.device  # type: ignore[misc]
        self.model, self.channels = driver.model, driver.channels
        self._driver, self._factors = driver, dict(factors)

    def decoder(self) -> Decoder:
        """As the driver's."""
        return self._driver.decoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        """As the driver's."""
        return self._driver.encode(frame)

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        """The driver's, calibrated."""
        return [self._corrected(record) for record in self._driver.records(frame, moment)]

    def dialogue(self) -> Dialogue:
        """As the driver's."""
        return self._driver.dialogue()

    def device_time_ns(self, frame: Frame) -> int | None:
        """As the driver's."""
        return self._driver.device_time_ns(frame)

    def sample_delay_s(self, frame: Frame) -> float:
        """As the driver's."""
        return self._driver.sample_delay_s(frame)

    def _corrected(self, record: Record) -> Record:
        if not isinstance(record, GasSample) or record.channel not in self._factors:
            return record
        return replace(record, value=record.value * self._factors[record.channel])
