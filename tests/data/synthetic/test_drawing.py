"""Signed distances against the nearest of many points on the boundary; coverage against exact areas."""

import math

import numpy as np
import pytest

from minidiff.data.synthetic import drawing
from minidiff.data.synthetic.drawing import Painter

STAR = drawing.star_corners(0.8)
ARROW = [(-0.6, -0.5), (0.7, 0.1), (-0.5, 0.6), (-0.1, 0.05)]  # not convex


def random_points(num_points=400, seed=0):
    points = np.random.default_rng(seed).uniform(-1.2, 1.2, (2, num_points))
    return points[0], points[1]


def distance_to_samples(x, y, boundary):
    """Distance from each point to the nearest of the boundary's samples (M, 2)."""
    return np.hypot(x[:, None] - boundary[:, 0], y[:, None] - boundary[:, 1]).min(axis=1)


def along_segments(corners, num_points=4000):
    """Points along the closed line through the corners."""
    fraction = np.linspace(0, 1, num_points)[:, None]
    ends = [*corners[1:], corners[0]]
    return np.concatenate(
        [(1 - fraction) * np.array(a) + fraction * np.array(b) for a, b in zip(corners, ends, strict=True)]
    )


def winding_number(x, y, corners):
    """Winding number of a closed line around each point: the sum of the angles subtended by its edges."""
    total = np.zeros_like(x)
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        turn = np.arctan2(b[1] - y, b[0] - x) - np.arctan2(a[1] - y, a[0] - x)
        total += (turn + math.pi) % (2 * math.pi) - math.pi
    return np.rint(total / (2 * math.pi))


def on_circle(center, radius, num_points=20000):
    angle = np.linspace(0, 2 * math.pi, num_points)
    return np.stack([center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)], axis=1)


def test_circle():
    x, y = random_points()
    distance = drawing.circle(x, y, (0.2, -0.1), 0.5)
    np.testing.assert_allclose(np.abs(distance), distance_to_samples(x, y, on_circle((0.2, -0.1), 0.5)), atol=1e-3)
    np.testing.assert_array_equal(distance < 0, (x - 0.2) ** 2 + (y + 0.1) ** 2 < 0.25)


@pytest.mark.parametrize("corners", [STAR, ARROW, ARROW[::-1]])
def test_polygon(corners):
    x, y = random_points()
    distance = drawing.polygon(x, y, corners)
    np.testing.assert_allclose(np.abs(distance), distance_to_samples(x, y, along_segments(corners)), atol=1e-3)
    np.testing.assert_array_equal(distance < 0, winding_number(x, y, corners) != 0)


def test_polygon_on_rows_through_its_corners():
    x, y = np.array([-0.9, 0.0, 0.9, -0.9, 0.9]), np.array([0.0, 0.0, 0.0, -0.5, 0.5])
    diamond = [(0, -0.5), (0.5, 0), (0, 0.5), (-0.5, 0)]
    assert (drawing.polygon(x, y, diamond) < 0).tolist() == [False, True, False, False, False]


def test_half_plane():
    x, y = random_points()
    angle, point = 0.7, np.array([0.1, 0.3])
    direction = np.array([-math.sin(angle), math.cos(angle)])
    line = point + np.linspace(-4, 4, 20001)[:, None] * direction
    distance = drawing.half_plane(x, y, point, (math.cos(angle), math.sin(angle)))
    np.testing.assert_allclose(np.abs(distance), distance_to_samples(x, y, line), atol=1e-3)
    np.testing.assert_array_equal(distance < 0, x * math.cos(angle) + y * math.sin(angle) < point @ [0.7648, 0.6442])


def test_rounded_box():
    x, y = random_points()
    center, half, radius = np.array([0.1, -0.2]), np.array([0.6, 0.4]), 0.15
    core = half - radius
    corners = [center + core * sign for sign in ([-1, -1], [1, -1], [1, 1], [-1, 1])]
    from_core = distance_to_samples(x, y, along_segments(corners))
    inside_core = (np.abs(x - center[0]) < core[0]) & (np.abs(y - center[1]) < core[1])
    expected = np.where(inside_core, -from_core, from_core) - radius
    np.testing.assert_allclose(drawing.rounded_box(x, y, center, half, radius), expected, atol=1e-3)


