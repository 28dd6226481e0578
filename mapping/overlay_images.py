"""Small pictures for a globe: rasters of a survey in their colours, and signs for places."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgba
from PIL import Image

from mapping.layers import KNOWN, SOURCE
from mapping.styles.survey_styles import reading_steps
from mapping.track_lines import READING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.survey import Survey

    FloatArray = NDArray[np.float64]

__all__ = ["concentration_png", "known_png", "probability_png", "source_png"]

MOST_PIXELS = 2048
SIGN_PIXELS = 64
OPAQUE_FROM = 0.25  # share of the highest value
SEEN_FROM = 0.02


def concentration_png(survey: Survey) -> bytes:
    """Concentration in the colours of the readings; clear where it is low or was not measured."""
    steps = reading_steps(survey.track)
    last = steps[-1][0] if steps and steps[-1][0] is not None else None
    mean = survey.maps["concentration_mean"].to_numpy()
    top = last if last is not None else np.inf
    share = np.sqrt(np.clip(np.nan_to_num(mean) / top, 0.0, 1.0))
    colour = READING(share)
    colour[..., 3] = np.clip((share - 0.3) / 0.3, 0.0, 0.8)
    return _png(colour)


def probability_png(survey: Survey) -> bytes:
    """Expected sources per cell, from clear to dark; the scale ends at the highest."""
    expected = np.nan_to_num(survey.source_map["source_probability"].to_numpy())
    top = float(expected.max(initial=0.0))
    share = expected / top if top > 0 else expected
    colour = colormaps["cividis"](share)
    colour[..., 3] = np.clip((share - SEEN_FROM) / (OPAQUE_FROM - SEEN_FROM), 0.0, 0.85)
    return _png(colour)


def source_png() -> bytes:
    """A cross in a ring."""
    away, x, y = _sign_places()
    ring = np.abs(away - 0.72) < 0.12
    cross = (np.minimum(np.abs(x), np.abs(y)) < 0.11) & (away < 0.95)
    return _sign(ring | cross, away < 1.0, SOURCE)


def known_png() -> bytes:
    """A filled square."""
    _, x, y = _sign_places()
    reach = np.maximum(np.abs(x), np.abs(y))
    return _sign(reach < 0.5, reach < 0.62, KNOWN)


def _sign_places() -> tuple[FloatArray, FloatArray, FloatArray]:
    axis = (np.arange(SIGN_PIXELS) + 0.5) / SIGN_PIXELS * 2.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    return np.hypot(x, y), x, y


def _sign(inked: NDArray[np.bool_], around: NDArray[np.bool_], colour: str) -> bytes:
    picture = np.zeros((*inked.shape, 4))
    picture[around] = (1.0, 1.0, 1.0, 0.75)
    picture[inked] = to_rgba(colour)
    return _png(picture)


def _png(colour: FloatArray) -> bytes:
    step = -(-max(colour.shape[:2]) // MOST_PIXELS)
    target = io.BytesIO()
    picture = np.ascontiguousarray(255.0 * colour[::step, ::step]).astype(np.uint8)
    Image.fromarray(picture).save(target, format="png")
    return target.getvalue()
