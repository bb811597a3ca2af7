"""AdamW and the moving average, in one pass over the flat vectors.

Each number of the parameters is read and written once; NumPy would make a pass over memory for every operation.
The formulas are in `minidiff/optim.py`, and a test holds this loop to them.
"""

import math

import numba

from minidiff.kernels.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def adamw(p, g, m, v, average, gradient_scale, learning_rate, beta1, beta2, correction1, correction2, decay, keep):
    """One step of AdamW and of the moving average, in place, on flat float32 or float64 vectors (n,).

    Args:
        p, g: parameters and their gradient.
        m, v: moving averages of the gradient and of its square.
        average: moving average of the parameters.
        gradient_scale: factor on g, from clipping.
        learning_rate, beta1, beta2: as in the paper.
        correction1, correction2: 1 - beta1^n and 1 - beta2^n.
        decay: weight decay.
        keep: share of `average` that stays.
    """
    number = p.dtype.type
    one, eps = number(1), number(1e-8)
    beta1, beta2, scale, keep = number(beta1), number(beta2), number(gradient_scale), number(keep)
    shrink = number(1 - learning_rate * decay)
    step = number(learning_rate / correction1)
    root = number(1 / math.sqrt(correction2))
    for i in range(p.size):
        gradient = scale * g[i]
        m[i] = beta1 * m[i] + (one - beta1) * gradient
        v[i] = beta2 * v[i] + (one - beta2) * gradient * gradient
        p[i] = shrink * p[i] - step * m[i] / (root * math.sqrt(v[i]) + eps)
        average[i] = keep * average[i] + (one - keep) * p[i]


@numba.njit(**KERNEL_OPTIONS)
def sum_of_squares(g):
    """The sum of the squares of a vector (n,), as float64; kept in g's type for short runs only, so nothing is lost."""
    total = 0.0
    for first in range(0, g.size, 4096):
        partial = g.dtype.type(0)
        for i in range(first, min(first + 4096, g.size)):
            partial += g[i] * g[i]
        total += partial
    return total
