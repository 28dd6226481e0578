"""``survey.kmz``: a survey for Google Earth, with everything it shows inside the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mapping import kml
from mapping.captions import mean_wind, place, subtitle, title
from mapping.exporters.geojson import region_geometry
from mapping.flight_layers import legs
from mapping.grid import to_geographic
from mapping.layers import KNOWN, SEARCHED, SOURCE
from mapping.overlay_images import concentration_png, known_png, probability_png, source_png
from mapping.packed import document, write_zip
from mapping.searched import searched_ground
from mapping.styles.survey_styles import TRACK, UNSEARCHED, reading_steps
from mapping.vector_layers import NOTICE

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree import ElementTree as ET

    import xarray as xr
    from numpy.typing import NDArray

    from mapping.survey import Survey, Track

    FloatArray = NDArray[np.float64]

__all__ = ["write"]

FILE = "survey.kmz"
MOST_TRACK_POINTS = 4000
MOST_PIECES = 1500
_GROUND = {
    "searched": ("searched", True, SEARCHED[0.9], 0.35),
    "perhaps": ("perhaps", False, SEARCHED[0.2], 0.45),
    "not searched": ("unsearched", True, UNSEARCHED, 0.35),
}


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write `survey.kmz`.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path
    """
    root, main = kml.new_document(survey.name, _about(survey))
    _add_styles(main, survey)
    _add_sources(main, survey)
    _add_regions(main, survey)
    if survey.known:
        _add_known(main, survey)
    _add_readings(main, survey)
    _add_track(main, survey)
    _add_ground(main, survey)
    overlays = kml.folder(main, "Rasters")
    pictures = {
        "files/concentration.png": concentration_png(survey),
        "files/source_probability.png": probability_png(survey),
    }
    for (image, name, maps), visible in zip(_rasters(survey), (True, False), strict=True):
        kml.add_overlay(overlays, name, image, _corners(maps, survey), visible=visible)
    signs = {"files/source.png": source_png(), "files/known.png": known_png()}
    return [write_zip({"doc.kml": document(root)} | signs | pictures, folder / FILE)]


def _about(survey: Survey) -> str:
    wind = mean_wind(survey.track)
    times = survey.track.time.astype("datetime64[s]")
    rows = [
        ("verdict", title(survey)),
        ("in words", subtitle(survey)),
        ("flown", f"{times[0]}Z to {times[-1]}Z"),
        ("gas", f"{survey.gas} as read by {survey.channel}"),
        ("wind", "unknown" if wind is None else f"{wind.speed:.1f} m/s from {wind.from_deg}°"),
        ("software", f"sniffdrone {survey.version}"),
    ]
    return kml.balloon(rows, note=NOTICE)


def _add_styles(main: ET.Element, survey: Survey) -> None:
    blue = kml.kml_colour(SOURCE)
    kml.add_style(main, "source", icon="files/source.png")
    kml.add_style(main, "region-50", line=(blue, 3.0), fill=kml.kml_colour(SOURCE, 0.3))
    kml.add_style(main, "region-90", line=(blue, 2.0), fill=kml.kml_colour(SOURCE, 0.15))
    kml.add_style(main, "track", line=(kml.kml_colour(TRACK), 1.5))
    if survey.known:
        kml.add_style(main, "known", icon="files/known.png", line=(kml.kml_colour(KNOWN), 2.0))
    for number, (_, _, colour) in enumerate(reading_steps(survey.track)):
        kml.add_style(main, f"reading-{number}", line=(kml.kml_colour(colour), 2.5 + 0.9 * number))
    for style, _, colour, opacity in _GROUND.values():
        kml.add_style(main, style, fill=kml.kml_colour(colour, opacity))


def _add_sources(main: ET.Element, survey: Survey) -> None:
    inside = kml.folder(main, "Sources")
    for spot in survey.told:
        rows = [
            ("probability", f"{spot.probability:.3g}"),
            ("position", place(*_lonlat(survey, spot.east, spot.north)[::-1])),
            ("within", f"{spot.radius_50_m:.0f} m (50 %), {spot.radius_90_m:.0f} m (90 %)"),
            (
                f"{survey.gas} emitted",
                f"{spot.rate_g_s:.2g} g/s (90 %: {spot.rate_g_s_p05:.2g} to "
                f"{spot.rate_g_s_p95:.2g})",
            ),
            ("height", "unknown" if np.isnan(spot.height_m) else f"{spot.height_m:.1f} m"),
            *[
                (f"may be explained by, {one.rank}", _explained(one))
                for one in survey.explanations_of(spot)
            ],
        ]
        mark = kml.placemark(
            inside, f"Source {spot.rank}", "source", description=kml.balloon(rows, note=NOTICE)
        )
        kml.add_geometry(mark, _point(survey, spot.east, spot.north))


def _explained(one: Any) -> str:
    emitter = one.known.emitter
    where = "inside the region" if one.is_inside else f"{one.distance_m:.0f} m away"
    return f"{emitter.name} ({emitter.kind}), {where}" + (", upwind" if one.is_upwind else "")


