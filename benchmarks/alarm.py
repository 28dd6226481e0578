"""The live alarm: false ones on channels without gas, and what it finds of simulated plumes.

``python -m benchmarks.alarm`` prints the tables; ``--quick`` does so with few flights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.stats import gamma

from benchmarks.alarm_rivals import cusum, latched, over_live_baseline, zeroed
from benchmarks.alarm_worlds import FLIGHT_S, KINDS, Channel, pid
from benchmarks.running import results
from benchmarks.tables import NOTHING, markdown, median, quantile, share
from benchmarks.worlds import World, worlds
from detection.signal import alarm_layout, baseline_steps, layout
from detection.signal.alarm import LiveDetector, assumed_noise, threshold_for
from detection.signal.alarm_kernels import alarm_pass
from sims.instruments import first_order

RATES_HZ = (1.0, 2.0, 10.0)
ASKED = (0.2, 1.0, 5.0)  # false alarms an hour
SIGMAS, HEIGHT = 5.0, 16.0  # of the rivals in the table of false alarms
SEEN_NOISES = 2.0  # response above which a plume is being crossed
JOINED_S, AFTER_S = 10.0, 5.0  # crossings nearer than this are one; an alarm may come so late
CLASSES = ((2.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, np.inf))  # peak of a crossing [noises]
FIRST_SEED = 730_000

Array = np.ndarray
Found = tuple[Array, Array]  # whether in alarm, and whether one begins, at each reading


def ours(channel: Channel, asked: float) -> Found:
    """The live alarm, at so many false ones an hour."""
    size = channel.value.size
    told = alarm_pass(
        np.array(layout.new_state()),
        np.array(alarm_layout.new_memory()),
        channel.time_s,
        channel.value,
        channel.temperature,
        channel.humidity,
        np.zeros(size, np.bool_),
        np.ones(size, np.bool_),
        channel.is_resistance,
        threshold_for(asked),
        baseline_steps.WARM_UP_S,
        *assumed_noise("ohm" if channel.is_resistance else "ppb"),
    )
    return told[6] > 0.0, told[7] > 0.0


def _scored(score: Callable[[Channel, float], Array], channel: Channel, threshold: float) -> Found:
    return latched(channel.time_s, score(channel, threshold), threshold)


DETECTORS: dict[str, tuple[tuple[float, ...], Callable[[Channel, float], Found]]] = {
    "ours, asked /h": ((0.02, 0.2, 1.0, 5.0), ours),
    "k sigma over the first 30 s, k": ((5.0, 20.0, 80.0, 320.0), partial(_scored, zeroed)),
    "k sigma over the live baseline, k": (
        (4.0, 5.0, 6.0, 10.0),
        partial(_scored, over_live_baseline),
    ),
    "CUSUM over the live baseline, h": ((8.0, 16.0, 32.0, 64.0), partial(_scored, cusum)),
}
ARRAY = "ours, PID and four metal oxides, asked /h"
ARRAY_ASKED = (0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One meeting with the plume: its peak [noises], and when the alarm came, NaN if not [s]."""

    peak: float
    delay_s: float


@dataclass(slots=True)
class Outcome:
    """What detectors said of one flight, by name and setting."""

    hours: float
    false: dict[tuple[str, float], int] = field(default_factory=dict)
    crossings: dict[tuple[str, float], list[Crossing]] = field(default_factory=dict)


def without_gas(task: tuple[str, float, int]) -> list[str]:
    """One row of the table of false alarms."""
    kind, rate_hz, flights = task
    counts = dict.fromkeys((*ASKED, "fixed", "cusum"), 0)
    for number in range(flights):
        rng = np.random.default_rng([FIRST_SEED, list(KINDS).index(kind), int(rate_hz), number])
        channel = KINDS[kind](rng, rate_hz)
        for asked in ASKED:
            counts[asked] += int(ours(channel, asked)[1].sum())
        counts["fixed"] += int(_scored(over_live_baseline, channel, SIGMAS)[1].sum())
        counts["cusum"] += int(_scored(cusum, channel, HEIGHT)[1].sum())
    hours = flights * FLIGHT_S / 3600.0
    told = [f"{counts[one] / hours:.2f}" for one in counts]
    upper = gamma.ppf(0.95, counts[0.2] + 1) / hours
    return [kind, f"{rate_hz:g}", *told[:1], f"{upper:.2f}", *told[1:]]


