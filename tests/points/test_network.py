"""The network for points: gradients, training and sampling."""

from dataclasses import replace

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.gradient_check import check_layer, random_parameters
from minidiff.points import POINT_TRAINING, PointNetwork, PointNetworkConfig, Points, draw_points
from minidiff.points.network import silu
from minidiff.sampling import generate
from minidiff.training import Trainer


def tiny(num_classes=3, normalize=True):
    return PointNetwork(
        PointNetworkConfig(channels=5, blocks=2, time_channels=4, num_classes=num_classes, normalize=normalize)
    )


with_and_without_norm = pytest.mark.parametrize("normalize", [True, False])


@with_and_without_norm
@pytest.mark.parametrize("labels", [np.array([0, 3, 1, 1]), None])
def test_gradients_of_the_network(rng, labels, normalize):
    inputs = rng.normal(size=(4, 2)), rng.normal(size=4), labels
    errors = check_layer(tiny(3, normalize), *inputs, rng=rng)
    assert len(errors) == 1 + 5 + 2 + 2 * 6 + 2
    assert max(errors.values()) < 1e-6


@with_and_without_norm
def test_the_network_is_its_formula(rng, normalize):
    network, z, log_sigma = tiny(0, normalize), rng.normal(size=(4, 2)), rng.normal(size=4)
    p = random_parameters(network, rng)
    time_vector = network.time.forward(p, log_sigma, None)[0]

    def linear(name, x):
        return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

    def norm(h):
        return h / np.sqrt(np.mean(h**2, axis=1, keepdims=True) + 1e-5) if normalize else h

    h = linear("linear_in", np.concatenate([z, *(wave(f * z) for wave in (np.sin, np.cos) for f in (1, 2, 4, 8))], 1))
    for block in ("block0", "block1"):
        inner = linear(f"{block}.linear1", norm(h)) + linear(f"{block}.time", time_vector)
        h = h + linear(f"{block}.linear2", silu(inner)[0])
    expected = linear("linear_out", silu(norm(h))[0])
    np.testing.assert_allclose(network.forward(p, z, log_sigma)[0], expected, rtol=0, atol=1e-12)


def test_the_norm_bounds_the_prediction_whatever_the_blocks_do(rng):
    """Blocks with a gain of hundreds, as training without norm has produced them at a seldom visited noise level."""
    largest = {}
    for normalize in (True, False):
        network = tiny(0, normalize)
        p = random_parameters(network, np.random.default_rng(1))
        for name in p.shapes:
            p[name][...] *= 100 if name.startswith("block") else 1
        y = network.forward(p, rng.normal(size=(50, 2)), np.linspace(-7, 5, 50))[0]
        largest[normalize] = np.abs(y).max()
        bound = np.linalg.norm(p["linear_out.weight"], axis=0).max() * 5**0.5 + np.abs(p["linear_out.bias"]).max()
    assert largest[True] <= bound < 100
    assert largest[False] > 1e6


def test_a_config_from_before_there_was_a_norm_means_none():
    config = PointNetworkConfig(channels=8)
    assert PointNetworkConfig.from_dict(config.as_dict()) == config
    old = config.as_dict()
    del old["normalize"]
    assert PointNetworkConfig.from_dict(old) == replace(config, normalize=False)


def test_silu_is_the_formula_and_does_not_overflow():
    h = np.linspace(-20, 20, 101)
    np.testing.assert_allclose(silu(h)[0], h / (1 + np.exp(-h)), rtol=1e-9, atol=1e-12)
    assert np.isfinite(silu(np.array([-1e4, 1e4], np.float32))).all()


def test_a_new_network_predicts_zero_and_does_not_mix_points():
    network = tiny()
    p = network.create_parameters(seed=1)
    z, log_sigma = np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32), np.linspace(-3, 3, 6)
    np.testing.assert_array_equal(network.forward(p, z, log_sigma)[0], np.zeros((6, 2)))
    p.vector[:] = np.random.default_rng(3).normal(0, 0.3, p.size)
    whole = network.forward(p, z, log_sigma, np.arange(6) % 3)[0].copy()
    part = network.forward(p, z[2:4], log_sigma[2:4], np.array([2, 0]))[0]
    np.testing.assert_allclose(part, whole[2:4], atol=1e-5)


@pytest.fixture(scope="module")
def trained(workers):
    """A trainer after two seconds on two normal distributions, left and right, with half of the labels dropped."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1000)
    positions = np.stack([1.2 * labels - 0.6, np.zeros(1000)], axis=1) + rng.normal(0, 0.1, (1000, 2))
    points = Points(positions.astype(np.float32), labels, ("left", "right"), "two blobs")
    network = PointNetwork(PointNetworkConfig(channels=64, blocks=1, time_channels=16, num_classes=2))
    training = replace(POINT_TRAINING, epochs=40, class_dropout=0.5)
    trainer = Trainer(network, network.create_parameters(), points, training, workers)
    return trainer, [step.loss for step in trainer.train()]


def test_the_trainer_of_images_also_learns_points(trained):
    """The remaining loss is irreducible, mainly from points in the middle, which may belong to either side."""
    trainer, losses = trained
    assert np.mean(losses[-50:]) < 0.6 * np.mean(losses[:5])
    points = generate(trainer.denoiser(), (400, 2), sampler="heun", steps=20)
    left, right = points[points[:, 0] < 0], points[points[:, 0] >= 0]
    assert 0.35 < len(left) / 400 < 0.65
    np.testing.assert_allclose(left.mean(axis=0), [-0.6, 0], atol=0.08)
    np.testing.assert_allclose(right.mean(axis=0), [0.6, 0], atol=0.08)
    assert max(left.std(axis=0).max(), right.std(axis=0).max()) < 0.2


def test_points_are_conditioned_on_their_labels(trained):
    labels = np.arange(200) % 2
    points = generate(trained[0].denoiser(), (200, 2), sampler="dpmpp_2m", steps=20, labels=labels)
    assert ((points[:, 0] > 0) == (labels == 1)).mean() > 0.97


def test_points_do_not_fit_a_network_of_another_dimension(workers):
    network = PointNetwork(PointNetworkConfig(dimensions=3, channels=4, time_channels=4))
    with pytest.raises(MinidiffError, match=r"\(3,\).*\(2,\)"):
        Trainer(network, network.create_parameters(), draw_points("moons", 10), POINT_TRAINING, workers)


def test_points_cannot_be_flipped(workers):
    points = draw_points("moons", 8)
    network = PointNetwork(PointNetworkConfig(channels=8, num_classes=points.num_classes))
    with pytest.raises(MinidiffError, match="flip mirrors images"):
        Trainer(network, network.create_parameters(), points, replace(POINT_TRAINING, flip=True), workers)
