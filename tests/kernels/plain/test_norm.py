"""Group normalization and SiLU against finite differences and the statistics of the result."""

import numpy as np
import pytest

from minidiff.gradient_check import numerical_gradient, relative_error
from minidiff.kernels.plain.norm import group_norm, group_norm_backward, silu, silu_backward

STABILITY = 1e-5


def test_silu_and_its_slope_by_their_definitions(rng):
    u = np.concatenate([np.linspace(-40, 40, 2001), [-1e4, 1e4]])
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(silu(u), u / (1 + np.exp(-u)), rtol=0, atol=1e-14)
    u, dy = rng.normal(size=(2, 3, 5))
    assert relative_error(silu_backward(u, dy), numerical_gradient(lambda: np.sum(dy * silu(u)), u)) < 1e-8


@pytest.mark.parametrize("num_groups", [1, 2, 6])
def test_every_group_has_mean_0_and_variance_1(rng, num_groups):
    x, ones = 3 + 5 * rng.normal(size=(2, 5, 7, 6)), np.ones((2, 6))
    y, mean, inverse_std = group_norm(x, ones, 0 * ones, num_groups, False, STABILITY)
    groups = y.reshape(2, 35, num_groups, -1)
    np.testing.assert_allclose(groups.mean(axis=(1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(groups.std(axis=(1, 3)), 1, atol=1e-5)
    np.testing.assert_allclose(y, (x - mean[:, None, None]) * inverse_std[:, None, None], rtol=0, atol=1e-14)


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("shape", [(2, 1, 3, 4, 2), (1, 3, 2, 3, 1), (1, 3, 2, 3, 3)])
def test_backward_agrees_with_finite_differences(rng, shape, activate):
    *shape, num_groups = shape
    x, dy, dresidual = rng.normal(size=(3, *shape))
    scale, shift = rng.normal(size=(2, shape[0], shape[3]))

    def loss():
        return np.sum(dy * group_norm(x, scale, shift, num_groups, activate, STABILITY)[0]) + np.sum(dresidual * x)

    _, mean, inverse_std = group_norm(x, scale, shift, num_groups, activate, STABILITY)
    gradients = group_norm_backward(x, mean, inverse_std, scale, shift, num_groups, activate, dy, dresidual)
    for array, gradient in zip((x, scale, shift), gradients, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < 1e-7
