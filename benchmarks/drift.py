"""``python -m benchmarks.drift``: how much of the accuracy without drift is left after drift.

Each simulated flight is read by its instruments twice, with their drift terms (random walk,
warm-up, humidity, temperature) and without, on the same plume with the same noise; and once more
with the plume scaled to a peak of 10-50 ppb. Truth is what the sensor would read without noise
and drift, its lag included. Every method gets the same readings in one-second means; those that
have a free stiffness are shown at the one that suits these flights best, ours has none to set.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import percentile_filter, uniform_filter1d

from benchmarks.drift_channels import Channel, channels
from benchmarks.running import results
from benchmarks.tables import markdown
from benchmarks.worlds import World, worlds
from detection.signal.baseline import correct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

KINDS = ("single", "weak", "calm", "double", "none")
EACH = 7  # flights of each kind and turbulence
FIRST_SEED = 7_300_000
WINDOW_S = 5  # whose mean a crossing is looked for in
FALSE_PER_HOUR = 6.0  # at which crossings are counted
CLEAN = 0.2  # noises of truth below which a second is free of plume
WIDE_S = 20.0  # crossings at least so long tell the bias
STIFFNESS = {
    "asls": (1e4, 1e5, 1e6, 1e7),
    "arpls": (1e4, 1e5, 1e6, 1e7),
    "percentile": (60.0, 120.0, 240.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a method made of a channel, in noises of a one-second mean.

    `clean` holds moving means where there is no plume, `crossings` the largest moving mean of
    each crossing, `wide` the relative error over each wide one, `covered` whether the error of
    each clean second is within one and two of the method's own standard deviations. `used` is the
    share of seconds not flagged as warming up.
    """

    squares: FloatArray
    clean: FloatArray
    crossings: FloatArray
    wide: FloatArray
    covered: FloatArray
    used: float
    cpu_s: float


def _ours(channel: Channel, *, drift: bool = True) -> tuple[FloatArray, FloatArray]:
    found = correct(
        channel.time_s,
        channel.reading if drift else channel.free,
        temperature=channel.temperature,
        humidity=channel.humidity,
        family=channel.family,
    )
    return np.where(found.warming_up, np.nan, found.signal), found.sigma


def _causal(channel: Channel) -> tuple[FloatArray, FloatArray]:
    found = correct(
        channel.time_s,
        channel.reading,
        temperature=channel.temperature,
        humidity=channel.humidity,
        family=channel.family,
        causal=True,
    )
    return np.where(found.warming_up, np.nan, found.signal), found.sigma


def _without_drift(channel: Channel) -> tuple[FloatArray, None]:
    return channel.free, None


def _median_only(channel: Channel) -> tuple[FloatArray, None]:
    return channel.reading - np.median(channel.reading), None


def _whittaker(channel: Channel, *, name: str, stiffness: float) -> tuple[FloatArray, None]:
    from pybaselines import whittaker  # noqa: PLC0415 - an optional dependency

    options = {"p": 0.01} if name == "asls" else {}
    baseline, _ = getattr(whittaker, name)(channel.reading, lam=stiffness, **options)
    return channel.reading - baseline, None


def _percentile(channel: Channel, *, stiffness: float) -> tuple[FloatArray, None]:
    """The 20th percentile of a moving window, raised to the middle of the noise."""
    low = percentile_filter(channel.reading, 20.0, size=int(stiffness))
    return channel.reading - low - 0.8416 * channel.noise, None


def methods() -> dict[str, Callable[[Channel], tuple[FloatArray, FloatArray | None]]]:
    """What is compared, by the name in the table."""
    rivals = {
        f"pybaselines {name} {stiffness:.0e}": partial(_whittaker, name=name, stiffness=stiffness)
        for name in ("asls", "arpls")
        for stiffness in STIFFNESS[name]
    }
    rivals |= {
        f"percentile {width:.0f} s": partial(_percentile, stiffness=width)
        for width in STIFFNESS["percentile"]
    }
    return {
        "no drift": _without_drift,
        "no drift, ours applied": partial(_ours, drift=False),
        "ours": _ours,
        "ours, live": _causal,
        **rivals,
        "median only": _median_only,
    }