def _add_regions(main: ET.Element, survey: Survey) -> None:
    inside = kml.folder(main, "Credible regions")
    for spot in survey.told:
        for level in sorted(spot.regions, reverse=True):
            name = f"Source {spot.rank}: {100 * level:.0f} % region"
            mark = kml.placemark(inside, name, f"region-{100 * level:.0f}")
            kml.add_geometry(mark, region_geometry(spot.regions[level], survey.domain.crs))


def _add_known(main: ET.Element, survey: Survey) -> None:
    inside = kml.folder(main, "Known emitters")
    for one in survey.known:
        emitter = one.emitter
        stated = "not stated" if emitter.rate is None else f"{1e3 * emitter.rate:.2g} g/s"
        seen = f"{one.probability:.2f}" if one.was_seen else "the flight cannot tell"
        rows = [
            ("kind", emitter.kind),
            ("stated rate", stated),
            ("probability that it emitted", seen),
            ("file", one.file),
        ]
        mark = kml.placemark(
            inside, emitter.name, "known", description=kml.balloon(rows, note="Known emitter")
        )
        kml.add_geometry(mark, _point(survey, emitter.east, emitter.north))


def _add_readings(main: ET.Element, survey: Survey) -> None:
    """The highest reading of each piece of the way, as a line that appears in its time."""
    track, steps = survey.track, reading_steps(survey.track)
    inside = kml.folder(main, "Readings")
    bounds = [low for low, _, _ in steps if low is not None]
    longitude, latitude = _lonlats(survey, track)
    for leg in legs(track):
        for rows, highest in _pieces(track, leg):
            step = int(np.searchsorted(bounds, highest, side="right"))
            mark = kml.placemark(inside, f"{highest:.3g} {track.unit}", f"reading-{step}")
            kml.add_time_span(mark, track.time[rows[0]], track.time[rows[-1]])
            line = np.stack([longitude[rows], latitude[rows]], axis=1)
            kml.add_geometry(mark, {"type": "LineString", "coordinates": line.tolist()})


def _pieces(track: Track, leg: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], float]]:
    """Rows and highest reading of short runs of a leg, each ending where the next begins."""
    length = max(2, -(-track.time.size // MOST_PIECES))
    pieces = []
    for start in range(0, leg.size - 1, length):
        rows = leg[start : start + length + 1]
        reading = track.reading[rows]
        known = reading[np.isfinite(reading)]
        if known.size:
            pieces.append((rows, float(known.max())))
    return pieces


def _add_track(main: ET.Element, survey: Survey) -> None:
    track = survey.track
    flown = [leg for leg in legs(track) if leg.size > 1]
    if not flown:
        return
    longitude, latitude = _lonlats(survey, track)
    places = np.stack([longitude, latitude, np.nan_to_num(track.height_m)], axis=1)
    stride = -(-track.time.size // MOST_TRACK_POINTS)
    thinned = [np.union1d(leg[::stride], leg[-1:]) for leg in flown]
    mark = kml.placemark(kml.folder(main, "Track"), "Drone", "track")
    kml.add_track(
        mark,
        [(track.time[rows], places[rows]) for rows in thinned],
        has_height=bool(np.isfinite(track.height_m[np.concatenate(flown)]).all()),
    )


def _add_ground(main: ET.Element, survey: Survey) -> None:
    inside = kml.folder(main, "Searched area")
    for ground in searched_ground(survey):
        style, visible, _, _ = _GROUND[ground.name]
        rows = [
            ("area", f"{ground.area_ha:.2g} ha"),
            (
                f"probability that {survey.reference_rate_g_s:g} g/s would have been noticed",
                f"{ground.power_from:g} to {ground.power_to:g}",
            ),
        ]
        mark = kml.placemark(
            inside,
            ground.name.capitalize(),
            style,
            description=kml.balloon(rows, note=ground.name.capitalize()),
            visible=visible,
        )
        kml.add_geometry(mark, region_geometry(ground.shape, survey.domain.crs))


def _rasters(survey: Survey) -> list[tuple[str, str, xr.Dataset]]:
    return [
        ("files/concentration.png", "Concentration", survey.maps),
        ("files/source_probability.png", "Source probability", survey.source_map),
    ]


def _corners(maps: xr.Dataset, survey: Survey) -> FloatArray:
    """Longitude and latitude of a raster's outer corners, as `kml.add_overlay` wants them."""
    half = 0.5 * float(maps.attrs["cell_m"])
    west, east = float(maps["x"][0]) - half, float(maps["x"][-1]) + half
    south, north = float(maps["y"][-1]) - half, float(maps["y"][0]) + half
    latitude, longitude = to_geographic(
        survey.domain.crs, [west, east, east, west], [south, south, north, north]
    )
    near = longitude[0] + (longitude - longitude[0] + 180.0) % 360.0 - 180.0
    return np.stack([near, latitude], axis=1)


def _point(survey: Survey, east: float, north: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(_lonlat(survey, east, north))}


def _lonlat(survey: Survey, east: float, north: float) -> tuple[float, float]:
    latitude, longitude = to_geographic(survey.domain.crs, [east], [north])
    return float(longitude[0]), float(latitude[0])


def _lonlats(survey: Survey, track: Track) -> tuple[FloatArray, FloatArray]:
    latitude, longitude = to_geographic(survey.domain.crs, track.east, track.north)
    return longitude, latitude
