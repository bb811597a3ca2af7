"""Draws smooth images with NumPy alone: signed distances, coverage, and the painter's algorithm.

The **signed distance** of a point from a figure is its distance from the figure's edge: negative inside, positive
outside. Figures combine as follows: union = min(a, b), intersection = max(a, b), A without B = max(a, -b),
outline = |d| - half_width, figure with rounded corners = d - radius.

**Coverage** is the fraction of a pixel that a figure covers; it makes edges look smooth. If an edge passes the center
of a pixel at distance d, and a pixel has width `pixel`, then

    coverage = clip(1/2 - d / pixel, 0, 1)

This is the exact area for a straight edge parallel to the pixel's sides, and within 0.05 of it for any other direction.
Dividing by more than a pixel blurs the edge, which gives soft shadows.

**The painter's algorithm** starts with the background and lays each figure over what is there,
canvas <- canvas + coverage * (color - canvas).

Coordinates: x points right and y points down, both from -1 to 1 across the image, so a drawing is the same at any size.
If an image is not square, this holds for the shorter side, and the longer one reaches further.

Read more: `tutorials/01_data.ipynb`; Inigo Quilez, "2D distance functions" (iquilezles.org/articles/distfunctions2d),
the source of the formulas for polygon and ellipse.
"""

import copy
import math
from collections.abc import Sequence

import numpy as np

from minidiff.data.readers.sizing import Size, height_and_width

Color = tuple[float, ...]  # red, green, blue in [0, 1]
Point = tuple[float, float]

# --- signed distances: arrays x, y (H, W) -> distance (H, W) ---------------------------------------------------------


def length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Length of the vector (x, y). `np.hypot` also guards against overflow, which makes it several times slower."""
    return np.sqrt(x * x + y * y)


def half_plane(x: np.ndarray, y: np.ndarray, point: Point, normal: Point) -> np.ndarray:
    """Half plane bounded by the line through `point`; the unit vector `normal` points outward."""
    return (x - point[0]) * normal[0] + (y - point[1]) * normal[1]


def circle(x: np.ndarray, y: np.ndarray, center: Point, radius: float) -> np.ndarray:
    """Filled circle."""
    return length(x - center[0], y - center[1]) - radius


def ellipse(x: np.ndarray, y: np.ndarray, center: Point, radii: Point) -> np.ndarray:
    """Filled ellipse with half axes `radii`: exact on the edge, first order near it (Quilez)."""
    u, v = (x - center[0]) / radii[0], (y - center[1]) / radii[1]
    level = length(u, v)  # 1 on the edge
    slope = length(u / radii[0], v / radii[1]) + 1e-6  # level times the length of its gradient
    return level * (level - 1) / slope


def tapered_capsule(
    x: np.ndarray, y: np.ndarray, start: Point, end: Point, start_radius: float, end_radius: float
) -> np.ndarray:
    """Union of the discs with centers from `start` to `end` and radii from `start_radius` to `end_radius`.

    The nearest disc is not at the foot of the perpendicular: if the radius changes by `taper` per unit of length, it
    lies further along, by `taper / sqrt(1 - taper^2)` times the distance from the axis.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    axis = math.hypot(dx, dy)
    dx, dy = dx / axis, dy / axis
    taper = (end_radius - start_radius) / axis
    x, y = x - start[0], y - start[1]
    along, across = x * dx + y * dy, x * dy - y * dx
    nearest = (along + np.abs(across) * (taper / math.sqrt(1 - taper * taper))).clip(0, axis)
    return length(along - nearest, across) - (start_radius + taper * nearest)


def capsule(x: np.ndarray, y: np.ndarray, start: Point, end: Point, radius: float) -> np.ndarray:
    """Line of width 2 * radius with round ends."""
    return tapered_capsule(x, y, start, end, radius, radius)


def polygon(x: np.ndarray, y: np.ndarray, corners: Sequence[Point]) -> np.ndarray:
    """Polygon that does not intersect itself (Quilez)."""
    nearest, inside = np.full_like(x, np.inf), np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = bx - ax, by - ay  # the edge
        px, py = x - ax, y - ay
        fraction = ((px * ex + py * ey) * (1 / (ex * ex + ey * ey))).clip(0, 1)
        qx, qy = px - fraction * ex, py - fraction * ey
        nearest = np.minimum(nearest, qx * qx + qy * qy)
        # A ray from the point toward +x changes between inside and outside where it crosses an edge.
        inside ^= ((y >= ay) != (y >= by)) & ((px * ey < py * ex) == (ey > 0))
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


def rounded_box(x: np.ndarray, y: np.ndarray, center: Point, half_size: Point, radius: float = 0.0) -> np.ndarray:
    """Rectangle with half width and half height `half_size` and corners rounded by `radius`."""
    u = np.abs(x - center[0]) - (half_size[0] - radius)
    v = np.abs(y - center[1]) - (half_size[1] - radius)
    outside = length(np.maximum(u, 0), np.maximum(v, 0))
    return outside + np.minimum(np.maximum(u, v), 0) - radius


