"""Estimates, paths, the noise level of the decision, and errors."""

import numpy as np

from minidiff.exercises.plots.without_a_network import (
    candidates_along_paths,
    decision_levels,
    errors_over_reach,
    errors_over_sigma,
    estimates_over_z,
    paths_to_ring,
)

rng = np.random.default_rng(0)


def test_estimates_and_means_share_their_axes(readable):
    z, middles = rng.normal(size=2000), np.linspace(-1, 1, 9)
    lines = middles, middles
    figure = readable(estimates_over_z({"a": (z, z / 2), "b": (z, z)}, middles, {"a": lines, "b": lines}))
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert [len(line.get_xdata()) for line in figure.axes[0].get_lines()] == [1500, 9, 9]


def test_paths_end_at_the_last_step(readable):
    paths = {std: rng.normal(size=(5, 7, 2)) for std in (0.0, 0.5)}
    figure = readable(paths_to_ring(rng.normal(size=(3, 2)), paths))
    for axes, path in zip(figure.axes, paths.values(), strict=True):
        lines = axes.get_lines()
        np.testing.assert_array_equal(lines[-1].get_xydata(), path[-1])
        np.testing.assert_array_equal(lines[6].get_xydata(), path[:, 6])


def test_formulas_and_measurements_of_the_decision(readable):
    sizes = [10, 100, 1000]
    (axes,) = readable(decision_levels(sizes, {n: np.ones(3) * i for i, n in enumerate("abc", 1)}, np.ones(3) / 2)).axes
    assert [line.get_label() for line in axes.get_lines()] == ["a", "b", "c", "measured"]
    assert axes.get_ylim()[0] == 0


def test_candidates_and_lines_at_expected_levels(readable):
    levels = np.geomspace(50, 1, 20)
    (axes,) = readable(candidates_along_paths(levels, np.ones((20, 3)), {"measured": 2.5, "formula": 3.0})).axes
    assert [line.get_xdata()[0] for line in axes.get_lines()[-2:]] == [2.5, 3.0]
    assert len(axes.get_lines()) == 5


def test_small_errors_are_cut_off(readable):
    sigma = np.geomspace(0.1, 10, 5)
    (axes,) = readable(errors_over_sigma(sigma, {"a": sigma / 10, "b": np.full(5, 1e-9), "c": sigma / 5})).axes
    np.testing.assert_array_equal(axes.get_lines()[1].get_ydata(), np.full(5, 1e-3))
    np.testing.assert_array_equal(axes.get_lines()[3].get_ydata(), sigma)


def test_dots_mark_the_best_reach(readable):
    held_out = {0.1: np.array([0.1, 0.2, 0.3]), 0.5: np.array([0.3, 0.1, 0.2]), 2: np.array([0.3, 0.2, 0.15])}
    left, right = readable(errors_over_reach([0, 1, "all"], np.array([0.3, 0.2, 0.1]), held_out, 0.5)).axes
    dots = [line.get_xydata()[0].tolist() for line in right.get_lines()[1::2]]
    assert dots == [[0, 0.1], [1, 0.1], [2, 0.15]]
    assert [text.get_text() for text in left.get_xticklabels()] == ["0", "1", "all"]