def _channels(world: World) -> tuple[dict[str, Channel], Array, float]:
    """Channels by name, the true response of the PID in noises, and the sampling rate [Hz]."""
    flight = world.flown()
    scenario, columns = flight.scenario, flight.columns
    rate_hz = scenario.survey.rate_hz
    time_s = np.arange(flight.gas_ppb.size) / rate_hz
    air = columns["temperature_c"] + 273.15, columns["relative_humidity_pct"] / 100.0
    channels = {
        name: Channel(time_s, values, *air, is_resistance=name.endswith("ohm"))
        for name, values in columns.items()
        if name == "pid_ppb" or name.endswith("ohm")
    }
    instrument = scenario.pid
    response = first_order(flight.gas_ppb, 1.0 / rate_hz, instrument.rise_s, instrument.decay_s) / (
        instrument.response_factor or 1.0
    )
    return channels, response / instrument.noise_ppb, rate_hz


def with_gas(world: World) -> Outcome:
    """Crossings of a simulated flight, and which of them alarmed."""
    channels, response, rate_hz = _channels(world)
    outcome = Outcome(hours=response.size / rate_hz / 3600.0)
    for name, (settings, detector) in DETECTORS.items():
        for setting in settings:
            in_alarm = detector(channels["pid_ppb"], setting)[0]
            outcome.crossings[name, setting] = _crossings(response, in_alarm, rate_hz)
    for asked in ARRAY_ASKED:
        each = [ours(one, asked / len(channels))[0] for one in channels.values()]
        outcome.crossings[ARRAY, asked] = _crossings(response, np.any(each, axis=0), rate_hz)
    return outcome


def _crossings(response: Array, in_alarm: Array, rate_hz: float) -> list[Crossing]:
    above = np.concatenate(([False], response > SEEN_NOISES, [False]))
    edges = np.flatnonzero(np.diff(above)).reshape(-1, 2)
    spans: list[list[int]] = []
    for first, last in edges.tolist():
        if spans and first - spans[-1][1] < JOINED_S * rate_hz:
            spans[-1][1] = last
        else:
            spans.append([first, last])
    found = []
    for first, last in spans:
        on = in_alarm[first : last + int(AFTER_S * rate_hz)]
        delay = float(np.argmax(on)) / rate_hz if on.any() else np.nan
        found.append(Crossing(float(response[first:last].max()), delay))
    return found


def empty(number: int) -> Outcome:
    """False alarms of a flight without gas, drawn as those with gas are."""
    rng = np.random.default_rng([FIRST_SEED, 99, number])
    channel = pid(rng, float(rng.choice([5.0, 10.0])))
    outcome = Outcome(hours=FLIGHT_S / 3600.0)
    for name, (settings, detector) in DETECTORS.items():
        for setting in settings:
            outcome.false[name, setting] = int(detector(channel, setting)[1].sum())
    return outcome


def empty_array(world: World) -> Outcome:
    """False alarms of all channels of a flight without gas."""
    channels, response, rate_hz = _channels(world)
    outcome = Outcome(hours=response.size / rate_hz / 3600.0)
    for asked in ARRAY_ASKED:
        begins = [ours(one, asked / len(channels))[1].sum() for one in channels.values()]
        outcome.false[ARRAY, asked] = int(sum(begins))
    return outcome


