"""The linear map against sums written out and finite differences."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.plain.linear import linear, linear_backward


@pytest.mark.parametrize("shape", [(4, 3), (2, 2, 3, 3)])
def test_forward_and_backward(rng, shape):
    x, W, b = rng.normal(size=shape), rng.normal(size=(3, 5)), rng.normal(size=5)
    residual, dy = rng.normal(size=(2, *shape[:-1], 5))
    np.testing.assert_allclose(linear(x, W, b, residual), np.einsum("...c,ck->...k", x, W) + b + residual, atol=1e-13)

    dW, db = np.ones_like(W), np.ones_like(b)
    gradients = linear_backward(x, W, dy, dW, db), dW - 1, db - 1
    for array, gradient in zip((x, W, b), gradients, strict=True):
        measured = numerical_gradient(lambda: np.sum(dy * linear(x, W, b)), array)
        assert relative_error(gradient, measured) < 1e-8
