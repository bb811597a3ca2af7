"""The linear map and its backward pass against NumPy's product."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels.fast.linear import (
    BLOCK_ROWS,
    linear_panels,
    linear_panels_backward,
    pack_panels,
    pack_panels_transposed,
)
from minidiff.kernels.fast.products import PANEL

# rows, C, K: "tiny" ones also run without the compiler, see test_pure_python.py
SHAPES = [
    pytest.param((1, 1, 1), id="tiny-1-1-1"),
    pytest.param((5, 3, 2), id="tiny-5-3-2"),
    (BLOCK_ROWS, PANEL, PANEL),
    (BLOCK_ROWS + 1, 7, PANEL + 1),
    (2 * BLOCK_ROWS + 9, 2 * PANEL + 5, 3),
    (3, 40, 3 * PANEL),
]
both_types = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-14)])


def random_arrays(shape, dtype):
    rows, C, K = shape
    rng = np.random.default_rng([*shape])
    return [rng.normal(size=size).astype(dtype) for size in ((rows, C), (C, K), (K,), (rows, K), (rows, K))]


def panels_of(W, transposed):
    """The panels, in memory that was filled with NaN."""
    rows, columns = W.T.shape if transposed else W.shape
    panels = np.full((-(-columns // PANEL), rows, PANEL), np.nan, W.dtype)
    (pack_panels_transposed if transposed else pack_panels)(W, panels)
    return panels


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_concatenated_panels_are_the_matrix(shape, transposed):
    W = random_arrays(shape, np.float32)[1]
    expected = W.T if transposed else W
    panels = panels_of(W, transposed)
    np.testing.assert_array_equal(np.concatenate(panels, axis=1)[:, : expected.shape[1]], expected)


@both_types
@pytest.mark.parametrize("has_residual", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_linear(shape, has_residual, dtype, tolerance):
    x, W, bias, residual, _ = random_arrays(shape, dtype)
    y = np.full(residual.shape, np.nan, dtype)
    linear_panels(x, panels_of(W, False), bias, residual if has_residual else residual[:0], y)
    expected = x.astype(np.float64) @ W + bias + (residual if has_residual else 0)
    assert relative_error(y, expected) < tolerance


@both_types
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_linear_backward(shape, in_place, dtype, tolerance):
    x, W, _, dy, _ = random_arrays(shape, dtype)
    x64, W64, dy64 = (array.astype(np.float64) for array in (x, W, dy))
    dW, dbias = np.ones_like(W), np.ones(len(W.T), dtype)
    dx = x if in_place else np.full_like(x, np.nan)
    linear_panels_backward(x, panels_of(W, True), dy, dx, dW, dbias)
    assert relative_error(dx, dy64 @ W64.T) < tolerance
    assert relative_error(dW, 1 + x64.T @ dy64) < 4 * tolerance
    assert relative_error(dbias, 1 + dy64.sum(axis=0)) < 4 * tolerance
