"""A recording played again, over real pseudo-terminals and sockets."""

import math
import os
import select
import socket
import threading
import time

import pytest

from sims.replay import Datagrams, Piece, ReplayPort, replay


def opened(path):
    return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def everything(handle, count, timeout_s=10.0):
    data = b""
    end = time.monotonic() + timeout_s
    while len(data) < count and time.monotonic() < end:
        if select.select([handle], [], [], 0.1)[0]:
            data += os.read(handle, 65_536)
    return data


def test_bytes_arrive_as_they_were_and_in_time(tmp_path):
    pieces = [Piece("pid", "", bytes([k, 255 - k]), 10**9 + k * 20_000_000) for k in range(26)]
    with ReplayPort(tmp_path / "pid") as port:
        handle = opened(tmp_path / "pid")
        begin = time.monotonic()
        outcome = replay(pieces, {"pid": port}, None)
        took = time.monotonic() - begin
        assert everything(handle, 52) == b"".join(piece.data for piece in pieces)
        os.close(handle)
    assert outcome.pieces == 26
    assert outcome.bytes == 52
    assert outcome.dropped_bytes == 0
    assert outcome.recorded_s == pytest.approx(0.5)
    assert took >= 0.49


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0, math.inf])
def test_speed_stretches_the_time_between_pieces(speed):
    now, sent = [0.0], []

    class Wire:
        def send(self, data):
            sent.append((now[0], data))
            return 0

    def sleep(seconds):
        now[0] += seconds

    pieces = [Piece("a", "", b"x", 5 * 10**9), Piece("a", "", b"y", 7 * 10**9)]
    replay(pieces, {"a": Wire()}, None, speed=speed, monotonic=lambda: now[0], sleep=sleep)
    assert sent[1][0] - sent[0][0] == pytest.approx(2.0 / speed)


def test_a_slow_reader_is_waited_for_and_gets_every_byte(tmp_path):
    data = bytes(range(256)) * 400
    pieces = [Piece("a", "", data[k : k + 1000], k) for k in range(0, len(data), 1000)]
    got = []
    with ReplayPort(tmp_path / "a") as port:
        handle = opened(tmp_path / "a")
        reader = threading.Thread(target=lambda: got.append(everything(handle, len(data))))
        reader.start()
        outcome = replay(pieces, {"a": port}, None, speed=math.inf)
        reader.join()
        os.close(handle)
    assert got == [data]
    assert outcome.dropped_bytes == 0


def test_what_nobody_listens_to_is_dropped_and_counted(tmp_path):
    with ReplayPort(tmp_path / "a") as port:
        assert not port.is_open
        outcome = replay([Piece("a", "", b"12345", 0)], {"a": port}, None)
        assert (outcome.bytes, outcome.dropped_bytes) == (5, 5)
        handle = opened(tmp_path / "a")
        assert port.is_open
        os.write(handle, b"a request")
        assert port.send(b"answer") == 0
        assert everything(handle, 6) == b"answer"
        os.close(handle)
        assert not port.is_open
    assert not (tmp_path / "a").is_symlink()


def test_each_peer_of_the_vehicle_speaks_from_a_port_of_its_own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bridge:
        bridge.bind(("127.0.0.1", 0))
        bridge.settimeout(5.0)
        pieces = [Piece("autopilot", f"10.0.0.{k % 2}:5", bytes([k]), k) for k in range(4)]
        with Datagrams("127.0.0.1", bridge.getsockname()[1]) as datagrams:
            outcome = replay(pieces, {}, datagrams)
            heard = [bridge.recvfrom(100) for _ in range(4)]
            bridge.sendto(b"a request to the vehicle", heard[0][1])
            assert datagrams.send(b"more", "10.0.0.0:5") == 0
    assert [data for data, _ in heard] == [b"\x00", b"\x01", b"\x02", b"\x03"]
    assert heard[0][1] == heard[2][1] != heard[1][1] == heard[3][1]
    assert outcome.dropped_bytes == 0
