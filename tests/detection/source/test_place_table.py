"""What a map of where a source is says at a glance."""

from __future__ import annotations

import numpy as np
import pytest

from detection.source.lattice import Lattice
from detection.source.place_table import PlaceTable

LATTICE = Lattice.covering((0.0, 0.0, 20.0, 20.0), 10.0)


def test_the_ground_that_holds_a_share_is_that_of_the_densest_cells():
    table = PlaceTable(LATTICE, np.array([0.7, 0.2, 0.1, 0.0]))
    assert table.densest(0.85).tolist() == [True, True, False, False]
    assert table.area_m2(0.85) == 200.0


def test_what_two_maps_have_in_common_is_one_minus_their_total_variation():
    table = PlaceTable(LATTICE, np.array([0.7, 0.2, 0.1, 0.0]))
    other = np.array([0.4, 0.4, 0.1, 0.1])
    assert table.overlap(PlaceTable(LATTICE, other)) == pytest.approx(
        1.0 - 0.5 * np.abs(table.share - other).sum()
    )
    finer = Lattice.covering((0.0, 0.0, 20.0, 20.0), 5.0)
    assert table.overlap(PlaceTable(finer, np.full(16, 1 / 16))) == pytest.approx(0.55)


def test_the_place_lies_in_the_heavier_of_two_parts_and_not_between_them():
    lattice = Lattice.covering((0.0, 0.0, 100.0, 10.0), 10.0)
    share = np.array([0.0, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.5])
    east, north = PlaceTable(lattice, share).place()
    assert (east, north) == (95.0, 5.0)


def test_a_circle_about_the_place_holds_the_share():
    lattice = Lattice.covering((0.0, 0.0, 100.0, 10.0), 1.0)
    table = PlaceTable(lattice, np.full(1000, 1e-3))
    assert table.radius_m(50.0, 5.0, 0.9) == pytest.approx(45.0, abs=1.5)
