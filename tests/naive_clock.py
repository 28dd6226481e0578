"""The lower envelope of delay, tried line by line."""

from __future__ import annotations

import itertools


def lower_edge(points):
    """Of all lines through two points with none below, the one with the least sum of distances."""
    best = None
    for (x0, y0), (x1, y1) in itertools.combinations(points, 2):
        if x0 == x1:
            continue
        slope = (y1 - y0) / (x1 - x0)
        above = [y - (y0 + slope * (x - x0)) for x, y in points]
        scale = max(abs(y) for _, y in points) + 1.0
        if min(above) >= -1e-9 * scale and (best is None or sum(above) < best[0] - 1e-12):
            best = sum(above), y0 - slope * x0, slope
    return best[1:]
