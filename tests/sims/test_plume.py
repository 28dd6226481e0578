"""The plume: mass, spread, ground, direction."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sims.plume import Release, concentration, filament_sum
from sims.settings import Turbulence, Wind
from sims.turbulence import Gusts, eddies, eddy_wind
from sims.wind import WindHistory
from tests import naive_sims

NO_EDDIES = eddies(Turbulence(kind="ou"), Wind(), rng=np.random.default_rng(0))
# Nearly no change of wind with height: 10 m is 16 powers of e above this.
SMOOTH_M = 1e-6
RATE_KG_S = 2e-3
HOMOGENEOUS = Gusts(0.1, 0.4, 0.3, scale_base_m=2.0, scale_slope=0.0, horizontal_ratio=2.0)


def steady_wind(east, north, *, lead_s, end_s, step_s=0.2):
    count = round((lead_s + end_s) / step_s) + 2
    time = -lead_s + step_s * np.arange(count)
    still = np.zeros(count)
    return WindHistory(time, np.full(count, east), np.full(count, north), still, still.copy())


def release_at(east, north, height, *, sigma_m=2.0, growth=0.1, roughness_m=SMOOTH_M):
    places = np.array([[east, north, height, RATE_KG_S]])
    return Release(places, 10.0, sigma_m, growth, 500.0, roughness_m)


def curtain(distance, half_width, low, high, spacing):
    """Receptors across a wind that blows to the east; their spacing is their area's side."""
    across = np.arange(-half_width, half_width + spacing / 2, spacing)
    upward = np.arange(low + spacing / 2, high, spacing)
    y, z = np.meshgrid(across, upward)
    return np.stack((np.full(y.size, distance), y.ravel(), z.ravel()), axis=1)


def gas(receptors, wind, *, release, gusts=HOMOGENEOUS, rate_hz=5.0, seed=0):
    """Concentration of filaments that no eddy moves."""
    return concentration(
        receptors,
        wind,
        rate_hz=rate_hz,
        release=release,
        gusts=gusts,
        eddies=NO_EDDIES,
        rng=np.random.default_rng(seed),
    )


def mean_gas(places, wind, *, samples, **choices):
    """Mean over time at places that stay where they are."""
    receptors = np.broadcast_to(places, (samples, *places.shape)).copy()
    return gas(receptors, wind, **choices).mean(axis=0)


def mean_behind(release, gusts, places, *, wind_east=3.0, end_s=300.0, lead_s=60.0, seed=1):
    wind = steady_wind(wind_east, 0.0, lead_s=lead_s, end_s=end_s)
    samples = round(end_s * 5.0)
    return mean_gas(places, wind, samples=samples, release=release, gusts=gusts, seed=seed)


@pytest.fixture(scope="module")
def elevated():
    places = curtain(60.0, 27.0, 9.0, 51.0, 3.0)
    return places, mean_behind(release_at(0.0, 0.0, 30.0), HOMOGENEOUS, places)


def test_all_that_is_released_passes_a_curtain_downwind(elevated):
    speed = 3.0 * np.log1p(30.0 / SMOOTH_M) / np.log1p(10.0 / SMOOTH_M)
    flux = elevated[1].sum() * 3.0**2 * speed
    assert flux == pytest.approx(RATE_KG_S, rel=0.04)


def test_the_mean_plume_is_as_wide_as_taylor_says(elevated):
    places, mean = elevated
    age = 60.0 / (3.0 * np.log1p(30.0 / SMOOTH_M) / np.log1p(10.0 / SMOOTH_M))
    own = 2.0**2 + 0.1 * age
    time_scale = HOMOGENEOUS.scale_base_m / HOMOGENEOUS.sigma_w
    across = np.average(places[:, 1] ** 2, weights=mean)
    upward = np.average((places[:, 2] - 30.0) ** 2, weights=mean)
    expected = naive_sims.taylor_variance(age, HOMOGENEOUS.sigma_v, 2.0 * time_scale)
    assert across == pytest.approx(expected + own, rel=0.12)
    expected = naive_sims.taylor_variance(age, HOMOGENEOUS.sigma_w, time_scale)
    assert upward == pytest.approx(expected + own, rel=0.12)


