"""Files that are torn or have damaged bytes: used up to there or refused, never a traceback."""

import numpy as np
import pytest

from drone.inputs import read_inputs
from tests.drone.tables import as_csv, survey_rows

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("seed", range(4))
def test_a_torn_table_is_refused_or_used_up_to_the_tear(run, tmp_path, out, seed):
    text = as_csv(survey_rows())
    place = int(np.random.default_rng(seed).integers(len(text)))
    path = tmp_path / "flight.csv"
    path.write_text(text[:place])
    outcome = run("process", path, "-o", out)
    assert outcome.code == 0 or outcome.is_refused("flight.csv")
    assert out.exists() == (outcome.code == 0)
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("seed", range(8))
def test_a_table_with_damaged_bytes_never_gives_a_traceback(run, tmp_path, out, seed):
    rng = np.random.default_rng(seed)
    damaged = bytearray(as_csv(survey_rows()[:60]).encode())
    for place in rng.integers(0, len(damaged), 40):
        damaged[place] = rng.integers(256)
    path = tmp_path / "flight.csv"
    path.write_bytes(damaged)
    outcome = run("process", path, "-o", out)
    assert outcome.code == 0 or outcome.is_refused("flight.csv")
    assert out.exists() == (outcome.code == 0)


def test_of_a_torn_result_the_whole_readings_are_used(run, results, tmp_path, out):
    whole = (results / "flight.nc").read_bytes()
    path = tmp_path / "flight.nc"
    path.write_bytes(whole[: len(whole) * 95 // 100])
    outcome = run("process", path, "-o", out)
    assert outcome.code == 0
    assert outcome.warned("flight.nc", "readings are whole")


def test_a_result_torn_in_its_head_is_refused(run, results, tmp_path, out):
    whole = (results / "flight.nc").read_bytes()
    path = tmp_path / "flight.nc"
    path.write_bytes(whole[:2000])
    assert run("process", path, "-o", out).is_refused("flight.nc", "not a whole NetCDF file")


def test_notes_name_files_not_folders(tmp_path):
    path = tmp_path / "torn.csv"
    path.write_text(as_csv(survey_rows())[:-9])
    notes = read_inputs([path]).notes
    assert any(one.startswith("torn.csv: ") for one in notes)
    assert not any(str(tmp_path) in one for one in notes)
