"""The vectorized exponential against NumPy's."""

import numba
import numpy as np
import pytest

from minidiff.kernels.fast.exponential import exponential
from minidiff.kernels.fast.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS | {"cache": False})
def all_of(x, y):
    """As the kernels call it: elementwise, in a compiled loop."""
    for i in range(x.size):
        y[i] = exponential(x[i])


def run(x):
    y = np.full_like(x, np.nan)
    all_of(x, y)
    return y


def test_float32_is_accurate_to_rounding():
    """Rounding x to float32 changes it by up to 6e-8 |x|, which is also the relative error of exp(x)."""
    x = np.linspace(-87, 87, 200_001).astype(np.float32)
    error = np.abs(run(x) / np.exp(x.astype(np.float64)) - 1)
    assert np.max(error / (2e-7 + 2e-7 * np.abs(x))) < 1
    assert error[np.abs(x) < 1].max() < 3e-7


def test_float64_agrees_with_numpy():
    x = np.linspace(-700, 700, 2001)
    np.testing.assert_allclose(run(x), np.exp(x), rtol=1e-15, atol=0)


def test_outside_a_kernel_it_is_numpy():
    assert exponential(np.float32(1.5)) == np.exp(np.float32(1.5))


@pytest.mark.parametrize("size", [1, 7, 16, 100])
def test_arrays_of_any_length(size):
    x = (np.arange(size, dtype=np.float32) - size // 2) * np.float32(np.log(2) / 2)
    np.testing.assert_allclose(run(x), np.exp2((np.arange(size) - size // 2) / 2), rtol=3e-6)


def test_extreme_values_in_float32():
    y = run(np.array([-1e4, -100, 0, 100, np.nan], np.float32))
    assert 0 <= y[0] < 2e-38
    assert 0 <= y[1] < 1e-37
    assert y[2] == 1
    assert y[3] > 1e37
    assert np.isnan(y[4])
