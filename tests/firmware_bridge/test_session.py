"""Dialogues with devices: what is sent when, and what is done without an answer."""

from __future__ import annotations

import itertools

from firmware_bridge.session import SILENT_S, UNANSWERED, Echo, Session
from sensors.devices import Dialogue, Request
from sensors.framing import Frame

S = 1_000_000_000


def frame(kind="gas"):
    return Frame(kind, {}, 0, 0, 1)


def request(name, kind=None, **more):
    answers = (lambda one: one.kind == kind) if kind else None
    return Request(name=name, send=name.encode(), answers=answers, **more)


POLLED = Dialogue(
    opening=(request("mode"), request("info", "info", timeout_s=0.5, tries=2)),
    poll=request("read", "gas", timeout_s=0.5),
    period_s=1.0,
    fallback=(request("stream"),),
)


def played(session, until_s, *, answers=(), step_s=0.1, start_s=0.0):
    """All that was sent and when; `answers` maps what was sent to the kind that comes back."""
    sent, now = [], start_s
    while now < until_s:
        for data in session.due(round(now * S)):
            sent.append((round(now, 3), data.decode()))
            if data.decode() in dict(answers):
                session.take([frame(dict(answers)[data.decode()])], round((now + 0.02) * S))
        now += step_s
    return sent


def test_opening_then_polling_on_its_grid():
    sent = played(Session(POLLED, 0), 4.05, answers={"info": "info", "read": "gas"}.items())
    assert [name for _, name in sent] == ["mode", "info", *["read"] * 5]
    times = [now for now, name in sent if name == "read"][1:]
    assert all(abs(b - a - 1.0) < 0.11 for a, b in itertools.pairwise(times))


def test_an_opening_without_answer_is_tried_again_told_and_passed():
    session = Session(POLLED, 0)
    sent = played(session, 2.0, answers={"read": "gas"}.items())
    assert [name for _, name in sent][:4] == ["mode", "info", "info", "read"]
    assert session.notes == ["no answer to info in 2 tries"]


def test_a_device_that_never_answers_polls_is_left_to_stream():
    session = Session(POLLED, 0)
    sent = [name for _, name in played(session, 9.0, answers={"info": "info"}.items())]
    assert sent.count("read") == UNANSWERED
    assert sent[-1] == "stream"
    assert session.step == "streaming"
    assert any("speak by itself" in note for note in session.notes)


def test_what_speaks_already_is_not_asked():
    heard = Dialogue(listen_s=2.0, heard_is_enough=True, poll=request("read", "gas"))
    session = Session(heard, 0)
    session.take([frame()], S)
    assert played(session, 8.0) == []
    assert session.step == "streaming"
    quiet = Session(heard, 0)
    assert played(quiet, 3.05, answers={"read": "gas"}.items())[0][0] >= 2.0


def test_a_long_silence_begins_anew():
    session = Session(Dialogue(opening=(request("mode"),)), 0)
    sent = played(session, 2.5 * SILENT_S)
    assert [name for _, name in sent] == ["mode"] * 3
    assert len(session.notes) == 1  # told once, not every ten seconds


def test_an_echo_is_taken_out_however_it_is_cut():
    for cut in range(6):
        echo = Echo()
        echo.sent(b"READ\r")
        first = echo.strip(b"READ\r42\r\n"[:cut])
        second = echo.strip(b"READ\r42\r\n"[cut:])
        assert first[0] + second[0] == 5
        assert first[1] + second[1] == b"42\r\n"
        assert echo.bytes == 5


def test_what_only_begins_as_an_echo_is_data():
    echo = Echo()
    echo.sent(b"\xff\x01\x86")
    assert echo.strip(b"\xff") == (0, b"")
    assert echo.strip(b"\x86\x02") == (0, b"\xff\x86\x02")
    echo.sent(b"\xff\x01\x86")
    assert echo.strip(b"\xff\x01") == (0, b"")
    assert echo.release() == b"\xff\x01"
