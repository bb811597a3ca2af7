"""The classifier of noised points: its gradient against differences, its training against the exact posterior."""

import numpy as np
import pytest

from minidiff.denoiser import Guided
from minidiff.errors import MinidiffError
from minidiff.gradient_check import random_parameters
from minidiff.oracles import MixtureDenoiser
from minidiff.points import Points
from minidiff.points.classifier import ClassifierGuided, NoisyClassifier
from minidiff.schedule import Schedule

SCHEDULE = Schedule("flow", 100)
MEANS = np.array([[-0.5, 0.0], [0.5, 0.3], [0.1, -0.6]])


def test_the_gradient_is_that_of_the_log_probability(rng):
    classifier = NoisyClassifier(SCHEDULE, 3, channels=8, stretch=2)
    classifier.p = random_parameters(classifier.network, rng)
    z, labels, h = rng.normal(size=(5, 2)), np.array([0, 1, 2, 1, 0]), 1e-6
    found = classifier.gradient(z, 40, labels)
    for i, step in enumerate(h * np.eye(2)):
        ahead, behind = (classifier.log_probability(z + sign * step, 40, labels) for sign in (1, -1))
        np.testing.assert_allclose(found[:, i], (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-8)
    every = sum(np.exp(classifier.log_probability(z, 40, np.full(5, k))) for k in range(3))
    np.testing.assert_allclose(every, 1, rtol=1e-6)


def test_training_approaches_the_exact_posterior(rng, workers):
    labels = rng.integers(0, 3, 2000)
    positions = (MEANS[labels] + 0.1 * rng.normal(size=(2000, 2))).astype(np.float32)
    classifier = NoisyClassifier(SCHEDULE, 3, channels=32)
    losses = list(classifier.train(Points(positions, labels, ("a", "b", "c"), "three"), 500, workers))
    exact = MixtureDenoiser(SCHEDULE, MEANS, 0.1)
    for t in (15, 50):
        z = SCHEDULE.add_noise(positions, rng.standard_normal(positions.shape, np.float32), t)
        found = np.exp(classifier.log_probability(z, t, labels))
        expected = exact.responsibilities(z, t)[np.arange(2000), labels]
        assert np.abs(found - expected).mean() < 0.04
        gradient = Exact(exact).gradient(z, t, labels)
        error = np.square(classifier.gradient(z, t, labels) - gradient).mean()
        assert error < 0.5**2 * np.square(gradient).mean()  # relative errors of 0.36 and 0.17 were measured
    assert losses[0] == pytest.approx(np.log(3))  # the last layer starts with zeros
    assert np.mean(losses[-50:]) < np.mean(losses[:10])


class Exact(NoisyClassifier):
    """The exact classifier of a mixture; grad ln p(y | z) is the difference of two scores."""

    def __init__(self, oracle):
        self.oracle, self.schedule = oracle, oracle.schedule

    def gradient(self, z, t, labels):
        return (self.oracle(z, t)[1] - self.oracle(z, t, labels)[1]) / self.schedule.noise[t]


@pytest.mark.parametrize("w", [0.0, 1.0, 3.0])
def test_with_the_exact_classifier_it_is_classifier_free_guidance(rng, w):
    oracle, z, labels = MixtureDenoiser(SCHEDULE, MEANS, 0.2), rng.normal(size=(6, 2)), np.arange(6) % 3
    found = ClassifierGuided(oracle, Exact(oracle), w)(z, 30, labels)
    for one, expected in zip(found, Guided(oracle, w)(z, 30, labels), strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-10)


def test_what_cannot_work_is_refused():
    oracle = MixtureDenoiser(SCHEDULE, MEANS, 0.2)
    with pytest.raises(MinidiffError, match="at least 2"):
        NoisyClassifier(SCHEDULE, 1)
    with pytest.raises(MinidiffError, match="give labels"):
        ClassifierGuided(oracle, NoisyClassifier(SCHEDULE, 3, channels=8), 1.0)(np.zeros((1, 2)), 5)
