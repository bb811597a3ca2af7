"""Denoisers: a network with its schedule, and guidance."""

import numpy as np
import pytest

from minidiff.denoiser import Guided, NetworkDenoiser
from minidiff.editing import Inpainting
from minidiff.errors import MinidiffError
from minidiff.gradient_check import random_parameters
from minidiff.oracles import IdealDenoiser
from minidiff.parallel import Workers
from minidiff.points import PointNetwork, PointNetworkConfig, draw_points
from minidiff.samplers import State
from minidiff.schedule import TARGETS, Schedule
from minidiff.unet import UNet, UNetConfig
from tests import tiny

SCHEDULE = Schedule("flow", 20)  # not variance preserving, so that a missing input scale shows


def tiny_network(num_classes=3):
    """A small U-Net with random parameters in every layer (a new one predicts zeros)."""
    config = UNetConfig(
        height=8, width=4, image_channels=1, channels=(8, 16), blocks_per_level=1, attention_levels=1,
        time_channels=16, num_groups=4, head_channels=8, num_classes=num_classes,
    )  # fmt: skip
    network = UNet(config)
    p = network.create_parameters(seed=1)
    p.vector[:] = np.random.default_rng(2).normal(0, 0.1, p.size)
    return network, p


def noised_images(count):
    return np.random.default_rng(3).normal(size=(count, 8, 4, 1)).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS)
def test_x0_hat_and_eps_hat_follow_from_the_prediction(workers, target):
    network, p = tiny_network()
    z, t, labels = noised_images(2), 7, np.array([2, 0])
    x0_hat, eps_hat = NetworkDenoiser(network, p, SCHEDULE, target, workers)(z, t, labels)
    log_sigma = np.full(2, SCHEDULE.log_sigma[t])
    y = network.forward(p, z * np.float32(SCHEDULE.input_scale[t]), log_sigma, labels)[0]
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, t), z, atol=1e-5)
    np.testing.assert_allclose(SCHEDULE.target(target, x0_hat, eps_hat, t), y, atol=1e-5)


def test_an_image_does_not_depend_on_the_others_nor_on_the_threads():
    network, p = tiny_network()
    z, labels = noised_images(7), np.array([0, 1, 2, 0, 1, 2, 0])
    with Workers(1) as one, Workers(3) as three:
        expected = NetworkDenoiser(network, p, SCHEDULE, "flow", one)(z, 5, labels)[0]
        np.testing.assert_array_equal(NetworkDenoiser(network, p, SCHEDULE, "flow", three)(z, 5, labels)[0], expected)
        for count in (1, 2, 3, 6):
            found = NetworkDenoiser(network, p, SCHEDULE, "flow", three)(z[:count], 5, labels[:count])[0]
            np.testing.assert_array_equal(found, expected[:count])


@pytest.mark.parametrize(
    ("config", "count", "threads", "expected"),
    [
        (UNetConfig(64, 64, 3), 16, 2, 8),
        (UNetConfig(64, 64, 3), 100, 2, 8),
        (UNetConfig(64, 64, 3), 16, 4, 4),
        (UNetConfig(64, 64, 3), 3, 2, 2),
        (UNetConfig(64, 64, 3), 1, 4, 1),
        (
            UNetConfig(8, 8, 1, channels=(8,), num_groups=4, attention_levels=0),
            1,
            4,
            4,
        ),  # small images: at least 256 elements
        (PointNetworkConfig(channels=8, blocks=1), 5, 2, 128),
        (PointNetworkConfig(channels=8, blocks=1), 1000, 2, 128),
    ],
)
def test_images_are_distributed_evenly_over_the_threads(monkeypatch, config, count, threads, expected):
    network, calls = (PointNetwork if isinstance(config, PointNetworkConfig) else UNet)(config), []

    def counted(p, z, log_sigma, labels, keep):
        assert len(log_sigma) == len(z)
        calls.append(len(z))
        return np.zeros_like(z), []

    monkeypatch.setattr(network, "forward", counted)
    z = np.zeros((count, *config.example_shape), np.float32)
    with Workers(threads) as workers:
        NetworkDenoiser(network, None, SCHEDULE, "flow", workers)(z, 5)
        assert sorted(calls, reverse=True) == [min(expected, count - first) for first in range(0, count, expected)]
        calls.clear()
        NetworkDenoiser(network, None, SCHEDULE, "flow", workers, microbatch_size=3)(z, 5)
        assert max(calls) == min(3, count)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("t", [5, 18])
