"""Line charts as SVG in the page: they follow its theme, stay sharp at any size, and need no script."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeVar

from minidiff.page.markup import Child, Markup, element

WIDTH, HEIGHT = 400, 250
MAX_POINTS = 400  # per line
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 12, 40  # margins

Line: TypeAlias = tuple[Sequence[float], Sequence[float], int]  # xs, ys, index of the color
Point = TypeVar("Point")


class Axes:
    """Axes with ticks, and the map from values to positions in the SVG.

    Args:
        xs, ys: all values that have to fit; ys are >= 0, or not finite and then ignored.
        log: whether the y axis is logarithmic; 0 is then drawn at its lower end.
    """

    def __init__(self, xs: Sequence[float], ys: Sequence[float], x_label: str, y_label: str, log: bool = False) -> None:
        self.x_label, self.y_label, self.log = x_label, f"{y_label} (log)" if log else y_label, log
        self.x_range = padded_range(min(xs), max(xs), 0.0)
        ys = [y for y in ys if self._is_drawn(y)]
        if log:
            self.y_range = padded_range(math.log10(min(ys)), math.log10(max(ys)), 0.06)
        else:
            self.y_range = 0.0, padded_range(0.0, max(ys), 0.04)[1]

    def x(self, value: float) -> float:
        """The horizontal position of a value."""
        low, high = self.x_range
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low), 2)

    def y(self, value: float) -> float:
        """The vertical position of a value, from the top down."""
        low, high = self.y_range
        if self.log:
            value = math.log10(value) if value > 0 else low
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (max(value, low) - low) / (high - low), 2)

    def draw(self, label: str, lines: Sequence[Line], *overlays: Child) -> Markup:
        """The chart as an svg element; lines of at most 30 points have markers, overlays are on top of the lines."""
        parts = [*self._grid()]
        for xs, ys, color in lines:
            points = subsample([(self.x(x), self.y(y)) for x, y in zip(xs, ys, strict=True) if self._is_drawn(y)])
            path = " ".join(f"{x},{y}" for x, y in points)
            parts.append(element("polyline", points=path, class_=f"line color{color}"))
            if len(points) <= 30:
                parts += [element("circle", cx=x, cy=y, r=3, class_=f"mark color{color}") for x, y in points]
        return element("svg", parts, *overlays, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)

    def _is_drawn(self, y: float) -> bool:
        return math.isfinite(y) and (y > 0 or not self.log)

    def _grid(self) -> Iterator[Markup]:
        for value in ticks(*self.y_range, self.log):
            y = self.y(value)
            yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
            yield element("text", f"{value:g}", x=LEFT - 6, y=y + 4, class_="tick end")
        for value in ticks(*self.x_range, whole=True):
            yield element("text", f"{value:g}", x=self.x(value), y=HEIGHT - BOTTOM + 18, class_="tick middle")
        bottom = HEIGHT - BOTTOM
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis")
        yield element("text", self.x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 4, class_="tick middle")
        middle = (TOP + HEIGHT - BOTTOM) / 2
        yield element("text", self.y_label, x=12, y=middle, class_="tick middle", transform=f"rotate(-90 12 {middle})")


def subsample(points: Sequence[Point]) -> Sequence[Point]:
    """At most MAX_POINTS points, equally spaced, including the last one."""
    stride = -(-len(points) // MAX_POINTS) or 1
    return points[::-stride][::-1]


def padded_range(low: float, high: float, margin: float) -> tuple[float, float]:
    """A nonempty range with a relative margin on both sides."""
    if high <= low:
        return low - 0.5, low + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def ticks(low: float, high: float, log: bool = False, whole: bool = False) -> list[float]:
    """About five round values from low to high; on a logarithmic scale low and high are exponents of 10."""
    if log:
        powers = range(math.floor(low), math.ceil(high) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
            found = [float(f"{digit}e{power}") for power in powers for digit in digits]
            found = [value for value in found if low <= math.log10(value) <= high]
            if len(found) >= 3:
                break
        return found
    interval: float = 10 ** math.floor(math.log10((high - low) / 4))
    interval *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (interval * factor) <= 5)
    if whole:
        interval = max(1, round(interval))
    first = math.ceil(low / interval - 1e-9)
    return [round(i * interval, 10) for i in range(first, math.floor(high / interval + 1e-9) + 1)]


def chart(title: str, drawing: Markup, names: Sequence[str] = ()) -> Markup:
    """A figure: the title, the drawing, and a legend with the names of the lines."""
    legend = [
        element("li", element("span", class_=f"swatch color{i}", aria_hidden="true"), name)
        for i, name in enumerate(names)
    ]
    below = element("ul", legend, class_="legend") if names else None
    return element("figure", element("figcaption", title), drawing, below, class_="chart")
