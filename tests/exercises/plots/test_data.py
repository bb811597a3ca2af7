"""Signed distances, coverage, and combined figures."""

import numpy as np

from minidiff.exercises.plots.data import combined_figures, coverage_curves, distance_and_coverage

SIDE = (np.arange(32) + 0.5) / 16 - 1
X, Y = np.meshgrid(SIDE, SIDE)
DISC = np.hypot(X, Y) - 0.5


def test_the_line_of_distance_zero_is_the_edge(readable):
    figure = readable(distance_and_coverage(DISC, DISC < 0, np.clip(0.5 - 16 * DISC, 0, 1)))
    edge = np.concatenate([path.vertices for path in figure.axes[0].collections[0].get_paths()])
    assert np.abs(np.hypot(*edge.T) - 0.5).max() < 0.01
    assert [axes.get_title() for axes in figure.axes][:3] == ["distance", "distance < 0", "coverage"]


def test_a_curve_for_the_formula_and_each_angle(readable):
    d = np.linspace(-1, 1, 21)
    (axes,) = readable(coverage_curves(d, np.clip(0.5 - d, 0, 1), {0: d**2, 45: d**4})).axes
    labels = [line.get_label() for line in axes.get_lines()]
    assert labels == ["formula", "counted, edge at 0°", "counted, edge at 45°"]
    np.testing.assert_array_equal(axes.get_lines()[2].get_ydata(), d**4)


def test_the_expressions_are_the_titles(readable):
    figure = readable(combined_figures(X, Y, {f"disc - {i}": DISC - i / 10 for i in range(6)}))
    assert [axes.get_title() for axes in figure.axes] == [f"disc - {i}" for i in range(6)]
