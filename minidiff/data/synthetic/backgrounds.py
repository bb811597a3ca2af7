"""Backgrounds of cats and shapes: eight soft pairs of colors, plain or with large dots.

There are only eight, because the color of the whole image is what a network gets wrong longest in training.
"""

from minidiff.data.synthetic.drawing import Color, Painter, Point, length

SOFT_PAIRS: tuple[tuple[Color, Color], ...] = (  # lighter, deeper
    ((1.00, 0.90, 0.80), (0.98, 0.75, 0.66)),  # peach
    ((1.00, 0.95, 0.79), (0.97, 0.83, 0.57)),  # butter
    ((0.91, 0.95, 0.81), (0.72, 0.82, 0.60)),  # sage
    ((0.84, 0.96, 0.89), (0.58, 0.84, 0.74)),  # mint
    ((0.80, 0.94, 0.97), (0.50, 0.79, 0.86)),  # lagoon
    ((0.85, 0.92, 1.00), (0.60, 0.76, 0.95)),  # sky
    ((0.92, 0.88, 1.00), (0.75, 0.68, 0.93)),  # lavender
    ((1.00, 0.88, 0.92), (0.95, 0.68, 0.78)),  # rose
)

DOTS_PER_UNIT = 1.6
DOT_RADIUS = 0.20  # relative to the distance between two dots


def paint_gradient(painter: Painter, pair: tuple[Color, Color], direction: Point) -> None:
    """Paints a gradient from the lighter to the deeper color along the unit vector `direction`."""
    x, y = painter.x / painter.right, painter.y / painter.bottom
    painter.gradient(*pair, 0.5 + 0.5 * (direction[0] * x + direction[1] * y))


def paint_dots(painter: Painter, pair: tuple[Color, Color], phase: Point) -> None:
    """Paints dots of the lighter color on a square grid, shifted by `phase` (each in [0, 1])."""
    u = (painter.x * DOTS_PER_UNIT + phase[0]) % 1 - 0.5
    v = (painter.y * DOTS_PER_UNIT + phase[1]) % 1 - 0.5
    painter.fill((length(u, v) - DOT_RADIUS) / DOTS_PER_UNIT, pair[0], opacity=0.55)
