"""How well time is told: simulated serial links and TIMESYNC, beside simpler ways.

``python -m benchmarks.clock`` prints the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.tables import markdown
from firmware_bridge.clock import DeviceClock, VehicleClock

NS = 1_000_000_000
SETTLED_S, LASTING_S = 60.0, 300.0
RUNS = 20

Delay = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True, slots=True)
class Serial:
    """A device's time of sample and when its frame arrived [s], and the truth on our clock."""

    device: np.ndarray
    arrival: np.ndarray
    truth: np.ndarray


def _ftdi(rng: np.random.Generator, n: int) -> np.ndarray:
    return 0.001 + rng.uniform(0.0, 0.016, n) + rng.exponential(0.0005, n)


def _cp210x(rng: np.random.Generator, n: int) -> np.ndarray:
    return 0.001 + rng.uniform(0.001, 0.010, n) + rng.exponential(0.0005, n)


def _loaded(rng: np.random.Generator, n: int) -> np.ndarray:
    busy = rng.random(n) < 0.1
    return _ftdi(rng, n) + np.where(busy, rng.exponential(0.08, n), 0.0)


DELAYS: dict[str, Delay] = {
    "FTDI, timer 16 ms": _ftdi,
    "CP210x, 1-10 ms": _cp210x,
    "FTDI, host busy 10 %": _loaded,
}


def serial(rng: np.random.Generator, delay: Delay, *, rate_hz: float, step_s: float) -> Serial:
    """One run; with `step_s` the device's clock jumps by that half-way."""
    truth = np.arange(0.0, LASTING_S, 1.0 / rate_hz) + rng.uniform(0.0, 0.5 / rate_hz)
    skew, wander = rng.uniform(-1e-4, 1e-4), 2e-6 * np.sin(2 * np.pi * truth / 200.0)
    device = rng.uniform(5.0, 500.0) + truth * (1.0 + skew) + wander
    device += np.where(truth > LASTING_S / 2, step_s, 0.0)
    return Serial(device, np.maximum.accumulate(truth + delay(rng, truth.size)), truth)


def enveloped(run: Serial) -> tuple[np.ndarray, np.ndarray]:
    """Error of our clock fit and its stated standard deviation [s], as it stood live."""
    clock = DeviceClock()
    errors, sigmas = [], []
    for device, arrival, truth in zip(run.device, run.arrival, run.truth, strict=True):
        clock.add(round(device * NS), round(arrival * NS))
        told = clock.to_host(round(device * NS))
        errors.append(told.time_ns / NS - truth)
        sigmas.append(told.sigma_s)
    return np.array(errors), np.array(sigmas)


def least_squares(run: Serial) -> np.ndarray:
    """Error of a plain line through the pairs of the last 60 s [s]."""
    errors = np.full(run.truth.size, np.nan)
    for k in range(2, run.truth.size):
        recent = run.arrival[: k + 1] > run.arrival[k] - 60.0
        x, y = run.device[: k + 1][recent], run.arrival[: k + 1][recent]
        if x.size > 2:
            _, offset = np.polyfit(x - x[-1], y, 1)
            errors[k] = offset - run.truth[k]
    return errors


def timesync(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors of our filter, its sigmas, and errors of a low-pass as in MAVROS [s]."""
    clock, skew = VehicleClock(), rng.uniform(5e-5, 7e-5) * rng.choice([-1, 1])
    boot = rng.uniform(10.0, 1000.0)
    smooth, errors, sigmas, simple = None, [], [], []
    times = np.concatenate([np.arange(0.0, 10.0, 0.2), np.arange(10.0, LASTING_S, 1.0)])
    for sent in times:
        there, back = 0.0004 + rng.gamma(2.0, 0.0006, 2) + (rng.random(2) < 0.03) * 0.01
        remote = boot + (sent + there) * (1.0 + skew)
        received = sent + there + back
        clock.asked(round(sent * NS))
        clock.add_timesync(round(sent * NS), round(remote * NS), round(received * NS))
        offset = (sent + received) / 2 - remote
        smooth = offset if smooth is None else smooth + 0.05 * (offset - smooth)
        moment = boot + sent * (1.0 + skew)
        told = clock.boot_to_monotonic(round(moment * NS))
        errors.append(told.time_ns / NS - sent)
        sigmas.append(told.sigma_s)
        simple.append(moment + smooth - sent)
    keep = times > SETTLED_S
    return np.array(errors)[keep], np.array(sigmas)[keep], np.array(simple)[keep]


def _rms_ms(errors: np.ndarray) -> str:
    return f"{1e3 * np.sqrt(np.nanmean(errors**2)):.2f}"


def section() -> str:
    """The tables."""
    rows = []
    for name, delay in DELAYS.items():
        for rate, step in ((1.0, 0.0), (20.0, 0.0), (20.0, 3.0), (20.0, -3.0)):
            ours, sure, raw, line = [], [], [], []
            for seed in range(RUNS):
                run = serial(np.random.default_rng(seed), delay, rate_hz=rate, step_s=step)
                keep = run.truth > SETTLED_S
                if step:  # a minute to settle again
                    half = LASTING_S / 2
                    keep &= (run.truth < half) | (run.truth > half + SETTLED_S)
                errors, sigmas = enveloped(run)
                ours.append(errors[keep])
                sure.append(np.abs(errors[keep]) < 2.0 * sigmas[keep])
                raw.append((run.arrival - run.truth)[keep])
                line.append(least_squares(run)[keep] if seed < 3 else np.zeros(0))
            rows.append(
                [
                    f"{name}, {rate:g} Hz" + (f", jump of {step:+g} s" if step else ""),
                    _rms_ms(np.concatenate(ours)),
                    f"{np.mean(np.concatenate(sure)):.0%}",
                    _rms_ms(np.concatenate(raw)),
                    _rms_ms(np.concatenate(line)),
                ]
            )
    header = (
        "device clock over",
        "rms after 60 s [ms]",
        "within 2 sigma",
        "time of arrival [ms]",
        "least squares [ms]",
    )
    runs = [timesync(np.random.default_rng(seed)) for seed in range(RUNS)]
    errors, sigmas, simple = (np.concatenate(part) for part in zip(*runs, strict=True))
    sync = [
        [
            "loopback, trips of 1-7 ms",
            _rms_ms(errors),
            f"{np.mean(np.abs(errors) < 2 * sigmas):.0%}",
            _rms_ms(simple),
        ]
    ]
    sync_header = ("TIMESYNC over", "rms after 60 s [ms]", "within 2 sigma", "low-pass [ms]")
    return "\n\n".join(
        [
            "## Time",
            markdown(header, rows),
            markdown(sync_header, sync),
            f"Reading: {RUNS} simulated links each, {LASTING_S:g} s long, skews to 100 ppm. Jumps "
            "are the device's own; a minute after them is left out, as after the start.",
        ]
    )


if __name__ == "__main__":
    print(section())