def test_the_ground_returns_all_mass_and_turns_filaments_upward():
    # velocity all but constant in time: height after an age t is |sigma_w t x|, x normal
    gusts = Gusts(1e-3, 1e-3, 0.5, scale_base_m=1e4, scale_slope=0.0, horizontal_ratio=1.0)
    places = curtain(60.0, 9.0, 0.0, 45.0, 1.5)
    mean = mean_behind(release_at(0.0, 0.0, 0.0, growth=0.0), gusts, places)
    assert mean.sum() * 1.5**2 * 3.0 == pytest.approx(RATE_KG_S, rel=0.06)
    height = np.average(places[:, 2], weights=mean)
    spread = np.hypot(0.5 * 20.0, 2.0)
    assert height == pytest.approx(spread * np.sqrt(2.0 / np.pi), rel=0.06)


def test_a_filament_counts_twice_on_the_ground_and_keeps_its_mass():
    filament = np.array([[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    direct = np.exp(-0.5) / (2.0 * np.pi) ** 1.5
    assert filament_sum(np.zeros(3), filament, 1.0, 0.0) == pytest.approx(2.0 * direct)
    heights = np.arange(0.005, 8.0, 0.01)
    column = [filament_sum(np.array([0.0, 0.0, z]), filament, 1.0, 0.0) for z in heights]
    assert np.sum(column) * 0.01 * 2.0 * np.pi == pytest.approx(1.0, rel=1e-4)


def test_filament_sum_equals_its_naive_twin(rng):
    filaments = rng.uniform(0.0, 8.0, (200, 8))
    for place in rng.uniform(0.0, 8.0, (20, 3)):
        fast = filament_sum(place, filaments, 0.5, 0.3)
        assert fast == pytest.approx(naive_sims.filament_sum(place, filaments, 0.5, 0.3), rel=1e-4)


def test_without_turbulence_a_moving_sensor_meets_a_straight_row_of_filaments():
    gusts = Gusts(1e-9, 1e-9, 1e-9, 1.0, 0.0, 1.0)
    speed, north = 2.0, -1.0
    release = release_at(5.0, 3.0, 10.0, sigma_m=1.0, growth=0.0)
    level = np.hypot(10.0, 0.8)
    share = np.log1p(level / SMOOTH_M) / np.log1p(10.0 / SMOOTH_M)
    time = np.arange(300) / 10.0
    track = np.stack((30.0 - time, -12.0 + 0.3 * time, 9.0 + 0.02 * time), axis=1)
    wind = steady_wind(speed, north, lead_s=40.0, end_s=30.0)
    fast = gas(track[:, np.newaxis, :], wind, rate_hz=10.0, release=release, gusts=gusts)[:, 0]
    for index in range(0, 300, 23):
        slow = naive_sims.straight_plume(
            track[index],
            source=(5.0, 3.0, 10.0),
            rate=RATE_KG_S,
            wind=(share * speed, share * north),
            per_s=10.0,
            sigma_m=1.0,
            start_s=-40.0,
            time_s=time[index],
        )
        assert fast[index] == pytest.approx(slow, rel=2e-3, abs=2e-4 * fast.max())
    assert fast.max() > 0


@pytest.mark.parametrize(("east", "north"), [(3.0, 0.0), (-3.0, 0.0), (0.0, 3.0), (0.0, -3.0)])
def test_gas_is_found_where_the_wind_blows_to_and_nowhere_else(east, north):
    directions = np.array([[40.0, 0.0], [-40.0, 0.0], [0.0, 40.0], [0.0, -40.0]])
    places = np.column_stack((directions, np.full(4, 10.0)))
    wind = steady_wind(east, north, lead_s=40.0, end_s=100.0)
    mean = mean_gas(places, wind, samples=500, release=release_at(0.0, 0.0, 10.0), seed=3)
    downwind = directions @ [east, north] > 0
    assert mean[downwind].min() > 1e3 * mean[~downwind].max()


def test_the_wind_turns_across_the_site_the_way_the_gradient_says():
    wind = steady_wind(3.0, 0.0, lead_s=40.0, end_s=100.0)
    turning = WindHistory(
        wind.time_s, wind.east, wind.north, np.full(wind.time_s.size, 0.01), wind.turn_north
    )
    places = np.array([[40.0, 8.0, 10.0], [40.0, -8.0, 10.0]])
    mean = mean_gas(places, turning, samples=500, release=release_at(0.0, 0.0, 10.0), seed=3)
    # counter-clockwise by 0.01 rad/m: the axis passes (40, 8)
    assert mean[0] > 5.0 * mean[1]


def test_a_step_that_is_no_multiple_of_the_samples_is_refused():
    wind = steady_wind(1.0, 0.0, lead_s=1.0, end_s=10.0)
    with pytest.raises(ValueError, match="multiple"):
        gas(np.zeros((10, 1, 3)), wind, rate_hz=7.0, release=release_at(0.0, 0.0, 1.0))


def test_a_wind_that_ends_before_the_samples_is_refused():
    wind = steady_wind(1.0, 0.0, lead_s=1.0, end_s=2.0)
    with pytest.raises(ValueError, match="ends"):
        gas(np.zeros((100, 1, 3)), wind, release=release_at(0.0, 0.0, 1.0))


def test_eddies_do_not_cross_the_ground_and_have_no_divergence(rng):
    flow = eddies(Turbulence(kind="fourier", share=1.0), Wind(), rng=rng)
    places = np.column_stack((rng.uniform(0, 1000, (4000, 2)), rng.uniform(0, 20, 4000)))
    still = np.zeros((4000, 2))
    on_ground = places * [1.0, 1.0, 0.0]
    assert_allclose(eddy_wind(flow, on_ground, still)[:, 2], 0.0, atol=1e-12)
    slopes = []
    for axis, step in enumerate((2.0, 2.0, 0.1)):
        off = np.zeros(3)
        off[axis] = step
        ahead, behind = eddy_wind(flow, places + off, still), eddy_wind(flow, places - off, still)
        slopes.append((ahead - behind)[:, axis] / (2.0 * step))
    assert np.std(np.sum(slopes, axis=0)) < 0.25 * np.std(slopes[2])


def test_eddies_carry_the_share_of_variance_that_was_asked_for(rng):
    flow = eddies(Turbulence(kind="fourier", share=0.5), Wind(), rng=rng)
    places = np.column_stack((rng.uniform(0, 1024, (20_000, 2)), rng.uniform(0, 20, 20_000)))
    horizontal = eddy_wind(flow, places, np.zeros((20_000, 2)))[:, :2]
    friction = 0.4 * 3.5 / np.log1p(10.0 / 0.05)
    # interpolation between cells takes a part of the smallest eddies
    assert 0.85 < np.mean(horizontal**2) / (0.5 * (1.9 * friction) ** 2) < 1.05


def test_eddies_travel_with_the_wind(rng):
    flow = eddies(Turbulence(kind="fourier"), Wind(), rng=rng)
    largest = flow._replace(field=flow.field[:, :, 3:], upward=flow.upward[3:], pace=flow.pace[3:])
    place = np.array([[100.0, 50.0, 3.0]])
    before = eddy_wind(largest, place, np.zeros((1, 2)))
    place[0, 0] += 30.0 * largest.pace[0]
    assert_allclose(eddy_wind(largest, place, np.array([[30.0, 0.0]])), before, rtol=1e-5)
