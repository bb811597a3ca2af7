"""The residual block."""

import numpy as np
import pytest

from minidiff.gradient_check import check_layer, random_parameters
from minidiff.layers import ResidualBlock, create_parameters


def silu(u):
    return u / (1 + np.exp(-u))


@pytest.mark.parametrize("film", [True, False])
@pytest.mark.parametrize(("in_channels", "out_channels"), [(4, 4), (6, 4)])
def test_agrees_with_the_formula(rng, in_channels, out_channels, film, kernels):
    """The formula in NumPy, with the parameters of the block."""
    layer = ResidualBlock("block", in_channels, out_channels, time_channels=3, num_groups=2, film=film, kernels=kernels)
    p = random_parameters(layer, rng)
    x, time_vector = rng.normal(size=(2, 3, 5, in_channels)), rng.normal(size=(2, 3))

    def normalize(h, name):
        groups = h.reshape(2, 15, 2, -1)
        mean, variance = groups.mean(axis=(1, 3), keepdims=True), groups.var(axis=(1, 3), keepdims=True)
        x_hat = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(h.shape)
        return x_hat * p[f"block.{name}.gamma"] + p[f"block.{name}.beta"]

    def convolve(h, name):
        weight = p[f"block.{name}.weight"]
        margin = len(weight) // 2
        padded = np.pad(h, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[:2], axis=(1, 2))
        return np.einsum("nhwcij,ijco->nhwo", windows, weight) + p[f"block.{name}.bias"]

    a_b = time_vector @ p["block.film.weight"] + p["block.film.bias"]
    a, b = np.split(a_b, 2, axis=1) if film else (np.zeros((2, out_channels)), a_b)
    h = convolve(silu(normalize(x, "norm1")), "conv1")
    h = silu(normalize(h, "norm2") * (1 + a[:, None, None]) + b[:, None, None])
    expected = convolve(h, "conv2") + (x if in_channels == out_channels else convolve(x, "carry"))
    np.testing.assert_allclose(layer.forward(p, x, time_vector)[0], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("film", [True, False])
@pytest.mark.parametrize(("in_channels", "out_channels"), [(4, 4), (4, 2), (2, 4)])
def test_gradients(rng, in_channels, out_channels, film, kernels):
    layer = ResidualBlock("block", in_channels, out_channels, time_channels=3, num_groups=1, film=film, kernels=kernels)
    errors = check_layer(layer, rng.normal(size=(2, 5, 3, in_channels)), rng.normal(size=(2, 3)), rng=rng)
    assert len(errors) == 2 + 10 + (2 if in_channels != out_channels else 0)
    assert max(errors.values()) < 1e-6


def test_a_new_block_is_the_identity(rng, kernels):
    layer = ResidualBlock("block", 8, 8, time_channels=3, kernels=kernels)
    p = create_parameters([layer])
    x, time_vector = rng.normal(size=(2, 3, 5, 8)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer.forward(p, x, time_vector)[0], x)


def test_without_film_it_is_a_block_with_scale_zero(rng, kernels):
    """The same outputs, and the same gradients with respect to all that both have."""
    scaling, shifting = (
        ResidualBlock("block", 4, 4, time_channels=3, num_groups=2, film=film, kernels=kernels)
        for film in (True, False)
    )
    p, q = random_parameters(scaling, rng), random_parameters(shifting, rng)
    for name in q.shapes:
        p[name][...] = np.concatenate([0 * q[name], q[name]], axis=-1) if "film" in name else q[name]
    x, time_vector, upstream = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 5, 4))
    results = []
    for layer, r in ((scaling, p), (shifting, q)):
        g = r.zeros_like()
        y, cache = layer.forward(r, x, time_vector)
        results.append((y, layer.backward(r, g, cache, upstream.copy()), g))
    (y, (dx, dtime_vector), g), (y_shift, (dx_shift, dtime_shift), g_shift) = results
    np.testing.assert_allclose(y_shift, y, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx_shift, dx, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dtime_shift, dtime_vector, rtol=0, atol=1e-12)
    for name in q.shapes:
        np.testing.assert_allclose(g_shift[name], g[name][..., -4:] if "film" in name else g[name], rtol=0, atol=1e-11)


@pytest.mark.parametrize("out_channels", [8, 16])
def test_cost_gives_the_output_shape_and_counts_the_convolutions(rng, out_channels, kernels):
    layer = ResidualBlock("block", 8, out_channels, time_channels=3, kernels=kernels)
    p = random_parameters(layer, rng)
    y = layer.forward(p, rng.normal(size=(2, 3, 5, 8)), rng.normal(size=(2, 3)))[0]
    shape, flops = layer.cost((2, 3, 5, 8))
    convolutions = 2 * y.size * (9 * 8 + 9 * out_channels + (8 if out_channels != 8 else 0))
    assert shape == y.shape
    assert 1 < flops / convolutions < 1.5  # the rest: norms and the linear map
