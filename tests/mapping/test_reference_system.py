from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyproj
import pytest

from mapping import reference_system
from mapping.area import survey_domain
from mapping.grid import to_geographic, to_metric
from mapping.reference_system import check_there, conversion_of, read_crs
from sensors.errors import ConfigError

DAM = 52.3731, 4.8926  # Amsterdam; 121 394, 487 374 in RD


def test_a_known_place_has_its_dutch_coordinates():
    """The tower of Amersfoort, origin of the grid: 155 000, 463 000 by definition."""
    crs = read_crs("EPSG:28992")
    east, north = to_metric(crs, [52.155172897], [5.387203657])
    assert (float(east[0]), float(north[0])) == pytest.approx((155_000.0, 463_000.0), abs=1.0)


@pytest.mark.parametrize("name", ["EPSG:28992", "EPSG:32631", "EPSG:25831", "EPSG:31370"])
def test_places_come_back_from_any_system(name):
    crs = read_crs(name)
    latitude, longitude = to_geographic(crs, *to_metric(crs, [51.2, 51.3], [4.4, 4.5]))
    np.testing.assert_allclose(latitude, [51.2, 51.3], atol=1e-8)
    np.testing.assert_allclose(longitude, [4.4, 4.5], atol=1e-8)


def test_a_system_of_the_same_datum_needs_no_note():
    crs = read_crs("EPSG:32631")
    assert conversion_of(crs.to_wkt()).notes(crs) == []


def test_a_missing_grid_is_named_with_what_is_lost():
    crs = read_crs("EPSG:27700")
    one = conversion_of(crs.to_wkt())
    (note,) = one.notes(crs)
    assert "EPSG:27700" in note
    if one.missing_grid:
        assert "to 2 m" in note
        assert "OSTN15" in note


def test_an_installed_grid_of_shifts_is_taken(monkeypatch):
    def operation(accuracy, definition):
        return SimpleNamespace(accuracy=accuracy, definition=definition)

    def group(source, crs, *, always_xy):
        by_grid = operation(0.0, "proj=gridshift grids=nl_nsgi_rdtrans2018.tif")
        plain = operation(1.0, "proj=helmert x=565.7")
        best = by_grid if source == reference_system.ETRS89 else plain
        return SimpleNamespace(transformers=[best], unavailable_operations=[])

    monkeypatch.setattr(reference_system, "TransformerGroup", group)
    crs = read_crs("EPSG:28992")
    one = conversion_of.__wrapped__(crs.to_wkt())
    assert one.accuracy_m == 0.0
    assert "gridshift" in one.transformer.definition
    assert one.notes(crs) == []


def test_the_horizontal_part_of_a_compound_system_is_taken():
    assert read_crs("EPSG:7415").to_epsg() == 28992


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EPSG:4326", "degrees"),
        ("EPSG:4979", "degrees"),
        ("EPSG:2263", "US survey foot"),
        ("EPSG:32661", "do not go east and north"),
        ("EPSG:2048", "do not go east and north"),
        ("EPSG:1", "no such"),
        ("", "no such"),
        ("'; DROP TABLE", "no such"),
    ],
)
def test_systems_maps_cannot_be_drawn_in_are_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        read_crs(text)


def test_a_system_for_elsewhere_is_refused_and_one_without_an_area_is_not():
    with pytest.raises(ConfigError, match=r"the flight was at 52\.373"):
        check_there(read_crs("EPSG:2193"), *DAM)  # New Zealand
    check_there(read_crs("+proj=tmerc +lat_0=52 +lon_0=5 +ellps=WGS84 +units=m"), *DAM)


def test_a_system_across_the_antimeridian_is_for_both_sides():
    crs = read_crs("EPSG:3832")  # PDC Mercator: from 98 east to 70 west
    for longitude in (179.9, -179.9):
        check_there(crs, 0.5, longitude)
    with pytest.raises(ConfigError, match="distances are wrong"):
        check_there(crs, -40.0, 179.9)


def test_a_flight_over_two_zones_is_in_one_system_without_a_jump():
    longitude = np.linspace(5.995, 6.005, 50)
    domain = survey_domain(np.full(50, 52.0), longitude)
    east, _ = to_metric(domain.crs, np.full(50, 52.0), longitude)
    assert np.ptp(np.diff(east)) < 0.01


def test_a_domain_in_another_system_is_the_same_ground():
    latitude, longitude = np.full(20, 52.0), np.linspace(5.0, 5.01, 20)
    usual = survey_domain(latitude, longitude)
    dutch = survey_domain(latitude, longitude, crs=pyproj.CRS.from_epsg(28992))
    size = [
        (one.bounds[2] - one.bounds[0]) * (one.bounds[3] - one.bounds[1]) for one in (usual, dutch)
    ]
    assert size[0] == pytest.approx(size[1], rel=0.05)
