"""Each operation on vectors does the same when compiled as its meaning in NumPy."""

import numba
import numpy as np
import pytest

from minidiff.kernels.vectors import LANES, load, multiply_add, store, zeros


def copy_row(A, i, j, out, row, column):
    store(out, row, column, load(A, i, j))


def axpy(number, A, i, j, out):
    """out[0] = number A[i, j:] + number A[i + 1, j:]."""
    total = multiply_add(number, load(A, i, j), zeros(A))
    store(out, 0, 0, multiply_add(number, load(A, i + 1, j), total))


def in_both_ways(function):
    return [pytest.param(function, id="tiny-as-numpy"), pytest.param(numba.njit(function), id="compiled")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("j", [0, 1, 5])
@pytest.mark.parametrize("way", in_both_ways(copy_row))
def test_load_and_store_take_lanes_numbers_from_anywhere(way, j, dtype):
    A = np.arange(3 * (LANES + 9), dtype=dtype).reshape(3, -1)
    out = np.full((4, LANES + 7), -1, dtype)
    way(A, 2, j, out, 1, 3)
    expected = np.full_like(out, -1)
    expected[1, 3 : 3 + LANES] = A[2, j : j + LANES]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("way", in_both_ways(copy_row))
def test_arrays_may_be_windows_of_others(way):
    whole = np.arange(5.0 * (LANES + 20)).reshape(5, -1)
    out = np.zeros((1, LANES))
    way(whole[::2, 4:-3], 1, 2, out, 0, 0)
    np.testing.assert_array_equal(out[0], whole[2, 6 : 6 + LANES])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("way", in_both_ways(axpy))
def test_multiply_add(way, dtype):
    A = np.random.default_rng(0).normal(size=(3, LANES + 4)).astype(dtype)
    out = np.empty((1, LANES), dtype)
    way(dtype(1.5), A, 1, 3, out)
    expected = 1.5 * (A[1, 3 : 3 + LANES].astype(np.float64) + A[2, 3 : 3 + LANES])
    np.testing.assert_allclose(out[0], expected, rtol=0, atol=8 * np.finfo(dtype).eps)


def test_nan_and_infinity_stay():
    A = np.zeros((2, LANES), np.float32)
    A[0, 1], A[1, 2] = np.nan, np.inf
    out = np.empty((1, LANES), np.float32)
    numba.njit(axpy)(np.float32(1), A, 0, 0, out)
    assert np.isnan(out[0, 1])
    assert np.isposinf(out[0, 2])
    assert not out[0, 3:].any()
