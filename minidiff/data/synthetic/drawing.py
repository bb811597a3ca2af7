"""Drawing smooth images with NumPy alone: signed distances, coverage, and the painter's algorithm.

A **signed distance** function says, for each point of the plane, how far the edge of a figure is: negative inside,
zero on the edge, positive outside. Figures combine as numbers do: union = min, intersection = max, cutting B out of A
= max(a, -b), an outline = |d| - half_width, rounding every corner = d - radius.

**Coverage** is the part of a pixel that a figure covers, and what makes an edge look smooth. If an edge passes a
pixel's center at distance d, and a pixel is `pixel` wide, then

    coverage = clip(1/2 - d / pixel, 0, 1)

This is the exact area for a straight edge parallel to the pixel's sides, and within 0.05 of it for any other direction.
Dividing by more than a pixel blurs the edge: soft shadows for free.

**The painter's algorithm**: begin with the background and lay each figure over what is there,
canvas <- canvas + coverage * (color - canvas).

Coordinates: x runs right and y runs down, both from -1 to 1 across the image, so a drawing is the same at any size.

Read more: `tutorials/01_data.ipynb`; Inigo Quilez, "2D distance functions" (iquilezles.org/articles/distfunctions2d),
whose polygon and ellipse formulae are used here.
"""

import math

import numpy as np

# --- signed distances: arrays x, y (H, W) -> distance (H, W) ---------------------------------------------------------


def length(x, y):
    """Length of the vector (x, y); np.hypot guards against overflow as well, and takes several times as long."""
    return np.sqrt(x * x + y * y)


def half_plane(x, y, point, normal):
    """Everything behind the line through `point`; the unit vector `normal` points out of the figure."""
    return (x - point[0]) * normal[0] + (y - point[1]) * normal[1]


def circle(x, y, center, radius):
    """A filled circle."""
    return length(x - center[0], y - center[1]) - radius


def ellipse(x, y, center, radii):
    """A filled ellipse with half axes `radii`: exact on the edge, first order near it (Quilez)."""
    u, v = (x - center[0]) / radii[0], (y - center[1]) / radii[1]
    level = length(u, v)  # 1 on the edge
    slope = length(u / radii[0], v / radii[1]) + 1e-6  # how fast `level` grows, times `level`
    return level * (level - 1) / slope


