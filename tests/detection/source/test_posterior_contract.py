"""Every Posterior keeps its contract, and a hand-made one that does not is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from detection.source.posterior import number_probabilities, posterior_dataset
from detection.source.prior import Prior
from tests.naive_source import Source

STRONG = Source(east=-45.0, north=40.0, rate=2e-3), Source(east=-10.0, north=-40.0, rate=2e-3)
WEAK = Source(east=-60.0, north=0.0, rate=2e-5)
FLIGHTS = {"nothing": (), "weak": (WEAK,), "one": STRONG[:1], "two": STRONG}


@pytest.fixture(scope="module", params=FLIGHTS)
def posterior(request, survey, posterior_of):
    flight = survey(*FLIGHTS[request.param], channel="pid", gas="acetone")
    return posterior_of(flight, max_sources=3, draws=300)


def test_draws_and_sources_are_the_only_dimensions(posterior):
    assert dict(posterior.sizes) == {"draw": 300, "source": 3}
    assert {name: posterior[name].attrs["units"] for name in posterior.data_vars} == {
        "east": "m", "north": "m", "height": "m", "rate": "kg s-1",
    }  # fmt: skip
    assert all(posterior[name].dims == ("draw", "source") for name in posterior.data_vars)


def test_sources_a_draw_has_come_first_and_the_rest_is_missing(posterior):
    there = np.isfinite(posterior["east"].values)
    assert all(
        np.array_equal(np.isfinite(posterior[name].values), there) for name in posterior.data_vars
    )
    assert (np.diff(there.astype(int), axis=1) <= 0).all()


def test_heights_and_rates_are_possible(posterior):
    there = np.isfinite(posterior["east"].values)
    assert (posterior["rate"].values[there] > 0).all()
    assert (posterior["height"].values[there] >= 0).all()


def test_no_source_lies_outside_the_domain(survey, posterior_of):
    """Nor where its sides are no multiple of the cells'."""
    west, south, east, north = uneven = (-100.0, -100.0, 93.0, 71.0)
    clean = posterior_of(survey(), where=uneven, prior=Prior(any_source=0.9), draws=2000)
    there = np.isfinite(clean["east"].values)
    eastings, northings = clean["east"].values[there], clean["north"].values[there]
    assert eastings.size > 500
    assert ((eastings >= west) & (eastings <= east)).all()
    assert ((northings >= south) & (northings <= north)).all()


def test_draws_and_attributes_tell_the_same_probabilities(posterior):
    number = number_probabilities(posterior)
    told = np.zeros(4)
    told[: len(posterior.attrs["number_probability"])] = posterior.attrs["number_probability"]
    assert number.shape == (4,)
    assert_allclose(number.sum(), 1.0)
    assert_allclose(told.sum(), 1.0)
    assert_allclose(number, told, atol=4 / 300)
    assert 0 <= posterior.attrs["p_any_source"] <= 1
    assert_allclose(posterior.attrs["p_any_source"], 1 - told[0], atol=1e-12)


def test_attributes_name_what_was_read_and_assumed(posterior):
    assert {"estimator", "channel", "gas", "prior", "model", "log_evidence"} <= set(posterior.attrs)
    assert (posterior.attrs["channel"], posterior.attrs["gas"]) == ("pid", "acetone")
    assert posterior.attrs["log_evidence"][0] == 0.0
    assert np.isfinite(posterior.attrs["log_evidence"]).all()
    assert "wind_bias_sd_deg" in posterior.attrs["prior"]


def test_a_posterior_survives_a_file(posterior, tmp_path):
    posterior.to_netcdf(tmp_path / "posterior.nc")
    with xr.open_dataset(tmp_path / "posterior.nc") as read:
        xr.testing.assert_equal(read, posterior)
        for name, value in posterior.attrs.items():
            assert np.array_equal(read.attrs[name], value)


def columns(**changes):
    full = {name: np.array([[1.0, np.nan]]) for name in ("east", "north", "height", "rate")}
    return {**full, **changes}


def test_columns_that_disagree_on_the_number_of_sources_are_refused():
    with pytest.raises(ValueError, match="NaN in the same places"):
        posterior_dataset(columns(rate=np.array([[1.0, 2.0]])), attrs={})


def test_missing_columns_are_refused():
    short = columns()
    del short["height"]
    with pytest.raises(ValueError, match="height"):
        posterior_dataset(short, attrs={})


def test_probability_of_any_source_is_counted_when_not_given():
    some = {name: np.array([[1.0], [np.nan], [2.0], [3.0]]) for name in columns()}
    posterior = posterior_dataset(some, attrs={})
    assert posterior.attrs["p_any_source"] == 0.75
    assert_allclose(number_probabilities(posterior), [0.25, 0.75])
