"""Shapes: areas, corners and colors of the figures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from minidiff.data.synthetic.shapes import COLORS, KIND_NAMES, KINDS, draw_shape, paint_shape, sample_shape

RADIUS = 0.5


def minkowski_area(corners, rounding):
    """Area of the Minkowski sum of a convex polygon and a disc: area + perimeter * r + pi r^2 (Steiner)."""
    corners = np.array(corners)
    following = np.roll(corners, -1, axis=0)
    area = abs(np.sum(corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0])) / 2
    perimeter = np.hypot(*(following - corners).T).sum()
    return area + perimeter * rounding + math.pi * rounding**2


AREAS = {
    "disc": math.pi * RADIUS**2,
    "square": (1.8 * RADIUS) ** 2 - (4 - math.pi) * 0.08**2,
    "triangle": minkowski_area([(0, -0.5), (0.475, 0.35), (-0.475, 0.35)], 0.04),
    "ring": math.pi * ((1.05 * RADIUS) ** 2 - (0.55 * RADIUS) ** 2),
}


@pytest.mark.parametrize("kind", AREAS)
def test_area(kind):
    centers = (np.arange(800) + 0.5) / 400 - 1
    x, y = np.meshgrid(centers, centers)
    area = (KINDS[kind](x, y, RADIUS) < 0).mean() * 4
    assert area == pytest.approx(AREAS[kind], rel=2e-3)


def test_star_has_five_points_and_a_heart_has_two_lobes():
    angle = np.linspace(0, 2 * math.pi, 3600, endpoint=False)
    star = KINDS["star"](0.4 * np.cos(angle), 0.4 * np.sin(angle), RADIUS) < 0
    assert (star & ~np.roll(star, 1)).sum() == 5
    across = np.linspace(-0.6, 0.6, 1201)
    heart = KINDS["heart"](across, np.full_like(across, -0.32), RADIUS) < 0
    assert (heart & ~np.roll(heart, 1)).sum() == 2
    tip = KINDS["heart"](across, np.full_like(across, 0.45), RADIUS) < 0
    assert (tip & ~np.roll(tip, 1)).sum() == 1


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_figure_has_the_color_and_position_of_its_attributes(kind):
    shape = replace(sample_shape(np.random.default_rng(1), kind), center=(0.2, -0.1), radius=0.5, angle=0.0)
    for color, expected in COLORS.items():
        image = paint_shape(replace(shape, color=color), 128)
        x = 0.2 + (0.4 if kind == "ring" else 0.0)
        found = image[int(0.45 * 128), int((x + 1) / 2 * 128)]
        np.testing.assert_allclose(found, expected, atol=0.01)


def test_draw_shape_paints_sampled_attributes():
    drawn = draw_shape(np.random.default_rng(4), "heart", 24)
    np.testing.assert_array_equal(drawn, paint_shape(sample_shape(np.random.default_rng(4), "heart"), 24))
    assert drawn.min() >= 0
    assert drawn.max() <= 1
