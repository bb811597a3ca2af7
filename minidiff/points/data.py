"""Synthetic data sets of points in the plane: moons, a spiral, and a grid of normal distributions.

Read more: `tutorials/04_points.ipynb`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.randomness import stream

Drawn = tuple[np.ndarray, np.ndarray]  # positions (N, 2) and labels (N,)


def moons(rng: np.random.Generator, count: int) -> Drawn:
    """Two interleaved half circles: class 0 opens downwards, class 1 upwards."""
    labels = rng.integers(0, 2, count)
    angle = rng.uniform(0, np.pi, count)
    sign = 1 - 2 * labels  # +1 and -1
    center = np.stack([-0.275 * sign, -0.1375 * sign], axis=1)
    curve = 0.55 * np.stack([np.cos(angle) * sign, np.sin(angle) * sign], axis=1)
    return center + curve + rng.normal(0, 0.03, (count, 2)), labels


def spiral(rng: np.random.Generator, count: int) -> Drawn:
    """Two arms of one turn: class 1 is class 0 rotated by half a circle."""
    labels = rng.integers(0, 2, count)
    turn = np.sqrt(rng.uniform(0.02, 1, count))  # the root makes the density even along the arm
    angle = 2 * np.pi * turn + np.pi * labels
    curve = 0.85 * turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return curve + rng.normal(0, 0.03, (count, 2)), labels


def grid(rng: np.random.Generator, count: int) -> Drawn:
    """Nine isotropic normal distributions on a grid of 3 x 3, numbered row by row from the bottom."""
    labels = rng.integers(0, 9, count)
    center = 0.65 * np.stack([labels % 3 - 1, labels // 3 - 1], axis=1)
    return center + rng.normal(0, 0.07, (count, 2)), labels


# the function that draws the points, and the names of its classes
SETS: dict[str, tuple[Callable[[np.random.Generator, int], Drawn], tuple[str, ...]]] = {
    "moons": (moons, ("upper", "lower")),
    "spiral": (spiral, ("first arm", "second arm")),
    "grid": (
        grid,
        ("south west", "south", "south east", "west", "center", "east", "north west", "north", "north east"),
    ),
}


@dataclass(frozen=True, eq=False)
class Points:
    """A data set of points; it implements `examples.TrainingData`, as `Dataset` does for images.

    Attributes:
        positions: float32 (N, 2), in [-1, 1].
        labels: int64 (N,).
        class_names: one for each class.
        name: of the data set.
    """

    positions: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    name: str

    def __repr__(self) -> str:
        return f"Points({self.name!r}, {len(self)} points, {self.num_classes} classes)"

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one example: (2,)."""
        return self.positions.shape[1:]

    def pixels(self, indices: np.ndarray) -> np.ndarray:
        """The chosen points, float32 (n, 2); the name is that of `Dataset.pixels`."""
        return self.positions[indices]


def draw_points(name: str = "moons", count: int = 2000, seed: int = 0) -> Points:
    """Draws a synthetic data set of `count` points: "moons", "spiral" or "grid".

    Raises:
        MinidiffError: an unknown name, or no points.
    """
    if name not in SETS:
        raise MinidiffError(f"unknown set of points {name!r}; choose from {', '.join(SETS)}")
    if count < 1:
        raise MinidiffError(f"a data set of {count} points is empty; draw at least 1")
    draw, class_names = SETS[name]
    positions, labels = draw(stream("points", seed), count)
    return Points(
        positions=np.clip(positions, -1, 1).astype(np.float32),
        labels=labels.astype(np.int64),
        class_names=class_names,
        name=name,
    )
