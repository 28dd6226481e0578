from __future__ import annotations

import dataclasses
import io
import math
import zipfile
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from lxml import etree
from pyproj import CRS

from detection.source.emitters import KnownEmitter
from mapping.exporters import kmz
from mapping.grid import to_geographic, to_metric
from mapping.known import Known
from mapping.survey import INSUFFICIENT

ODD_NAME = 'Café \'t Büro "<b>Zuid</b>" & <script>alert(1)</script>\x07'
KML, GX = "{http://www.opengis.net/kml/2.2}", "{http://www.google.com/kml/ext/2.2}"
# what the schemas of KML 2.2 and of its extension ask: children of each element, in this order
FEATURE = ["name", "visibility", "open", "description", "TimeSpan", "styleUrl", "Style"]
CONTENT = {
    "kml": ["Document"],
    "Document": [*FEATURE, "Folder"],
    "Folder": [*FEATURE, "Placemark", "GroundOverlay"],
    "Placemark": [*FEATURE, "Point", "LineString", "Polygon", "MultiGeometry", "gx:MultiTrack"],
    "GroundOverlay": [*FEATURE, "Icon", "gx:LatLonQuad"],
    "TimeSpan": ["begin", "end"],
    "Style": ["IconStyle", "LineStyle", "PolyStyle"],
    "IconStyle": ["Icon", "hotSpot"],
    "LineStyle": ["color", "width"],
    "PolyStyle": ["color", "fill", "outline"],
    "Icon": ["href"],
    "Point": ["coordinates"],
    "LineString": ["tessellate", "coordinates"],
    "Polygon": ["tessellate", "outerBoundaryIs", "innerBoundaryIs"],
    "MultiGeometry": ["Polygon"],
    "outerBoundaryIs": ["LinearRing"],
    "innerBoundaryIs": ["LinearRing"],
    "LinearRing": ["coordinates"],
    "gx:MultiTrack": ["altitudeMode", "gx:interpolate", "gx:Track"],
    "gx:Track": ["altitudeMode", "when", "gx:coord"],
    "gx:LatLonQuad": ["coordinates"],
}


