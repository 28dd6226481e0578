from __future__ import annotations

import dataclasses
import re
import zipfile

import numpy as np
import pytest
import shapely
from lxml import etree
from pyproj import CRS

from mapping.exporters import cot
from mapping.grid import to_metric
from mapping.survey import NOTHING

ODD_NAME = 'Café \'t Büro "<b>Zuid</b>" & Zn.\x07'
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def two(survey_of, posterior_of, around):
    places = np.stack([around((0.0, 0.0), 5.0), around((90.0, -60.0), 9.0)], axis=1)
    return survey_of(posterior_of(places))


def package_of(survey, folder):
    """Manifest and events of what was written."""
    (path,) = cot.write(survey, folder)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = etree.fromstring(archive.read("MANIFEST/manifest.xml"))
        entries = [one.get("zipEntry") for one in manifest.iter("Content")]
        assert sorted(archive.namelist()) == sorted(["MANIFEST/manifest.xml", *entries])
        return manifest, [etree.fromstring(archive.read(name)) for name in entries]


def of_type(events, kind):
    return [event for event in events if event.get("type") == kind]


def test_each_event_keeps_the_base_schema(two, tmp_path):
    """Event 2.0: the attributes that MITRE's schema requires, in its ranges."""
    _, events = package_of(two, tmp_path)
    assert len(events) == 4
    for event in events:
        assert event.tag == "event"
        assert event.get("version") == "2.0"
        assert re.fullmatch(r"\w+(-\w+)*", event.get("type"))
        assert re.fullmatch(r"\w(-\w+)*", event.get("how"))
        times = [event.get(name) for name in ("time", "start", "stale")]
        assert all(UTC_TIME.fullmatch(time) for time in times)
        assert times[0] == times[1] < times[2]
        assert [child.tag for child in event] == ["point", "detail"]
        numbers = {name: float(value) for name, value in event.find("point").items()}
        assert set(numbers) == {"lat", "lon", "hae", "ce", "le"}
        assert abs(numbers["lat"]) <= 90
        assert abs(numbers["lon"]) <= 180
    uids = [event.get("uid") for event in events]
    assert len(set(uids)) == len(uids)


def test_a_source_is_a_spot_with_its_90_percent_radius(two, tmp_path):
    _, events = package_of(two, tmp_path)
    spots = of_type(events, "b-m-p-s-m")
    for event, told in zip(spots, two.told, strict=True):
        point = event.find("point")
        assert float(point.get("ce")) == pytest.approx(told.radius_90_m, abs=0.05)
        east, north = to_metric(
            two.domain.crs, [float(point.get("lat"))], [float(point.get("lon"))]
        )
        assert (east[0], north[0]) == pytest.approx((told.east, told.north), abs=0.02)
        remarks = event.findtext("detail/remarks")
        assert remarks.startswith("indication; confirm by sampling. Probability 1")
        assert f"{told.rate_g_s:.2g} g/s" in remarks
        assert event.find("detail/archive") is not None
    assert spots[0].find("detail/contact").get("callsign") == "source 1 (p > 0.99)"


def test_times_are_those_of_the_flight(two, tmp_path):
    _, events = package_of(two, tmp_path)
    assert {event.get("time") for event in events} == {"2026-05-12T09:05:59.800Z"}
    assert {event.get("stale") for event in events} == {"2027-05-12T09:05:59.800Z"}


def test_regions_are_closed_outlines_of_few_corners(two, tmp_path):
    _, events = package_of(two, tmp_path)
    for event, told in zip(of_type(events, "u-d-f"), two.told, strict=True):
        links = [link.get("point").split(",") for link in event.findall("detail/link")]
        assert links[0] == links[-1]
        assert 3 < len(links) <= 102
        latitude, longitude = np.array(links, dtype=float).T
        outline = shapely.Polygon(np.stack(to_metric(two.domain.crs, latitude, longitude), axis=1))
        assert outline.area == pytest.approx(told.regions[0.9].area, rel=0.05)


def test_a_source_keeps_its_uid_when_the_flight_is_processed_again(two, tmp_path):
    _, first = package_of(two, tmp_path)
    moved = tuple(dataclasses.replace(spot, east=spot.east + 3.0) for spot in two.hotspots)
    _, again = package_of(dataclasses.replace(two, hotspots=moved), tmp_path)
    _, other = package_of(dataclasses.replace(two, name="another flight"), tmp_path)
    assert [one.get("uid") for one in first] == [one.get("uid") for one in again]
    assert not {one.get("uid") for one in first} & {one.get("uid") for one in other}


def test_the_same_survey_gives_the_same_bytes(two, tmp_path):
    (path,) = cot.write(two, tmp_path)
    first = path.read_bytes()
    cot.write(two, tmp_path)
    assert path.read_bytes() == first


def test_nothing_told_makes_no_package(two, tmp_path):
    assert cot.write(dataclasses.replace(two, verdict=NOTHING), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_any_name_is_kept_as_text(two, tmp_path):
    manifest, events = package_of(dataclasses.replace(two, name=ODD_NAME), tmp_path)
    kept = ODD_NAME.replace("\x07", "\ufffd")
    names = {one.get("name"): one.get("value") for one in manifest.find("Configuration")}
    assert names["name"] == f"sniffdrone: {kept}"
    assert f"Flight {kept}," in events[0].findtext("detail/remarks")


def test_at_80_degrees_north_places_are_right(two, tmp_path):
    svalbard = CRS.from_epsg(32633)
    east, north = to_metric(svalbard, [80.0], [15.0])
    spot = dataclasses.replace(
        two.hotspots[0],
        east=float(east[0]),
        north=float(north[0]),
        regions={level: shapely.Point(east[0], north[0]).buffer(9.0) for level in (0.5, 0.9)},
    )
    domain = dataclasses.replace(two.domain, crs=svalbard)
    survey = dataclasses.replace(two, domain=domain, hotspots=(spot,))
    _, events = package_of(survey, tmp_path)
    point = events[0].find("point")
    assert (float(point.get("lat")), float(point.get("lon"))) == pytest.approx((80.0, 15.0))
