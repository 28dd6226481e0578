"""Shared by the simulator's tests."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260512)
