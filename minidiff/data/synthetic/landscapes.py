"""Landscapes: hills and firs at four times of day. Mostly large smooth areas, which a network learns first."""

import math
from dataclasses import dataclass

import numpy as np

from minidiff.data.readers.sizing import Size
from minidiff.data.synthetic.drawing import Color, Painter, Point, brighten, circle, ellipse, mix, polygon


@dataclass(frozen=True)
class Light:
    """The colors of one time of day, and the range of the sun's or moon's height (y, up is negative)."""

    zenith: Color
    horizon: Color
    sun: Color
    hills: Color  # of the nearest ones; distant ones fade toward the horizon
    heights: Point


TIMES = {
    "dawn": Light((0.56, 0.57, 0.82), (0.99, 0.79, 0.71), (1.00, 0.92, 0.78), (0.27, 0.37, 0.36), (-0.15, 0.10)),
    "day": Light((0.29, 0.59, 0.93), (0.81, 0.92, 0.99), (1.00, 0.96, 0.72), (0.22, 0.51, 0.25), (-0.75, -0.30)),
    "sunset": Light((0.33, 0.21, 0.46), (0.99, 0.56, 0.28), (1.00, 0.83, 0.47), (0.19, 0.14, 0.22), (-0.12, 0.12)),
    "night": Light((0.03, 0.05, 0.17), (0.17, 0.22, 0.44), (0.96, 0.95, 0.84), (0.04, 0.07, 0.13), (-0.75, -0.35)),
}
TIME_NAMES = tuple(TIMES)

NUM_RIDGES = 4


def draw_landscape(rng: np.random.Generator, time: str, size: Size) -> np.ndarray:
    """Draws a random landscape at one of TIME_NAMES: float32 (H, W, 3) in [0, 1]."""
    light, painter = TIMES[time], Painter(size)
    horizon = rng.uniform(-0.05, 0.25)
    zenith_color = brighten(light.zenith, rng.uniform(-0.03, 0.03))
    horizon_color = brighten(light.horizon, rng.uniform(-0.03, 0.03))
    painter.gradient(zenith_color, horizon_color, np.clip((painter.y + 1) / (1 + horizon), 0, 1))  # the sky
    if time == "night":
        paint_stars(painter, rng)
    paint_sun(painter, rng, light, moon=time == "night")
    if time != "night":
        for _ in range(rng.integers(0, 3)):
            paint_cloud(painter, rng, horizon_color)
    hills_color = brighten(light.hills, rng.uniform(-0.03, 0.03))
    far_color = mix(horizon_color, hills_color, 0.35)
    for ridge in range(NUM_RIDGES):
        nearness = ridge / (NUM_RIDGES - 1)
        paint_ridge(painter, rng, horizon, nearness, mix(far_color, hills_color, nearness))
    return painter.image()


def paint_stars(painter: Painter, rng: np.random.Generator) -> None:
    """Paints fourteen points; in small images they are fainter, not larger."""
    for _ in range(14):
        center = (rng.uniform(-1, 1), rng.uniform(-1, 0))
        radius, brightness = max(0.014, 0.3 * painter.pixel), min(1.0, 0.03 / painter.pixel)
        painter.fill(circle(painter.x, painter.y, center, radius), (1, 1, 0.95), brightness)


def paint_sun(painter: Painter, rng: np.random.Generator, light: Light, moon: bool) -> None:
    """Paints a disc in a glow that fades exponentially; a second disc is cut out of the moon."""
    x, y = painter.x, painter.y
    cx, cy = rng.uniform(-0.7, 0.7), rng.uniform(*light.heights)
    disc = circle(x, y, (cx, cy), 0.17)
    painter.blend((0.40 if moon else 0.55) * np.exp(-4 * np.maximum(disc, 0)), light.sun)
    if moon:
        glow = painter.canvas.copy()
        painter.fill(disc, light.sun)
        # The cutout shows the sky as it was before the moon, so that no dark edge remains.
        shadow = painter.coverage(circle(x, y, (cx + 0.08, cy - 0.05), 0.145))
        painter.canvas += shadow * (glow - painter.canvas)
    else:
        painter.fill(disc, light.sun)


def paint_cloud(painter: Painter, rng: np.random.Generator, horizon_color: Color) -> None:
    """Paints a flat base with two humps."""
    cx, cy = rng.uniform(-0.9, 0.9), rng.uniform(-0.85, -0.35)
    x, y = painter.x, painter.y
    base = ellipse(x, y, (cx, cy), (0.26, 0.07))
    humps = np.minimum(circle(x, y, (cx - 0.06, cy - 0.05), 0.10), circle(x, y, (cx + 0.09, cy - 0.03), 0.08))
    painter.fill(np.minimum(base, humps), mix((1, 1, 1), horizon_color, 0.25), 0.85, softness=0.05)


def paint_ridge(painter: Painter, rng: np.random.Generator, horizon: float, nearness: float, color: Color) -> None:
    """Paints a line of hills, the sum of three waves, with firs on the two nearest ones.

    The distance to a curve y = h(x) is (h(x) - y) / sqrt(1 + h'(x)^2), to first order.
    """
    base = horizon + 0.10 + 0.62 * nearness
    waves = []
    for _ in range(3):
        amplitude = 0.6 * rng.uniform(0.05, 0.16) * (1.3 - 0.6 * nearness)
        frequency = rng.uniform(1.2, 5.0) * (1.5 - 0.5 * nearness)
        waves.append((amplitude, frequency, rng.uniform(0, 2 * math.pi)))
    x = painter.x[0]  # a ridge has one height for each column
    height = base - sum(a * np.sin(w * x + phase) for a, w, phase in waves)  # (size,)
    slope = sum(a * w * np.cos(w * x + phase) for a, w, phase in waves)
    painter.fill((height - painter.y) / np.sqrt(1 + slope * slope), color)
    if nearness > 0.5:
        for _ in range(rng.integers(1, 5)):
            root = rng.uniform(-1, 1)
            ground = base - sum(a * math.sin(w * root + phase) for a, w, phase in waves)
            paint_fir(painter, (root, ground), rng.uniform(0.18, 0.30) * (0.6 + 0.6 * nearness), color)


def paint_fir(painter: Painter, root: Point, height: float, color: Color) -> None:
    """Paints three triangles, each narrower than the one below."""
    for tier in range(3):
        x, y = root[0], root[1] - height * (0.25 + 0.30 * tier)
        half_width = height * (0.42 - 0.10 * tier)
        corners = [(x - half_width, y + 0.22 * height), (x + half_width, y + 0.22 * height), (x, y - 0.28 * height)]
        painter.fill(polygon(painter.x, painter.y, corners), mix(color, (0, 0, 0), 0.28))
