"""What is handed to the recorder is what the libraries' own readers find in its files."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Chunk
from mcap.stream_reader import StreamReader

from firmware_bridge.recorder import Recorder
from firmware_bridge.recording import KINDS, messages_of_records, records_of_message
from sensors.records import (
    EnvironmentSample,
    Event,
    GasSample,
    PoseSample,
    Quality,
    WindSample,
)

NOW = time.monotonic_ns()
ANCHOR = 1_795_000_000_000_000_000 - NOW
MISSION = b'[mission]\nname = "harbour"\n'


def recorder(folder, **options):
    return Recorder(
        folder, name="harbour survey", anchor_ns=ANCHOR, clock_is_trusted=True, **options
    )


def messages(path):
    with path.open("rb") as file:
        return [
            (schema, channel, message)
            for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages(
                log_time_order=False
            )
        ]


def raw_bytes(paths, source="pid"):
    return [
        message.data
        for path in paths
        for _, channel, message in messages(path)
        if channel.topic == f"/raw/{source}"
    ]


def same(one, other):
    """Equal, and NaN where the other is NaN."""
    fields = [(getattr(one, name), getattr(other, name)) for name in one.__slots__]
    return type(one) is type(other) and all(
        a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b)) for a, b in fields
    )


def test_bytes_come_back_as_they_were_read(tmp_path):
    sent = [bytes([number % 256]) * (number % 50) for number in range(500)]
    with recorder(tmp_path) as recording:
        for number, data in enumerate(sent):
            recording.raw("pid", data, NOW + number)
    (path,) = recording.files
    found = messages(path)
    assert [message.data for _, _, message in found] == sent
    assert [message.log_time for _, _, message in found] == [NOW + ANCHOR + k for k in range(500)]
    assert [message.sequence for _, _, message in found] == list(range(1, 501))
    schema, channel, message = found[0]
    assert schema is None
    assert channel.message_encoding == "application/octet-stream"
    assert channel.metadata == {"source": "pid", "role": "raw"}
    assert message.publish_time == message.log_time
    assert re.fullmatch(r"20261118T11[01]\d\d\dZ_harbour-survey_001\.mcap", path.name)


def test_records_of_a_frame_are_one_message_with_its_own_times(tmp_path):
    frame = [
        GasSample(5, "pid", name, value, "1", Quality.SATURATED, 0.25)
        for name, value in [("co", 1.5e-6), ("h2s", math.nan)]
    ]
    with recorder(tmp_path) as recording:
        recording.record("pid", frame, NOW + 2000, NOW + 1000)
        recording.record("pid", [WindSample(5, "pid", 1.0, -2.0)], NOW, NOW)
        recording.message("/health", {"age_s": math.inf}, NOW)
    gas, wind, health = messages(recording.files[0])
    schema, channel, message = gas
    assert (schema.name, schema.encoding, channel.topic) == (
        "sniffdrone.Gas",
        "jsonschema",
        "/records/pid/gas",
    )
    assert json.loads(schema.data)["type"] == "object"
    assert json.loads(message.data) == {
        "time_ns": 5,
        "time_sigma_s": 0.25,
        "channels": ["co", "h2s"],
        "values": [1.5e-6, None],
        "units": ["1", "1"],
        "quality": [4, 4],
    }
    assert message.log_time - message.publish_time == 1000
    assert wind[1].topic == "/records/pid/wind"
    assert (health[1].topic, health[2].data) == ("/health", b'{"age_s":null}')


numbers = st.floats(allow_infinity=False)
times = {"time_ns": st.integers(0, 2**62), "source": st.just("pid")}
quality = st.integers(0, 511).map(Quality)
records = st.one_of(
    st.builds(
        GasSample,
        **times,
        channel=st.text(max_size=8),
        value=numbers,
        unit=st.sampled_from(["1", "ohm"]),
        quality=quality,
        time_sigma_s=numbers,
    ),
    st.builds(PoseSample, **times, latitude=numbers, longitude=numbers, quality=quality),
    st.builds(
        WindSample,
        **times,
        eastward=numbers,
        northward=numbers,
        frame=st.sampled_from(["earth", "vehicle"]),
    ),
    st.builds(EnvironmentSample, **times, temperature=numbers, pressure=numbers),
    st.builds(Event, **times, kind=st.text(max_size=8), text=st.text(max_size=20)),
)


@given(st.lists(records, max_size=8), st.data())
def test_records_round_trip_exactly(several, data):
    if several and data.draw(st.booleans()):  # a frame of gas channels
        several += [replace(several[0])] * 2
    back = [
        record
        for kind, message in messages_of_records(several)
        for record in records_of_message(kind, message, "pid")
    ]
    assert len(back) == len(several)
    assert all(same(one, other) for one, other in zip(back, several, strict=True))


@pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b'{"time_ns": 5, "colour": 1}'])
@pytest.mark.parametrize("kind", [*KINDS.values(), "smell"])
def test_a_message_that_is_none_of_ours_is_refused(kind, data):
    with pytest.raises(ValueError, match=r"not as its schema says|JSON|unexpected|expected"):
        records_of_message(kind, data, "pid")


def test_every_file_of_a_run_can_be_read_without_the_others(tmp_path, rng):
    with recorder(tmp_path, attachments={"mission.toml": MISSION}, file_bytes=30_000) as recording:
        recording.metadata("device pid", {"driver": "mcu_cobs"})
        sent = []
        while len(recording.files) < 3:
            sent.append(rng.bytes(500))  # nothing that could be packed
            recording.raw("pid", sent[-1], NOW)
            recording.record("pid", [GasSample(5, "pid", "co", 1.0, "1")], NOW, NOW)
            time.sleep(0.002)
    assert [path.name[-8:-5] for path in recording.files[:3]] == ["001", "002", "003"]
    assert raw_bytes(recording.files) == sent
    for number, path in enumerate(recording.files, start=1):
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            assert [one.data for one in reader.iter_attachments()] == [MISSION]
            metadata = {one.name: one.metadata for one in reader.iter_metadata()}
            assert metadata["device pid"] == {"driver": "mcu_cobs"}
            assert metadata["recording"]["file"] == str(number)
            assert metadata["recording"]["anchor_ns"] == str(ANCHOR)
            assert set(metadata["software"]) >= {"sniffdrone", "python", "system", "machine"}
            summary = reader.get_summary()
            counts = {
                summary.channels[one].topic: count
                for one, count in summary.statistics.channel_message_counts.items()
            }
        found = messages(path)
        assert counts == {
            topic: sum(channel.topic == topic for _, channel, _ in found) for topic in counts
        }
        with path.open("rb") as file:
            assert list(StreamReader(file, validate_crcs=True).records)


def test_peers_of_one_source_have_channels_of_their_own_up_to_a_number(tmp_path):
    with recorder(tmp_path) as recording:
        recording.describe("autopilot", {"link": "udp:127.0.0.1:14550"})
        for number in range(100):
            recording.raw("autopilot", b"x", NOW, peer=f"10.0.0.{number}:14550")
    peers = {channel.id: channel.metadata for _, channel, _ in messages(recording.files[0])}
    assert len(peers) == 33
    assert peers[1] == {
        "source": "autopilot",
        "role": "raw",
        "link": "udp:127.0.0.1:14550",
        "peer": "10.0.0.0:14550",
    }
    assert peers[33]["peer"] == "others"


def test_chunks_are_small_and_closed_in_time_and_each_is_complete(tmp_path):
    with recorder(tmp_path) as recording:
        begin = time.monotonic()
        number = 0
        while time.monotonic() < begin + 1.5:
            recording.raw("pid", number.to_bytes(4, "big") * 200, time.monotonic_ns())
            recording.record("pid", [GasSample(5, "pid", "co", 1.0, "1")], NOW, NOW)
            number += 1
            time.sleep(0.001)
    with recording.files[0].open("rb") as file:
        chunks = [
            one for one in StreamReader(file, emit_chunks=True).records if isinstance(one, Chunk)
        ]
    assert all(one.uncompressed_size <= 256_000 for one in chunks)
    assert len(chunks) >= 4  # one every 0.4 s, or more
    assert all(one.uncompressed_crc for one in chunks)


def test_what_is_handed_over_after_the_end_is_counted(tmp_path):
    recording = recorder(tmp_path)
    recording.close()
    recording.raw("pid", b"late", NOW)
    status = recording.status()
    assert (status.state, status.lost_messages, status.lost_bytes) == ("closed", 1, 4)
    recording.close()


def test_an_unknown_topic_and_impossible_sizes_are_the_callers_fault(tmp_path):
    with recorder(tmp_path) as recording, pytest.raises(ValueError, match="/smell is no topic"):
        recording.message("/smell", {}, NOW)
    with pytest.raises(ValueError, match="above 0"):
        recorder(tmp_path, file_bytes=0)


@pytest.mark.parametrize("trusted", [True, False])
def test_recorders_on_one_folder_never_share_a_file(tmp_path, trusted):
    begun = [
        Recorder(tmp_path, name="a b", anchor_ns=ANCHOR, clock_is_trusted=trusted, file_bytes=500)
        for _ in range(4)
    ]
    for number, recording in enumerate(begun):
        recording.raw("pid", bytes([number]), NOW)
    for recording in begun:
        recording.close()
    files = [path for recording in begun for path in recording.files]
    assert len(set(files)) == len(files)
    for number, recording in enumerate(begun):
        assert raw_bytes(recording.files) == [bytes([number])]
    if not trusted:
        assert {path.name for path in files} >= {f"run{one:04d}_a-b_001.mcap" for one in (1, 2, 3)}
