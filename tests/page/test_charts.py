"""Charts: positions of values, round ticks, and unusual values."""

import math

import pytest

from minidiff.page import charts
from minidiff.page.charts import Axes, subsample, ticks
from tests.page.pages import Page


def test_a_linear_axis_starts_at_0_and_is_proportional():
    axes = Axes([1, 5], [0.2, 0.8], "epoch", "loss")
    assert axes.x(1) == charts.LEFT
    assert axes.x(5) == charts.WIDTH - charts.RIGHT
    assert axes.x(3) == pytest.approx((axes.x(1) + axes.x(5)) / 2)
    assert axes.y(0) == charts.HEIGHT - charts.BOTTOM
    assert axes.y(0.4) == pytest.approx((axes.y(0) + axes.y(0.8)) / 2, abs=0.01)
    assert charts.TOP <= axes.y(0.8) < axes.y(0.2)


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis():
    axes = Axes([1, 2], [0.01, 1.0], "epoch", "loss", log=True)
    assert axes.y(0.01) - axes.y(0.1) == pytest.approx(axes.y(0.1) - axes.y(1.0), abs=0.02)
    assert axes.y(0.0) == charts.HEIGHT - charts.BOTTOM  # the lower end


@pytest.mark.parametrize(
    ("low", "high", "options", "expected"),
    [
        (0, 1, {}, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 0.26, {}, [0, 0.1, 0.2]),
        (0, 1000, {"whole": True}, [0, 200, 400, 600, 800, 1000]),
        (1, 3, {"whole": True}, [1, 2, 3]),
        (0.5, 1.5, {"whole": True}, [1]),
        (-3, 0, {"log": True}, [0.001, 0.01, 0.1, 1]),
        (-1.5, -0.6, {"log": True}, [0.05, 0.1, 0.2]),
    ],
)
def test_ticks_are_round_and_few(low, high, options, expected):
    assert ticks(low, high, **options) == pytest.approx(expected)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3], [0.3, math.nan, 0.1], [1e-9, 5.0]])
def test_a_chart_of_unusual_values_has_every_point_inside(values, log):
    epochs = list(range(1, len(values) + 1))
    drawing = Page(Axes(epochs, values, "epoch", "loss", log).draw("label", [(epochs, values, 2)]))
    marks = drawing.all("circle")
    assert len(marks) == sum(map(math.isfinite, values))
    for mark in marks:
        assert charts.LEFT <= float(mark["cx"]) <= charts.WIDTH - charts.RIGHT
        assert charts.TOP <= float(mark["cy"]) <= charts.HEIGHT - charts.BOTTOM
    assert drawing.all("svg")[0]["aria-label"] == "label"


def test_many_points_are_subsampled_and_the_last_one_is_kept():
    points = [(i, 0.5) for i in range(10_000)]
    found = subsample(points)
    assert len(found) <= charts.MAX_POINTS
    assert found[-1] == points[-1]
    assert subsample(points[:5]) == points[:5]
    assert subsample([]) == []
