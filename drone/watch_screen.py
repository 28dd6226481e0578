"""What is heard, for eyes: one screen on a terminal, a line for each thing elsewhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from drone.heard import Alarm, Said, utc_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from drone.heard import GasMessage, Heard, Reading
    from drone.watch import Watch

__all__ = ["drawn", "lines_of", "summary_line"]

NS = 1_000_000_000
STALE_NS = 5 * NS
SHOWN_TEXTS = 8
SEVERITIES = (
    "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug",
)  # fmt: skip
COPTER_MODES = {
    0: "stabilize", 1: "acro", 2: "alt hold", 3: "auto", 4: "guided", 5: "loiter", 6: "RTL",
    7: "circle", 9: "land", 16: "pos hold", 17: "brake", 21: "smart RTL",
}  # fmt: skip


def drawn(watch: Watch, link: str, now_ns: int) -> RenderableType:
    """The picture of what is known at a moment of the monotonic clock."""
    parts: list[RenderableType] = [_state(watch, now_ns)]
    parts += [
        Text(f"  GAS  {_alarm_words(one)}", style="bold white on red")
        for one in watch.alarms.values()
    ]
    parts += ["", _readings(watch, now_ns)]
    for said in list(watch.texts)[:SHOWN_TEXTS]:
        style = "bold red" if said.is_alarm else ("yellow" if said.severity <= 4 else "dim")
        age = _age(now_ns - said.arrival_ns)
        parts.append(Text(f"{age:>8}  {_severity(said):9}  {said.text}", style=style))
    return Panel(Group(*parts), title=f"sniffdrone watch: {link}", title_align="left")


def summary_line(watch: Watch, link: str, now_ns: int) -> str:
    """How well we hear, in a line."""
    if watch.system is None:
        others = watch.counters["other_vehicles"]
        return f"{link}: no vehicle heard yet" + (f" ({others} other frames)" if others else "")
    counters = watch.counters
    heart = (
        "no heartbeat"
        if watch.heartbeat_ns is None
        else f"heartbeat {_age(now_ns - watch.heartbeat_ns)} ago"
    )
    armed = {True: "armed", False: "disarmed", None: "?"}[watch.is_armed]
    mode = "?" if watch.mode is None else COPTER_MODES.get(watch.mode, str(watch.mode))
    parts = [
        f"vehicle {watch.system}: {heart}, mode {mode}, {armed}",
        f"link loss {_share(watch.loss)}",
        f"{counters['tunnels'] - counters['foreign'] - counters['broken']} gas messages",
    ]
    parts += [
        f"{counters[name]} {word}"
        for name, word in (
            ("broken", "broken"),
            ("foreign", "of other programs"),
            ("repeated", "repeated"),
        )
        if counters[name]
    ]
    return "; ".join(parts)


def lines_of(heard: Heard) -> list[str]:
    """What was heard, in lines."""
    message = heard.message if isinstance(heard, Alarm) else heard
    when = f"{utc_text(message.time_ns)[:21]}Z"
    if isinstance(heard, Said):
        mark = "ALARM  " if heard.is_alarm else ""
        return [f"{when}  {mark}{_severity(heard)}: {heard.text}"]
    if isinstance(heard, Alarm):
        return [f"{when}  ALARM  {_alarm_words(heard)}"]
    place = _place(heard)
    return [
        f"{when}  {one.name} {_value(one)} (device {one.device})"
        + (f"  {place}" if place else "")
        + (f"  [{', '.join(one.flags)}]" if one.flags else "")
        for one in heard.readings
    ]


def _state(watch: Watch, now_ns: int) -> Text:
    is_deaf = watch.heartbeat_ns is None or now_ns - watch.heartbeat_ns > STALE_NS
    return Text(summary_line(watch, "", now_ns).lstrip(": "), style="bold red" if is_deaf else "")


def _readings(watch: Watch, now_ns: int) -> Table:
    table = Table(box=None, padding=(0, 1))
    for title in ("channel", "device", "value", "age", "Hz", "missing", "place", "state"):
        is_text = title in {"channel", "place", "state"}
        table.add_column(title, justify="left" if is_text else "right")
    for place, (message, one) in sorted(watch.newest.items()):
        age_ns = now_ns - message.arrival_ns
        flags = [*one.flags, *(["silent"] if age_ns > STALE_NS else [])]
        is_alarm = place in watch.alarms
        table.add_row(
            one.name,
            str(one.device),
            _value(one),
            _age(age_ns),
            f"{watch.rate_hz(one.component, one.device):.1f}",
            _share(watch.missing(one.component, one.device)),
            _place(message),
            "ALARM" if is_alarm else ", ".join(flags),
            style="bold red" if is_alarm else ("red" if age_ns > STALE_NS else _style(one)),
        )
    return table


def _style(reading: Reading) -> str:
    if "fault" in reading.flags:
        return "red"
    return "yellow" if reading.flags else ""


def _alarm_words(alarm: Alarm) -> str:
    reading, place = alarm.reading, _place(alarm.message)
    if not alarm.is_begin:
        return f"{reading.name} over (device {reading.device})"
    told = f"{reading.name} +{_value(reading)} above clean air (device {reading.device})"
    return told + (f" at {place}" if place else ", place unknown")


def _value(reading: Reading) -> str:
    if math.isnan(reading.value):
        return "missing"
    sigma = f" +-{reading.sigma:.2g}" if math.isfinite(reading.sigma) else ""
    return f"{reading.value:.5g}{sigma} {reading.unit}".rstrip()


def _place(message: GasMessage) -> str:
    if math.isnan(message.latitude):
        return ""
    north = f"{abs(message.latitude):.5f} {'N' if message.latitude >= 0 else 'S'}"
    east = f"{abs(message.longitude):.5f} {'E' if message.longitude >= 0 else 'W'}"
    height = message.altitude_amsl_m
    return f"{north} {east}" + (f" {height:.0f} m" if math.isfinite(height) else "")


def _age(age_ns: int) -> str:
    age_s = max(age_ns, 0) / NS
    if age_s < 100.0:
        return f"{age_s:.1f} s"
    return f"{age_s / 60.0:.0f} min" if age_s < 6000.0 else f"{age_s / 3600.0:.0f} h"


def _share(share: float) -> str:
    return "?" if math.isnan(share) else f"{100.0 * share:.1f} %"


def _severity(said: Said) -> str:
    return SEVERITIES[said.severity] if said.severity < len(SEVERITIES) else str(said.severity)