def tapered_capsule(x, y, start, end, start_radius, end_radius):
    """The union of discs whose center runs from `start` to `end` while their radius runs between the two given.

    The nearest disc is not the one abreast of the point: when the radius changes by `taper` for each unit of length,
    it lies `taper / sqrt(1 - taper^2)` times the distance from the axis further on.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    axis = math.hypot(dx, dy)
    dx, dy = dx / axis, dy / axis
    taper = (end_radius - start_radius) / axis
    x, y = x - start[0], y - start[1]
    along, across = x * dx + y * dy, x * dy - y * dx
    nearest = (along + np.abs(across) * (taper / math.sqrt(1 - taper * taper))).clip(0, axis)
    return length(along - nearest, across) - (start_radius + taper * nearest)


def capsule(x, y, start, end, radius):
    """A line of width 2 * radius with round ends."""
    return tapered_capsule(x, y, start, end, radius, radius)


def polygon(x, y, corners):
    """Any polygon that does not cross itself; `corners` is a sequence of (x, y) pairs (Quilez)."""
    nearest, inside = np.inf, False
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = bx - ax, by - ay  # the edge
        px, py = x - ax, y - ay
        share = ((px * ex + py * ey) * (1 / (ex * ex + ey * ey))).clip(0, 1)
        qx, qy = px - share * ex, py - share * ey
        nearest = np.minimum(nearest, qx * qx + qy * qy)
        # A ray from the point towards +x flips inside and outside each time it crosses an edge.
        inside ^= ((y >= ay) != (y >= by)) & ((px * ey < py * ex) == (ey > 0))
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


def rounded_box(x, y, center, half_size, radius=0.0):
    """A rectangle with half width and half height `half_size` and corners rounded by `radius`."""
    u = np.abs(x - center[0]) - (half_size[0] - radius)
    v = np.abs(y - center[1]) - (half_size[1] - radius)
    outside = length(np.maximum(u, 0), np.maximum(v, 0))
    return outside + np.minimum(np.maximum(u, v), 0) - radius


def outline(distance, half_width):
    """The edge of a figure, drawn as a line of width 2 * half_width."""
    return np.abs(distance) - half_width


def smooth_union(a, b, blend):
    """Union whose seam is filled up smoothly over the distance `blend`; elsewhere min(a, b)."""
    overlap = np.maximum(blend - np.abs(a - b), 0)
    return np.minimum(a, b) - overlap * overlap * (0.25 / blend)


def star_corners(radius, num_points=5, inner=0.45):
    """Corners of a star around the origin, the first one up; `inner` is the radius between two points, as a share."""
    corners = []
    for i in range(2 * num_points):
        angle, r = math.pi * (i / num_points - 0.5), radius * (inner if i % 2 else 1)
        corners.append((r * math.cos(angle), r * math.sin(angle)))
    return corners


# --- colors: triples (red, green, blue) in [0, 1] -------------------------------------------------------------------


def mix(color, other, share):
    """`share` of the other color and the rest of the first."""
    return tuple((1 - share) * a + share * b for a, b in zip(color, other, strict=True))


def brighten(color, amount):
    """The same added to red, green and blue (taken away if negative), within [0, 1]."""
    return tuple(min(max(part + amount, 0.0), 1.0) for part in color)


# --- painting --------------------------------------------------------------------------------------------------------


class Painter:
    """A square canvas and a coordinate frame to draw in.

    Args:
        size: height and width of the image in pixels.

    Attributes:
        x, y: float32 (size, size), coordinates of the pixels' centers in this frame.
        pixel: width of a pixel in units of this frame.
        canvas: float32 (3, size, size), colors in [0, 1]; one plane for each color, because NumPy is fast on long
            rows and slow on many short ones.
    """

    def __init__(self, size):
        self.pixel = 2 / size
        centers = (np.arange(size, dtype=np.float32) + 0.5) * self.pixel - 1
        self.x, self.y = np.meshgrid(centers, centers)  # (size, size) each
        self.canvas = np.zeros((3, size, size), np.float32)

    def frame(self, center=(0.0, 0.0), angle=0.0, scale=1.0):
        """A painter on the same canvas whose coordinates are moved, turned (clockwise, radians) and scaled."""
        painter = object.__new__(Painter)
        painter.canvas = self.canvas
        painter.pixel = self.pixel / scale
        x, y = self.x - center[0], self.y - center[1]
        c, s = math.cos(angle) / scale, math.sin(angle) / scale
        painter.x, painter.y = c * x + s * y, c * y - s * x
        return painter

    def coverage(self, distance, softness=0.0):
        """Part of each pixel that the figure covers.

        Args:
            distance: (size, size), signed distance in units of this frame.
            softness: width over which the edge fades, if it is more than a pixel.

        Returns:
            float32 (size, size) in [0, 1].
        """
        return (0.5 - distance / max(self.pixel, softness)).clip(0, 1)

    def blend(self, amount, color):
        """Mix `amount` (size, size) of a color into the canvas."""
        color = np.array(color, np.float32)[:, None, None]  # (3, 1, 1)
        self.canvas += amount * (color - self.canvas)

    def fill(self, distance, color, opacity=1.0, within=None, softness=0.0):
        """Paint a figure.

        Args:
            distance: (size, size), its signed distance.
            color: (red, green, blue) in [0, 1].
            opacity: 1 hides what is beneath, 0 leaves it.
            within: coverage (size, size) of another figure that this one must not leave.
            softness: see `coverage`.
        """
        amount = self.coverage(distance, softness)
        if within is not None:
            amount *= within
        if opacity != 1:
            amount *= opacity
        self.blend(amount, color)

    def gradient(self, start, end, share):
        """Cover the whole canvas with a mixture of two colors; `share` (size, size) of the second one."""
        for plane, a, b in zip(self.canvas, start, end, strict=True):
            plane[:] = a + share * (b - a)

    def image(self):
        """The canvas as an image: float32 (size, size, 3) in [0, 1]."""
        return np.ascontiguousarray(np.clip(self.canvas, 0, 1).transpose(1, 2, 0))
