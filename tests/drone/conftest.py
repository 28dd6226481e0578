"""One processed flight for all tests that only look at results."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from detection.source.estimators import grid
from drone.cli import main
from tests.drone.ground import Ground
from tests.drone.outcome import Outcome
from tests.drone.tables import as_csv, survey_rows


@pytest.fixture
def run(capfd):
    """Run a command as from a shell, in this process."""

    def run_command(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def ground() -> Ground:
    """A watch that has heard an armed autopilot."""
    made = Ground()
    made.hear(made.autopilot.heartbeat(armed=True))
    return made


@pytest.fixture
def quick(monkeypatch):
    """Let the estimator look less closely where a test asks nothing about accuracy."""
    settings = functools.partial(grid.Settings, hypotheses=16, max_sources=1, draws=500)
    monkeypatch.setattr(grid, "Settings", settings)


@pytest.fixture
def out(tmp_path) -> Path:
    """Folder for results that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="session")
def survey_csv(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "flight.csv"
    path.write_text(as_csv(survey_rows()))
    return path


@pytest.fixture(scope="session")
def results(tmp_path_factory, survey_csv) -> Path:
    """Folder of results of the survey with one source."""
    out = tmp_path_factory.mktemp("results") / "out"
    assert main(["process", str(survey_csv), "-o", str(out), "--quiet"]) == 0
    return out
