"""Scenarios from files and from the draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sims
from sensors.errors import ConfigError
from sims.checks import check_scenario
from sims.scenario import draw_scenario, load_scenario

DEMO = Path(sims.__file__).parent / "scenarios" / "demo.toml"


def many(kind=None, count=200):
    rng = np.random.default_rng(5)
    return [draw_scenario(rng, kind) for _ in range(count)]


def test_drawn_worlds_span_the_variety_and_stay_inside_it():
    worlds = many("single")
    for scenario in worlds:
        check_scenario(scenario, "drawn")
        (source,) = scenario.source
        assert 160 <= scenario.survey.size_m <= 320
        assert 12 <= scenario.survey.spacing_m <= 25
        assert 8 <= scenario.survey.height_m <= 16
        assert 4 <= scenario.survey.speed_m_s <= 6
        assert 0.05 <= source.rate_g_s <= 3.0
        assert 0 <= source.height_m <= 5
        assert 1.0 <= scenario.wind.speed_m_s <= 7.0
        assert 1.5 <= scenario.pid.rise_s <= 4.0
        assert scenario.pid.rise_s <= scenario.pid.decay_s
        assert 2.0 <= scenario.pid.noise_ppb <= 8.0
    rates = [scenario.source[0].rate_g_s for scenario in worlds]
    assert np.median(rates) == pytest.approx(np.sqrt(0.05 * 3.0), rel=0.4)
    assert 0.1 < np.mean([scenario.source[0].height_m == 0.0 for scenario in worlds]) < 0.4
    assert 0.15 < np.mean([scenario.air.front_humidity_pct != 0.0 for scenario in worlds]) < 0.45


def test_sources_lie_in_the_square_however_it_is_turned():
    for scenario in many("double", 100):
        bearing = np.deg2rad(scenario.survey.line_deg)
        right = np.array([np.cos(bearing), -np.sin(bearing)])
        ahead = np.array([np.sin(bearing), np.cos(bearing)])
        places = np.array([(s.east_m, s.north_m) for s in scenario.source])
        half = 0.5 * scenario.survey.size_m + 0.02
        assert np.abs(places @ right).max() <= half
        assert np.abs(places @ ahead).max() <= half
        assert np.hypot(*(places[0] - places[1])) >= 29.9


def test_each_kind_is_what_its_name_says():
    assert all(scenario.source == () for scenario in many("none", 20))
    assert all(0.3 <= scenario.wind.speed_m_s <= 1.0 for scenario in many("calm", 20))
    assert all(s.source[0].rate_g_s <= 0.2 and s.kind == "single" for s in many("weak", 20))
    assert all(s.source[0].rate_g_s >= 1.0 and s.kind == "single" for s in many("strong", 20))
    assert {scenario.kind for scenario in many(None, 60)} == {"single", "double", "calm", "none"}
    with pytest.raises(ValueError, match="triple"):
        draw_scenario(np.random.default_rng(0), "triple")
    with pytest.raises(ValueError, match="laminar"):
        draw_scenario(np.random.default_rng(0), "single", turbulence="laminar")


def test_the_demo_scenario_loads():
    scenario = load_scenario(DEMO)
    assert scenario.kind == "single"
    assert scenario.source[0].rate_g_s == 1.0
    assert scenario.survey.size_m == 200.0
    assert scenario.mox[0].name == "TGS2620"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[wind]\nspeed_ms = 3.0", r'\[wind\]: unknown key "speed_ms"; did you mean "speed_m_s"'),
        ("[wnd]\nspeed_m_s = 3.0", r'unknown key "wnd"; did you mean "wind"'),
        ("[[source]]\neast_m = 1.0", r'\[\[source\]\].*"north_m" is missing'),
        ('[wind]\nspeed_m_s = "strong"', "a number"),
        ("[wind]\nspeed_m_s = 0.0", r"\[wind\]: speed_m_s is 0; it must lie in 0.05..40"),
        ("[pid]\nnoise_ppb = inf", "noise_ppb is inf"),
        ("[survey]\nrate_hz = 0.5", r"rate_hz is 0.5; it must lie in 2..50"),
        ('kind = "none"\n[survey]\nsize_m = 3000\nspacing_m = 2', "would take"),
        ('kind = "triple"', 'kind "triple" is not one of none, single'),
        ('kind = "double"', "there are 0"),
        ('kind = "none"\ngas = "acetnoe"', 'did you mean "acetone"'),
        ('kind = "none"\n[turbulence]\nkind = "none"', "ou"),
        ('kind = "none"\n[site]\nstart = "tomorrow"', "start"),
        ("[wind", "TOML"),
        ('kind = "none"\n[survey]\npasses = 0', r"\[survey\]: passes is 0; it must lie in 1..50"),
        ('kind = "none"\n[survey]\npasses = 50', "fewer lines or passes"),
        ('kind = "none"\n[[wake]]\neast_m = 0\nnorth_m = 0\nspeed = 9', r"\[wake\]: speed is 9"),
        ("[[source]]\neast_m = 0\nnorth_m = 0\non_s = 0", r"\[source\]: on_s is 0"),
    ],
)
def test_a_wrong_scenario_file_is_named_with_its_place_and_remedy(tmp_path, text, message):
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_can_go_wrong_is_written_in_a_scenario_file(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(
        "gas_clock_s = 5\n"
        "[[source]]\neast_m = 0\nnorth_m = 0\noff_s = 30\neastward_m_s = 0.1\n"
        "[[wake]]\neast_m = 9\nnorth_m = 0\nturn_deg = -20\nspeed = 0.5\n"
        "[anemometer]\nsilent_from_s = 60\n[pid]\nceiling_ppb = 300\n[survey]\nlines = 1\n",
        encoding="utf-8",
    )
    scenario = load_scenario(path)
    assert (scenario.gas_clock_s, scenario.wake[0].turn_deg) == (5.0, -20.0)
    assert (scenario.source[0].off_s, scenario.source[0].begins_s) == (30.0, None)
    assert (scenario.anemometer.silent_from_s, scenario.pid.ceiling_ppb) == (60.0, 300.0)
    assert scenario.survey.lines == 1


def test_a_scenario_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        load_scenario(tmp_path / "nowhere.toml")
