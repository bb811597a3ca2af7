"""Softmax against its definition, and its backward pass against finite differences."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.fast.softmax import softmax, softmax_backward

SHAPES = [(1, 1), pytest.param((2, 3), id="tiny"), (5, 7), (3, 65), (2, 97)]


def definition(z, factor):
    powers = np.exp(factor * z.astype(np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


def run(z, factor):
    p = z.copy()
    softmax(p, factor)
    return p


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_definition(rng, shape, dtype):
    z = rng.normal(size=shape).astype(dtype)
    p = run(z, 0.7)
    np.testing.assert_allclose(p, definition(z, 0.7), rtol={np.float32: 1e-6, np.float64: 1e-14}[dtype], atol=0)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_backward_agrees_with_finite_differences(rng, shape):
    """With an upstream gradient of ones, the true gradient would be zero, since every row sums to one."""
    z, dp = rng.normal(size=shape), rng.normal(size=shape)
    dz = dp.copy()
    softmax_backward(run(z, 0.7), dz, 0.7)
    assert relative_error(dz, numerical_gradient(lambda: np.sum(dp * run(z, 0.7)), z)) < 1e-8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_values_do_not_overflow(dtype):
    z = np.array([[1e4, 1e4, -1e4], [-1e4, -1e4 + 1, -1e4 + 1]], dtype)
    e = np.exp(1)
    expected = [[0.5, 0.5, 0], [1 / (1 + 2 * e), e / (1 + 2 * e), e / (1 + 2 * e)]]
    np.testing.assert_allclose(run(z, 1), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("index", [0, 31, 32, 63, 64, 69])
@pytest.mark.parametrize("n", [64, 70])
def test_the_largest_element_is_found_at_any_index(n, index):
    z = np.zeros((1, n), np.float32)
    z[0, index % n] = 1e4
    expected = np.zeros_like(z)
    expected[0, index % n] = 1
    np.testing.assert_allclose(run(z, 1), expected, rtol=0, atol=1e-30)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("index", [0, 2, 40, 68])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_affect_their_row_only(rng, dtype, index, bad):
    z = rng.normal(size=(2, 69)).astype(dtype)
    z[0, index] = bad
    p = run(z, 1)
    assert np.isnan(p[0]).any()
    assert np.isfinite(p[1]).all()
