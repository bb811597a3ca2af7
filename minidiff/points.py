"""Points in the plane: a data set and a network so small that one can watch everything.

An image is a point too, in a space of H x W x C dimensions; here are two. Schedules, targets, samplers, guidance and
the trainer do not notice the difference: what was (N, H, W, C) is (N, 2). A network trains in seconds, every trajectory
is a line that can be drawn, and the answer of the network at every place of the plane is an arrow.

    points = draw_points("moons")
    network = PointNetwork(PointNetworkConfig(num_classes=points.num_classes))
    trainer = Trainer(network, network.create_parameters(), points, POINT_TRAINING, workers)
    for step in trainer.train(): ...
    generate(trainer.denoiser(), (1000, 2), sampler="heun", steps=20)

The network is a stack of residual blocks without any convolution, steered by the same time vector as the U-Net:

    h = Linear( z, sines and cosines of z )
    h = h + Linear( SiLU( Linear(h) + Linear(time_vector) ) )            for each block
    prediction = Linear( SiLU(h) )

The sines and cosines let it learn what changes quickly from place to place, which such networks are slow at
(Tancik et al., 2020).

Read more: `tutorials/04_points.ipynb`.
"""

from dataclasses import asdict, dataclass

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.layers import Linear, TimeEmbedding
from minidiff.parameters import Parameters
from minidiff.training import TrainingConfig

FREQUENCIES = (1.0, 2.0, 4.0, 8.0)  # of the sines and cosines
POINT_TRAINING = TrainingConfig(
    epochs=60, batch_size=64, microbatch_size=64, optimizer="adamw", learning_rate=5e-3, time_distribution="uniform"
)


def moons(rng, count):
    """Two half circles, each reaching into the other: class 0 opens downwards, class 1 upwards."""
    labels = rng.integers(0, 2, count)
    angle = rng.uniform(0, np.pi, count)
    sign = 1 - 2 * labels  # +1 and -1
    center = np.stack([-0.275 * sign, -0.1375 * sign], axis=1)
    curve = 0.55 * np.stack([np.cos(angle) * sign, np.sin(angle) * sign], axis=1)
    return center + curve + rng.normal(0, 0.03, (count, 2)), labels


def spiral(rng, count):
    """Two arms that wind around each other once: class 1 is class 0 turned by half a circle."""
    labels = rng.integers(0, 2, count)
    turn = np.sqrt(rng.uniform(0.02, 1, count))  # the root spreads the points evenly along the arm
    angle = 2 * np.pi * turn + np.pi * labels
    curve = 0.85 * turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return curve + rng.normal(0, 0.03, (count, 2)), labels


