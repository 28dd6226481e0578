"""Damaged bytes: no more false frames than a checksum of its width lets pass."""

import pytest

from benchmarks.damage import RANDOM
from benchmarks.fuzz import DECODERS, score
from sensors.devices import driver_for

SIZE = 150_000


@pytest.mark.parametrize("name", DECODERS)
def test_no_more_frames_are_invented_than_the_checksum_predicts(name):
    judged = score((name, SIZE, RANDOM), seed=3)
    assert judged.is_as_predicted, judged
    assert judged.true > 100
    assert judged.pending <= 4 * driver_for(name).decoder().longest


def test_a_checksum_of_32_bits_lets_nothing_pass():
    judged = score(("mcu_cobs", SIZE, RANDOM), seed=4)
    assert judged.refused > 300
    assert judged.false == 0
