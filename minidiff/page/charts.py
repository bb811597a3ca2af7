"""Line charts as SVG inside the page: they follow its theme, stay sharp at any size, and need no script."""

import math

from minidiff.page.markup import element

WIDTH, HEIGHT = 400, 250
MOST_POINTS = 400  # of a line; more would not be seen
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 12, 40


class Axes:
    """A frame with ticks, and where values lie in it.

    Args:
        xs, ys: all values that are to fit in; ys are 0 or more, or not finite and left out.
        x_label, y_label: what they are.
        log: whether y is on a logarithmic scale; 0 then lies on its lower edge.
    """

    def __init__(self, xs, ys, x_label, y_label, log=False):
        self.x_label, self.y_label, self.log = x_label, y_label, log
        self.x_range = spread(min(xs), max(xs), 0.0)
        ys = [y for y in ys if math.isfinite(y) and (y > 0 or not log)]
        if log:
            self.y_range = spread(math.log10(min(ys)), math.log10(max(ys)), 0.06)
        else:
            self.y_range = 0.0, spread(0.0, max(ys), 0.04)[1]

    def x(self, value):
        """Where a value lies, in units of the image."""
        low, high = self.x_range
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low), 2)

    def y(self, value):
        """The same for y, from the top down."""
        low, high = self.y_range
        if self.log:
            value = math.log10(value) if value > 0 else low
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (max(value, low) - low) / (high - low), 2)

    def draw(self, label, lines, *more):
        """The chart.

        Args:
            label: what it shows, in words.
            lines: list of (xs, ys, color number).
            more: elements to draw on top.

        Returns:
            `Markup`.
        """
        parts = [*self._grid()]
        for xs, ys, color in lines:
            points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y) and (y > 0 or not self.log)]
            points = thinned(points)
            path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
            parts.append(element("polyline", points=path, class_=f"line color{color}"))
            if len(points) <= 30:
                parts += [
                    element("circle", cx=self.x(x), cy=self.y(y), r=3, class_=f"mark color{color}") for x, y in points
                ]
        return element("svg", parts, *more, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)

    def _grid(self):
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


def thinned(points):
    """At most MOST_POINTS of them, evenly, the last one included."""
    step = -(-len(points) // MOST_POINTS) or 1
    return points[::-step][::-1]


def spread(low, high, margin):
    """A range that is not empty, with a margin."""
    if high <= low:
        return low - 0.5, low + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def ticks(low, high, log=False, whole=False):
    """Round numbers from low to high, about five; on a logarithmic scale low and high are powers of ten."""
    if log:
        powers = range(math.floor(low), math.ceil(high) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
            found = [float(f"{digit}e{power}") for power in powers for digit in digits]
            found = [value for value in found if low <= math.log10(value) <= high]
            if len(found) >= 3:
                break
        return found
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    if whole:
        step = max(1, round(step))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def legend(*names):
    """The names of lines, each with the color of its number."""
    items = [
        element("li", element("span", class_=f"swatch color{i}", aria_hidden="true"), name)
        for i, name in enumerate(names)
    ]
    return element("ul", items, class_="legend")


def chart(title, drawing, names=()):
    """A chart with its title above and the names of its lines below."""
    return element("figure", element("figcaption", title), drawing, legend(*names) if names else None, class_="chart")