def _rows(empties: list[Outcome], flown: list[Outcome]) -> list[list[str]]:
    rows = []
    for key in flown[0].crossings:
        quiet = [one for one in empties if key in one.false]
        hours = sum(one.hours for one in quiet)
        false = sum(one.false[key] for one in quiet)
        crossings = [crossing for one in flown for crossing in one.crossings[key]]
        seen = [one for one in flown if any(each.peak >= 5.0 for each in one.crossings[key])]
        alarmed = [any(np.isfinite(each.delay_s) for each in one.crossings[key]) for one in seen]
        classes = [
            share([np.isfinite(one.delay_s) for one in crossings if low <= one.peak < high])
            for low, high in CLASSES
        ]
        strong = [one.delay_s for one in crossings if one.peak >= 10.0]
        delays = median(strong, "{:.1f}"), quantile(strong, 0.9, "{:.1f}")
        told = f"{false / hours:.2f}" if hours else NOTHING
        rows.append([f"{key[0]} {key[1]:g}", told, share(alarmed), *classes, *delays])
    return rows


def cost_us() -> float:
    """Time that one reading takes in plain Python [us]."""
    rng = np.random.default_rng(1)
    values = (400.0 + 4.0 * rng.standard_normal(20_000)).tolist()
    detector = LiveDetector(channels=1)
    begin = time.perf_counter()
    for index, value in enumerate(values):
        detector.feed("pid", 0.1 * index, value, "1", temperature=288.0, humidity=0.5)
    return (time.perf_counter() - begin) / len(values) * 1e6


def section(*, flights: int = 48, each: int = 12, empties: int = 180) -> str:
    """The chapter.

    `flights` of each kind and rate without gas; `each` of every kind of source and turbulence;
    `empties` to measure the characteristic's false alarms on.
    """
    cost = cost_us()
    tasks = [(kind, rate, flights) for kind in KINDS for rate in RATES_HZ]
    quiet = results("no gas", without_gas, tasks, told=" ".join)
    some = worlds(each, kinds=("single", "weak", "double", "calm"), first_seed=FIRST_SEED)
    flown = results("plumes", with_gas, some, told=lambda one: f"{one.hours:.2f} h")
    none = worlds(max(each * 4, 2), kinds=("none",), first_seed=FIRST_SEED + 50_000)
    calm = results("empty", empty, range(empties), told=lambda one: f"{one.hours:.2f} h")
    calm += results("array", empty_array, none, told=lambda one: f"{one.hours:.2f} h")
    hours = flights * FLIGHT_S / 3600.0
    drawn_h = empties * FLIGHT_S / 3600.0
    return "\n\n".join(
        [
            "## Live alarm",
            f"One reading costs {cost:.0f} us in plain Python, baseline included.",
            "### False alarms",
            markdown(
                (
                    "channel without gas",
                    "Hz",
                    "0.2/h asked",
                    "at most (95 %)",
                    "1/h asked",
                    "5/h asked",
                    f"{SIGMAS:g} sigma",
                    f"CUSUM, h {HEIGHT:g}",
                ),
                quiet,
            ),
            f"Reading: false alarms an hour, each row of {hours:.0f} h in flights of "
            f"{FLIGHT_S / 60:.0f} min that begin with nothing known. "
            f'"{SIGMAS:g} sigma" is a fixed threshold on single readings over the live '
            "baseline; CUSUM sums them up. A front is a step of 10-18 % humidity in every flight.",
            "### Plumes crossed",
            markdown(
                (
                    "detector and setting",
                    "false/h",
                    "flights alarmed",
                    *(f"{low:g}-{high:g} noises" for low, high in CLASSES),
                    "delay [s]",
                    "90 % [s]",
                ),
                _rows(calm, flown),
            ),
            f"Reading: {len(some)} flights with sources, {drawn_h:.0f} h without (array: "
            f"{sum(one.hours for one in calm[empties:]):.0f} h). A crossing is a stretch in which "
            f"the PID's true response exceeds {SEEN_NOISES:g} noises of a reading; columns are by "
            "its peak. Flights count whose largest peak is 5 noises or more. The delay is from "
            "the start of a crossing of 10 noises or more to its alarm, where there was one. "
            "Rivals end and begin again by the same rules as ours. On this PID, whose noise is "
            "white, a CUSUM finds more at the same rate; the table above says what it does on "
            "other channels.",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few flights")
    few = {"flights": 2, "each": 1, "empties": 8}
    print(section(**(few if parser.parse_args().quick else {})))
