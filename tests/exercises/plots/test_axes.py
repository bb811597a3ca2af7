"""Labels of logarithmic axes, the scale of a plane, and signs of matrices."""

import numpy as np
import pytest

from minidiff.exercises.plots.axes import COLORS, STYLES, draw_matrix, label_axes, plane
from minidiff.plotting import new_figure


@pytest.fixture
def axes():
    return new_figure(3, 3).add_subplot()


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_logarithmic_axes_are_named_in_their_labels(axes, log):
    label_axes(axes, "time", "loss", log=log, title="a run")
    assert (axes.get_xscale(), axes.get_yscale()) == tuple("log" if name in log else "linear" for name in "xy")
    assert axes.get_xlabel() == ("time, log scale" if "x" in log else "time")
    assert axes.get_ylabel() == ("loss, log scale" if "y" in log else "loss")
    assert axes.get_title() == "a run"


@pytest.mark.parametrize(
    ("limit", "height", "x", "y"), [(2.2, None, [-2, 0, 2], [-2, 0, 2]), (1.05, 0.75, [-1, 0, 1], [0])]
)
def test_a_plane_has_one_scale_and_shows_it(axes, limit, height, x, y):
    plane(axes, "points", limit, height)
    assert axes.get_aspect() == 1
    assert axes.get_xlim() == (-limit, limit)
    assert axes.get_ylim() == (-(height or limit), height or limit)
    assert (axes.get_xticks().tolist(), axes.get_yticks().tolist()) == (x, y)


def test_negative_elements_have_a_sign_where_they_are(axes):
    image = draw_matrix(axes, np.array([[1.0, -0.5, 0.0], [-0.01, -1.0, 0.3]]), "W")
    assert [text.get_position() for text in axes.texts] == [(1, 0), (1, 1)]  # column, row; -0.01 is nearly zero
    assert image.get_clim() == (-1, 1)
    assert draw_matrix(axes, np.eye(2), "I", limit=3).get_clim() == (-3, 3)


def test_there_is_a_style_for_each_of_five_colors():
    assert len(set(STYLES)) == 5 <= len(set(COLORS))
