"""The figures of notebooks 12 and 13: what is drawn, and a legend that covers no data."""

import numpy as np
import pytest

from minidiff.exercises import figures_theory
from minidiff.exercises.figures_theory import show_histograms, show_lines, show_paths, show_points

x = np.linspace(1, 2, 5)


@pytest.fixture
def shown(monkeypatch):
    """The figures that are shown, as (figure, description)."""
    found = []
    monkeypatch.setattr(figures_theory, "show_figure", lambda *what: found.append(what))
    return found


def test_lines_have_the_same_color_and_style_in_all_panels(shown):
    panels = {
        "left": {"a": (x, x), "b": (x, 2 * x)},
        "right": {"b": (x, 3 * x), "c": (x, x, {"color": "black", "linestyle": ":"})},
    }
    show_lines(panels, "lines", xlabel="u", ylabel="v", log="y", ylim=(1, 9))
    ((figure, description),) = shown
    left, right = figure.axes
    assert description == "lines"
    assert [axes.get_title() for axes in (left, right)] == ["left", "right"]
    assert (left.get_xlabel(), right.get_xlabel(), left.get_ylabel(), right.get_ylabel()) == ("u", "u", "v", "")
    assert (left.get_xscale(), left.get_yscale(), left.get_ylim()) == ("linear", "log", (1, 9))
    a, b = left.lines
    again, c = right.lines
    assert (b.get_color(), b.get_linestyle()) == (again.get_color(), again.get_linestyle())
    assert a.get_linestyle() != b.get_linestyle()
    assert (c.get_color(), c.get_linestyle()) == ("black", ":")
    np.testing.assert_array_equal(again.get_ydata(), 3 * x)


def test_the_legend_has_each_label_once_and_lies_below_the_panels(shown):
    show_lines({"left": {"a": (x, x), "b": (x, x)}, "right": {"a": (x, x)}}, "lines", xlabel="x")
    ((figure, _),) = shown
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().y1 <= min(axes.get_window_extent().y0 for axes in figure.axes)


def test_given_ticks_are_the_only_ones(shown):
    show_lines({"one": {"a": (x, x)}}, "a line", xlabel="x", log="xy", xticks=[1, 2], xticklabels=[1, 2])
    (axes,) = shown[0][0].axes
    shown[0][0].draw_without_rendering()
    assert [label.get_text() for label in axes.get_xticklabels() if label.get_text()] == ["1", "2"]
    assert not axes.get_xticklabels(minor=True)


def test_a_single_label_needs_no_legend(shown):
    show_lines({"one": {"a": (x, x)}}, "a line", xlabel="x")
    assert shown[0][0].legends == []


def test_histograms_are_densities_of_all_samples(shown):
    samples, bins = np.array([0.1, 0.2, 0.3, 0.9, 5.0]), np.array([0.0, 0.5, 1.0])
    show_histograms({"one": (samples, {"exact": (x, x)})}, "a histogram", xlabel="x", bins=bins)
    (axes,) = shown[0][0].axes
    (stairs,) = axes.patches
    np.testing.assert_allclose(stairs.get_data().values, [1.2, 0.4])  # 5.0 is outside, and counts
    assert axes.get_xlim() == (0, 1)
    assert [text.get_text() for text in shown[0][0].legends[0].get_texts()] == ["samples", "exact"]


def test_paths_lie_on_the_density(shown):
    times, z = np.arange(4), np.linspace(-1, 1, 6)
    density = np.random.default_rng(0).uniform(size=(6, 4))
    show_paths({"paths": (times, np.zeros((4, 3)))}, "three paths", (times, z, density))
    (axes,) = shown[0][0].axes
    assert len(axes.lines) == 3
    assert len(axes.collections) == 1
    assert (*axes.get_xlim(), *axes.get_ylim()) == (0, 3, -1, 1)
    show_paths({"a": (times, np.zeros((4, 3))), "b": (times, np.zeros((4, 2)))}, "without a density")
    assert [len(axes.lines) for axes in shown[1][0].axes] == [3, 2]


def test_points_are_drawn_in_layers(shown):
    points = np.random.default_rng(1).uniform(-1, 1, (7, 2))
    show_points({"all": [(points, "gray", 2), (points[:3], "black", 5)]}, "points", limit=1.5)
    (axes,) = shown[0][0].axes
    assert [len(layer.get_offsets()) for layer in axes.collections] == [7, 3]
    assert axes.get_xlim() == (-1.5, 1.5)
