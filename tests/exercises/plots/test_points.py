"""Points, velocities, paths, distances, and errors in the plane."""

import numpy as np
import pytest

from minidiff.exercises.plots import points as plots
from minidiff.points import draw_points

MOONS = draw_points("moons")
rng = np.random.default_rng(0)


def test_nine_classes_differ_in_color_or_mark(readable):
    grid = readable(plots.data_sets([MOONS, draw_points("grid", 300)])).axes[1]
    looks = {(tuple(dots.get_facecolor()[0]), len(dots.get_paths()[0].vertices)) for dots in grid.collections}
    assert len(looks) == 9


def test_clouds_have_one_scale_and_estimates_a_larger_one(readable):
    noised = {t: MOONS.positions + t for t in (0, 1)}
    assert {axes.get_xlim() for axes in readable(plots.clouds(noised, MOONS.labels)).axes} == {(-3, 3)}
    figure = readable(plots.clouds_and_estimates(noised, noised, MOONS.labels))
    assert [axes.get_xlim()[1] for axes in figure.axes] == [3, 3, 1.05, 1.05]
    assert figure.axes[2].get_ylabel() == "x0_hat"


def test_the_mean_of_losses_is_drawn_at_the_end_of_its_window(readable):
    losses = np.arange(100) / 400
    _, mean = readable(plots.losses_over_steps(losses, width=10)).axes[0].get_lines()
    assert mean.get_xdata()[[0, -1]].tolist() == [10, 100]
    assert mean.get_ydata()[-1] == pytest.approx(losses[-10:].mean())


def test_streamlines_follow_the_velocity(readable):
    side = np.linspace(-1, 1, 9)
    velocity = np.tile([1.0, 0.0], (9, 9, 1))  # to the right
    data = {5: MOONS.positions, 9: MOONS.positions}
    axes, _ = readable(plots.velocity_fields({5: (side, velocity), 9: (side, velocity)}, data)).axes
    segments = np.array(axes.collections[1].get_segments())
    assert np.abs(np.diff(segments[:, :, 1])).max() < 1e-9


def test_paths_begin_at_squares_and_end_at_dots(readable):
    path = rng.normal(size=(4, 3, 2))
    axes, _ = readable(plots.trajectories(MOONS.positions, {"ddim": path, "ddpm": path})).axes
    starts, ends = axes.get_lines()[-2:]
    np.testing.assert_array_equal(starts.get_xydata(), path[0])
    np.testing.assert_array_equal(ends.get_xydata(), path[-1])
    assert (starts.get_marker(), ends.get_marker()) == ("s", "o")
    figure = readable(plots.paths_and_estimates(MOONS.positions, path, path[1:], np.array([3, 2, 1])))
    assert [axes.get_title() for axes in figure.axes[:3]] == ["path 1", "path 2", "path 3"]


def test_distances_are_drawn_as_fractions_that_exceed_them(readable):
    distances = {
        (kind, way): np.array([0.4, 0.1, 0.2, 0.3])
        for kind in ("generated", "fresh")
        for way in ("to the data", "from")
    }
    far = np.arange(50) < 7
    figure = readable(plots.samples_and_distances(MOONS.positions[:50], MOONS.positions[:50], far, distances))
    data, samples, curves = figure.axes if figure.axes[1].get_title() else np.array(figure.axes)[[0, 2, 1]]
    assert "7 far away" in samples.get_title()
    assert data.get_title() == "50 of the data"
    assert curves.get_lines()[0].get_xydata().tolist() == [[0.1, 1], [0.2, 0.75], [0.3, 0.5], [0.4, 0.25]]


def test_conditioned_samples_and_errors(readable):
    figure = readable(
        plots.conditioned_samples(MOONS.positions, {"upper": MOONS.positions[:9], "lower": MOONS.positions[:8]})
    )
    assert [len(axes.collections[1].get_offsets()) for axes in figure.axes] == [9, 8]
    pairs = np.arange(12).reshape(6, 2) / 12
    panels = readable(plots.errors_over_time(np.arange(1, 7), {"eps_hat": pairs, "x0_hat": pairs})).axes
    np.testing.assert_array_equal(panels[0].get_lines()[1].get_ydata(), pairs[:, 0])  # the network's
    maps, borders = dict.fromkeys((1, 2), np.ones((5, 5)) / 9), dict.fromkeys((1, 2), np.eye(5))
    figure = readable(plots.error_maps(np.linspace(-2, 2, 5), maps, borders))
    assert figure.axes[0].get_title() == "t = 1"
