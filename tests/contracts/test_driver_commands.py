"""What drivers send: byte for byte as the makers print it, and nothing that is not listed."""

import pytest

from sensors import plugins
from sensors.devices import FOLDER, driver_for, names
from sensors.framing import Frame
from tests.contracts.test_drivers import DRIVERS, VECTORS, bytes_of

SENT = [v for v in VECTORS["vectors"] if v["direction"] == "tx" and v["device"] in DRIVERS]


def commands_of(name):
    """``COMMANDS`` of the driver's module; a driver that only listens has none."""
    stem = max((one for one in DRIVERS if f"{name}_".startswith(f"{one}_")), key=len)
    return getattr(plugins.load(FOLDER, stem), "COMMANDS", {})


def requests_of(name):
    dialogue = driver_for(name).dialogue()
    poll = (dialogue.poll,) if dialogue.poll else ()
    return [*dialogue.opening, *dialogue.identify, *poll, *dialogue.fallback]


@pytest.mark.parametrize("vector", SENT, ids=lambda v: v["name"])
def test_every_command_is_reproduced(vector):
    assert bytes_of(vector) in commands_of(vector["device"]).values()


@pytest.mark.parametrize("vector", SENT, ids=lambda v: v["name"])
def test_an_echo_of_a_command_is_no_reading(vector):
    device = plugins.load(FOLDER, vector["device"]).Driver.device
    decoder = driver_for(vector["device"], model=next(iter(device.models), "")).decoder()
    found = decoder.feed(bytes_of(vector)) + decoder.flush()
    assert not [one for one in found if isinstance(one, Frame) and "si" in one.fields]


@pytest.mark.parametrize("name", names())
class TestDialogue:
    def test_only_listed_commands_are_sent(self, name):
        listed = set(commands_of(name).values())
        woken = {b"\xff" + one for one in listed}  # a device asleep misses the first byte
        assert {request.send for request in requests_of(name)} <= listed | woken

    def test_every_wait_ends(self, name):
        dialogue = driver_for(name).dialogue()
        assert 0 <= dialogue.listen_s <= 10
        assert 0 < dialogue.period_s <= 10
        for request in requests_of(name):
            assert request.send
            assert 0 < request.timeout_s <= 5
            assert 1 <= request.tries <= 5

    def test_a_poll_waits_for_its_answer(self, name):
        poll = driver_for(name).dialogue().poll
        assert poll is None or poll.answers is not None
