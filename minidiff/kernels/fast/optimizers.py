"""AdamW and the moving average, in one pass over the flat vectors. Plain version: `plain/optimizers.py`.

The vectors are far larger than the cache, so the time is that of reading and writing memory. NumPy passes over memory
for every operation of the formula; here each parameter is read and written once.
"""

import math

import numba
import numpy as np

from minidiff.kernels.fast.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def adamw(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, average: np.ndarray, gradient_scale: float,
    learning_rate: float, beta1: float, beta2: float, correction1: float, correction2: float, weight_decay: float,
    ema_decay: float,
) -> None:  # fmt: skip
    """One step of AdamW and of the moving average on flat vectors (n,), as `plain.optimizers.adamw`.

    Args:
        p, g: parameters and their gradient.
        m, v: moving averages of the gradient and of its square.
        average: moving average of the parameters.
        gradient_scale: factor on g, from clipping.
        learning_rate, beta1, beta2: as in the paper.
        correction1, correction2: 1 - beta1^n and 1 - beta2^n.
        weight_decay: as in the paper.
        ema_decay: of the moving average.
    """
    scalar = p.dtype.type
    one, eps = scalar(1), scalar(1e-8)
    beta1, beta2, scale, ema_decay = scalar(beta1), scalar(beta2), scalar(gradient_scale), scalar(ema_decay)
    shrink = scalar(1 - learning_rate * weight_decay)
    step = scalar(learning_rate / correction1)
    root = scalar(1 / math.sqrt(correction2))
    for i in range(p.size):
        gradient = scale * g[i]
        m[i] = beta1 * m[i] + (one - beta1) * gradient
        v[i] = beta2 * v[i] + (one - beta2) * gradient * gradient
        p[i] = shrink * p[i] - step * m[i] / (root * math.sqrt(v[i]) + eps)
        average[i] = ema_decay * average[i] + (one - ema_decay) * p[i]


@numba.njit(**KERNEL_OPTIONS)
def sum_of_squares(g: np.ndarray) -> float:
    """The sum of the squares of a vector (n,), as `plain.optimizers.sum_of_squares`, without a copy in float64.

    Partial sums of 4096 elements are in g's dtype, so a long vector loses no precision.
    """
    total = 0.0
    for first in range(0, g.size, 4096):
        partial = g.dtype.type(0)
        for i in range(first, min(first + 4096, g.size)):
            partial += g[i] * g[i]
        total += partial
    return total
