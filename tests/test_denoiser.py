"""Denoisers: the network behind its schedule, and guidance."""

import numpy as np
import pytest

from minidiff.denoiser import Guided, NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.parallel import Workers
from minidiff.points import PointNetwork, PointNetworkConfig
from minidiff.schedule import TARGETS, Schedule
from minidiff.unet import UNet, UNetConfig

SCHEDULE = Schedule("flow", 20)  # whose signal and noise have not unit power together, so that the scale shows


def tiny_network(num_classes=3):
    """A U-Net small enough for a test, with random numbers in every layer (a new one would answer with zeros)."""
    config = UNetConfig(
        height=8, width=4, image_channels=1, channels=(8, 16), blocks_per_level=1, attention_levels=1,
        time_channels=16, num_groups=4, head_channels=8, num_classes=num_classes,
    )  # fmt: skip
    network = UNet(config)
    p = network.create_parameters(seed=1)
    p.vector[:] = np.random.default_rng(2).normal(0, 0.1, p.size)
    return network, p


def noisy_pictures(count):
    return np.random.default_rng(3).normal(size=(count, 8, 4, 1)).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS)
def test_the_answer_is_what_the_network_predicts_taken_apart_by_the_schedule(target):
    network, p = tiny_network()
    z, t, labels = noisy_pictures(2), 7, np.array([2, 0])
    with Workers(1) as workers:
        x0_hat, eps_hat = NetworkDenoiser(network, p, SCHEDULE, target, workers)(z, t, labels)
    log_noise = np.full(2, SCHEDULE.log_noise[t])
    y = network.forward(p, z * np.float32(SCHEDULE.input_scale[t]), log_noise, labels)[0]
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, t), z, atol=1e-5)
    np.testing.assert_allclose(SCHEDULE.target(target, x0_hat, eps_hat, t), y, atol=1e-5)


def test_a_picture_does_not_depend_on_the_others_nor_on_the_threads():
    network, p = tiny_network()
    z, labels = noisy_pictures(7), np.array([0, 1, 2, 0, 1, 2, 0])
    with Workers(1) as one, Workers(3) as three:
        expected = NetworkDenoiser(network, p, SCHEDULE, "flow", one)(z, 5, labels)[0]
        np.testing.assert_array_equal(NetworkDenoiser(network, p, SCHEDULE, "flow", three)(z, 5, labels)[0], expected)
        for count in (1, 2, 3, 6):
            found = NetworkDenoiser(network, p, SCHEDULE, "flow", three)(z[:count], 5, labels[:count])[0]
            np.testing.assert_array_equal(found, expected[:count])


@pytest.mark.parametrize(("count", "asked"), [(5, 1), (128, 1), (300, 3)])
def test_points_are_sent_through_the_network_in_larger_slices_than_pictures(monkeypatch, count, asked):
    network, calls = PointNetwork(PointNetworkConfig(channels=8, blocks=1)), []
    forward = network.forward

    def counted(p, z, *rest, **options):
        calls.append(len(z))
        return forward(p, z, *rest, **options)

    monkeypatch.setattr(network, "forward", counted)
    p = network.create_parameters()
    p.vector[:] = np.random.default_rng(4).normal(0, 0.1, p.size)
    z = np.random.default_rng(5).normal(size=(count, 2)).astype(np.float32)
    with Workers(1) as workers:
        x0_hat, _ = NetworkDenoiser(network, p, SCHEDULE, "flow", workers)(z, 5)
        assert calls == asked * [128]
        by_fours, _ = NetworkDenoiser(network, p, SCHEDULE, "flow", workers, slice_size=4)(z, 5)
        assert set(calls[asked:]) == {4}
    np.testing.assert_allclose(x0_hat, by_fours, atol=1e-5)


def test_pictures_are_sent_through_the_network_by_fours():
    network = UNet(UNetConfig(16, 16, 1, channels=(8, 16), blocks_per_level=1, attention_levels=0, num_groups=4))
    with Workers(1) as workers:
        assert NetworkDenoiser(network, network.create_parameters(), SCHEDULE, "flow", workers).slice_size == 4


def test_the_label_and_its_absence_reach_the_network():
    network, p = tiny_network()
    z = noisy_pictures(1)
    with Workers(1) as workers:
        denoiser = NetworkDenoiser(network, p, SCHEDULE, "noise", workers)
        answers = [denoiser(z, 9, labels)[0] for labels in (None, np.array([0]), np.array([1]), np.array([3]))]
    assert not np.allclose(answers[0], answers[1])
    assert not np.allclose(answers[1], answers[2])
    np.testing.assert_array_equal(answers[0], answers[3])  # class 3 of 0 .. 2 is the null class: "any"


def test_labels_for_a_network_without_classes_are_refused():
    network, p = tiny_network(num_classes=0)
    with Workers(1) as workers:
        denoiser = NetworkDenoiser(network, p, SCHEDULE, "flow", workers)
        assert denoiser(noisy_pictures(1), 9)[0].shape == (1, 8, 4, 1)
        with pytest.raises(MinidiffError, match="without classes"):
            denoiser(noisy_pictures(1), 9, np.array([0]))


class TwoAnswers:
    """A denoiser whose noise is known: 1 without a label, 1 + label with one."""

    schedule = SCHEDULE

    def __call__(self, z, t, labels=None):
        eps_hat = np.ones_like(z) if labels is None else np.ones_like(z) + labels[:, None].astype(z.dtype)
        return (z - np.float32(self.schedule.noise[t]) * eps_hat) / np.float32(self.schedule.signal[t]), eps_hat


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_guidance_is_eps_unconditional_plus_w_times_the_difference(w):
    z, labels = np.zeros((2, 3), np.float32), np.array([4, -2])
    x0_hat, eps_hat = Guided(TwoAnswers(), w)(z, 10, labels)
    np.testing.assert_allclose(eps_hat, 1 + w * np.array([[4] * 3, [-2] * 3]), rtol=1e-5)
    np.testing.assert_allclose(SCHEDULE.add_noise(x0_hat, eps_hat, 10), z, atol=1e-5)


@pytest.mark.parametrize("w", [-1, np.inf, np.nan])
def test_a_strength_that_makes_no_sense_is_refused(w):
    with pytest.raises(MinidiffError, match="guidance"):
        Guided(TwoAnswers(), w)


def test_guidance_needs_a_label_unless_it_is_ignored():
    z = np.zeros((2, 3), np.float32)
    for w in (0, 1):
        np.testing.assert_array_equal(Guided(TwoAnswers(), w)(z, 10)[1], np.ones((2, 3)))
    with pytest.raises(MinidiffError, match="give labels"):
        Guided(TwoAnswers(), 2)(z, 10)