@pytest.mark.parametrize("radii", [(0.10, 0.30), (0.50, 0.05), (0.2, 0.2)])
def test_tapered_capsule_is_the_union_of_its_discs(radii):
    x, y = random_points()
    start, end = np.array([-0.5, 0.3]), np.array([0.4, -0.2])
    fraction = np.linspace(0, 1, 4001)[:, None]
    centers = (1 - fraction) * start + fraction * end
    to_discs = np.hypot(x - centers[:, :1], y - centers[:, 1:]) - ((1 - fraction) * radii[0] + fraction * radii[1])
    distance = drawing.tapered_capsule(x, y, start, end, *radii)
    np.testing.assert_allclose(distance, to_discs.min(axis=0), atol=1e-3)


def test_capsule_is_a_thick_segment():
    x, y = random_points()
    start, end = (-0.5, 0.3), (0.4, -0.2)
    expected = distance_to_samples(x, y, along_segments([start, end])) - 0.15
    np.testing.assert_allclose(drawing.capsule(x, y, start, end, 0.15), expected, atol=1e-3)


def test_ellipse_is_exact_on_the_edge_and_first_order_near_it():
    center, radii = (0.1, 0.2), (0.7, 0.4)
    boundary = np.array(center) + on_circle((0, 0), 1) * radii
    np.testing.assert_allclose(drawing.ellipse(boundary[:, 0], boundary[:, 1], center, radii), 0, atol=1e-6)
    x, y = random_points(2000)
    distance = drawing.ellipse(x, y, center, radii)
    np.testing.assert_array_equal(distance < 0, ((x - 0.1) / 0.7) ** 2 + ((y - 0.2) / 0.4) ** 2 < 1)
    true = distance_to_samples(x, y, boundary[::10])
    near = true < 0.05
    assert near.sum() > 50
    np.testing.assert_allclose(np.abs(distance[near]), true[near], rtol=0.15, atol=2e-3)


def test_outline_is_a_band_around_the_edge():
    x, y = random_points()
    distance = drawing.outline(drawing.circle(x, y, (0, 0), 0.6), 0.1)
    from_center = np.hypot(x, y)
    np.testing.assert_array_equal(distance < 0, (from_center > 0.5) & (from_center < 0.7))


def test_smooth_union_is_a_union_with_a_filled_seam():
    x, y = random_points(4000)
    a, b = drawing.circle(x, y, (-0.4, 0), 0.4), drawing.circle(x, y, (0.4, 0), 0.4)
    smooth, union = drawing.smooth_union(a, b, 0.2), np.minimum(a, b)
    far_from_seam = np.abs(a - b) >= 0.2
    np.testing.assert_array_equal(smooth[far_from_seam], union[far_from_seam])
    assert (smooth[~far_from_seam] < union[~far_from_seam]).all()
    assert (union - smooth).max() <= 0.05
    assert drawing.smooth_union(0.3, 0.3, 0.2) == pytest.approx(0.3 - 0.05)  # deepest, a quarter of the blend


@pytest.mark.parametrize("edge", [-0.61, 0.0, 0.3, 0.4999])
@pytest.mark.parametrize("axis", [0, 1])
def test_coverage_of_an_upright_edge_is_the_exact_area(edge, axis):
    size = 10
    painter = Painter(size)
    normal = (1, 0) if axis == 0 else (0, 1)
    coverage = painter.coverage(drawing.half_plane(painter.x, painter.y, (edge, edge), normal))
    left = -1 + np.arange(size) * 2 / size  # left edge of each pixel
    area = np.clip((edge - left) / (2 / size), 0, 1)
    expected = np.broadcast_to(area if axis == 0 else area[:, None], (size, size))
    np.testing.assert_allclose(coverage, expected, atol=1e-5)


