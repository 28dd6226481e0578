"""What is said of a posterior whose sources do not account for the readings."""

import pytest
import xarray as xr
from scipy.special import expit

from drone.findings import fit_notes


@pytest.mark.parametrize(
    ("log_odds", "leap", "indicate_above", "is_said"),
    [
        (5.0, 4.5, 0.95, True),  # without the leap the odds are nearly even
        (9.0, 4.5, 0.95, False),  # a place explains it, whatever the leap
        (50.0, 4.5, 0.95, False),  # where the probability is 1 in all its digits
        (6.5, 4.5, 0.95, True),
        (6.5, 4.5, 0.8, False),  # the mission asks for less
        (1.0, 0.0, 0.95, False),  # no leap, nothing that was met for certain
    ],
)
def test_gas_that_only_its_leap_tells_of_is_said_to_fit_no_place(
    log_odds, leap, indicate_above, is_said
):
    attrs = {"p_any_source": expit(log_odds), "leap": leap, "explained": 1.0}
    notes = fit_notes(xr.Dataset(attrs=attrs), indicate_above=indicate_above)
    assert any("no place explains them well" in note for note in notes) == is_said