def judged(channel: Channel, method: Callable[..., tuple[FloatArray, FloatArray | None]]) -> Judged:
    """A method on a channel, after the first ten seconds, which are spent on the ground."""
    begin = time.process_time()
    signal, sigma = method(channel)
    cpu_s = time.process_time() - begin
    used = np.isfinite(signal) & (channel.time_s > channel.time_s[0] + 10.0)
    error = np.where(used, (signal - channel.truth) / channel.noise, 0.0)
    moving = uniform_filter1d(np.where(used, signal, 0.0) / channel.noise, WINDOW_S)
    truth = channel.truth / channel.noise
    clean = used & (uniform_filter1d(np.abs(truth), 3 * WINDOW_S) < CLEAN)
    crossings, wide = [], []
    for first, last in _runs(uniform_filter1d(truth, WINDOW_S) > 1.0):
        if used[first:last].all():
            crossings.append(moving[first:last].max())
        if last - first >= WIDE_S and truth[first:last].max() > 5.0:
            inside = slice(first, last)
            wide.append(error[inside].sum() / truth[inside].sum())
    spread = np.full(2, np.nan)
    if sigma is not None and clean.any():
        ratio = np.abs(error[clean] * channel.noise / sigma[clean])
        spread = np.array([np.mean(ratio < 1.0), np.mean(ratio < 2.0)])
    return Judged(
        squares=error[used] ** 2,
        clean=moving[clean],
        crossings=np.array(crossings),
        wide=np.array(wide),
        covered=spread,
        used=float(used[channel.time_s > channel.time_s[0] + 10.0].mean()),
        cpu_s=cpu_s,
    )


def _runs(inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False]))))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _judged_world(world: World) -> dict[tuple[str, str, bool], Judged]:
    ready = channels(world)
    return {
        (name, channel.family, channel.weak): judged(channel, method)
        for channel in ready
        for name, method in methods().items()
    }


def table(every: Sequence[dict[tuple[str, str, bool], Judged]]) -> str:
    """Rows of methods for each sensor family, rivals at their best stiffness."""
    parts = []
    for family in ("pid", "mox"):
        rows = {name: _row(name, family, every) for name in methods()}
        shown = [name for name in rows if name in _best(rows)]
        header = (
            family,
            "rmse [noises of 1 s]",
            "drift removed",
            f"weak crossings found, {FALSE_PER_HOUR:g}/h false",
            "of those without drift",
            "bias on wide plumes",
            "68 % covered",
            "95 % covered",
            "seconds used",
            "CPU a flight [ms]",
        )
        ideal, raw = rows["no drift"], rows["median only"]
        parts.append(markdown(header, [_cells(name, rows[name], ideal, raw) for name in shown]))
    return "\n\n".join(parts)


def _row(
    name: str, family: str, every: Sequence[dict[tuple[str, str, bool], Judged]]
) -> dict[str, float]:
    as_is = [one[name, family, False] for one in every if (name, family, False) in one]
    weak = [one[name, family, True] for one in every if (name, family, True) in one]
    clean = np.concatenate([one.clean for one in as_is])
    # neighbouring means overlap, so a false alarm lasts about a window
    rarity = 1.0 - FALSE_PER_HOUR * WINDOW_S / 3600.0
    threshold = np.quantile(clean, rarity)
    crossings = np.concatenate([one.crossings for one in weak])
    wide = np.concatenate([one.wide for one in as_is])
    covered = np.mean([one.covered for one in as_is + weak if one.clean.size], axis=0)
    return {
        "mse": float(np.mean([one.squares.mean() for one in as_is + weak])),
        "found": float(np.mean(crossings > threshold)),
        "wide": float(np.median(wide)),
        "one": float(covered[0]),
        "two": float(covered[1]),
        "used": float(np.mean([one.used for one in as_is + weak])),
        "cpu_ms": 1e3 * float(np.mean([one.cpu_s for one in as_is + weak])),
    }


def _best(rows: dict[str, dict[str, float]]) -> set[str]:
    kept = {name for name in rows if not name.startswith(("pybaselines", "percentile"))}
    for rival in ("pybaselines asls", "pybaselines arpls", "percentile"):
        kept.add(min((n for n in rows if n.startswith(rival)), key=lambda n: rows[n]["mse"]))
        kept.add(max((n for n in rows if n.startswith(rival)), key=lambda n: rows[n]["found"]))
    return kept


def _cells(
    name: str, row: dict[str, float], ideal: dict[str, float], raw: dict[str, float]
) -> list[str]:
    removed = (raw["mse"] - row["mse"]) / (raw["mse"] - ideal["mse"])
    covered = [
        f"{100 * row[key]:.0f} %" if np.isfinite(row[key]) else "-" for key in ("one", "two")
    ]
    return [
        name,
        f"{np.sqrt(row['mse']):.2f}",
        f"{100 * removed:.2f} %",
        f"{100 * row['found']:.0f} %",
        f"{100 * row['found'] / ideal['found']:.0f} %",
        f"{100 * row['wide']:+.0f} %",
        *covered,
        f"{100 * row['used']:.0f} %",
        f"{row['cpu_ms']:.1f}",
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--each", type=int, default=EACH, help="flights of a kind and turbulence")
    asked = parser.parse_args()
    flown = worlds(asked.each, kinds=KINDS, first_seed=FIRST_SEED)
    every = results("drift", _judged_world, flown, told=lambda one: f"{len(one)} judged")
    print(f"{len(flown)} flights\n\n{table(every)}")


if __name__ == "__main__":
    main()
