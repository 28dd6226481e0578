"""Where a source is, for someone who knows all statistics of the simulated air but its eddies.

A synthetic likelihood (Wood 2010, doi:10.1038/nature09319): what a flight reads is put into a few
hundred summaries; their means and spreads come from runs of the simulator past a source at every
place and rate, their correlation from all of those together; the flight's own summaries are
taken as normal about that. No plume model, no fitted dispersion, no prior of nuisances takes part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import FOUND_PPB, NOISE_PPB, RATE_HZ
from benchmarks.floor_plumes import ACROSS, ALONG, BIN_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["POWERS", "Answer", "answers"]

RATES_G_S = np.geomspace(0.05, 3.0, 9)  # evenly likely, as the generator draws them
POWERS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12)  # of the likelihood; see `benchmarks.floor`
NOISE = NOISE_PPB / np.sqrt(RATE_HZ * BIN_S)  # of a mean over a bin [ppb]
WINDOWS = (3, 10)  # bins whose mean is a summary; the largest of the latter is one too
STANDING_OUT = 3.0  # noises: bins that never exceed this, at the highest rate, say nothing
SHRUNK = 0.3  # of the correlation, towards none: runs are few
LEAST_SD = 0.35  # of a summary, of which readings without gas have about a half
HALF = (15, 6)  # cells from the middle of what is searched to its edge, along and across
MOVED = (5, 2)  # cells the middle lies from the true place at most, so that it tells nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one flight at one power of the likelihood.

    Offsets of the mean of the posterior from the truth [m], the share of the posterior in cells
    likelier than the true one, the equal-area radius of the smallest region of 90 % [m], and the
    logarithm of the mean rate over the true one.
    """

    along_m: float
    across_m: float
    level: float
    radius_90_m: float
    log_rate_ratio: float

    @property
    def error_m(self) -> float:
        return float(np.hypot(self.along_m, self.across_m))


def answers(
    runs: FloatArray,
    flown: FloatArray,
    *,
    rate_g_s: float,
    rng: np.random.Generator,
) -> list[list[Answer]]:
    """What is said of flights past the true source that read enough gas to count.

    Parameters
    ----------
    runs : ndarray, shape (k, bins, a, b)
        From `kept_runs`.
    flown : ndarray, shape (t, bins)
        Of the true source at 1 g/s [ppb]. Where this is `runs` at the middle of the lattice,
        each flight is judged by the other runs alone.
    rate_g_s : float
        True.
    rng : numpy.random.Generator

    Returns
    -------
    list of list of Answer
        Of each flight at each of `POWERS`.
    """
    middle = (ALONG.size // 2, ACROSS.size // 2)
    is_own = np.array_equal(flown, runs[:, :, *middle])
    bins = np.flatnonzero(RATES_G_S[-1] * runs.max(axis=(0, 2, 3)) > STANDING_OUT * NOISE)
    span = slice(max(0, bins[0] - max(WINDOWS)), bins[-1] + max(WINDOWS))
    gas = np.moveaxis(runs[:, span], 1, -1).astype(np.float32)
    seen = np.stack([_summaries(rate * gas, rng) for rate in RATES_G_S])  # (r, k, a, b, f)
    said = []
    for number, one in enumerate(flown):
        reading = rate_g_s * one.astype(np.float64)
        if reading.max() < FOUND_PPB:
            continue
        others = np.delete(seen, number, axis=1) if is_own else seen
        first = [
            half + int(rng.integers(-moved, moved + 1)) - around
            for half, moved, around in zip(middle, MOVED, HALF, strict=True)
        ]
        place = (
            slice(first[0], first[0] + 2 * HALF[0] + 1),
            slice(first[1], first[1] + 2 * HALF[1] + 1),
        )
        log_likelihood = _log_likelihood(_summaries(reading[span], rng), others, place)
        offsets = np.meshgrid(ALONG[place[0]], ACROSS[place[1]], indexing="ij")
        true = (middle[0] - first[0], middle[1] - first[1])
        said.append([_answer(power * log_likelihood, offsets, true, rate_g_s) for power in POWERS])
    return said


def _summaries(gas: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """Of readings of shape (..., bins) with noise added, shape (..., f)."""
    noise = rng.standard_normal(gas.shape, dtype=np.float32)
    reading = gas.astype(np.float32) + np.float32(NOISE) * noise
    parts = []
    for window in WINDOWS:
        cut = reading[..., : gas.shape[-1] // window * window]
        blocks = cut.reshape(*gas.shape[:-1], -1, window)
        parts.append(np.arcsinh(blocks.mean(axis=-1) * np.sqrt(window) / (2.0 * NOISE)))
    parts.append(np.arcsinh(blocks.max(axis=-1) / (4.0 * NOISE)))
    return np.concatenate(parts, axis=-1).astype(np.float32)


def _log_likelihood(
    summaries: NDArray[np.float32], seen: NDArray[np.float32], place: tuple[slice, slice]
) -> FloatArray:
    """Of every rate and place searched, shape (r, a, b)."""
    count = seen.shape[1]
    mean, variance = seen.mean(axis=1), seen.var(axis=1, ddof=1)
    at = (slice(None), *place)
    centre = mean[at]
    spread = np.sqrt((1.0 + 1.0 / count) * _smooth(variance)[at] + LEAST_SD**2)
    size = summaries.size
    common = np.zeros((size, size))
    for rate in range(1, len(RATES_G_S), 3):
        left = (seen[rate][:, *place] - centre[rate]) / spread[rate]
        rows = left[:, ::3, ::2].reshape(-1, size)
        common += rows.T @ rows
    scale = np.sqrt(np.diag(common)) + 1e-9
    common = (1.0 - SHRUNK) * common / np.outer(scale, scale)
    common[np.diag_indices(size)] = 1.0
    whitened = np.linalg.solve(
        np.linalg.cholesky(common), ((summaries - centre) / spread).reshape(-1, size).T
    )
    misfit = (whitened**2).sum(axis=0).reshape(centre.shape[:-1])
    return np.asarray(-0.5 * misfit - np.log(spread).sum(axis=-1), dtype=np.float64)


def _smooth(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over a cell and its eight neighbours, of shape (r, a, b, f)."""
    wide = np.pad(table, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    _, a, b, _ = table.shape
    nine = [wide[:, i : i + a, j : j + b] for i in range(3) for j in range(3)]
    return np.asarray(sum(nine) / np.float32(9.0))


def _answer(
    log_weight: FloatArray, offsets: Sequence[FloatArray], true: tuple[int, int], rate_g_s: float
) -> Answer:
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    cells = weight.sum(axis=0)
    order = np.sort(cells, axis=None)[::-1]
    held = int(np.searchsorted(np.cumsum(order), 0.9)) + 1
    cell_m2 = (ALONG[1] - ALONG[0]) * (ACROSS[1] - ACROSS[0])
    log_rate = float(weight.sum(axis=(1, 2)) @ np.log(RATES_G_S))
    return Answer(
        along_m=float((cells * offsets[0]).sum()),
        across_m=float((cells * offsets[1]).sum()),
        level=float(order[order > cells[true]].sum()),
        radius_90_m=float(np.sqrt(held * cell_m2 / np.pi)),
        log_rate_ratio=log_rate - float(np.log(rate_g_s)),
    )
