"""Innocent explanations: in the region or upwind, ranked, never beside or behind the wind."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from detection.source.emitters import KnownEmitter
from mapping.emitter_kinds import kind_of, kinds
from mapping.explanations import Sensor, explain, explanation_text, wind_sector
from mapping.hotspots import Hotspot
from mapping.known import Known
from mapping.report.lookalikes import lookalikes
from mapping.survey import Track

PID = Sensor(gas="toluene", family="pid", lamp_ev=10.6)


def wind(east, north, *, swing_deg=0.0, size=200):
    """A track with this wind, swinging evenly to both sides."""
    turn = np.radians(np.linspace(-swing_deg, swing_deg, size))
    speed, towards = np.hypot(east, north), np.arctan2(east, north)
    nothing = np.zeros(size)
    return Track(
        **{
            **{field.name: nothing for field in dataclasses.fields(Track)
               if field.default is dataclasses.MISSING},
            "eastward_wind": speed * np.sin(towards + turn),
            "northward_wind": speed * np.cos(towards + turn),
            "unit": "ppb",
        }
    )  # fmt: skip


def spot(east=0.0, north=0.0, *, radius=12.0, rank=1):
    disc = shapely.Point(east, north).buffer(radius)
    return Hotspot(
        rank=rank, probability=0.97, east=east, north=north, height_m=1.0, rate_g_s=0.5,
        rate_g_s_p05=0.2, rate_g_s_p95=1.0, radius_50_m=0.5 * radius, radius_90_m=radius,
        regions={0.5: shapely.Point(east, north).buffer(0.5 * radius), 0.9: disc},
    )  # fmt: skip


def known(name, east, north, kind="paint shop"):
    emitter = KnownEmitter(name=name, kind=kind, east=east, north=north)
    return Known(emitter=emitter, kind=kind_of(kind))


WEST_WIND = wind(3.0, 0.0)


def names(found):
    return [one.known.emitter.name for one in found]


def test_what_is_in_the_region_comes_before_what_is_upwind_of_it():
    found = explain(
        [spot()],
        [known("upwind", -80, 5), known("inside", 3, 3), known("beside", 0, 80),
         known("downwind", 80, 0)],
        WEST_WIND, sensor=PID,
    )  # fmt: skip
    assert names(found) == ["inside", "upwind"]
    assert [one.rank for one in found] == [1, 2]
    assert (found[0].is_inside, found[0].is_upwind) == (True, False)
    assert (found[1].is_inside, found[1].is_upwind) == (False, True)
    assert found[1].bearing_deg == pytest.approx(270 + np.degrees(np.arctan(5 / 80)))


def test_of_two_upwind_the_nearer_one_comes_first():
    far, near = known("far", -300, 0), known("near", -60, 0)
    assert names(explain([spot()], [far, near], WEST_WIND, sensor=PID)) == ["near", "far"]


def test_a_kind_that_emits_the_gas_comes_before_one_that_does_not():
    places = [known("office", -5, 0, "school"), known("dump", -5, 1, "rwzi"),
              known("paint", -5, 2, "lakspuiterij"), known("loaf", -5, 3, "bakkerij")]  # fmt: skip
    found = explain([spot()], places, WEST_WIND, sensor=PID)
    assert [one.emits for one in found] == [
        "gas looked for", "unknown", "other gas", "other gas"]  # fmt: skip
    named = Sensor(gas="ammonia", family="electrochemical", is_named=True)
    found = explain([spot()], places, WEST_WIND, sensor=named)
    assert names(found)[0] == "dump"
    assert {one.emits for one in found[2:]} == {"nothing seen"}


def test_a_swinging_wind_opens_the_sector():
    aside = known("aside", -60, 55)
    assert explain([spot()], [aside], WEST_WIND, sensor=PID) == ()
    assert names(explain([spot()], [aside], wind(3, 0, swing_deg=80), sensor=PID)) == ["aside"]


def test_without_wind_only_the_region_counts():
    calm = wind(np.nan, np.nan)
    assert wind_sector(calm) is None
    found = explain([spot()], [known("up", -60, 0), known("in", 0, 5)], calm, sensor=PID)
    assert names(found) == ["in"]


def test_each_hotspot_has_its_own_and_no_more_than_five():
    places = [known(f"n{k}", -5 - k, 0) for k in range(9)]
    found = explain([spot(), spot(500, 500, rank=2)], places, WEST_WIND, sensor=PID)
    assert {one.hotspot for one in found} == {1}
    assert len(found) == 5


@given(angle=st.floats(0, 359), distance=st.floats(30, 400))
def test_turning_all_together_changes_only_the_bearing(angle, distance):
    def turned(east, north):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        return east * cos + north * sin, north * cos - east * sin

    straight = explain([spot()], [known("a", -distance, 9.0)], WEST_WIND, sensor=PID)
    other = explain(
        [spot()], [known("a", *turned(-distance, 9.0))], wind(*turned(3.0, 0.0)), sensor=PID
    )
    assert [one.weight for one in other] == pytest.approx(
        [one.weight for one in straight], rel=1e-3
    )
    for one, two in zip(straight, other, strict=True):
        assert (two.bearing_deg - one.bearing_deg - angle + 180) % 360 == pytest.approx(180)


def test_bearings_are_true_where_the_grid_is_turned():
    found = explain([spot()], [known("a", -60, 0)], WEST_WIND, sensor=PID, axis_turn_deg=2.0)
    assert found[0].bearing_deg == pytest.approx(268.0)


def test_its_line_keeps_the_owners_text():
    odd = known('<script>\'Café "Zuid"', 3, 3, "drukkerij & zeefdruk")
    line = explanation_text(explain([spot()], [odd], WEST_WIND, sensor=PID)[0])
    assert '<script>\'Café "Zuid" (drukkerij & zeefdruk)' in line
    assert "inside the 90 % region" in line


def test_every_kind_of_the_words_has_its_gases():
    assert set(kinds()) <= {one.name for one in lookalikes()}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Melkvee- en varkenshouderij", "farm"),
        ("amenity=fuel", "filling_station"),
        ("Autoschade Jansen", "paint_shop"),
        ("RWZI Westpoort", "wastewater"),
        ("Stalen deuren", None),
        ("", None),
    ],
)
def test_words_are_whole_ones(text, kind):
    assert kind_of(text) == kind
