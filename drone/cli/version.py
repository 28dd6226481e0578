"""``sniffdrone version``: what is running."""

from __future__ import annotations

from drone.cli.terminal import answer
from drone.version import software_version

__all__ = ["version"]


def version() -> None:
    """Print the version of sniffdrone."""
    answer(f"sniffdrone {software_version()}")
