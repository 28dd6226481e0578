"""Which software and which computer made a recording."""

from __future__ import annotations

import importlib.metadata
import platform

__all__ = ["software", "version_of"]

PACKAGES = ("cobs", "mcap", "numpy", "orjson", "pymavlink", "pyserial", "zstandard")


def version_of(package: str) -> str:
    """Version of an installed package, or "unknown"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def software() -> dict[str, str]:
    """Versions of this program, of what it stands on, and the computer it runs on."""
    told = {name: version_of(name) for name in ("sniffdrone", *PACKAGES)}
    computer = platform.uname()
    return told | {
        "python": platform.python_version(),
        "system": f"{computer.system} {computer.release} {computer.version}",
        "machine": computer.machine,
        "host": computer.node,
    }
