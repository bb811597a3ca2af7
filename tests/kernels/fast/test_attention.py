"""Attention in blocks against the formulas on whole arrays."""

import numpy as np
import pytest

from minidiff.gradient_check import relative_error
from minidiff.kernels.fast.attention import BLOCK_ROWS, attend, attend_backward


def attend_plainly(q, k, v, factor):
    """The formulas of the module: y and the weights."""
    scores = factor * q @ k.swapaxes(2, 3)
    weights = np.exp(scores - scores.max(axis=3, keepdims=True))
    weights /= weights.sum(axis=3, keepdims=True)
    return weights @ v, weights


def attend_backward_plainly(q, k, v, factor, dy):
    _, weights = attend_plainly(q, k, v, factor)
    dweights = dy @ v.swapaxes(2, 3)
    dscores = weights * (dweights - (dweights * weights).sum(axis=3, keepdims=True))
    return factor * dscores @ k, factor * dscores.swapaxes(2, 3) @ q, weights.swapaxes(2, 3) @ dy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1, 1, 1, 1), id="tiny-1-1-1-1"),
        pytest.param((2, 2, 3, 2), id="tiny-2-2-3-2"),
        (2, 3, BLOCK_ROWS, 32),
        (1, 2, 2 * BLOCK_ROWS + 17, 17),
        (1, 4, 256, 32),
    ],
)
def test_blocks_agree_with_the_formulas(shape, dtype):
    """On views of a larger array, as in the layer."""
    N, heads, S, d = shape
    rng = np.random.default_rng([*shape])
    arrays = rng.normal(size=(N, S, 4, heads, d)).astype(dtype)
    q, k, v, dy = arrays.transpose(2, 0, 3, 1, 4)
    results = np.full((N, S, 4, heads, d), np.nan, dtype)
    y, dq, dk, dv = results.transpose(2, 0, 3, 1, 4)
    before = arrays.copy()
    attend(q, k, v, 0.7, y)
    attend_backward(q, k, v, 0.7, dy, dq, dk, dv)
    np.testing.assert_array_equal(arrays, before)

    q, k, v, dy = (array.astype(np.float64) for array in (q, k, v, dy))
    tolerance = {np.float32: 3e-6, np.float64: 1e-14}[dtype]
    expected = [attend_plainly(q, k, v, 0.7)[0], *attend_backward_plainly(q, k, v, 0.7, dy)]
    for found, right in zip((y, dq, dk, dv), expected, strict=True):
        if S > 1 or found is y or found is dv:
            assert relative_error(found, right) < tolerance
        else:
            np.testing.assert_array_equal(found, 0)  # the weight of a single pixel is one for any q and k


def test_large_scores_do_not_overflow():
    q = np.full((1, 1, 5, 2), 100, np.float32)
    k = np.arange(10, dtype=np.float32).reshape(1, 1, 5, 2)
    v = np.arange(10, dtype=np.float32).reshape(1, 1, 5, 2) + 1
    y = np.empty_like(q)
    attend(q, k, v, 1.0, y)
    np.testing.assert_array_equal(y[0, 0], np.broadcast_to(v[0, 0, 4], (5, 2)))
