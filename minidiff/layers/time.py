"""The time embedding: from the noise level and the class label to the vector that conditions every residual block.

The noise level enters as log_sigma = ln(noise / signal), because on that scale equal distances are equal ratios of
noise to signal. One value is a poor input for a network, so it is expanded into sines and cosines of many frequencies
(Vaswani et al., 2017, section 3.5):

    features = 1.4 [ sin(f_0 log_sigma), ..., sin(f_31 log_sigma), cos(f_0 log_sigma), ..., cos(f_31 log_sigma) ]

with frequencies f from 1/4 to 16, in geometric progression; the factor makes their variance about one. Then

    time_vector = SiLU( Linear( SiLU( Linear(features) ) ) + class vector )
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers.layer import Layer, Shape
from minidiff.layers.linear import ClassEmbedding, Linear
from minidiff.parameters import Parameters

NUM_FREQUENCIES = 32


def noise_level_features(log_sigma: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Sines and cosines (N, 64), of the given dtype, of log_sigma = ln(noise / signal), (N,)."""
    frequencies = np.geomspace(0.25, 16.0, NUM_FREQUENCIES)
    angles = np.asarray(log_sigma, np.float64)[:, None] * frequencies  # (N, 32)
    return (1.4 * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).astype(dtype)


class TimeEmbedding(Layer):
    """Maps noise level and label to the time vector.

    Args:
        name: prefix of the names of its parameters.
        channels: length of the time vector.
        num_classes: 0 for a network without classes.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(self, name: str, channels: int, num_classes: int = 0, kernels: Kernels | None = None) -> None:
        self.name, self.kernels = name, kernels or create_kernels()
        self.channels = channels
        self.linear1 = Linear(f"{name}.linear1", 2 * NUM_FREQUENCIES, channels, kernels=self.kernels)
        self.linear2 = Linear(f"{name}.linear2", channels, channels, kernels=self.kernels)
        self.classes = ClassEmbedding(f"{name}.classes", num_classes, channels) if num_classes else None
        self.children = [child for child in (self.linear1, self.linear2, self.classes) if child is not None]

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Shape of the time vectors and operations of the linear maps, for inputs of shape (N, ...)."""
        first, second = self.linear1.cost((shape[0], 2 * NUM_FREQUENCIES)), self.linear2.cost((shape[0], self.channels))
        return second[0], first[1] + second[1]

    def forward(self, p: Parameters, log_sigma: np.ndarray, labels: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """Returns the time vectors (N, channels) and the cache, for log_sigma (N,) and labels (N,) or None."""
        features = noise_level_features(log_sigma, p.vector.dtype)  # (N, 64)
        u1, cache1 = self.linear1.forward(p, features)  # (N, channels)
        u2, cache2 = self.linear2.forward(p, self.kernels.silu(u1))
        cache3 = None
        if self.classes is not None:
            if labels is None:
                labels = np.full(len(features), self.classes.num_classes)
            class_vector, cache3 = self.classes.forward(p, labels)
            u2 = u2 + class_vector
        return self.kernels.silu(u2), (cache1, u1, cache2, cache3, u2)

    def backward(self, p: Parameters, g: Parameters, cache: Any, dtime_vector: np.ndarray) -> None:
        """Adds the gradients with respect to the parameters to g; noise level and label need none."""
        cache1, u1, cache2, cache3, u2 = cache
        du2 = self.kernels.silu_backward(u2, dtime_vector)
        if self.classes is not None:
            self.classes.backward(p, g, cache3, du2)
        dh = self.linear2.backward(p, g, cache2, du2)
        self.linear1.backward(p, g, cache1, self.kernels.silu_backward(u1, dh))
