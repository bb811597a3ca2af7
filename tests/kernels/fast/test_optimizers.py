"""The kernels of the optimizer against the formulas in NumPy, in float64."""

import math

import numpy as np
import pytest

from minidiff.kernels.fast import optimizers

SIZES = [1, 7, 1000]
both_types = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-14)])


def vectors(count, size, dtype):
    """Random vectors of the dtype, and the same values as float64."""
    arrays = [array.astype(dtype) for array in np.random.default_rng(size).normal(size=(count, size))]
    return arrays, [array.astype(np.float64) for array in arrays]


@both_types
@pytest.mark.parametrize("size", SIZES)
def test_adamw(size, dtype, tolerance):
    (p, g, m, v, average), (p64, g64, m64, v64, average64) = vectors(5, size, dtype)
    v[:], v64[:] = v**2, v.astype(np.float64) ** 2
    scale, learning_rate, beta1, beta2, n, weight_decay, ema_decay = 0.3, 0.01, 0.9, 0.95, 3, 0.1, 0.8
    optimizers.adamw(
        p, g, m, v, average, scale, learning_rate, beta1, beta2, 1 - beta1**n, 1 - beta2**n, weight_decay, ema_decay
    )  # fmt: skip

    m64 = beta1 * m64 + (1 - beta1) * scale * g64
    v64 = beta2 * v64 + (1 - beta2) * (scale * g64) ** 2
    direction = m64 / (1 - beta1**n) / (np.sqrt(v64 / (1 - beta2**n)) + 1e-8)
    p64 = (1 - learning_rate * weight_decay) * p64 - learning_rate * direction
    average64 = ema_decay * average64 + (1 - ema_decay) * p64
    for found, expected in zip((p, m, v, average), (p64, m64, v64, average64), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=10 * tolerance)


@both_types
@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 100_000])
def test_sum_of_squares(size, dtype, tolerance):
    (g,), (g64,) = vectors(1, size, dtype)
    assert optimizers.sum_of_squares(g) == pytest.approx(math.fsum(g64**2), rel=10 * tolerance)


def test_sum_of_squares_of_a_long_vector():
    """Ten million times 1e-4 squared: a float32 total would stop growing long before the end."""
    g = np.full(10_000_000, 1e-4, np.float32)
    assert optimizers.sum_of_squares(g) == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_propagate(bad):
    g = np.ones(100, np.float32)
    g[50] = bad
    assert not np.isfinite(optimizers.sum_of_squares(g))
    p, v, average = np.zeros_like(g), np.zeros_like(g), np.zeros_like(g)
    optimizers.adamw(p, g, np.zeros_like(g), v, average, 1.0, 0.1, 0.9, 0.95, 0.1, 0.05, 0.0, 0.5)
    for array in (v, average, p):
        assert np.flatnonzero(~np.isfinite(array)).tolist() == [50]
