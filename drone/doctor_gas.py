"""Zero and bump tests on devices that answer: what the operator is asked, and what comes of it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from drone.doctor_findings import one
from drone.doctor_response import bump_of, zero_of
from drone.doctor_response_words import judged_bump, judged_zero
from drone.doctor_results import keep_results
from sensors.errors import ConfigError
from sensors.records import Quality
from sensors.units import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from drone.doctor import Doctor
    from drone.doctor_devices import Probe
    from drone.doctor_findings import Finding
    from drone.doctor_response import Expected

    Told = Callable[[str, float], None]

__all__ = ["bump_test", "zero_test"]

NS = 1_000_000_000
BASELINE_S = 10.0
LOOK_S = 0.1


def zero_test(
    doctor: Doctor, seconds: float, *, say: Callable[[str], None], told: Told
) -> list[Finding]:
    """Every channel in clean air: mean, noise and drift; kept in the results file.

    Parameters
    ----------
    doctor : Doctor
        After `examine`.
    seconds : float
    say : callable
        Says what the operator should do.
    told : callable
        Told how many seconds are left, and the share that is over.
    """
    probes = [each for each in doctor.probes if each.is_answering]
    if not probes:
        return [one("zero", "", "not checked", "no device answers")]
    say(f"zero test: keep all sensors in clean air for {seconds:g} s")
    known = {probe.name: list(_series(probe)) for probe in probes}
    for probe in probes:
        probe.clear()
    _count_down("zero test", seconds, told)
    findings, results = [], []
    for probe in probes:
        series = _series(probe)
        for channel in known[probe.name]:  # one that has fallen silent is told too
            times, values, unit, quality = series.get(channel, ([], [], "", 0))
            subject = f"{probe.name}/{channel}"
            zero = zero_of(times, values)
            if zero is None:
                findings.append(
                    one(
                        "zero",
                        subject,
                        "failure",
                        f"fewer than 5 readings in {seconds:g} s",
                        "take longer, or look at the device",
                    )
                )
                continue
            finding = judged_zero(subject, zero, unit, quality, seconds)
            findings.append(finding)
            about = _about(doctor, probe, "zero", channel, unit, seconds, quality)
            results.append({**about, **asdict(zero), "state": finding.state})
    return [*findings, *_kept(doctor, "zero", results)]


def bump_test(
    doctor: Doctor,
    expected: Expected,
    seconds: float,
    *,
    say: Callable[[str], None],
    told: Told,
) -> list[Finding]:
    """A known gas on one channel: its response and how quick it is; kept in the results file.

    Parameters
    ----------
    doctor : Doctor
        After `examine`.
    expected : Expected
    seconds : float
        How long the gas is applied, after 10 s of clean air.
    say, told : callable
        As for `zero_test`.
    """
    subject = f"{expected.device}/{expected.channel}" if expected.device else expected.channel
    known = {
        (probe.name, channel): (probe, unit)
        for probe in doctor.probes
        for channel, (_, _, unit, _) in _series(probe).items()
    }
    meant = [key for key in known if key[1] == expected.channel and expected.device in {"", key[0]}]
    if len(meant) != 1:
        names = ", ".join(f"{device}/{channel}" for device, channel in known) or "none"
        what = "is of several devices" if meant else "is not heard"
        return [
            one(
                "bump",
                subject,
                "failure",
                f"channel {what}; heard are {names}",
                'write --bump "device/channel=value unit" with one of these',
            )
        ]
    probe, unit = known[meant[0]]
    subject = "/".join(meant[0])
    if unit != expected.unit:
        return [
            one(
                "bump",
                subject,
                "failure",
                f"its unit is {unit}, the gas is given in {expected.unit}",
                "give the gas in the unit of the channel",
            )
        ]
    say(f"bump test of {subject}: clean air for {BASELINE_S:g} s")
    probe.clear()
    _count_down("clean air", BASELINE_S, told)
    baseline = [
        value
        for value in _series(probe).get(expected.channel, ([], [], "", 0))[1]
        if math.isfinite(value)
    ]
    if not baseline:
        return [one("bump", subject, "failure", "no reading in clean air", "look at the device")]
    probe.clear()
    began = time.monotonic()
    say(f"apply {readable(expected.value, expected.unit)} to {subject} NOW, for {seconds:g} s")
    _count_down("gas", seconds, told)
    say("take the gas away")
    times, values, _, quality = _series(probe).get(expected.channel, ([], [], "", 0))
    bump = bump_of(
        [time_s - began for time_s in times],
        values,
        baseline=median(baseline),
        expected=expected.value,
    )
    if bump is None:
        return [
            one(
                "bump",
                subject,
                "failure",
                f"fewer than 5 readings in {seconds:g} s",
                "apply the gas for longer",
            )
        ]
    finding = judged_bump(subject, bump, expected)
    about = _about(doctor, probe, "bump", expected.channel, unit, seconds, quality)
    figures = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(bump).items()
    }
    result = {
        **about,
        "baseline": median(baseline),
        "expected": expected.value,
        **figures,
        "state": finding.state,
    }
    return [finding, *_kept(doctor, "bump", [result])]


def _count_down(what: str, seconds: float, told: Told) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.0:
        told(f"{what}: {left:.0f} s left", 1.0 - left / seconds)
        time.sleep(min(LOOK_S, left))


def _series(probe: Probe) -> dict[str, tuple[list[float], list[float], str, int]]:
    """By channel: times [s], values, unit, and all quality flags together."""
    found: dict[str, tuple[list[float], list[float], str, int]] = {}
    for time_s, sample in probe.taken():
        times, values, _, quality = found.get(sample.channel, ([], [], "", 0))
        times.append(time_s)
        values.append(sample.value)
        found[sample.channel] = (times, values, sample.unit, quality | int(sample.quality))
    return found


def _about(
    doctor: Doctor,
    probe: Probe,
    kind: str,
    channel: str,
    unit: str,
    seconds: float,
    quality: int,
) -> dict[str, Any]:
    utc = doctor.clock.utc_of_monotonic(time.monotonic_ns())
    return {
        "kind": kind,
        "time": datetime.fromtimestamp(utc.time_ns / NS, UTC).isoformat(timespec="seconds"),
        "time_sigma_s": utc.sigma_s,
        "device": probe.name,
        "driver": probe.table.driver,
        "port": probe.table.port,
        "channel": channel,
        "unit": unit,
        "operator": doctor.mission.mission.operator,
        "seconds": seconds,
        "was_warming_up": bool(quality & Quality.WARMING_UP),
    }


def _kept(doctor: Doctor, kind: str, results: list[dict[str, Any]]) -> list[Finding]:
    """Nothing, or why the results could not be kept."""
    if not results:
        return []
    try:
        keep_results(doctor.results_file, results)
    except ConfigError as error:
        found, _, fix = str(error).partition("; ")
        return [one(kind, "results", "failure", found, fix)]
    return []
