"""Divided images: each part is that of its own image, and attributes of the two parts are independent."""

from dataclasses import replace

import numpy as np
import pytest

from minidiff.data import SYNTHETIC_SETS
from minidiff.data.synthetic import cats
from minidiff.data.synthetic.parts import (
    DIVISIONS,
    HIDDEN,
    cut_halves,
    cut_quarters,
    draw_cat_halves,
    half_attributes,
    sample_cats,
)

ALL = [(name, division) for name, divisions in DIVISIONS.items() for division in divisions]


def test_every_synthetic_data_set_has_parts():
    assert set(DIVISIONS) == set(SYNTHETIC_SETS)


@pytest.mark.parametrize(("name", "division"), ALL, ids=lambda value: getattr(value, "name", value))
def test_attributes_are_in_range_and_those_of_two_parts_independent(name, division):
    drawn = [division.draw(np.random.default_rng(i), 8) for i in range(400)]
    assert drawn[0][0].shape == (8, 8, 3)
    for key, size in division.attributes.items():
        one, other = (np.array([values[part][key] for values in drawn]) for part in (1, 2))
        assert set(one) | set(other) <= {HIDDEN, *range(size)}
        by_chance = sum((one == value).mean() * (other == value).mean() for value in {*one})
        assert (one == other).mean() == pytest.approx(by_chance, abs=0.1)
    one, other = division.cut(np.zeros((2, 32, 32, 3)))
    assert one.shape == other.shape


def test_the_halves_of_a_divided_cat_are_those_of_two_cats():
    image, *attributes = draw_cat_halves(np.random.default_rng(3), 32)
    left, right = sample_cats(np.random.default_rng(3))
    assert attributes == [half_attributes(left), half_attributes(right)]
    assert (left.center, left.scale, left.tilt) == (right.center, right.scale, right.tilt)
    assert half_attributes(left) != half_attributes(right)
    np.testing.assert_array_equal(image[:, :8], cats.paint_cat(left, 32)[:, :8])
    np.testing.assert_array_equal(image[:, -8:], cats.paint_cat(right, 32)[:, -8:])


@pytest.mark.parametrize("seed", range(20))
def test_no_half_shows_the_other_eye(seed):
    """Eyes, open or closed, leave the two columns in the middle of the image as they are."""
    cat, _ = sample_cats(np.random.default_rng(seed))
    open_eye, closed_eye = (replace(cat, eye_mood=mood) for mood in ("open", "happy"))
    difference = np.abs(cats.paint_cat(open_eye, 64) - cats.paint_cat(closed_eye, 64)).max(axis=(0, 2))  # of columns
    assert difference[31:33].max() < 0.02


def test_cutting_mirrors_the_right_half_and_takes_strips():
    x = np.arange(2 * 8 * 8).reshape(2, 8, 8, 1)
    left, right = cut_halves(x)
    np.testing.assert_array_equal(left, x[:, :, :4])
    np.testing.assert_array_equal(right[:, :, 0], x[:, :, 7])
    wider, _ = cut_halves(x, margin=0.125)
    assert wider.shape == (2, 8, 5, 1)
    top, bottom = cut_quarters(x, 1, 3)
    np.testing.assert_array_equal(top, x[:, 2:4])
    np.testing.assert_array_equal(bottom, x[:, 6:])