def outline(distance: np.ndarray, half_width: float) -> np.ndarray:
    """The edge of a figure, as a line of width 2 * half_width."""
    return np.abs(distance) - half_width


def smooth_union(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Union with a rounded seam of width `blend`; elsewhere min(a, b)."""
    overlap = np.maximum(blend - np.abs(a - b), 0)
    return np.minimum(a, b) - overlap * overlap * (0.25 / blend)


def star_corners(radius: float, num_points: int = 5, inner: float = 0.45) -> list[Point]:
    """Corners of a star around the origin, the first at the top; the inner corners are at `inner * radius`."""
    corners = []
    for i in range(2 * num_points):
        angle, r = math.pi * (i / num_points - 0.5), radius * (inner if i % 2 else 1)
        corners.append((r * math.cos(angle), r * math.sin(angle)))
    return corners


# --- colors ----------------------------------------------------------------------------------------------------------


def mix(color: Color, other: Color, amount: float) -> Color:
    """Interpolates: `color` for amount 0, `other` for amount 1."""
    return tuple((1 - amount) * a + amount * b for a, b in zip(color, other, strict=True))


def brighten(color: Color, amount: float) -> Color:
    """Adds `amount` to red, green and blue, clipped to [0, 1]; a negative amount darkens."""
    return tuple(min(max(channel + amount, 0.0), 1.0) for channel in color)


# --- painting --------------------------------------------------------------------------------------------------------


class Painter:
    """A canvas of H x W pixels and a coordinate frame to draw in.

    Attributes:
        x, y: float32 (H, W), coordinates of the pixels' centers in this frame.
        right, bottom: the largest x and y at the border of the canvas, before frames; 1 if it is square.
        pixel: width of a pixel in units of this frame.
        canvas: float32 (3, H, W), colors in [0, 1]; one plane per color, because NumPy is faster on long rows.
    """

    def __init__(self, size: Size) -> None:
        height, width = height_and_width(size)
        self.pixel = 2 / min(height, width)
        self.right, self.bottom = width / min(height, width), height / min(height, width)
        x = (np.arange(width, dtype=np.float32) + 0.5) * self.pixel - self.right
        y = (np.arange(height, dtype=np.float32) + 0.5) * self.pixel - self.bottom
        self.x, self.y = np.meshgrid(x, y)  # (H, W) each
        self.canvas = np.zeros((3, height, width), np.float32)

    def frame(self, center: Point = (0.0, 0.0), angle: float = 0.0, scale: float = 1.0) -> "Painter":
        """A painter on the same canvas in a translated, rotated (clockwise, radians) and scaled frame."""
        painter = copy.copy(self)
        painter.pixel = self.pixel / scale
        x, y = self.x - center[0], self.y - center[1]
        c, s = math.cos(angle) / scale, math.sin(angle) / scale
        painter.x, painter.y = c * x + s * y, c * y - s * x
        return painter

    def coverage(self, distance: np.ndarray, softness: float = 0.0) -> np.ndarray:
        """The fraction of each pixel that a figure covers, float32 (H, W) in [0, 1], from its signed distance.

        `softness` is the width over which the edge fades, if it is more than a pixel.
        """
        return (0.5 - distance / max(self.pixel, softness)).clip(0, 1)

    def blend(self, amount: np.ndarray, color: Color) -> None:
        """Mixes `amount` (H, W) of a color into the canvas."""
        self.canvas += amount * (np.array(color, np.float32)[:, None, None] - self.canvas)

    def fill(
        self,
        distance: np.ndarray,
        color: Color,
        opacity: float = 1.0,
        within: np.ndarray | None = None,
        softness: float = 0.0,
    ) -> None:
        """Paints a figure, given by its signed distance (H, W).

        Args:
            opacity: 1 hides what is beneath, 0 is invisible.
            within: coverage (H, W) of another figure, to which this one is clipped.
            softness: see `coverage`.
        """
        amount = self.coverage(distance, softness)
        if within is not None:
            amount *= within
        if opacity != 1:
            amount *= opacity
        self.blend(amount, color)

    def gradient(self, start: Color, end: Color, amount: np.ndarray) -> None:
        """Covers the canvas with a mixture of two colors; `amount` (H, W) is the fraction of the second."""
        for plane, a, b in zip(self.canvas, start, end, strict=True):
            plane[:] = a + amount * (b - a)

    def image(self) -> np.ndarray:
        """The canvas as an image: float32 (H, W, 3) in [0, 1]."""
        return np.ascontiguousarray(np.clip(self.canvas, 0, 1).transpose(1, 2, 0))
