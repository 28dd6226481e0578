"""Slow, obvious twins of `detection.source`, and a plume world of its own; nothing imported."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, kw_only=True)
class Air:
    """Wind history and what the plume does in it, the twin's own names for the nuisances."""

    time_s: np.ndarray
    eastward: np.ndarray
    northward: np.ndarray
    wind_height_m: float
    turned_rad: float
    speed_factor: float
    lateral_sd: float
    lateral_scale_s: float
    vertical_sd: float
    vertical_scale_s: float
    roughness_m: float


def taylor(age, velocity_sd, scale_s):
    """Spread by summing the velocity's correlation twice: 2 v^2 int (age - s) exp(-s/T) ds."""
    lag = np.linspace(0.0, age, 2001)
    return velocity_sd * math.sqrt(2 * np.trapezoid((age - lag) * np.exp(-lag / scale_s), lag))


def travelled(air, start_s, end_s):
    """East and north the air moved between two times, in small steps."""
    before = air.time_s <= air.time_s[0] + 60
    time = np.linspace(start_s, end_s, 1001)
    moved = []
    for wind in (air.eastward, air.northward):
        speed = np.interp(time, air.time_s, wind)
        speed[time < air.time_s[0]] = wind[before].mean()
        moved.append(np.trapezoid(speed, time))
    return moved


def slower_near_ground(height, release_height, sigma, air):
    """Mean over the way of the log-law wind, over that at the wind's height."""
    normal = np.linspace(-4, 4, 81)
    weight = np.exp(-0.5 * normal**2)
    shares = (np.arange(32) + 0.5) / 32
    total = 0.0
    for share in shares:
        middle = release_height + share * (height - release_height)
        there = np.abs(middle + sigma * math.sqrt(share * (1 - share)) * normal)
        total += (weight * np.log1p(there / air.roughness_m)).sum() / weight.sum()
    return total / len(shares) / math.log1p(air.wind_height_m / air.roughness_m)


def layer(ages, velocity_sd, release_height, *, length_m, growth):
    """Vertical spread where eddies grow with height, in steps of ten milliseconds."""
    out, variance, shared, now, step = [], 0.0, 0.0, 0.0, 0.01
    for age in ages:
        while now < age:
            level = math.sqrt(release_height**2 + 2 / math.pi * variance)
            scale = length_m / velocity_sd * ((level + 1) / 11) ** growth
            variance += 2 * shared * step
            shared += (velocity_sd**2 - shared / scale) * step
            now += step
        out.append(math.sqrt(variance))
    return np.array(out)


def footprint(reading, cells, air, *, release_height, least_m, ages):
    """What unit sources at cells (easts, norths) give one reading (time, east, north, height)."""
    time_s, east, north, height = reading
    easts, norths = cells
    density = []
    for age in ages:
        lateral = math.hypot(taylor(age, air.lateral_sd, air.lateral_scale_s), least_m)
        vertical = math.hypot(taylor(age, air.vertical_sd, air.vertical_scale_s), 0.5)
        share = air.speed_factor * slower_near_ground(height, release_height, vertical, air)
        moved_east, moved_north = travelled(air, time_s - age, time_s)
        turn_cos, turn_sin = math.cos(air.turned_rad), math.sin(air.turned_rad)
        from_east = east - share * (turn_cos * moved_east - turn_sin * moved_north)
        from_north = north - share * (turn_sin * moved_east + turn_cos * moved_north)
        squared = (easts - from_east) ** 2 + (norths - from_north) ** 2
        across = np.exp(-0.5 * squared / lateral**2) / (2 * math.pi * lateral**2)
        direct = stats.norm.pdf(height, release_height, vertical)
        image = stats.norm.pdf(height, -release_height, vertical)
        density.append(across * (direct + image))
    return np.trapezoid(np.array(density), ages, axis=0)


def respond(series, time_s, *, rise_s, decay_s):
    """First-order response to straight lines between readings, in a thousand small steps each."""
    out = [float(series[0])]
    for k in range(1, len(series)):
        state, step = out[-1], (time_s[k] - time_s[k - 1]) / 1000
        constant = rise_s if 0.5 * (series[k - 1] + series[k]) > state else decay_s
        for part in range(1000):
            line = series[k - 1] + (series[k] - series[k - 1]) * (part + 0.5) / 1000
            state = line + (state - line) * (math.exp(-step / constant) if constant > 0 else 0.0)
        out.append(state if constant > 0 else float(series[k]))
    return np.array(out)


def log_likelihood(reading, prediction, additive, relative):
    """Student's t with three degrees of freedom about a prediction."""
    scale = math.hypot(additive, relative * prediction)
    return stats.t.logpdf(reading, df=3, loc=prediction, scale=scale)


def log_ratio(kernel, readings, additive, rates, *, relative, others):
    """Every cell and rate against no further source, term by term."""
    out = np.zeros((kernel.shape[1], len(rates)))
    for cell in range(kernel.shape[1]):
        for r, rate in enumerate(rates):
            for i, reading in enumerate(readings):
                with_it = others[i] + rate * float(kernel[i, cell])
                out[cell, r] += log_likelihood(reading, with_it, additive[i], relative)
                out[cell, r] -= log_likelihood(reading, others[i], additive[i], relative)
    return out


def expected_log_ratio(kernel, rate, additive, *, relative):
    """Ratio reached where every reading is exactly as predicted, never below zero."""
    out = []
    for cell in range(kernel.shape[1]):
        total = 0.0
        for i, sigma in enumerate(additive):
            prediction = rate * float(kernel[i, cell])
            total += log_likelihood(prediction, prediction, sigma, relative)
            total -= log_likelihood(prediction, 0.0, sigma, relative)
        out.append(max(total, 0.0))
    return np.array(out)


@dataclass(frozen=True, kw_only=True)
class Source:
    east: float
    north: float
    rate: float
    height: float = 1.0


def plume(source, east, north, height, wind):
    """Concentration of a textbook Gaussian plume: spread in proportion to the distance."""
    speed = math.hypot(*wind)
    along = ((east - source.east) * wind[0] + (north - source.north) * wind[1]) / speed
    across = ((north - source.north) * wind[0] - (east - source.east) * wind[1]) / speed
    downwind = along > 1.0
    distance = np.where(downwind, along, 1.0)
    sigma_y, sigma_z = 0.11 * distance + 1.0, 0.08 * distance + 0.5
    vertical = np.exp(-0.5 * ((height - source.height) / sigma_z) ** 2)
    vertical += np.exp(-0.5 * ((height + source.height) / sigma_z) ** 2)
    level = source.rate / (2 * math.pi * speed * sigma_y * sigma_z) * vertical
    return np.where(downwind, level * np.exp(-0.5 * (across / sigma_y) ** 2), 0.0)


def lawnmower(eastings, *, one_way=False, readings_a_line=25, height=8.0, step_s=2.0):
    """Time, east, north and height along lines at the given eastings, 120 m north or south.

    Flown there and back, or all to the north, so that a late sensor is late on one side.
    """
    along = np.linspace(-60.0, 60.0, readings_a_line)
    turns = [1 if one_way or k % 2 == 0 else -1 for k in range(len(eastings))]
    north = np.concatenate([turn * along for turn in turns])
    east = np.repeat(np.asarray(eastings, dtype=float), readings_a_line)
    return step_s * np.arange(east.size), east, north, np.full(east.size, height)