@pytest.mark.parametrize("angle", np.linspace(0, 2 * math.pi, 17))
def test_coverage_of_any_edge_is_close_to_the_area(angle):
    size, finer = 6, 160
    normal = (math.cos(angle), math.sin(angle))
    painter, fine = Painter(size), Painter(size * finer)
    coverage = painter.coverage(drawing.half_plane(painter.x, painter.y, (0.1, 0.05), normal))
    inside = drawing.half_plane(fine.x, fine.y, (0.1, 0.05), normal) < 0
    area = inside.reshape(size, finer, size, finer).mean(axis=(1, 3))
    assert np.abs(coverage - area).max() < 0.05


def test_frame_moves_turns_and_scales():
    painter = Painter(64)
    frame = painter.frame(center=(0.3, -0.2), angle=math.pi / 2, scale=0.5)
    inside = drawing.rounded_box(frame.x, frame.y, (0, 0), (0.8, 0.2)) < 0
    # Half the size; a quarter turn exchanges width and height.
    expected = (np.abs(painter.x - 0.3) < 0.1) & (np.abs(painter.y + 0.2) < 0.4)
    np.testing.assert_array_equal(inside, expected)
    assert frame.pixel == pytest.approx(2 * painter.pixel)
    # Clockwise on the screen: right becomes down.
    point = drawing.circle(frame.x, frame.y, (0.6, 0), 0.05).argmin()
    assert painter.y.flat[point] == pytest.approx(0.1, abs=0.04)


def test_edges_in_a_scaled_frame_are_one_pixel_wide():
    painter = Painter(50)
    whole = painter.coverage(drawing.circle(painter.x, painter.y, (0, 0), 0.6))
    frame = painter.frame(scale=0.3)
    np.testing.assert_allclose(frame.coverage(drawing.circle(frame.x, frame.y, (0, 0), 2.0)), whole, atol=1e-4)


def test_later_figures_cover_earlier_ones():
    painter = Painter(8)
    everything, left = painter.x - 5, drawing.half_plane(painter.x, painter.y, (0, 0), (1, 0))
    painter.fill(everything, (1, 0, 0))
    painter.fill(left, (0, 0, 1), opacity=0.25)
    image = painter.image()
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[:, :4], np.broadcast_to([0.75, 0, 0.25], (8, 4, 3)), atol=1e-6)
    np.testing.assert_allclose(image[:, 4:], np.broadcast_to([1, 0, 0], (8, 4, 3)), atol=1e-6)


def test_soft_edges_fade_over_the_width_given():
    painter = Painter(100)
    row = painter.coverage(painter.x, softness=0.5)[0]
    np.testing.assert_allclose(row, np.clip((0.25 - painter.x[0]) / 0.5, 0, 1), atol=1e-5)


def test_fill_stays_within_the_mask():
    painter = Painter(8)
    mask = painter.coverage(painter.y)  # the upper half
    painter.fill(painter.x, (1, 1, 1), within=mask)
    image = painter.image()[..., 0]
    np.testing.assert_allclose(image[:4, :4], 1)
    assert image.sum() == pytest.approx(16)


def test_distances_stay_float32():
    painter = Painter(16).frame((0.1, 0.2), 0.3, 0.9)
    x, y = painter.x, painter.y
    distances = [
        drawing.half_plane(x, y, (0, 0), (1, 0)),
        drawing.circle(x, y, (0, 0), 0.5),
        drawing.ellipse(x, y, (0, 0), (0.5, 0.3)),
        drawing.tapered_capsule(x, y, (0, 0), (0.5, 0.3), 0.1, 0.05),
        drawing.polygon(x, y, STAR),
        drawing.rounded_box(x, y, (0, 0), (0.5, 0.3), 0.1),
    ]
    assert {d.dtype for d in distances} == {np.dtype(np.float32)}  # float64 would cost twice the time
    assert painter.coverage(distances[0]).dtype == np.float32


def test_colors():
    assert drawing.mix((0.0, 1.0, 0.5), (1.0, 0.0, 0.5), 0.25) == pytest.approx((0.25, 0.75, 0.5))
    assert drawing.brighten((0.1, 0.5, 0.95), 0.1) == pytest.approx((0.2, 0.6, 1.0))
    assert drawing.brighten((0.1, 0.5, 0.95), -0.2) == pytest.approx((0.0, 0.3, 0.75))