@pytest.fixture
def two(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    return survey_of(posterior_of(places))


def opened(survey, folder):
    """The document of what was written, and the other files beside it."""
    (path,) = kmz.write(survey, folder)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert next(iter(files)) == "doc.kml"
    root = etree.fromstring(files.pop("doc.kml"))
    return SimpleNamespace(root=root, files=files, path=path)


def tag_of(element):
    return element.tag.replace(KML, "").replace(GX, "gx:")


def schema_faults(root):
    """Elements that the schema does not have there, or not in that order."""
    faults = []
    for element in root.iter():
        allowed = CONTENT.get(tag_of(element), [])
        tags = [tag_of(child) for child in element]
        known = [allowed.index(tag) if tag in allowed else None for tag in tags]
        if None in known or known != sorted(known):
            faults.append((tag_of(element), tags))
    return faults


def folder_of(document, name):
    (found,) = document.root.xpath("//*[local-name()='Folder'][*[local-name()='name']=$n]", n=name)
    return found


def marks_of(document, name):
    return folder_of(document, name).findall(f"{KML}Placemark")


def places_of(element):
    text = element.findtext(f".//{KML}coordinates")
    return np.array([place.split(",") for place in text.split()], dtype=float)


def with_known(survey, name):
    emitter = KnownEmitter(
        name=name, kind="paint shop", east=survey.track.east[0], north=survey.track.north[0]
    )
    return dataclasses.replace(survey, known=(Known(emitter=emitter, kind=None),), name=name)


def test_the_document_follows_the_schema(two, tmp_path):
    document = opened(with_known(two, "paint"), tmp_path)
    assert schema_faults(document.root) == []
    styles = {style.get("id") for style in document.root.iter(f"{KML}Style")}
    used = {one.text for one in document.root.iter(f"{KML}styleUrl")}
    assert used <= {f"#{style}" for style in styles}
    for colour in document.root.iter(f"{KML}color"):
        assert len(colour.text) == 8
        int(colour.text, 16)


def test_all_it_shows_is_inside_the_file(two, tmp_path):
    document = opened(two, tmp_path)
    wanted = {href.text for href in document.root.iter(f"{KML}href")}
    assert wanted <= set(document.files)
    for content in document.files.values():
        assert content.startswith(b"\x89PNG")
    assert b"://" not in etree.tostring(document.root).replace(
        b"http://www.opengis.net/kml/2.2", b""
    ).replace(b"http://www.google.com/kml/ext/2.2", b"")


def test_gdal_reads_each_folder(two, tmp_path):
    path = opened(two, tmp_path).path
    names = [name for name, _ in pyogrio.list_layers(path)]
    assert names == [
        "Sources", "Credible regions", "Readings", "Track", "Searched area", "Rasters",
    ]  # fmt: skip
    meta, _, geometry, _ = pyogrio.raw.read(path, layer="Sources")
    assert meta["crs"] == "EPSG:4326"
    points = shapely.from_wkb(geometry)
    east, north = to_metric(two.domain.crs, shapely.get_y(points), shapely.get_x(points))
    told = [(spot.east, spot.north) for spot in two.told]
    np.testing.assert_allclose(np.stack([east, north], axis=1), told, atol=0.02)
    meta, _, geometry, _ = pyogrio.raw.read(path, layer="Credible regions")
    assert shapely.is_valid(shapely.from_wkb(geometry)).all()


def test_the_balloon_of_a_source_says_what_it_is_and_what_not(two, tmp_path):
    first, _ = marks_of(opened(two, tmp_path), "Sources")
    text = first.findtext(f"{KML}description")
    assert "indication, confirm by sampling" in text
    assert "<td>probability</td><td>1</td>" in text
    assert f"{two.told[0].rate_g_s:.2g} g/s" in text


def test_the_track_moves_with_time_and_stops_at_gaps(two, tmp_path):
    time = two.track.time.copy()
    time[900:] += np.timedelta64(120, "s")
    survey = dataclasses.replace(two, track=dataclasses.replace(two.track, time=time))
    document = opened(survey, tmp_path)
    tracks = list(document.root.iter(f"{GX}Track"))
    assert len(tracks) == 2
    for track in tracks:
        assert len(track.findall(f"{KML}when")) == len(track.findall(f"{GX}coord"))
        assert track.findtext(f"{KML}altitudeMode") == "relativeToGround"
    assert tracks[0].findtext(f"{KML}when") == "2026-05-12T09:00:00.000Z"
    longitude, latitude, height = (float(v) for v in tracks[0].findtext(f"{GX}coord").split())
    east, north = to_metric(two.domain.crs, [latitude], [longitude])
    assert (east[0], north[0]) == pytest.approx((two.track.east[0], two.track.north[0]), abs=0.02)
    assert height == 8.0


def test_a_track_without_heights_lies_on_the_ground(two, tmp_path):
    low = dataclasses.replace(two.track, height_m=np.full(two.track.east.size, np.nan))
    document = opened(dataclasses.replace(two, track=low), tmp_path)
    modes = {one.text for one in document.root.iter(f"{KML}altitudeMode")}
    assert modes == {"clampToGround"}
    assert "nan" not in etree.tostring(document.root, encoding="unicode").lower().split()


def test_the_highest_reading_is_shown_in_its_colour_and_time(two, tmp_path):
    document = opened(two, tmp_path)
    marks = marks_of(document, "Readings")
    shown = [float(mark.findtext(f"{KML}name").split()[0]) for mark in marks]
    highest = int(np.argmax(shown))
    assert shown[highest] == pytest.approx(np.nanmax(two.track.reading), rel=5e-3)
    assert marks[highest].findtext(f"{KML}styleUrl") == "#reading-4"
    when = two.track.time[np.nanargmax(two.track.reading)].astype("M8[ms]")
    span = marks[highest].find(f"{KML}TimeSpan")
    assert span.findtext(f"{KML}begin") <= f"{when}Z" <= span.findtext(f"{KML}end")


def test_the_raster_lies_where_its_cells_are(two, tmp_path):
    document = opened(two, tmp_path)
    overlay, _ = folder_of(document, "Rasters").findall(f"{KML}GroundOverlay")
    picture = matplotlib.image.imread(io.BytesIO(document.files["files/concentration.png"]))
    mean = two.maps["concentration_mean"].to_numpy()
    assert picture.shape[:2] == mean.shape
    row, column = np.unravel_index(np.nanargmax(mean), mean.shape)
    assert picture[row, column, 3] == picture[..., 3].max() > 0.5
    assert (picture[~(mean > 0), 3] == 0).all()
    corners = places_of(overlay.find(f"{GX}LatLonQuad"))
    east, north = to_metric(two.domain.crs, corners[:, 1], corners[:, 0])
    half = 0.5 * two.maps.attrs["cell_m"]
    x, y = two.maps["x"].to_numpy(), two.maps["y"].to_numpy()
    low, high = (x[0] - half, y[-1] - half), (x[-1] + half, y[0] + half)
    expected = [low, (high[0], low[1]), high, (low[0], high[1])]
    np.testing.assert_allclose(np.stack([east, north], axis=1), expected, atol=0.02)


def test_ground_that_was_not_searched_is_shown(two, tmp_path):
    marks = {
        mark.findtext(f"{KML}name"): mark
        for mark in marks_of(opened(two, tmp_path), "Searched area")
    }
    assert list(marks) == ["Searched", "Perhaps", "Not searched"]
    assert marks["Not searched"].findtext(f"{KML}visibility") == "1"
    rings = marks["Not searched"].findall(f".//{KML}innerBoundaryIs")
    assert len(rings) == 1  # around what was


def test_the_same_survey_gives_the_same_bytes(two, tmp_path):
    (path,) = kmz.write(two, tmp_path)
    first = path.read_bytes()
    kmz.write(two, tmp_path)
    assert path.read_bytes() == first


def test_any_name_is_shown_as_text(two, tmp_path):
    document = opened(with_known(two, ODD_NAME), tmp_path)
    kept = ODD_NAME.replace("\x07", "\ufffd")
    assert document.root.findtext(f"{KML}Document/{KML}name") == kept
    (mark,) = marks_of(document, "Known emitters")
    assert mark.findtext(f"{KML}name") == kept
    for text in document.root.iter(f"{KML}description"):
        assert "<script" not in text.text


def test_nothing_to_tell_is_shown_all_the_same(two, tmp_path):
    lone = np.full(two.track.east.size, np.nan)
    lone[5] = two.track.east[5]
    track = dataclasses.replace(two.track, east=lone, reading=np.full(lone.size, np.nan))
    survey = dataclasses.replace(
        two, verdict=INSUFFICIENT, p_any_source=math.nan, hotspots=(), track=track
    )
    document = opened(survey, tmp_path)
    assert schema_faults(document.root) == []
    assert marks_of(document, "Sources") == []
    assert marks_of(document, "Readings") == []
    assert len(marks_of(document, "Searched area")) == 3


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [(32633, 80.0, 15.0), (32701, -17.0, 179.9999), (32661, 88.0, -60.0)],
)
def test_far_places_are_shown_where_they_are(two, tmp_path, code, latitude, longitude):
    crs = CRS.from_epsg(code)
    east, north = (float(v[0]) for v in to_metric(crs, [latitude], [longitude]))
    shift = np.array([east, north]) - [two.told[0].east, two.told[0].north]
    spots = tuple(
        dataclasses.replace(
            spot,
            east=spot.east + shift[0],
            north=spot.north + shift[1],
            regions={
                level: shapely.affinity.translate(shape, *shift)
                for level, shape in spot.regions.items()
            },
        )
        for spot in two.hotspots
    )
    west, south, far_east, far_north = two.domain.bounds
    moved = (west + shift[0], south + shift[1], far_east + shift[0], far_north + shift[1])
    grids = [
        maps.assign_coords(x=maps["x"] + shift[0], y=maps["y"] + shift[1])
        for maps in (two.maps, two.source_map)
    ]
    survey = dataclasses.replace(
        two,
        hotspots=spots,
        domain=dataclasses.replace(two.domain, crs=crs, bounds=moved),
        track=dataclasses.replace(
            two.track, east=two.track.east + shift[0], north=two.track.north + shift[1]
        ),
        maps=grids[0],
        source_map=grids[1],
    )
    document = opened(survey, tmp_path)
    first, _ = marks_of(document, "Sources")
    np.testing.assert_allclose(places_of(first)[0], [longitude, latitude], atol=1e-6)
    for ring in document.root.iter(f"{KML}LinearRing"):
        assert np.ptp(places_of(ring)[:, 0]) < 1.0
    lower_left = places_of(folder_of(document, "Rasters").find(f".//{GX}LatLonQuad"))
    assert np.ptp(lower_left[:, 0]) < 1.0
    assert to_geographic(crs, [east], [north])[0][0] == pytest.approx(latitude)
