"""What is left of plumes once drift has been taken out."""

from __future__ import annotations

import numpy as np
import pytest

from detection.source.drift_loss import after_drift, nearness_of

TIME = np.arange(0.0, 600.0, 2.0)


@pytest.fixture
def kept():
    """Share of a plume's peak that is left, by its strength in noises and its length."""

    def kept(strength, length_s):
        gas = strength * np.exp(-0.5 * ((TIME - 300.0) / length_s) ** 2)[None]
        return after_drift(gas, np.ones(TIME.size), nearness_of(TIME)).max() / strength

    return kept


def test_strong_patches_are_left(kept):
    assert kept(100.0, 3.0) > 0.95


def test_a_weak_plume_loses_more_the_longer_it_lasts(kept):
    assert kept(1.0, 40.0) < 0.5 * kept(1.0, 3.0) < 0.5


def test_a_stronger_plume_keeps_more(kept):
    shares = [kept(strength, 10.0) for strength in (0.5, 2.0, 8.0, 32.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.5 < shares[-1]


def test_no_gas_is_none_afterwards():
    assert not after_drift(np.zeros((2, 300)), np.ones(300), nearness_of(TIME)).any()
