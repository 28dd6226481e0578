"""Slow, obvious twins of the simulator's kernels. They import nothing of the code they judge."""

from __future__ import annotations

import math


def filament_sum(place, filaments, sigma_m, growth_m2_s):
    """Concentration of round Gaussian puffs and of their mirror images below the ground."""
    total = 0.0
    for east, north, height, _u, _v, _w, age, mass in filaments:
        variance = sigma_m**2 + growth_m2_s * age
        for image in (height, -height):
            squared = (east - place[0]) ** 2 + (north - place[1]) ** 2 + (image - place[2]) ** 2
            total += mass * math.exp(-squared / (2 * variance)) / (2 * math.pi * variance) ** 1.5
    return total


def straight_plume(receptor_at, *, source, rate, wind, per_s, sigma_m, start_s, time_s):
    """Concentration at a sensor when every filament moves straight on with `wind`.

    A filament leaves in the middle of every 1 / per_s seconds from `start_s` on.
    """
    filaments = []
    number = 0
    while True:
        released = start_s + (number + 0.5) / per_s
        if released >= time_s:
            break
        age = time_s - released
        filaments.append(
            (
                source[0] + wind[0] * age,
                source[1] + wind[1] * age,
                source[2],
                0.0,
                0.0,
                0.0,
                age,
                rate / per_s,
            )
        )
        number += 1
    return filament_sum(receptor_at, filaments, sigma_m, 0.0)


def first_order(signal, step_s, rise_s, decay_s):
    """Asymmetric first-order response by many small Euler steps."""
    value = float(signal[0])
    response = []
    parts = 2000
    for target in signal:
        for _ in range(parts):
            scale = rise_s if target > value else decay_s
            value += (target - value) * step_s / parts / scale
        response.append(value)
    return response


def taylor_variance(age_s, velocity_sd, time_scale_s):
    """Displacement variance by summing the correlation of velocities twice (Taylor 1921)."""
    steps = 2000
    dt = age_s / steps
    total = 0.0
    for lag in range(steps):
        middle = (lag + 0.5) * dt
        total += 2.0 * (age_s - middle) * math.exp(-middle / time_scale_s) * dt
    return velocity_sd**2 * total
