"""The time embedding."""

import numpy as np
import pytest

from minidiff.gradient_check import check_layer, random_parameters
from minidiff.layers import TimeEmbedding
from minidiff.layers.time import noise_level_features


def silu(u):
    return u / (1 + np.exp(-u))


def test_features_are_sines_and_cosines_of_the_noise_level():
    log_sigma = np.array([-3.0, 0.0, 0.5])
    features = noise_level_features(log_sigma, np.float64)
    assert features.shape == (3, 64)
    for i, frequency in ((0, 0.25), (31, 16.0)):
        np.testing.assert_allclose(features[:, i], 1.4 * np.sin(frequency * log_sigma), rtol=0, atol=1e-12)
        np.testing.assert_allclose(features[:, 32 + i], 1.4 * np.cos(frequency * log_sigma), rtol=0, atol=1e-12)
    np.testing.assert_allclose(features[1], [0] * 32 + [1.4] * 32, rtol=0, atol=0)


def test_features_have_variance_one_and_differ_between_noise_levels():
    features = noise_level_features(np.linspace(-5, 5, 1001), np.float32)
    assert features.dtype == np.float32
    assert np.mean(features**2) == pytest.approx(1, rel=0.05)
    assert np.linalg.norm(np.diff(features, axis=0), axis=1).min() > 0.1


@pytest.mark.parametrize("num_classes", [0, 3])
def test_agrees_with_the_formula(rng, num_classes, kernels):
    layer = TimeEmbedding("time", 5, num_classes, kernels=kernels)
    p = random_parameters(layer, rng)
    log_sigma, labels = rng.normal(size=4), np.array([2, 0, 3, 1]) if num_classes else None
    h = silu(noise_level_features(log_sigma, np.float64) @ p["time.linear1.weight"] + p["time.linear1.bias"])
    h = h @ p["time.linear2.weight"] + p["time.linear2.bias"]
    expected = silu(h + p["time.classes.table"][labels] if num_classes else h)
    y = layer.forward(p, log_sigma, labels)[0]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    assert layer.cost((4,))[0] == y.shape


@pytest.mark.parametrize("num_classes", [0, 3])
def test_gradients(rng, num_classes, kernels):
    labels = np.array([2, 0, 3]) if num_classes else None
    errors = check_layer(TimeEmbedding("time", 5, num_classes, kernels=kernels), rng.normal(size=3), labels, rng=rng)
    assert len(errors) == (5 if num_classes else 4)
    assert max(errors.values()) < 1e-6


def test_a_row_does_not_depend_on_its_index_in_the_batch(rng, kernels):
    layer = TimeEmbedding("time", 5, num_classes=3, kernels=kernels)
    p = random_parameters(layer, rng, np.float32)
    y = layer.forward(p, np.array([0.3, -1.0, 0.3]), np.array([1, 2, 1]))[0]
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y[0], y[2])
    assert np.abs(y[0] - y[1]).max() > 0.01


def test_no_labels_mean_the_null_class(rng, kernels):
    layer = TimeEmbedding("time", 5, num_classes=3, kernels=kernels)
    p = random_parameters(layer, rng)
    log_sigma = rng.normal(size=2)
    np.testing.assert_array_equal(
        layer.forward(p, log_sigma, None)[0], layer.forward(p, log_sigma, np.array([3, 3]))[0]
    )
