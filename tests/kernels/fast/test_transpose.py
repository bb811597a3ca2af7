"""The transpose by blocks against NumPy's."""

import numpy as np
import pytest

from minidiff.kernels.fast.transpose import transpose
from minidiff.kernels.fast.vectors import SIDE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1, 1), id="tiny-1-1"),
        pytest.param((SIDE, SIDE), id="tiny-a-block"),
        pytest.param((SIDE + 1, 2 * SIDE + 3), id="tiny-9-19"),
        (3, 40),
        (40, 3),
        (5 * SIDE, 3 * SIDE),
    ],
)
def test_transpose(shape, dtype):
    """For views of larger arrays; nothing outside the views is written."""
    rows, columns = shape
    whole = np.random.default_rng([*shape]).normal(size=(rows + 2, columns + 5)).astype(dtype)
    A = whole[1:-1, 2:-3]
    around = np.full((columns + 2, rows + 3), np.nan, dtype)
    transpose(A, around[1:-1, 1:-2])
    np.testing.assert_array_equal(around[1:-1, 1:-2], A.T)
    around[1:-1, 1:-2] = np.nan
    assert np.isnan(around).all()
