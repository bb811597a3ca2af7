"""What holds for every figure of the notebooks."""

import numpy as np
import pytest


def _covered(axes):
    """The points of lines that are behind the legend of the axes."""
    if axes.get_legend() is None:
        return 0
    box = axes.get_legend().get_window_extent()
    positions = [axes.transData.transform(line.get_xydata()) for line in axes.get_lines()]
    return sum(box.contains(x, y) for x, y in np.concatenate(positions or [np.empty((0, 2))]))


@pytest.fixture
def readable():
    """A function that checks a figure: its axes are labelled, log axes as such, and legends do not cover lines."""

    def check(figure):
        figure.canvas.draw()
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                assert (axis.get_scale() == "log") == ("log scale" in axis.get_label_text()), axis.get_label_text()
            is_plane = axes.get_aspect() == 1  # also images; both coordinates have the same unit
            is_bar = axes.get_label() == "<colorbar>"
            if not is_plane and not is_bar and axes.axison:
                assert axes.get_xlabel()
            assert _covered(axes) == 0
        return figure

    return check
