"""Shapes: six kinds, cheap to draw and easy to distinguish, for tests, first experiments and small sizes.

As with the cats, `sample_shape` samples the attributes and `paint_shape` draws them at any size.
"""

import math
from dataclasses import dataclass

import numpy as np

from minidiff.data.readers.sizing import Size
from minidiff.data.synthetic.backgrounds import SOFT_PAIRS, paint_gradient
from minidiff.data.synthetic.drawing import (
    Color,
    Painter,
    Point,
    circle,
    mix,
    outline,
    polygon,
    rounded_box,
    star_corners,
)

COLORS: dict[str, Color] = {
    "red": (0.90, 0.29, 0.29),
    "orange": (0.96, 0.58, 0.20),
    "yellow": (0.98, 0.82, 0.25),
    "green": (0.35, 0.72, 0.38),
    "blue": (0.25, 0.55, 0.88),
    "purple": (0.58, 0.38, 0.80),
}


def disc(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Signed distances (H, W) from a disc around the origin; here and below, lengths are in half images."""
    return circle(x, y, (0, 0), radius)


def square(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """A square with slightly rounded corners."""
    return rounded_box(x, y, (0, 0), (0.9 * radius, 0.9 * radius), 0.08)


def triangle(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """A triangle on its base, with corners rounded by 0.04."""
    return polygon(x, y, [(0, -radius), (0.95 * radius, 0.7 * radius), (-0.95 * radius, 0.7 * radius)]) - 0.04


def star(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """A star with five points, rounded by 0.03."""
    return polygon(x, y, star_corners(1.1 * radius)) - 0.03


def heart(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """A square on its corner, and a circle on each of its upper sides."""
    half = 0.74 * radius  # half the diagonal of the square
    x, y = np.abs(x), y - 0.2 * radius
    lobe = circle(x, y, (half / 2, -half / 2), half / math.sqrt(2))
    return np.minimum(lobe, polygon(x, y, [(0, -half), (half, 0), (0, half), (-half, 0)])) - 0.06 * radius


def ring(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """A circular line, half a radius wide."""
    return outline(circle(x, y, (0, 0), 0.8 * radius), 0.25 * radius)


KINDS = {"disc": disc, "square": square, "triangle": triangle, "star": star, "heart": heart, "ring": ring}
KIND_NAMES = tuple(KINDS)


@dataclass(frozen=True)
class Shape:
    """The random attributes of one image. Lengths in half images, angle in radians."""

    kind: str
    color: str
    background: int  # index into SOFT_PAIRS
    light: float  # direction of the background's gradient
    center: Point
    radius: float
    angle: float


def sample_shape(rng: np.random.Generator, kind: str) -> Shape:
    """Samples the attributes of one image of the given kind (one of KIND_NAMES)."""
    return Shape(
        kind=kind,
        color=list(COLORS)[rng.integers(len(COLORS))],
        background=int(rng.integers(len(SOFT_PAIRS))),
        light=rng.uniform(0, 2 * math.pi),
        center=(rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)),
        radius=rng.uniform(0.42, 0.62),
        angle=rng.uniform(-0.5, 0.5),
    )


def draw_shape(rng: np.random.Generator, kind: str, size: Size) -> np.ndarray:
    """Draws a random shape of one of KIND_NAMES: float32 (H, W, 3) in [0, 1]."""
    return paint_shape(sample_shape(rng, kind), size)


def paint_shape(shape: Shape, size: Size) -> np.ndarray:
    """Draws a `Shape`: float32 (H, W, 3) in [0, 1]."""
    painter, figure, color = Painter(size), KINDS[shape.kind], COLORS[shape.color]
    paint_gradient(painter, SOFT_PAIRS[shape.background], (math.cos(shape.light), math.sin(shape.light)))
    shadow = painter.frame((shape.center[0] + 0.08, shape.center[1] + 0.10), shape.angle)
    painter.fill(figure(shadow.x, shadow.y, shape.radius), (0, 0, 0), 0.30, softness=0.18)
    frame = painter.frame(shape.center, shape.angle)
    distance = figure(frame.x, frame.y, shape.radius)
    painter.fill(distance, mix(color, (0, 0, 0), 0.22))  # the rim
    painter.fill(distance + 0.06, color, softness=0.10)
    return painter.image()
