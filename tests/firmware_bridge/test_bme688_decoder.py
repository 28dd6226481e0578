"""BME688 files as frames: golden vectors however they are cut, and files that end anywhere."""

from __future__ import annotations

import json

import numpy as np
import pytest

from firmware_bridge.decoders.bme688_bmerawdata import decoder
from tests.contracts.test_drivers import VECTORS, agrees, bytes_of, decoded, frames_in, outline

FILES = [v for v in VECTORS["vectors"] if v["device"] == "bme688_bmerawdata"]
WHOLE = next(bytes_of(v) for v in FILES if v["name"] == "bme688_file")


@pytest.mark.parametrize("vector", FILES, ids=lambda v: v["name"])
def test_golden_vectors_in_any_chunks(vector):
    data, expect = bytes_of(vector), vector["expect"]
    found = decoded(decoder(), data)
    frames = frames_in(found)
    assert len(frames) == len(expect["frames"])
    assert all(map(agrees, [one.as_json() for one in frames], expect["frames"]))
    kinds = [one.kind for one in found if one not in frames]
    assert kinds == expect["errors"]
    assert outline(decoded(decoder(), data, range(1, len(data)))) == outline(found)
    rng = np.random.default_rng(5)
    for _ in range(20):
        cuts = np.sort(rng.integers(0, len(data) + 1, 4)).tolist()
        assert outline(decoded(decoder(), data, cuts)) == outline(found)


def test_a_cut_anywhere_keeps_the_rows_before_it():
    whole = [one.as_json() for one in frames_in(decoded(decoder(), WHOLE))]
    before = 0
    for cut in range(0, len(WHOLE), 7):
        found = decoded(decoder(), WHOLE[:cut])
        frames = [one.as_json() for one in frames_in(found)]
        assert frames == whole[: len(frames)]
        assert len(frames) >= before
        before = len(frames)
        assert cut == 0 or cut > WHOLE.rindex(b"]") or found[-1].kind == "truncated"


def test_text_in_a_number_costs_its_row_only():
    damaged = WHOLE.replace(b"24.6", b'"24"')
    found = decoded(decoder(), damaged)
    assert len(frames_in(found)) == 2
    assert [one.kind for one in found if one not in frames_in(found)] == ["format"]


def test_what_is_not_such_a_file_gives_no_frame():
    for data in (b"{}", b"[1, 2, 3]", json.dumps({"dataBlock": [[1, 2]]}).encode(), bytes(5000)):
        assert frames_in(decoded(decoder(), data)) == []
