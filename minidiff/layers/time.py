"""Telling the network how much noise there is: sines and cosines of the noise level, and a small network on them.

The network is given lambda = ln(noise / signal), the logarithm of the noise level, because noise levels that look
alike to us lie at equal distances on that scale. One number is a poor input for a network; its sines and cosines at
many frequencies are a good one (Vaswani et al., 2017, section 3.5):

    features = 1.4 [ sin(f_0 lambda), ..., sin(f_31 lambda), cos(f_0 lambda), ..., cos(f_31 lambda) ]

with frequencies f from 1/4 to 16, equal ratios apart; the factor makes their variance about one. Then

    time_vector = SiLU( Linear( SiLU( Linear(features) ) ) + class vector )
"""

import numpy as np

from minidiff.kernels import norm as kernels
from minidiff.layers.linear import ClassEmbedding, Linear

NUM_FREQUENCIES = 32


def noise_level_features(log_sigma, dtype):
    """Sines and cosines of the logarithm of the noise level.

    Args:
        log_sigma: ln(noise / signal) of each image, (N,).
        dtype: of the result.

    Returns:
        (N, 64).
    """
    frequencies = np.geomspace(0.25, 16.0, NUM_FREQUENCIES)
    angles = np.asarray(log_sigma, np.float64)[:, None] * frequencies  # (N, 32)
    return (1.4 * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).astype(dtype)


class TimeEmbedding:
    """From noise level and label to the vector that steers every residual block.

    Args:
        name: prefix of its parameters' names.
        channels: length of the vector.
        num_classes: 0 for a network that knows no classes.
    """

    def __init__(self, name, channels, num_classes=0):
        self.name = name
        self.channels = channels
        self.linear1 = Linear(f"{name}.linear1", 2 * NUM_FREQUENCIES, channels)
        self.linear2 = Linear(f"{name}.linear2", channels, channels)
        self.classes = ClassEmbedding(f"{name}.classes", num_classes, channels) if num_classes else None
        self.children = [child for child in (self.linear1, self.linear2, self.classes) if child is not None]

    def cost(self, shape):
        first, second = self.linear1.cost((shape[0], 2 * NUM_FREQUENCIES)), self.linear2.cost((shape[0], self.channels))
        return second[0], first[1] + second[1]

    def forward(self, p, log_sigma, labels):
        """Args: log_sigma (N,); labels (N,), None for "any class"."""
        features = noise_level_features(log_sigma, p.vector.dtype)  # (N, 64)
        h, cache1 = self.linear1.forward(p, features)  # (N, channels)
        h, slope1 = self._silu(h)
        h, cache2 = self.linear2.forward(p, h)
        cache3 = None
        if self.classes is not None:
            if labels is None:
                labels = np.full(len(features), self.classes.num_classes)
            class_vector, cache3 = self.classes.forward(p, labels)
            h = h + class_vector
        time_vector, slope2 = self._silu(h)
        return time_vector, (cache1, slope1, cache2, cache3, slope2)

    def backward(self, p, g, cache, dtime_vector):
        """Adds to g; there is no gradient to return, since noise levels and labels are not learned."""
        cache1, slope1, cache2, cache3, slope2 = cache
        dh = dtime_vector * slope2
        if self.classes is not None:
            self.classes.backward(p, g, cache3, dh)
        dh = self.linear2.backward(p, g, cache2, dh)
        dh = dh * slope1
        self.linear1.backward(p, g, cache1, dh)

    def _silu(self, h):
        y, slope = np.empty_like(h), np.empty_like(h)
        kernels.silu(h.ravel(), y.reshape(-1), slope.reshape(-1))
        return y, slope
