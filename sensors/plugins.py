"""The folder is the registry: one file per device, format, estimator or exporter."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["available", "load"]


def available(folder: str) -> list[str]:
    """Names of the plug-ins in a package folder, and those other packages add to it.

    Nothing is imported but the package itself.

    Parameters
    ----------
    folder : str
        Dotted package, for example ``"firmware_bridge.formats"``.

    Returns
    -------
    list of str
        Sorted; the names used in configuration.

    Examples
    --------
    >>> "csv" in available("firmware_bridge.formats")
    True
    """
    package = importlib.import_module(folder)
    modules = pkgutil.iter_modules(package.__path__)
    own = {info.name for info in modules if not info.name.startswith("_")}
    return sorted(own | set(_entry_points(folder)))


def load(folder: str, name: str) -> ModuleType:
    """Import one plug-in by its name.

    Parameters
    ----------
    folder : str
        Dotted package.
    name : str
        As `available` lists it.

    Returns
    -------
    module

    Raises
    ------
    ConfigError
        There is no plug-in of that name; the message names the nearest one.
    """
    names = available(folder)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(names)}"
        raise ConfigError(f'{folder}: there is no "{name}"; {hint}')
    outside = _entry_points(folder)
    if name in outside:
        module: ModuleType = outside[name].load()
        return module
    return importlib.import_module(f"{folder}.{name}")


@cache
def _entry_points(folder: str) -> dict[str, importlib.metadata.EntryPoint]:
    """Of all installed packages, each of which is a file to open: looked for once."""
    group = "sniffdrone." + folder.rsplit(".", 1)[-1]
    return {point.name: point for point in importlib.metadata.entry_points(group=group)}