def grid(rng, count):
    """Nine round blobs on a grid of 3 x 3, numbered row by row from below."""
    labels = rng.integers(0, 9, count)
    center = 0.65 * np.stack([labels % 3 - 1, labels // 3 - 1], axis=1)
    return center + rng.normal(0, 0.07, (count, 2)), labels


SETS = {  # the function that draws points, and the names of its classes
    "moons": (moons, ("upper", "lower")),
    "spiral": (spiral, ("first arm", "second arm")),
    "grid": (
        grid,
        ("south west", "south", "south east", "west", "center", "east", "north west", "north", "north east"),
    ),
}


@dataclass(frozen=True, eq=False)
class Points:
    """A data set of points; what the trainer asks of a data set of images, it can ask of this.

    Attributes:
        positions: float32 (N, 2), in [-1, 1].
        labels: int64 (N,).
        class_names: one for each class.
        name: of the set.
    """

    positions: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    name: str

    def __len__(self):
        return len(self.positions)

    @property
    def num_classes(self):
        return len(self.class_names)

    @property
    def example_shape(self):
        """The shape of one example: (2,)."""
        return self.positions.shape[1:]

    def pixels(self, indices):
        """The chosen points, float32 (n, 2); named as for images, so that training need not know the difference."""
        return self.positions[indices]


def draw_points(name="moons", count=2000, seed=0):
    """Points of a set.

    Args:
        name: "moons", "spiral" or "grid".
        count: how many.
        seed: of the random numbers.

    Returns:
        `Points`.

    Raises:
        MinidiffError: an unknown name, or no points.
    """
    if name not in SETS:
        raise MinidiffError(f"no set of points is called {name!r}; there are {', '.join(SETS)}")
    if count < 1:
        raise MinidiffError(f"a set needs at least one point, not {count}")
    draw, class_names = SETS[name]
    positions, labels = draw(np.random.default_rng(seed), count)
    return Points(np.clip(positions, -1, 1).astype(np.float32), labels.astype(np.int64), class_names, name)


@dataclass(frozen=True)
class PointNetworkConfig:
    """The numbers that define a `PointNetwork`.

    Args:
        channels: length of h.
        blocks: residual blocks.
        time_channels: length of the time vector.
        num_classes: 0 for a network without labels.
        dimensions: numbers of a point.
    """

    channels: int = 128
    blocks: int = 3
    time_channels: int = 64
    num_classes: int = 0
    dimensions: int = 2

    as_dict = asdict

    @property
    def example_shape(self):
        """The shape of one example: (2,)."""
        return (self.dimensions,)


class PointNetwork:
    """A network for points, with the same `forward` and `backward` as the U-Net. It holds no parameters itself.

    Args:
        config: a `PointNetworkConfig`.
    """

    def __init__(self, config):
        self.config = config
        channels = config.channels
        self.time = TimeEmbedding("time", config.time_channels, config.num_classes)
        self.linear_in = Linear("linear_in", config.dimensions * (1 + 2 * len(FREQUENCIES)), channels)
        self.blocks = [
            (
                Linear(f"block{i}.linear1", channels, channels),
                Linear(f"block{i}.time", config.time_channels, channels),
                Linear(f"block{i}.linear2", channels, channels, zero=True),
            )
            for i in range(config.blocks)
        ]
        self.linear_out = Linear("linear_out", channels, config.dimensions, zero=True)

    def forward(self, p, z, log_sigma, labels=None, keep=True):
        """The network's prediction for noisy points.

        Args:
            p: `Parameters`.
            z: noisy points (N, 2), signal and noise scaled to unit power together.
            log_sigma: ln(noise / signal) of each, (N,).
            labels: class of each, (N,), or None for any class.
            keep: for the U-Net's sake; what is kept here is small.

        Returns:
            prediction (N, 2) and the cache for `backward`.
        """
        time_vector, cache_time = self.time.forward(p, log_sigma, labels)  # (N, time_channels)
        features, slopes = waves(z)  # (N, 18)
        h, cache_in = self.linear_in.forward(p, features)  # (N, channels)
        caches = []
        for linear1, linear_time, linear2 in self.blocks:
            inner, cache1 = linear1.forward(p, h)
            from_time, cache2 = linear_time.forward(p, time_vector)
            inner, slope = silu(inner + from_time)
            inner, cache3 = linear2.forward(p, inner)
            h = h + inner
            caches.append((cache1, cache2, slope, cache3))
        h, slope_out = silu(h)
        prediction, cache_out = self.linear_out.forward(p, h)
        return prediction, (cache_time, slopes, cache_in, caches, slope_out, cache_out)

    def backward(self, p, g, cache, dprediction):
        """Adds the gradient of the loss by every parameter to g.

        Args:
            p: `Parameters`.
            g: `Parameters` that collect the gradient.
            cache: from `forward`.
            dprediction: gradient of the loss by the prediction, (N, 2).

        Returns:
            dz, the gradient by the noisy points, (N, 2).
        """
        cache_time, slopes, cache_in, caches, slope_out, cache_out = cache
        dtime_vector = 0
        dh = self.linear_out.backward(p, g, cache_out, dprediction)
        dh = dh * slope_out
        for (linear1, linear_time, linear2), (cache1, cache2, slope, cache3) in zip(
            reversed(self.blocks), reversed(caches), strict=True
        ):
            dinner = linear2.backward(p, g, cache3, dh)
            dinner = dinner * slope
            dtime_vector = dtime_vector + linear_time.backward(p, g, cache2, dinner)
            dh = dh + linear1.backward(p, g, cache1, dinner)
        dfeatures = self.linear_in.backward(p, g, cache_in, dh)
        dz = (dfeatures * slopes).reshape(len(dh), -1, self.config.dimensions).sum(axis=1)
        self.time.backward(p, g, cache_time, dtime_vector)
        return dz

    def children(self):
        """Every layer of the network in the order of `forward`."""
        return [self.time, self.linear_in, *(layer for block in self.blocks for layer in block), self.linear_out]

    def create_parameters(self, seed=0, dtype=np.float32):
        """New parameters with their first values.

        Args:
            seed: of the random numbers.
            dtype: float32, or float64 for gradient checks.

        Returns:
            `Parameters`.
        """
        leaves = [leaf for child in self.children() for leaf in getattr(child, "children", [child])]
        p = Parameters({name: shape for leaf in leaves for name, shape in leaf.shapes().items()}, dtype)
        rng = np.random.default_rng(seed)
        for leaf in leaves:
            leaf.initialize(p, rng)
        return p


def waves(z):
    """z and its sines and cosines, and the slope of each by the coordinate it is made of.

    Args:
        z: (N, D).

    Returns:
        features and slopes, (N, D (1 + 2 F)) for F frequencies.
    """
    f = np.repeat(FREQUENCIES, z.shape[1]).astype(z.dtype)  # (F D,)
    angles = f * np.tile(z, len(FREQUENCIES))  # (N, F D)
    sin, cos = np.sin(angles), np.cos(angles)
    return np.concatenate([z, sin, cos], axis=1), np.concatenate([np.ones_like(z), f * cos, -f * sin], axis=1)


def silu(h):
    """SiLU and its slope: y = h s and dy/dh = s (1 + h (1 - s)), s = 1 / (1 + exp(-h)) = (1 + tanh(h / 2)) / 2.

    Args:
        h: any shape.

    Returns:
        y and slope, of h's shape and dtype.
    """
    s = 0.5 * (1 + np.tanh(0.5 * h))
    return h * s, s * (1 + h * (1 - s))
