"""The synthetic data sets of points."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.points import SETS, draw_points

every_set = pytest.mark.parametrize("name", SETS)


@every_set
def test_points_lie_in_the_range_of_pixels_with_a_similar_std(name):
    points = draw_points(name, 3000)
    assert points.positions.shape == (3000, 2)
    assert points.positions.dtype == np.float32
    assert len(points) == 3000
    assert points.example_shape == (2,)
    assert np.abs(points.positions).max() < 1  # a clipped point would lie at 1
    assert 0.25 < points.positions.std() < 0.6
    np.testing.assert_array_equal(np.unique(points.labels), np.arange(points.num_classes))
    np.testing.assert_array_equal(points.pixels(np.array([5, 2])), points.positions[[5, 2]])


@every_set
def test_points_depend_only_on_the_seed(name):
    np.testing.assert_array_equal(draw_points(name, 50, seed=1).positions, draw_points(name, 50, seed=1).positions)
    assert not np.allclose(draw_points(name, 50, seed=1).positions, draw_points(name, 50, seed=2).positions)


def test_the_moons_are_interleaved_half_circles():
    points = draw_points("moons", 4000)
    upper, lower = (points.positions[points.labels == label] for label in (0, 1))
    np.testing.assert_allclose(upper.mean(axis=0), -lower.mean(axis=0), atol=0.03)
    middle = np.abs(upper[:, 0] + 0.275) < 0.1
    assert upper[middle, 1].mean() == pytest.approx(0.55 - 0.1375, abs=0.02)  # its top
    distance = np.hypot(upper[:, 0] + 0.275, upper[:, 1] + 0.1375)
    assert distance.std() == pytest.approx(0.03, rel=0.1)


def test_the_arms_of_the_spiral_are_half_a_rotation_apart():
    points = draw_points("spiral", 4000)
    first, second = (points.positions[points.labels == label] for label in (0, 1))
    nearest = np.sqrt(np.square(first[:, None] + second).sum(axis=-1)).min(axis=1)
    assert nearest.mean() < 0.02
    apart = np.sqrt(np.square(first[:, None] - second).sum(axis=-1)).min(axis=1)
    assert np.median(apart) > 0.2


def test_the_classes_of_the_grid_are_named_by_their_position():
    points = draw_points("grid", 4000)
    centers = {name: points.positions[points.labels == i].mean(axis=0) for i, name in enumerate(points.class_names)}
    np.testing.assert_allclose(centers["center"], [0, 0], atol=0.02)
    np.testing.assert_allclose(centers["north east"], [0.65, 0.65], atol=0.02)
    np.testing.assert_allclose(centers["south"], [0, -0.65], atol=0.02)


@pytest.mark.parametrize("arguments", [("moon",), ("moons", 0)])
def test_unknown_or_empty_sets_are_refused(arguments):
    with pytest.raises(MinidiffError):
        draw_points(*arguments)
