"""Diagrams of the notebooks 06 to 11: they show the values given."""

import numpy as np
import pytest

from minidiff.exercises import figures_diagrams as diagrams


@pytest.fixture
def shown(monkeypatch):
    """The figures that are shown."""
    figures = []
    monkeypatch.setattr(diagrams, "show_figure", lambda figure, _: figures.append(figure))
    return figures


def test_a_roofline_has_a_roof_for_each_bandwidth(shown):
    diagrams.show_roofline({"sum": (0.1, 2.0)}, 50.0, {"memory": 20.0, "cache": 200.0}, "roofs")
    axes = shown[0].axes[0]
    for line, bandwidth in zip(axes.lines, (20, 200), strict=False):
        x, y = line.get_data()
        np.testing.assert_allclose(y, np.minimum(50, bandwidth * x))
    assert axes.lines[2].get_xydata().tolist() == [[0.1, 2.0]]
    assert "log scale" in axes.get_xlabel()
    assert "log scale" in axes.get_ylabel()


def test_bars_have_the_heights_given(shown):
    diagrams.show_bars({"forward": {"a": [1, 2], "b": [3, 4]}}, ["x", "y"], "rate", "bars", line=("peak", 5))
    axes = shown[0].axes[0]
    assert [bar.get_height() for bar in axes.patches] == [1, 2, 3, 4]
    assert len({bar.get_hatch() for bar in axes.patches}) == 2
    assert axes.lines[0].get_ydata()[0] == 5


def test_layers_are_bars_with_skips_and_labels(shown):
    diagrams.show_layers([("conv", 8, 4), ("block", 4, 8), ("conv", 8, 4)], [(0, 2)], {1: "middle"}, "network")
    axes = shown[0].axes[0]
    assert [bar.get_height() for bar in axes.patches[:3]] == [8, 4, 8]
    assert [bar.get_width() for bar in axes.patches[:3]] == [1, 2, 1]
    assert {"middle", "skip connection"} <= {text.get_text() for text in axes.texts}


def test_errors_and_costs_are_in_order(shown):
    errors = {"library": {"a.weight": 1e-9, "b.weight": 1e-8}, "wrong": {"a.weight": 0.5, "b.weight": 0.0}}
    diagrams.show_errors(errors, "errors", hidden=("b",))
    axes = shown[0].axes[0]
    assert axes.lines[0].get_ydata().tolist() == [1e-9, 1e-8]
    assert axes.lines[1].get_ydata().tolist() == [0.5, diagrams.SHOWN]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", ""]
    diagrams.show_costs(["one", "two"], {"MFLOP": [3, 4], "parameters": [5, 6]}, "costs")
    assert [[bar.get_height() for bar in axes.patches] for axes in shown[1].axes] == [[3, 4], [5, 6]]


def test_gradient_maps_have_frames_around_the_pixels_given(shown):
    diagrams.show_gradient_maps({"a": np.eye(9), "b": np.ones((9, 9))}, {"a": (2, 5), "b": (0, 8)}, "maps")
    frames = [axes.lines[0].get_xydata() for axes in shown[0].axes[:2]]
    assert [(frame.min(), frame.max()) for frame in frames] == [(1.5, 5.5), (-0.5, 8.5)]


def test_tiles_and_passes_are_drawn(shown):
    diagrams.show_tiles(np.zeros((18, 18, 3)), ((1, 2),), "tiles")
    frames = [axes.lines[0].get_xydata() for axes in shown[0].axes]
    assert [frame.min(axis=0).tolist() for frame in frames] == [[7.5, 3.5], [8.5, 4.5]]
    assert [frame.max(axis=0).tolist() for frame in frames] == [[13.5, 9.5], [12.5, 8.5]]
    diagrams.show_forward_and_backward({"x": (0, 0), "y": (2, 0)}, (("x", "y", "2 x", "2 dy"),), "passes")
    assert {"x", "y", "dx", "dy", "2 x", "2 dy"} <= {text.get_text() for text in shown[1].axes[0].texts}


def test_a_valley_shows_paths_and_their_loss(shown):
    paths = {"a": np.array([[2.0, 0.5], [1.0, 0.0]]), "b": np.array([[2.0, 0.5], [0.0, 0.1]])}
    diagrams.show_valley(paths, np.array([1.0, 50.0]), "valley")
    left, right = shown[0].axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), paths["a"])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [2 + 6.25, 0.5])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [2 + 6.25, 0.25])


def test_alarms_are_colored(shown):
    values = {"good": {"x": 1.0, "last_step": 0.25}, "bad": {"x": 3.0, "last_step": 0.5}}
    diagrams.show_alarms(values, {"good": [], "bad": ["last_step"]}, "table")
    axes = shown[0].axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "0.25", "3", "0.5"]
    ((left, bottom),) = [bar.get_xy() for bar in axes.patches]
    assert (left, bottom) == (1, 1.05)
