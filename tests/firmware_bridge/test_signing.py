"""Signing: agreement with pymavlink, times that only rise, and what is refused."""

from __future__ import annotations

import itertools

import pytest
from pymavlink.dialects.v20 import all as mavlink

from firmware_bridge.mavlink_frames import frame_bytes, parse_frame
from firmware_bridge.signing import Signer, read_key
from sensors.errors import ConfigError

KEY = bytes(range(32))
NOON_NS = 1_790_000_000 * 10**9
GOLDEN = bytes.fromhex(
    "fd1001000001011e000044e20100cdcc4c3dcdccccbd000040c0eff2020010a5d4e80093ae0f75f625"
)
GOLDEN_NS = 1_420_070_400 * 10**9 + 1_000_000_000_000 * 10_000  # ten million seconds after 2015


class Clock:
    def __init__(self, now_ns=NOON_NS):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


@pytest.fixture
def state(tmp_path):
    return tmp_path / "key.time"


def heartbeat(signer, *, sequence=0, system=1, component=1):
    fields = {"type": 2, "autopilot": 3, "system_status": 4, "mavlink_version": 3}
    frame = frame_bytes(
        "HEARTBEAT",
        fields,
        sequence=sequence,
        system=system,
        component=component,
        is_signed=True,
    )
    return parse_frame(signer.sign(frame))


def test_the_golden_frame_is_believed_once(state):
    signer = Signer(KEY, state, wall_ns=Clock(GOLDEN_NS))
    assert signer.fault(parse_frame(GOLDEN)) is None
    assert signer.fault(parse_frame(GOLDEN)) == "replay"


def test_pymavlink_believes_what_we_sign(state):
    ours = heartbeat(Signer(KEY, state, wall_ns=Clock()))
    theirs = mavlink.MAVLink(None, srcSystem=255)
    theirs.signing.secret_key = KEY
    theirs.signing.timestamp = ours.signed_at_10us - 100
    theirs.signing.allow_unsigned_callback = lambda _mav, _id: False
    (message,) = theirs.parse_buffer(ours.data)
    assert message.get_type() == "HEARTBEAT"
    assert message.get_signed()


def test_we_believe_what_pymavlink_signs(state):
    signer = Signer(KEY, state, wall_ns=Clock())
    theirs = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    theirs.signing.secret_key = KEY
    theirs.signing.sign_outgoing = True
    theirs.signing.timestamp = (NOON_NS // 10**9 - 1_420_070_400) * 100_000
    frame = theirs.heartbeat_encode(2, 3, 0, 0, 4).pack(theirs)
    assert signer.fault(parse_frame(frame)) is None


@pytest.mark.parametrize("place", [10, -1, -7, -8, -13])
def test_a_changed_byte_is_refused(state, place):
    frame = bytearray(heartbeat(Signer(KEY, state, wall_ns=Clock())).data)
    frame[place] ^= 1
    # the checksum is recomputed: only the signature can tell
    end = 10 + frame[1]
    seed = bytes([mavlink.MAVLink_heartbeat_message.crc_extra])
    frame[end : end + 2] = mavlink.x25crc(frame[1:end] + seed).crc.to_bytes(2, "little")
    judge = Signer(KEY, state.with_name("other"), wall_ns=Clock())
    assert judge.fault(parse_frame(bytes(frame))) == "signature"


def test_another_key_is_refused(state):
    packet = heartbeat(Signer(bytes(32), state, wall_ns=Clock()))
    judge = Signer(KEY, state.with_name("other"), wall_ns=Clock())
    assert judge.fault(packet) == "signature"


def test_unsigned_is_refused_but_for_the_status_of_a_radio(state):
    signer = Signer(KEY, state, wall_ns=Clock())
    plain = {"sequence": 0, "system": 1, "component": 1}
    assert signer.fault(parse_frame(frame_bytes("HEARTBEAT", {}, **plain))) == "unsigned"
    assert signer.fault(parse_frame(frame_bytes("RADIO_STATUS", {"rssi": 9}, **plain))) is None


def test_a_recording_played_back_after_a_restart_is_refused(state):
    clock = Clock()
    sender = Signer(KEY, state.with_name("sender"), wall_ns=clock)
    old = heartbeat(sender)
    clock.now_ns += 600 * 10**9
    judge = Signer(KEY, state, wall_ns=clock)
    assert judge.fault(heartbeat(sender)) is None
    clock.now_ns = 0  # the companion restarts with no idea of the date
    assert Signer(KEY, state, wall_ns=clock).fault(old) == "replay"


def test_a_live_stream_is_believed_right_after_a_restart(state):
    clock = Clock()
    sender = Signer(KEY, state.with_name("sender"), wall_ns=clock)
    assert Signer(KEY, state, wall_ns=clock).fault(heartbeat(sender)) is None
    clock.now_ns -= 5 * 10**9
    assert Signer(KEY, state, wall_ns=clock).fault(heartbeat(sender)) is None


def test_times_rise_over_restarts_and_clocks_that_fall(state):
    clock, times = Clock(), []
    for now_ns in (NOON_NS, NOON_NS - 3600 * 10**9, 0, NOON_NS + 10**9):
        clock.now_ns = now_ns
        signer = Signer(KEY, state, wall_ns=clock)
        times += [heartbeat(signer).signed_at_10us for _ in range(3)]
    assert all(a < b for a, b in itertools.pairwise(times))


def test_the_state_is_seldom_written(state, monkeypatch):
    clock = Clock()
    signer = Signer(KEY, state, wall_ns=clock)
    written = []
    monkeypatch.setattr("os.fsync", lambda _fd: written.append(1))
    for _ in range(1000):
        clock.now_ns += 100_000_000
        heartbeat(signer)
    assert len(written) <= 3  # 100 s


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_refused_and_not_shown(tmp_path, length):
    path = tmp_path / "key"
    path.write_bytes(b"k" * length)
    with pytest.raises(ConfigError, match="32 bytes") as error:
        read_key(path)
    assert "kkk" not in str(error.value)


def test_a_missing_key_names_the_setting(tmp_path):
    with pytest.raises(ConfigError, match="signing_key"):
        read_key(tmp_path / "absent")


def test_a_damaged_state_is_not_guessed_at(state):
    state.write_text("x")
    with pytest.raises(ConfigError, match="not readable"):
        Signer(KEY, state)


def test_a_state_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="writable"):
        Signer(KEY, tmp_path / "absent" / "state")
