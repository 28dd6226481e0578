"""One analysed flight held against its truth, as a row of plain numbers.

What `benchmarks.scoring` says of a flight and more: the error along and across the wind, the
raster beside the polygons, and where the truth ranks among the draws of the posterior.
"""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import Point

from benchmarks.truth import matched, places
from drone.pipeline import analyse
from mapping.density import draw_density
from mapping.relabel import label_sources
from mapping.survey import INDICATED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import xarray as xr

    from drone.analysis import Analysis
    from drone.choices import Choices
    from mapping.hotspots import Hotspot

NAN = float("nan")
# Equal-area radii of the 90 % region that the truth may lie outside it: of a normal posterior
# one truth in ten thousand lies farther off.
TOO_SURE = 1.0
_BLUR = 0.01  # share of the log score's density that is spread evenly over the domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A flight and what was said of it.

    Errors, regions and rate are of the most probable hotspot, told or not, against the true
    source nearest to it. `along_m` is positive where it was sought too far downwind;
    `beyond_90_m` is how far the truth lies outside the 90 % region.
    `raster_level` is the share of the probability raster that lies in cells of more probability
    than that of the truth, `draws_level` the same of the draws' density: the truth is inside a
    region of 90 % if it is below 0.9. `ranks` are the shares of draws below the truth.
    `log_score` is the logarithm of the density at the truth [m-2], with 1 % spread evenly.
    """

    row: str
    name: str
    turbulence: str = ""
    verdict: str
    p_any: float
    sources: int
    told: int
    error_m: float = NAN
    along_m: float = NAN
    across_m: float = NAN
    inside_50: bool = False
    inside_90: bool = False
    beyond_90_m: float = NAN
    raster_level: float = NAN
    draws_level: float = NAN
    area_radius_50_m: float = NAN
    area_radius_90_m: float = NAN
    raster_radius_90_m: float = NAN
    radius_90_m: float = NAN
    rate_ratio: float = NAN
    rate_g_s: float = NAN
    rate_g_s_p05: float = NAN
    rate_g_s_p95: float = NAN
    height_m: float = NAN
    matched_m: tuple[float, ...] = ()
    ranks: dict[str, float] = field(default_factory=dict)
    log_score: float = NAN
    largest_reading_m: float = NAN
    cpu_s: float = NAN
    wall_s: float = NAN
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def indicated(self) -> bool:
        """Whether the verdict names a source."""
        return self.verdict == INDICATED

    @property
    def misleading(self) -> bool:
        """Whether a source is indicated where none is, as far as its own region tells."""
        if not self.indicated:
            return False
        return self.sources == 0 or self.beyond_90_m > TOO_SURE * self.area_radius_90_m

    def line(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))


def judged_line(text: str) -> Judged:
    """A flight from its line of JSON."""
    known = json.loads(text)
    known["matched_m"], known["notes"] = tuple(known["matched_m"]), tuple(known["notes"])
    return Judged(**{one.name: known[one.name] for one in fields(Judged)})


def judged_flight(
    paths: Sequence[Path],
    choices: Choices,
    sources: Sequence[Mapping[str, float]],
    *,
    wind: tuple[float, float],
    **more: Any,
) -> Judged:
    """Process logs and hold the result against `sources` (latitude, longitude, rate_g_s).

    `wind` is the true mean wind, towards [m s-1], NaN where unknown.
    """
    clock, begin = time.perf_counter(), time.process_time()
    analysis = analyse(paths, choices=choices)
    more |= {"cpu_s": time.process_time() - begin, "wall_s": time.perf_counter() - clock}
    return judged_analysis(analysis, sources, wind=wind, **more)


def judged_analysis(
    analysis: Analysis,
    sources: Sequence[Mapping[str, float]],
    *,
    wind: tuple[float, float],
    **more: Any,
) -> Judged:
    """An analysis against the truth."""
    survey = analysis.survey
    more |= {
        "verdict": survey.verdict,
        "p_any": float(survey.p_any_source),
        "sources": len(sources),
        "told": len(survey.told),
        "notes": (*filter(None, (analysis.shortage,)), *analysis.notes),
    }
    if not sources:
        return Judged(**more)
    true = places(analysis, sources)
    more["largest_reading_m"] = _from_largest_reading(analysis, true)
    if survey.hotspots and analysis.posterior is not None:
        first = survey.hotspots[0]
        nearest = int(np.argmin(np.hypot(true[:, 0] - first.east, true[:, 1] - first.north)))
        more |= _of_hotspot(first, true[nearest], sources[nearest], wind)
        more |= _of_raster(survey.source_map, true[nearest])
        more |= _of_draws(analysis, true[nearest], sources[nearest], wind, seed=str(more["name"]))
        more["matched_m"] = matched(
            np.array([(spot.east, spot.north) for spot in survey.told]), true
        )
    return Judged(**more)


def _from_largest_reading(analysis: Analysis, true: np.ndarray) -> float:
    track = analysis.survey.track
    if not np.isfinite(track.reading).any():
        return NAN
    place = int(np.nanargmax(track.reading))
    return float(np.hypot(true[:, 0] - track.east[place], true[:, 1] - track.north[place]).min())


def _of_hotspot(
    spot: Hotspot, true: np.ndarray, source: Mapping[str, float], wind: tuple[float, float]
) -> dict[str, Any]:
    off = np.array([spot.east, spot.north]) - true
    along = _unit(wind)
    at = Point(true)
    return {
        "error_m": float(np.hypot(*off)),
        "along_m": float(off @ along),
        "across_m": float(abs(off[0] * along[1] - off[1] * along[0])),
        "inside_50": bool(spot.regions[0.5].covers(at)),
        "inside_90": bool(spot.regions[0.9].covers(at)),
        "beyond_90_m": float(spot.regions[0.9].distance(at)),
        "area_radius_50_m": float(np.sqrt(spot.regions[0.5].area / np.pi)),
        "area_radius_90_m": float(np.sqrt(spot.regions[0.9].area / np.pi)),
        "radius_90_m": spot.radius_90_m,
        "rate_ratio": spot.rate_g_s / source.get("rate_g_s", NAN),
        "rate_g_s": spot.rate_g_s,
        "rate_g_s_p05": spot.rate_g_s_p05,
        "rate_g_s_p95": spot.rate_g_s_p95,
        "height_m": spot.height_m,
    }


def _unit(wind: tuple[float, float]) -> np.ndarray:
    return np.asarray(np.array(wind) / np.hypot(*wind))


def _of_raster(source_map: xr.Dataset, true: np.ndarray) -> dict[str, Any]:
    """What the raster of source probability says, as a user of the file would read it."""
    probability = np.nan_to_num(source_map["source_probability"].to_numpy())
    total = probability.sum()
    if not total > 0.0:
        return {}
    x, y = source_map["x"].to_numpy(), source_map["y"].to_numpy()
    column, row = int(np.argmin(np.abs(x - true[0]))), int(np.argmin(np.abs(y - true[1])))
    cell = abs(float(x[1] - x[0]) * float(y[1] - y[0]))
    is_off = max(abs(x[column] - true[0]), abs(y[row] - true[1])) > np.sqrt(cell)
    here = -1.0 if is_off else probability[row, column]
    order = np.sort(probability, axis=None)[::-1]
    held = np.cumsum(order) / total
    return {
        "raster_level": float(probability[probability > here].sum() / total),
        "raster_radius_90_m": float(np.sqrt((np.searchsorted(held, 0.9) + 1) * cell / np.pi)),
    }


def _of_draws(
    analysis: Analysis,
    true: np.ndarray,
    source: Mapping[str, float],
    wind: tuple[float, float],
    *,
    seed: str,
) -> dict[str, Any]:
    """Where the truth ranks among the draws of the most probable source."""
    assert analysis.posterior is not None
    posterior = analysis.posterior
    columns = {name: posterior[name].to_numpy() for name in ("east", "north", "rate", "height")}
    labels = label_sources(columns["east"], columns["north"])
    first = int(np.argmax(np.bincount(labels[labels >= 0])))
    draws = {name: column[labels == first] for name, column in columns.items()}
    density = draw_density(draws["east"], draws["north"])
    here = float(density.at(true[:1], true[1:])[0])
    west, south, east, north = analysis.survey.domain.bounds
    even = 1.0 / ((east - west) * (north - south))
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    places = np.stack((draws["east"], draws["north"]), axis=1)
    along = _unit(wind)
    across = np.array([along[1], -along[0]])
    middle = np.array(_reading_place(analysis))
    ranks = {
        "distance": _rank(np.hypot(*(places - middle).T), float(np.hypot(*(true - middle))), rng),
    }
    if np.isfinite(along).all():
        ranks["along"] = _rank(places @ along, float(true @ along), rng)
        ranks["across"] = _rank(places @ across, float(true @ across), rng)
    if "rate_g_s" in source:
        ranks["rate"] = _rank(1e3 * draws["rate"], source["rate_g_s"], rng)
    if "height_m" in source:
        ranks["height"] = _rank(draws["height"], source["height_m"], rng)
    return {
        "ranks": ranks,
        "draws_level": float(np.mean(density.at(draws["east"], draws["north"]) > here)),
        "log_score": float(np.log((1.0 - _BLUR) * here + _BLUR * even)),
    }


def _reading_place(analysis: Analysis) -> tuple[float, float]:
    track = analysis.survey.track
    place = int(np.nanargmax(track.reading))
    return float(track.east[place]), float(track.north[place])


def _rank(draws: np.ndarray, true: float, rng: np.random.Generator) -> float:
    """Share of draws below the truth; ties fall either way by chance."""
    below, level = int(np.sum(draws < true)), int(np.sum(draws == true))
    return float((below + rng.uniform(0.0, level + 1.0)) / (draws.size + 1.0))
