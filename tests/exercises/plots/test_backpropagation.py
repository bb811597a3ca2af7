"""Errors of differences, matrices, SiLU, and a learned curve."""

import numpy as np

from minidiff.exercises.plots import backpropagation as plots

rng = np.random.default_rng(0)


def test_errors_of_central_differences(readable):
    h = np.geomspace(1e-12, 1, 20)
    (axes,) = readable(plots.difference_errors(h, 1e-7 / h, 1e-16 / h, h**2)).axes
    assert [line.get_label() for line in axes.get_lines()[1:3]] == ["float32", "float64"]


def test_every_factor_and_result_has_its_shape(readable):
    x, dy, W = rng.normal(size=(9, 4)), rng.normal(size=(9, 6)), rng.normal(size=(4, 6))
    products = [[("x'", x.T), ("dy", dy), ("= dW", x.T @ dy)], [("dy", dy), ("W'", W.T), ("= dx", dy @ W.T)]]
    titles = [axes.get_title().replace("\n", " ") for axes in readable(plots.matrix_products(products)).axes]
    assert titles == ["x' 4 x 9", "dy 9 x 6", "= dW 4 x 6", "", "dy 9 x 6", "W' 6 x 4", "= dx 9 x 4"]


def test_silu_beside_relu(readable):
    u = np.linspace(-6, 6, 25)
    (axes,) = readable(plots.silu_and_slope(u, u / (1 + np.exp(-u)), u * 0, u, u * 0)).axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), np.maximum(u, 0))


def test_terms_have_one_color_scale_and_attention_its_own(readable):
    figure = readable(plots.jacobian_terms({"a": np.eye(3), "b": -np.eye(3) / 9}))
    assert {axes.get_images()[0].get_clim() for axes in figure.axes[:2]} == {(-1, 1)}
    figure = readable(plots.attention_matrices(np.eye(3), 5 * np.eye(3), -2 * np.eye(3)))
    assert [axes.get_images()[0].get_clim() for axes in figure.axes[:3]] == [(0.01, 1), (-5, 5), (-2, 2)]


def test_a_bar_for_each_pass_and_upstream(readable):
    names = ["right", "does_nothing"]
    found = {(name, upstream): 1e-3 for name in names for upstream in ("ones", "random")}
    (axes,) = readable(plots.differences_by_upstream(names, found)).axes
    assert len(axes.patches) == 4
    assert [text.get_text() for text in axes.get_yticklabels()] == ["right", "does nothing"]


def test_learned_curves(readable):
    x = np.linspace(-1, 1, 20)[:, None]
    left, right = readable(plots.learned_curves(x, x, {0: 0 * x, 9: x / 2}, [1, 0.5, 0.25])).axes
    assert [line.get_label() for line in left.get_lines()] == ["target", "after 0 steps", "after 9 steps"]
    assert right.get_lines()[0].get_xdata().tolist() == [1, 2, 3]
