"""Flights that are odd but flights: used as far as they go, and what is odd is named."""

import numpy as np
import pytest

from tests.drone.outcome import summary_of
from tests.drone.tables import METRES_PER_DEGREE, SOURCE, START, as_csv, survey_rows

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def flight(tmp_path):
    """Write rows as a table and return its path."""

    def write(rows):
        path = tmp_path / "flight.csv"
        path.write_text(as_csv(rows))
        return path

    return write


def test_two_samples_are_too_few_to_say_anything(run, flight, out):
    outcome = run("process", flight(survey_rows()[:2]), "-o", out)
    assert outcome.code == 0
    assert "insufficient data" in outcome.out
    assert summary_of(out)["verdict"] == "insufficient data"
    assert summary_of(out)["p_any_source"] is None


def test_a_gas_column_of_nothing_but_nan_says_insufficient_data(run, flight, out):
    rows = [{**row, "pid_ppb": "nan"} for row in survey_rows()]
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["verdict"] == "insufficient data"


def test_a_constant_signal_is_no_source(run, flight, out):
    rows = [{**row, "pid_ppb": "40.0"} for row in survey_rows()]
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["verdict"] in {"nothing indicated", "insufficient data"}


def test_text_in_one_number_is_named_and_the_rest_used(run, flight, out):
    rows = survey_rows()
    rows[30]["pid_ppb"] = "abc"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert outcome.warned("line 32", "pid_ppb", "'abc'")
    assert summary_of(out)["verdict"] == "source indicated"


def test_repeated_and_backward_times_are_named_and_change_nothing_much(run, flight, out):
    rows = survey_rows()
    rows[20], rows[21] = rows[21], rows[20]
    rows.insert(50, rows[50])
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert outcome.warned("time goes back")
    assert outcome.warned("time repeats")
    assert summary_of(out)["verdict"] == "source indicated"


def test_a_gap_of_an_hour_is_no_obstacle(run, flight, out):
    rows = survey_rows()
    for k, row in enumerate(rows[90:], start=90):
        row["time"] = f"{START + np.timedelta64(1000 * k + 3_600_000, 'ms')}Z"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["flight"]["gaps"] == 1
    assert summary_of(out)["flight"]["gaps_s"] == pytest.approx(3601.0)


def test_one_time_far_in_the_future_is_survived(run, flight, out):
    """A torn clock cell must not make a grid of a thousand million seconds."""
    rows = survey_rows()
    rows[-1]["time"] = "2062-05-12T09:10:00.000Z"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert outcome.warned("1 of 175 readings are more than a day from the others")
    assert summary_of(out)["verdict"] == "source indicated"


def test_readings_of_many_months_are_refused(run, flight, out):
    rows = survey_rows()
    for k, row in enumerate(rows):
        row["time"] = f"{START + np.timedelta64(k, 'D')}Z"
    assert run("process", flight(rows), "-o", out).is_refused("flight.csv", "174 days")


def error_m(out, latitude, longitude, source=SOURCE):
    """Distance of the first source from the true one [m]."""
    found = summary_of(out)["sources"][0]
    east = (found["longitude"] - longitude + 180.0) % 360.0 - 180.0
    east *= METRES_PER_DEGREE * np.cos(np.radians(latitude))
    north = (found["latitude"] - latitude) * METRES_PER_DEGREE
    return float(np.hypot(east - source[0], north - source[1]))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(52.1, 6.0), (-17.0, 180.0), (-17.0, -179.9999), (84.5, 20.0)],
    ids=["zone border", "antimeridian", "just past it", "beyond UTM"],
)
def test_a_source_is_found_where_maps_have_a_seam(run, flight, out, latitude, longitude):
    rows = survey_rows(latitude=latitude, longitude=longitude)
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert error_m(out, latitude, longitude) < 20.0
