"""Slow, obvious twins of the fast code in `mapping`; they import nothing from it."""

from __future__ import annotations

import math

import numpy as np


def kernel_dmvw(samples, cells, *, width_m, wind=None, stretch_s=1.0, sure_weight, threshold):
    """Weight, confidence, mean, variance and exceedance at cell centres, sample by sample.

    `samples` are (east, north, reading); `cells` are (eastings, northings) of columns and rows.
    Nothing is cut off and nothing hidden.
    """
    samples = [tuple(map(float, one)) for one in zip(*samples, strict=True)]
    if wind is None:
        winds = [(0.0, 0.0)] * len(samples)
    else:
        winds = [tuple(map(float, one)) for one in zip(*wind, strict=True)]
    eastings, northings = cells
    shape = (len(northings), len(eastings))
    weight, mean, variance, above = (np.zeros(shape) for _ in range(4))
    overall = sum(reading for _, _, reading in samples) / len(samples)

    def kernel(sample, blown, x, y):
        return math.exp(-0.5 * squared_distance(sample, blown, x, y, width_m, stretch_s))

    for row, y in enumerate(northings):
        for column, x in enumerate(eastings):
            weights = [kernel(*one, x, y) for one in zip(samples, winds, strict=True)]
            readings = [reading for _, _, reading in samples]
            pairs = list(zip(weights, readings, strict=True))
            weight[row, column] = sum(weights)
            mean[row, column] = sum(w * r for w, r in pairs) / sum(weights)
            above[row, column] = sum(w for w, r in pairs if r > threshold) / sum(weights)
    confidence = 1.0 - np.exp(-((weight / sure_weight) ** 2))
    mean = confidence * mean + (1.0 - confidence) * overall
    residuals = [
        (reading - mean[nearest(northings, north), nearest(eastings, east)]) ** 2
        for east, north, reading in samples
    ]
    typical = sum(residuals) / len(residuals)
    for row, y in enumerate(northings):
        for column, x in enumerate(eastings):
            weights = [kernel(*one, x, y) for one in zip(samples, winds, strict=True)]
            squares = sum(w * r for w, r in zip(weights, residuals, strict=True)) / sum(weights)
            sure = confidence[row, column]
            variance[row, column] = sure * squares + (1.0 - sure) * typical
    return {
        "weight": weight,
        "confidence": confidence,
        "mean": mean,
        "variance": variance,
        "exceedance": above,
    }


def squared_distance(sample, blown, x, y, width_m, stretch_s):
    """In widths, along and across the wind at the sample."""
    dx, dy = x - sample[0], y - sample[1]
    speed = math.hypot(*blown)
    if not math.isfinite(speed) or speed == 0:
        return (dx**2 + dy**2) / width_m**2
    along = (dx * blown[0] + dy * blown[1]) / speed
    across = (dy * blown[0] - dx * blown[1]) / speed
    long = width_m + stretch_s * speed
    short = width_m**2 / long
    return (along / long) ** 2 + (across / short) ** 2


def nearest(centres, value):
    return min(range(len(centres)), key=lambda k: abs(centres[k] - value))


def density(draws, widths, x, y):
    """Mean of round normal densities about the draws."""
    total = 0.0
    for (east, north), width in zip(draws, widths, strict=True):
        away = ((x - east) ** 2 + (y - north) ** 2) / width**2
        total += math.exp(-0.5 * away) / (2.0 * math.pi * width**2)
    return total / len(draws)


def ordinary_kriging(data, place, covariance, nugget):
    """Mean and variance of a reading at a place, from the full system with its multiplier.

    `data` are (east, north, reading), one each; `covariance` is a function of distance.
    """
    size = len(data)
    system, right = np.zeros((size + 1, size + 1)), np.ones(size + 1)
    for i, one in enumerate(data):
        for j, other in enumerate(data):
            system[i, j] = covariance(math.hypot(one[0] - other[0], one[1] - other[1]))
        system[i, i] += nugget
        system[i, size] = system[size, i] = 1.0
        right[i] = covariance(math.hypot(one[0] - place[0], one[1] - place[1]))
    weights = np.linalg.solve(system, right)
    mean = sum(weight * one[2] for weight, one in zip(weights[:size], data, strict=True))
    return mean, covariance(0.0) + nugget - float(weights @ right)


def layered_mean(samples, shares, place, *, width_m):
    """Weight and weighted mean at a place, of samples that count by a share each; no wind."""
    total, weighted = 0.0, 0.0
    for (east, north, reading), share in zip(zip(*samples, strict=True), shares, strict=True):
        away = ((east - place[0]) ** 2 + (north - place[1]) ** 2) / width_m**2
        weight = share * math.exp(-0.5 * away)
        total += weight
        weighted += weight * reading
    return total, weighted / total
