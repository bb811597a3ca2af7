"""A network for points: residual blocks of linear layers, conditioned on the same time vector as the U-Net.

    h = Linear( z, sines and cosines of z )
    h = h + Linear( SiLU( Linear(norm(h)) + Linear(time_vector) ) )      for each block
    prediction = Linear( SiLU( norm(h) ) )

The sines and cosines let it learn functions that vary quickly with position, which linear layers alone learn slowly
(Tancik et al., 2020).

norm(h) = h / sqrt(mean of h^2 + 1e-5), with the mean over the channels of one point, is RMSNorm without a learned scale
(Zhang and Sennrich, 2019). It bounds the prediction by the norm of the last weight matrix. Without it, each block
multiplies what the block before it has made larger. Training reaches a single noise level only now and then, and
between two visits the hidden units there can switch on: predictions of 2000 were measured where the target is about 1.

Read more: `tutorials/04_points.ipynb`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers import Linear, TimeEmbedding, create_parameters
from minidiff.parameters import Parameters

FREQUENCIES = (1.0, 2.0, 4.0, 8.0)  # of the sines and cosines
SMALLEST_MEAN_SQUARE = 1e-5  # added in `rms_norm`, so that a row of zeros stays one


@dataclass(frozen=True)
class PointNetworkConfig:
    """The hyperparameters of a `PointNetwork`.

    Args:
        channels: length of h.
        blocks: number of residual blocks.
        time_channels: length of the time vector.
        num_classes: 0 for a network without labels.
        dimensions: coordinates of a point.
        normalize: whether h goes through `rms_norm` before each block and before the last layer. It did not in versions
            that had no such field.
        outputs: number of values in a prediction, such as one per class; 0 for as many as a point has coordinates.
    """

    channels: int = 128
    blocks: int = 3
    time_channels: int = 64
    num_classes: int = 0
    dimensions: int = 2
    normalize: bool = True
    outputs: int = 0

    as_dict = asdict

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "PointNetworkConfig":
        """The inverse of `as_dict`; a dict without `normalize` is from before that field, and means False."""
        return PointNetworkConfig(**{"normalize": False} | values)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """The shape of one example: (2,)."""
        return (self.dimensions,)

    def entry_level(self, log_sigma: float) -> int:
        """0: points are never halved."""
        return 0


class PointNetwork:
    """A network for points; it implements `denoiser.Network`, and holds no parameters itself.

    Args:
        config: the hyperparameters.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(self, config: PointNetworkConfig, kernels: Kernels | None = None) -> None:
        self.config, self.kernels = config, kernels or create_kernels()
        kernels, channels = self.kernels, config.channels
        features = config.dimensions * (1 + 2 * len(FREQUENCIES))
        self.time = TimeEmbedding("time", config.time_channels, config.num_classes, kernels)
        self.linear_in = Linear("linear_in", features, channels, kernels=kernels)
        self.blocks = [
            (
                Linear(f"block{i}.linear1", channels, channels, kernels=kernels),
                Linear(f"block{i}.time", config.time_channels, channels, kernels=kernels),
                Linear(f"block{i}.linear2", channels, channels, zero=True, kernels=kernels),
            )
            for i in range(config.blocks)
        ]
        outputs = config.outputs or config.dimensions
        self.linear_out = Linear("linear_out", channels, outputs, zero=True, kernels=kernels)

    def forward(
        self, p: Parameters, z_in: np.ndarray, log_sigma: np.ndarray, labels: np.ndarray | None = None,
        keep: bool = True,
    ) -> tuple[np.ndarray, Any]:  # fmt: skip
        """The network's prediction for noised points.

        Args:
            p: parameters.
            z_in: the input, noised points z times `input_scale`, (N, 2).
            log_sigma: ln(noise / signal) of each, (N,).
            labels: class of each, (N,), or None for no class.
            keep: ignored, because the cache is small.

        Returns:
            prediction (N, 2) and the cache for `backward`.
        """
        time_vector, cache_time = self.time.forward(p, log_sigma, labels)  # (N, time_channels)
        features, slopes = waves(z_in.astype(p.vector.dtype, copy=False))  # (N, 18)
        h, cache_in = self.linear_in.forward(p, features)  # (N, channels)
        caches = []
        for linear1, linear_time, linear2 in self.blocks:
            inner, cache_norm = self._normalize(h)
            inner, cache1 = linear1.forward(p, inner)
            from_time, cache2 = linear_time.forward(p, time_vector)
            inner, slope = silu(inner + from_time)
            inner, cache3 = linear2.forward(p, inner)
            h = h + inner
            caches.append((cache_norm, cache1, cache2, slope, cache3))
        h, cache_norm = self._normalize(h)
        h, slope_out = silu(h)
        prediction, cache_out = self.linear_out.forward(p, h)
        return prediction, (cache_time, slopes, cache_in, caches, cache_norm, slope_out, cache_out)

    def backward(self, p: Parameters, g: Parameters, cache: Any, dprediction: np.ndarray) -> np.ndarray:
        """Adds the gradient of the loss with respect to the parameters to g.

        Args:
            p: parameters.
            g: gradient accumulator.
            cache: from `forward`.
            dprediction: gradient with respect to the prediction, (N, 2).

        Returns:
            dz_in, the gradient with respect to z_in, (N, 2).
        """
        cache_time, slopes, cache_in, caches, cache_norm, slope_out, cache_out = cache
        dtime_vector: Any = 0
        dh = self.linear_out.backward(p, g, cache_out, dprediction)
        dh = self._normalize_backward(dh * slope_out, cache_norm)
        for (linear1, linear_time, linear2), (cache_norm, cache1, cache2, slope, cache3) in zip(
            reversed(self.blocks), reversed(caches), strict=True
        ):
            dinner = linear2.backward(p, g, cache3, dh)
            dinner = dinner * slope
            dtime_vector = dtime_vector + linear_time.backward(p, g, cache2, dinner)
            dinner = linear1.backward(p, g, cache1, dinner)
            dh = dh + self._normalize_backward(dinner, cache_norm)
        dfeatures = self.linear_in.backward(p, g, cache_in, dh)
        dz_in = (dfeatures * slopes).reshape(len(dh), -1, self.config.dimensions).sum(axis=1)
        self.time.backward(p, g, cache_time, dtime_vector)
        return dz_in

    @property
    def children(self) -> list[Any]:
        """The layers in the order of `forward`."""
        return [self.time, self.linear_in, *(layer for block in self.blocks for layer in block), self.linear_out]

    def create_parameters(self, seed: int = 0, dtype: type = np.float32) -> Parameters:
        """New parameters with their initial values; float64 is for gradient checks."""
        return create_parameters(self.children, seed, dtype)

    def _normalize(self, h: np.ndarray) -> tuple[np.ndarray, Any]:
        """norm(h) and its cache; h itself and None if the configuration has no norm."""
        if not self.config.normalize:
            return h, None
        y, scale = rms_norm(h)
        return y, (y, scale)

    def _normalize_backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        return dy if cache is None else rms_norm_backward(dy, *cache)


