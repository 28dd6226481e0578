"""Which estimator seeks the sources is the user's choice, by the name of its file."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from detection.source.estimators import smc
from tests.drone.tables import METRES_PER_DEGREE, SOURCE


@pytest.fixture
def quick_smc(monkeypatch):
    settings = functools.partial(
        smc.Settings, guesses=256, particles=96, sweeps=1, last_sweeps=4, readings=150, draws=300
    )
    monkeypatch.setattr(smc, "Settings", settings)


def test_the_sampler_seeks_the_source_if_asked(run, quick_smc, survey_csv, out):
    bare = ("--no-report", "--no-geotiff", "--no-geopackage", "--no-kmz")
    outcome = run("process", survey_csv, "-o", out, "--estimator", "smc", "--json", *bare)
    assert outcome.code == 0
    summary = json.loads(outcome.out)
    assert summary["verdict"] == "source indicated"
    first = summary["sources"][0]
    east = (first["longitude"] - 5.1) * METRES_PER_DEGREE * np.cos(np.radians(52.1))
    north = (first["latitude"] - 52.1) * METRES_PER_DEGREE
    assert np.hypot(east - SOURCE[0], north - SOURCE[1]) < 20.0


def test_an_unknown_estimator_is_refused_with_those_there_are(run, survey_csv, out):
    outcome = run("process", survey_csv, "-o", out, "--estimator", "smcc")
    assert outcome.is_refused("--estimator smcc", "grid or smc")
