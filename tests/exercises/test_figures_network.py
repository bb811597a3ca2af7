"""Figures of the notebooks 06 to 11: they show the values given, and can be read in gray."""

import numpy as np
import pytest

from minidiff.exercises import figures_network
from minidiff.exercises.figures_network import (
    CYCLE,
    LOOKS,
    MOST_MARKERS,
    Look,
    Panel,
    show_clouds,
    show_image_rows,
    show_panels,
    show_paths,
    show_values,
)


@pytest.fixture
def shown(monkeypatch):
    """The figures that are shown: list of (figure, description)."""
    figures = []
    monkeypatch.setattr(figures_network, "show_figure", lambda *what: figures.append(what))
    return figures


def test_a_panel_shows_its_curves_and_marks_logarithmic_axes(shown):
    x, y = np.array([1.0, 10, 100]), np.array([3.0, 2, 1])
    panels = [
        Panel({"ddim": (x, y), "unknown": (x, 2 * y)}, "steps", "error", "both", log="x", xticks=x),
        Panel({"ddim": (x, 5 * y)}, "t", xlim=(0, 7), ylim=(1, 2)),
    ]
    show_panels(panels, "two panels")
    ((figure, description),) = shown
    left, right = figure.axes
    assert description == "two panels"
    for line, factor in zip(left.lines, (1, 2), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([x, factor * y], axis=1))
    assert (left.get_xlabel(), left.get_ylabel(), left.get_title()) == ("steps, log scale", "error", "both")
    assert (left.get_xscale(), left.get_yscale()) == ("log", "linear")
    assert [label.get_text() for label in left.get_xticklabels()] == ["1", "10", "100"]
    assert (right.get_xlim(), right.get_ylim(), right.get_xscale()) == ((0, 7), (1, 2), "linear")
    assert left.lines[0].get_color() == right.lines[0].get_color() == LOOKS["ddim"].color


def test_one_legend_outside_of_the_panels_names_every_curve_once(shown):
    curve = (np.arange(3), np.arange(3))
    show_panels([Panel({"a": curve, "b": curve}, "x"), Panel({"b": curve, "c": curve}, "x")], "curves")
    show_panels([Panel({"a": curve}, "x")], "one curve")
    (legend,) = shown[0][0].legends
    assert sorted(text.get_text() for text in legend.get_texts()) == ["a", "b", "c"]
    assert all(axes.get_legend() is None for figure, _ in shown for axes in figure.axes)
    assert shown[1][0].legends == []


def test_long_curves_have_no_markers_but_dots_stay(shown):
    x = np.arange(MOST_MARKERS + 1)
    curves = {"short": (x[:-1], x[:-1]), "long": (x, x), "dots": (x, x)}
    show_panels([Panel(curves, "x", looks={"dots": Look("gray", "", ".")})], "curves")
    markers = [line.get_marker() for line in shown[0][0].axes[0].lines]
    assert markers[0] not in ("", "None")
    assert markers[1] in ("", "None")
    assert markers[2] == "."


@pytest.mark.parametrize(
    "names",
    [
        ("ddim", "euler", "heun", "dpmpp_2m"),
        ("ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "data"),
        ("trailing", "uniform", "karras"),
        ("p", "average"),
        CYCLE,
    ],
)
def test_curves_of_one_figure_differ_in_gray(names):
    looks = [name if isinstance(name, Look) else LOOKS[name] for name in names]
    assert len({(look.line, look.marker) for look in looks}) == len(looks)


def test_image_rows_show_every_pixel_and_all_names(shown):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 4, 3, 5, 3))
    show_image_rows({"first": images[0], "second": images[1]}, "images", columns=("left", "right"))
    axes = shown[0][0].axes[0]
    page = axes.images[0].get_array()
    expected = np.round((images + 1) * 127.5)
    for row in range(2):
        for i in range(4):
            top, left = 2 + row * (3 + 4), 2 + i * (5 + 2) + 2 * (i // 2)
            assert np.abs(page[top : top + 3, left : left + 5] - expected[row, i]).max() <= 1
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["left", "right"]


def test_clouds_and_paths_show_their_points(shown):
    points = np.random.default_rng(0).uniform(-1, 1, (7, 2))
    show_clouds({"data": points, "b": -points}, "clouds", limit=2, circles=[((0, 0), 1)])
    left, right = shown[0][0].axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), points)
    np.testing.assert_array_equal(right.lines[0].get_xydata(), -points)
    assert (left.get_title(), right.get_title(), left.get_xlim()) == ("data", "b", (-2, 2))
    assert left.lines[0].get_color() != right.lines[0].get_color()
    path = np.random.default_rng(1).uniform(-1, 1, (3, 1, 2))
    show_paths({"path": path}, points, "paths", estimates={"path": 2 * path[:2]})
    lines = [line.get_xydata() for line in shown[1][0].axes[0].lines]
    assert any(np.array_equal(line, path[:, 0]) for line in lines)
    assert any(np.array_equal(line, np.stack([path[0, 0], 2 * path[0, 0]])) for line in lines)


def test_values_are_written_on_a_matrix(shown):
    matrix = np.array([[1.0, -0.0], [2.25, 3.0]])
    show_values({"m": matrix}, "values", digits=1, frames={"m": (1, 0, 1, 2)}, labels=("columns", "rows"))
    axes = shown[0][0].axes[0]
    assert [text.get_text() for text in axes.texts] == ["1.0", "0.0", "2.2", "3.0"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("columns", "rows")
    assert axes.lines[0].get_xydata().min(axis=0).tolist() == [0.5, -0.5]
