"""What every device driver must do, whichever it is: one suite over all of them."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from sensors import plugins
from sensors.devices import FOLDER, Moment, driver_for
from sensors.framing import Fault, Frame
from sensors.records import Quality

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "golden_vectors.json").read_text())
DRIVERS = plugins.available(FOLDER)


def bytes_of(vector):
    return bytes.fromhex(vector["hex"]) if "hex" in vector else vector["ascii"].encode("latin-1")


def is_of_a_driver(vector):
    name = vector["device"]
    return any(name == one or name.startswith(one + "_") for one in DRIVERS)


RECEIVED = [v for v in VECTORS["vectors"] if v["direction"] == "rx" and is_of_a_driver(v)]
GOOD = [v for v in RECEIVED if v["expect"]["frames"] and not v["expect"]["errors"]]


def driver_of(vector):
    name = vector["device"]
    bare = name in DRIVERS and plugins.load(FOLDER, name).Driver.device.needs_model
    return driver_for(name, model="mhz19b" if bare else "")


def decoded(decoder, data, cuts=()):
    """Everything a decoder finds in data cut at the given places, flushed at the end."""
    found, edges = [], [0, *cuts, len(data)]
    for time_ns, (begin, end) in enumerate(itertools.pairwise(edges)):
        found += decoder.feed(data[begin:end], time_ns)
    return found + decoder.flush()


def frames_in(found):
    return [one for one in found if isinstance(one, Frame)]


def faults_in(found):
    return [one for one in found if isinstance(one, Fault)]


def outline(found):
    """What was found, but for times: the same however the bytes were cut."""
    return [
        (one.as_json(), one.offset, one.length) if isinstance(one, Frame) else
        (one.kind, one.offset, one.length)
        for one in found
    ]  # fmt: skip


def agrees(got, wanted):
    """Whether a frame holds all that a vector expects, numbers to five digits."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and agrees(got[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(agrees, got, wanted))
    if wanted is None:
        return got is None or (isinstance(got, float) and math.isnan(got))
    if isinstance(wanted, float | int) and not isinstance(wanted, bool):
        return got is not None and math.isclose(got, wanted, rel_tol=1e-5, abs_tol=1e-12)
    return bool(got == wanted)


@pytest.mark.parametrize("vector", RECEIVED, ids=lambda v: v["name"])
class TestGoldenVectors:
    def test_frames_and_errors_are_as_expected(self, vector):
        expect = vector["expect"]
        decoder = driver_of(vector).decoder()
        found = decoded(decoder, bytes_of(vector))
        frames = frames_in(found)
        assert len(frames) == len(expect["frames"]), found
        for frame, wanted in zip(frames, expect["frames"], strict=True):
            assert agrees(frame.as_json(), wanted), frame.as_json()
        kinds = [fault.kind for fault in faults_in(found)]
        assert bool(kinds) == bool(expect["errors"])
        if "error" in expect:
            assert expect["error"] in kinds
        assert decoder.counters.frames_ok >= len(frames)
        assert sum(decoder.counters.errors.values()) == len(kinds)

    def test_chunks_change_nothing(self, vector):
        data = bytes_of(vector)
        rng = np.random.default_rng(len(data))
        whole = outline(decoded(driver_of(vector).decoder(), data))
        assert outline(decoded(driver_of(vector).decoder(), data, range(1, len(data)))) == whole
        for _ in range(20):
            cuts = np.sort(rng.integers(0, len(data) + 1, rng.integers(1, 6)))
            found = decoded(driver_of(vector).decoder(), data, cuts.tolist())
            assert outline(found) == whole

    def test_offsets_point_at_the_bytes(self, vector):
        data = bytes_of(vector)
        found = decoded(driver_of(vector).decoder(), data)
        for one in found:
            assert 0 <= one.offset < len(data)
            assert 0 < one.length <= len(data) - one.offset


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: v["name"])
class TestGoodFrames:
    def test_garbage_around_them_loses_none(self, vector):
        data, driver = bytes_of(vector), driver_of(vector)
        rng = np.random.default_rng(7)
        clean = [frame.as_json() for frame in frames_in(decoded(driver.decoder(), data))]
        for _ in range(5):
            noise = bytes(rng.integers(0, 256, 300, dtype=np.uint8))
            decoder = driver.decoder()
            found = decoder.feed(noise, 1) + decoder.flush()  # the line fell silent
            found += decoder.feed(data, 2) + decoder.flush()
            found += decoder.feed(noise, 3) + decoder.flush()
            frames = [one for one in frames_in(found) if 300 <= one.offset < 300 + len(data)]
            assert [one.as_json() for one in frames] == clean
            assert {one.time_ns for one in frames} <= {2}

    def test_encoding_what_was_decoded_gives_the_same_frame(self, vector):
        driver = driver_of(vector)
        for frame in frames_in(decoded(driver.decoder(), bytes_of(vector))):
            again = frames_in(decoded(driver.decoder(), driver.encode(frame.as_json())))
            assert len(again) == 1
            assert agrees(again[0].as_json(), json.loads(json.dumps(frame.as_json())))

    def test_records_are_si_and_never_invented(self, vector):
        driver = driver_of(vector)
        moment = Moment(source="device", time_ns=1_700_000_000_000_000_000, time_sigma_s=0.01)
        for frame in frames_in(decoded(driver.decoder(), bytes_of(vector))):
            for record in driver.records(frame, moment):
                assert record.source.partition(".")[0] == "device"
                assert record.time_ns == moment.time_ns
                assert record.time_sigma_s == 0.01
                quality = getattr(record, "quality", Quality(0))
                if quality & (Quality.MISSING | Quality.FAULT) and hasattr(record, "value"):
                    assert math.isnan(record.value)

    def test_readings_during_warm_up_say_so(self, vector):
        driver = driver_of(vector)
        cold = Moment(source="device", time_ns=0, heard_for_s=0.0)
        if not driver.device.warm_up_s:
            return
        for frame in frames_in(decoded(driver.decoder(), bytes_of(vector))):
            if "uptime_s" in frame.fields.get("raw", {}):
                continue
            gas = [r for r in driver.records(frame, cold) if type(r).__name__ == "GasSample"]
            assert all(one.quality & Quality.WARMING_UP for one in gas)


@pytest.mark.parametrize("name", DRIVERS)
class TestEveryDriver:
    def test_the_buffer_is_bounded_in_any_noise(self, name):
        device = plugins.load(FOLDER, name).Driver.device
        driver = driver_for(name, model=next(iter(device.models), ""))
        rng = np.random.default_rng(3)
        samples = [bytes_of(v) for v in RECEIVED if v["device"].startswith(name)]
        noise = bytes(rng.integers(0, 256, 60_000, dtype=np.uint8))
        starts = [sample[:3] * 5000 for sample in samples[:3]]
        for data in [noise, bytes(20_000), b"\xff" * 20_000, *starts]:
            decoder = driver.decoder()
            for begin in range(0, len(data), 997):
                decoder.feed(data[begin : begin + 997], begin)
                assert decoder.pending <= 4 * decoder.longest
            decoder.flush()
            assert decoder.pending == 0

    def test_it_tells_what_an_operator_needs(self, name):
        device = plugins.load(FOLDER, name).Driver.device
        assert device.title
        assert device.measures
        assert device.wiring
        assert device.baud >= 1200
        assert device.rate_hz > 0
