"""``sniffdrone recover`` as people run it."""

from __future__ import annotations

import json

import pytest

from drone.cli.app import run
from tests.recordings import short_run


@pytest.fixture
def torn(tmp_path):
    path = short_run().write(tmp_path / "flight_001.mcap", chunk_bytes=2500, is_finished=False)
    octets = path.read_bytes()
    path.write_bytes(octets[: octets.rindex(b"zstd", 0, octets.rindex(b"zstd")) + 300])
    return path


def test_a_torn_recording_is_mended_beside_it_and_the_loss_is_said(torn, capsys):
    assert run(["recover", str(torn)]) == 0
    told = capsys.readouterr().out.splitlines()
    out = torn.with_name("flight_001_recovered.mcap")
    assert told[0].startswith(f"{out}: ")
    assert "messages in" in told[0]
    assert told[1].startswith("cut off: ")
    assert told[2].startswith("lost: about ")
    assert out.exists()
    assert run(["recover", str(torn)]) == 2
    assert "exists; name a new file with -o" in capsys.readouterr().err


def test_a_whole_one_is_said_to_be(torn, capsys, tmp_path):
    mended = tmp_path / "mended.mcap"
    assert run(["recover", str(torn), "-o", str(mended), "-q"]) == 0
    assert capsys.readouterr().out == ""
    again = tmp_path / "again.mcap"
    assert run(["recover", str(mended), "--output", str(again), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["intact"] is True
    assert told["cut_at"] is None
    assert told["out"] == str(again)
    assert run(["recover", str(mended), "--output", str(tmp_path / "third.mcap")]) == 0
    assert "nothing was lost" in capsys.readouterr().out


def test_info_gives_the_same_of_both(torn, capsys):
    assert run(["recover", str(torn), "-q"]) == 0
    assert run(["info", "--json", str(torn), str(torn.with_name("flight_001_recovered.mcap"))]) == 0
    before, after = json.loads(capsys.readouterr().out)
    assert before.pop("truncated_at_byte") is not None
    assert after.pop("truncated_at_byte") is None
    assert before.pop("path") != after.pop("path")
    assert before == after


def test_what_is_no_recording_is_exit_2_in_one_line(tmp_path, capsys):
    table = tmp_path / "a.csv"
    table.write_text("time,pid_ppb\n")
    assert run(["recover", str(table)]) == 2
    assert run(["recover", str(tmp_path / "none.mcap")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("error: ") for line in said)
    assert not list(tmp_path.glob("*recovered*"))