def waves(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """z with its sines and cosines, and the derivative of each with respect to its coordinate of z.

    Args:
        z: (N, D).

    Returns:
        features and slopes, (N, D (1 + 2 F)) for F frequencies.
    """
    f = np.repeat(FREQUENCIES, z.shape[1]).astype(z.dtype)  # (F D,)
    angles = f * np.tile(z, len(FREQUENCIES))  # (N, F D)
    sin, cos = np.sin(angles), np.cos(angles)
    return np.concatenate([z, sin, cos], axis=1), np.concatenate([np.ones_like(z), f * cos, -f * sin], axis=1)


def silu(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SiLU and its derivative: y = h s and dy/dh = s (1 + h (1 - s)), s = 1 / (1 + exp(-h)) = (1 + tanh(h / 2)) / 2."""
    s = 0.5 * (1 + np.tanh(0.5 * h))
    return h * s, s * (1 + h * (1 - s))


def rms_norm(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row divided by its root mean square (Zhang and Sennrich, 2019): y = h / sqrt(mean of h^2 + 1e-5).

    Args:
        h: (N, C).

    Returns:
        y (N, C) and the factor of each row, scale = y / h, (N, 1).
    """
    scale = 1 / np.sqrt(np.square(h).mean(axis=1, keepdims=True) + h.dtype.type(SMALLEST_MEAN_SQUARE))
    return h * scale, scale


def rms_norm_backward(dy: np.ndarray, y: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The gradient with respect to h: scale (dy - y mean(dy y)). The second term is there because scale depends on h.

    Args:
        dy: gradient with respect to y, (N, C).
        y, scale: from `rms_norm`.

    Returns:
        dh, (N, C).
    """
    return scale * (dy - y * (dy * y).mean(axis=1, keepdims=True))
