"""What the figures of the notebooks share: a color for each meaning, labels, and panels of the plane."""

from typing import TYPE_CHECKING

import numpy as np

from minidiff.plotting import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

BLUE, ORANGE, GREEN, RED, PINK, SKY, BLACK = COLORS
TRAINING, HELD_OUT = BLUE, RED  # images
REFERENCE = "0.75"  # light gray: data, or a known curve, which is drawn wide below the measured one
CLASSES = (BLUE, ORANGE)
GENERATED = GREEN  # by a network
PATH = "0.35"  # dark gray
SIGNED = "RdBu_r"  # red is positive, blue is negative; negative elements have a minus sign, for readers in gray
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # one for each color, in their order


def label_axes(axes: "Axes", x: str, y: str = "", log: str = "", title: str = "") -> None:
    """Labels the axes; those named in `log` ("x", "y", "xy") become logarithmic, which their labels say."""
    axes.set(title=title, xlabel=f"{x}, log scale" if "x" in log else x, ylabel=f"{y}, log scale" if "y" in log else y)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")


def legend(axes: "Axes", outside: bool = False, **options: object) -> None:
    """A small legend without a frame, inside the axes or to the right of them."""
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if outside else {}
    axes.legend(**{"frameon": False, "fontsize": 8, "title_fontsize": 8, **place, **options})


def plane(axes: "Axes", title: str = "", limit: float = 1.05, height: float | None = None) -> None:
    """Makes a panel of the plane from -limit to limit, with ticks that show its scale."""
    height = height or limit
    tick = int(limit) if limit >= 1 else 0.5
    axes.set(title=title, xlim=(-limit, limit), ylim=(-height, height), aspect="equal")
    axes.set(xticks=(-tick, 0, tick), yticks=[value for value in (-tick, 0, tick) if abs(value) <= height])
    axes.tick_params(labelsize=7, length=2)
    axes.spines[:].set_color("0.8")


def draw_matrix(axes: "Axes", matrix: np.ndarray, title: str, limit: float | None = None) -> "AxesImage":
    """Draws a matrix as colors from -limit to limit, by default to its largest element, and returns the image.

    Negative elements of more than a twentieth of the limit have a minus sign.
    """
    limit = limit or float(np.abs(matrix).max())
    image = axes.imshow(matrix, cmap=SIGNED, vmin=-limit, vmax=limit)
    for i, j in np.argwhere(matrix < -limit / 20):
        color = "white" if matrix[i, j] < -0.6 * limit else "black"
        axes.text(j, i, "−", ha="center", va="center", fontsize=6, color=color)
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return image
