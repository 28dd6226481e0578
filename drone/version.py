"""Which version of the software is running."""

from __future__ import annotations

__all__ = ["software_version"]


def software_version() -> str:
    """Version of the installed distribution, or "unknown" where there is none."""
    import importlib.metadata  # noqa: PLC0415 - slow, and few commands ask

    try:
        return importlib.metadata.version("sniffdrone")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
