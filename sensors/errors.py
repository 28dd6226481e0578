"""What can go wrong in the world outside the program: bytes, files, flights, settings."""

__all__ = [
    "ConfigError",
    "DeviceTimeout",
    "FlightError",
    "FormatError",
    "FrameError",
    "LinkError",
    "PortInUse",
    "SniffdroneError",
]


class SniffdroneError(Exception):
    """Base of all errors that are the input's fault, not the program's.

    The message is one line: what was wrong, where (file, line or byte), and what to do.
    The command line prints it and exits with 2.
    """


class FrameError(SniffdroneError):
    """Bytes from a device do not form the frame its protocol describes."""


class FormatError(SniffdroneError):
    """A file is not of a format we read, or nothing in it is whole."""


class FlightError(SniffdroneError):
    """Readings and positions do not make a Flight that can be trusted."""


class ConfigError(SniffdroneError):
    """A mission file, scenario or command-line option is wrong."""


class LinkError(SniffdroneError):
    """A port is not there, is held by another program, or may not be opened."""


class PortInUse(LinkError):  # noqa: N818 - says what is, as TimeoutError's kin do
    """A port is held by another program."""


class DeviceTimeout(SniffdroneError, TimeoutError):  # noqa: N818 - a TimeoutError by name too
    """A device did not answer in its time."""
