"""Downsampling and upsampling."""

import numpy as np

from minidiff.gradient_check import check_layer, random_parameters
from minidiff.kernels.plain.convolution import convolve_naive
from minidiff.layers import Downsample, UpsampleAndJoin


def test_down_is_a_convolution_with_stride_2(rng, kernels):
    layer = Downsample("down", 3, 5, kernels=kernels)
    p = random_parameters(layer, rng)
    x = rng.normal(size=(2, 4, 6, 3))
    y, _ = layer.forward(p, x)
    assert y.shape == (2, 2, 3, 5)
    assert layer.cost(x.shape)[0] == y.shape
    np.testing.assert_allclose(y, convolve_naive(x, p["down.weight"], p["down.bias"], 2), rtol=0, atol=1e-13)


def test_down_gradients(rng, kernels):
    errors = check_layer(Downsample("down", 3, 2, kernels=kernels), rng.normal(size=(2, 4, 6, 3)), rng=rng)
    assert max(errors.values()) < 1e-6


def test_up_repeats_pixels_and_concatenates(rng, kernels):
    layer = UpsampleAndJoin("up", 3, 5, kernels=kernels)
    p = random_parameters(layer, rng)
    x, skip = rng.normal(size=(2, 2, 3, 3)), rng.normal(size=(2, 4, 6, 5))
    h = x @ p["up.convolution.weight"][0, 0] + p["up.convolution.bias"]
    expected = np.concatenate([h.repeat(2, axis=1).repeat(2, axis=2), skip], axis=3)
    y = layer.forward(p, x, skip)[0]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)
    assert layer.cost(x.shape)[0] == y.shape


def test_up_gradients(rng, kernels):
    layer = UpsampleAndJoin("up", 3, 2, kernels=kernels)
    errors = check_layer(layer, rng.normal(size=(2, 2, 3, 3)), rng.normal(size=(2, 4, 6, 2)), rng=rng)
    assert set(errors) == {"input 0", "input 1", "up.convolution.weight", "up.convolution.bias"}
    assert max(errors.values()) < 1e-6
