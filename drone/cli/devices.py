"""``sniffdrone devices``: what can be plugged in, and how."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drone.cli.options import Json
from drone.cli.terminal import answer, answer_json

if TYPE_CHECKING:
    from sensors.devices import Dialogue

__all__ = ["EXAMPLES", "devices"]

EXAMPLES = """\b
Examples:
  sniffdrone devices
  sniffdrone devices winsen
"""


def devices(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Tell all of this one.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the devices that can be read: what they measure, wiring, baud rate, warm-up."""
    from drone.decoding import device_named
    from sensors import plugins
    from sensors.devices import FOLDER

    known = [_driver_of(device_named(name))] if name else plugins.available(FOLDER)
    told = [_told(one) for one in known]
    if as_json:
        answer_json(told)
    elif name:
        answer(_in_full(told[0]))
    else:
        answer("\n".join(_lines(told)))


def _driver_of(name: str) -> str:
    """Name of the driver; a model of it is told with all others."""
    from sensors import plugins
    from sensors.devices import FOLDER

    fitting = [one for one in plugins.available(FOLDER) if f"{name}_".startswith(f"{one}_")]
    return max(fitting, key=len)


def _told(name: str) -> dict[str, Any]:
    from sensors import plugins
    from sensors.devices import FOLDER

    driver = plugins.load(FOLDER, name).Driver
    device = driver.device
    first = next(iter(device.models), "")
    return {"name": name, **asdict(device), "dialogue": _spoken(driver(model=first).dialogue())}


def _spoken(dialogue: Dialogue) -> dict[str, Any]:
    return {
        "listen_s": dialogue.listen_s,
        "opening": [one.name for one in dialogue.opening],
        "poll": dialogue.poll.name if dialogue.poll else None,
        "period_s": dialogue.period_s if dialogue.poll else None,
        "fallback": [one.name for one in dialogue.fallback],
    }


def _lines(told: list[dict[str, Any]]) -> list[str]:
    width = max(len(one["name"]) for one in told)
    lines = []
    for one in told:
        warm = f"warm-up {_duration(one['warm_up_s'])}" if one["warm_up_s"] else "no warm-up"
        lines += [
            f"{one['name']:<{width}}  {one['title']}",
            f"{'':<{width}}  {one['measures']}",
            f"{'':<{width}}  {one['wiring']}; {one['baud']} baud; {warm}",
        ]
        if one["models"]:
            lines.append(f"{'':<{width}}  models: {', '.join(one['models'])}")
    return lines


def _in_full(one: dict[str, Any]) -> str:
    spoken = one["dialogue"]
    polled = f"asked every {spoken['period_s']:g} s ({spoken['poll']})" if spoken["poll"] else None
    rows = {
        "measures": one["measures"],
        "wiring": one["wiring"],
        "baud": ", ".join(map(str, (one["baud"], *one["other_bauds"]))),
        "warm-up": _duration(one["warm_up_s"]) if one["warm_up_s"] else "none",
        "rate": f"up to {one['rate_hz']:g} a second",
        "models": ", ".join(one["models"]) or "one",
        "opening": ", ".join(spoken["opening"]) or "nothing is sent",
        "reading": polled or "it speaks unasked",
        "otherwise": ", ".join(spoken["fallback"]),
    }
    lines = [f"{key:<10} {value}" for key, value in rows.items() if value]
    return "\n".join([f"{one['name']}: {one['title']}", *lines])


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"