@pytest.mark.parametrize("entry_levels", [1, 2])
def test_the_vector_jacobian_product_is_the_difference_quotient(rng, workers, target, t, entry_levels):
    network = tiny.network(entry_levels=entry_levels)
    denoiser = NetworkDenoiser(network, random_parameters(network, rng), SCHEDULE, target, workers, microbatch_size=2)
    z, e, direction = rng.normal(size=(3, 3, 8, 8, 3))
    labels, h = np.array([0, 2, 1]), 1e-6
    x0_hat, product = denoiser.vjp(z, t, e, labels)
    np.testing.assert_allclose(x0_hat, denoiser(z, t, labels)[0], rtol=1e-12)
    ahead, behind = (denoiser(z + step * direction, t, labels)[0] for step in (h, -h))
    expected = (e * (ahead - behind)).sum(axis=(1, 2, 3)) / (2 * h)
    np.testing.assert_allclose((product * direction).sum(axis=(1, 2, 3)), expected, rtol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_the_vector_jacobian_product_of_a_network_that_predicts_zero(rng, workers, target):
    """A new network does: from z = signal x0 + noise eps and 0 = a x0 + b eps, x0_hat = b z / (signal b - noise a)."""
    network = tiny.network()
    denoiser = NetworkDenoiser(network, network.create_parameters(), SCHEDULE, target, workers)
    z, e = rng.normal(size=(2, 3, 8, 8, 3)).astype(np.float32)
    a, b = SCHEDULE.target_coefficients(target, 5)
    expected = b / (SCHEDULE.signal[5] * b - SCHEDULE.noise[5] * a)
    x0_hat, product = denoiser.vjp(z, 5, e)
    np.testing.assert_allclose(x0_hat, expected * z, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(product, expected * e, rtol=1e-5, atol=1e-7)
    assert x0_hat.dtype == product.dtype == np.float32


def test_labels_and_their_absence_reach_the_network(workers):
    network, p = tiny_network()
    z = noised_images(1)
    denoiser = NetworkDenoiser(network, p, SCHEDULE, "noise", workers)
    found = [denoiser(z, 9, labels)[0] for labels in (None, np.array([0]), np.array([1]), np.array([3]))]
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[1], found[2])
    np.testing.assert_array_equal(found[0], found[3])  # class 3 of 0 .. 2 is the null class


def test_labels_for_a_network_without_classes_are_refused(workers):
    network, p = tiny_network(num_classes=0)
    denoiser = NetworkDenoiser(network, p, SCHEDULE, "flow", workers)
    assert denoiser(noised_images(1), 9)[0].shape == (1, 8, 4, 1)
    with pytest.raises(MinidiffError, match="without classes"):
        denoiser(noised_images(1), 9, np.array([0]))
    assert repr(denoiser) == f"NetworkDenoiser(UNet, {SCHEDULE}, target='flow')"


class KnownNoise:
    """A denoiser whose eps_hat is 1 without labels and 1 + label with labels."""

    schedule = SCHEDULE

    def __call__(self, z, t, labels=None):
        eps_hat = np.ones_like(z) if labels is None else np.ones_like(z) + labels[:, None].astype(z.dtype)
        return (z - np.float32(self.schedule.noise[t]) * eps_hat) / np.float32(self.schedule.signal[t]), eps_hat


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_guidance_is_eps_unconditional_plus_w_times_the_difference(w):
    z, labels = np.zeros((2, 3), np.float32), np.array([4, -2])
    x0_hat, eps_hat = Guided(KnownNoise(), w)(z, 10, labels)
    np.testing.assert_allclose(eps_hat, 1 + w * np.array([[4] * 3, [-2] * 3]), rtol=1e-5)
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, 10), z, atol=1e-5)


@pytest.mark.parametrize("w", [-1, np.inf, np.nan])
def test_an_invalid_guidance_weight_is_refused(w):
    with pytest.raises(MinidiffError, match="guidance"):
        Guided(KnownNoise(), w)


def test_guidance_needs_labels_unless_its_weight_is_0_or_1():
    z = np.zeros((2, 3), np.float32)
    for w in (0, 1):
        np.testing.assert_array_equal(Guided(KnownNoise(), w)(z, 10)[1], np.ones((2, 3)))
    with pytest.raises(MinidiffError, match="give labels"):
        Guided(KnownNoise(), 2)(z, 10)


@pytest.mark.parametrize(
    "value",
    [
        Guided(KnownNoise(), 2.0),
        IdealDenoiser(SCHEDULE, noised_images(2)),
        Inpainting(IdealDenoiser(SCHEDULE, noised_images(2)), noised_images(2), np.ones((8, 4))),
        State(noised_images(2), noised_images(2), 3),
        draw_points("moons", 20),
    ],
)
def test_a_repr_is_one_short_line_without_arrays(value):
    assert len(repr(value)) < 150
    assert "\n" not in repr(value)
    assert "array" not in repr(value)
