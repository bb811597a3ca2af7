"""The classifier: its gradients, what it takes and gives, and that it learns what it is asked."""

import numpy as np
import pytest

from minidiff import data
from minidiff.evaluation.classifier import Classifier, cross_entropy, shrink
from minidiff.evaluation.learning import find_classifier, look_at, train_classifier, turned
from minidiff.parallel import Workers


@pytest.mark.parametrize("num_classes", [0, 3])
def test_gradients(num_classes):
    """Central differences in float64 along random directions, through both questions."""
    rng = np.random.default_rng(0)
    network = Classifier(1, num_classes)
    p = network.create_parameters(0, np.float64)
    p.vector += 0.1 * rng.normal(size=p.size)
    x, turns = rng.normal(size=(3, 8, 8, 1)), np.array([0, 2, 0])
    labels = np.array([2, 0, 1]) if num_classes else None
    g = p.zeros_like()
    network.loss(p, g, x, turns, labels, total=5)
    for _ in range(5):
        direction = rng.normal(size=p.size)
        losses = []
        for step in (1e-6, -1e-6):
            moved = network.create_parameters(0, np.float64)
            moved.vector[:] = p.vector + step * direction
            losses.append(network.loss(moved, p.zeros_like(), x, turns, labels, total=5))
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(direction @ g.vector, rel=1e-6)


def test_the_class_of_a_turned_image_is_not_asked_for():
    network = Classifier(1, 2)
    p = network.create_parameters(0)
    g = p.zeros_like()
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
    network.loss(p, g, x, np.array([1, 3]), np.array([0, 1]))
    assert not g["kind.weight"].any()
    assert g["turn.weight"].any()


def test_cross_entropy_is_the_formula_and_does_not_overflow():
    scores = np.array([[1.0, 2.0, 0.5], [1000.0, 0.0, -1000.0]])
    losses, dscores = cross_entropy(scores, np.array([0, 1]))
    P = np.exp(scores[0]) / np.exp(scores[0]).sum()
    assert losses[0] == pytest.approx(-np.log(P[0]))
    assert losses[1] == pytest.approx(1000)
    np.testing.assert_allclose(dscores[0], P - [1, 0, 0])
    np.testing.assert_allclose(dscores[1], [1, -1, 0], atol=1e-12)


def test_images_are_averaged_down():
    x = np.arange(64 * 48, dtype=np.float32).reshape(1, 64, 48, 1)
    small = shrink(x)
    assert small.shape == (1, 32, 24, 1)
    assert small[0, 0, 0, 0] == x[0, :2, :2, 0].mean()
    assert shrink(small) is small
    assert shrink(x[:, :33, :33]).shape == (1, 16, 16, 1)


def test_a_turn_is_a_quarter_and_only_halves_keep_a_shape_that_is_no_square():
    x = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 1)
    np.testing.assert_array_equal(turned(x, np.array([0, 1])), np.stack([x[0], np.rot90(x[1])]))
    oblong = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(turned(oblong, np.array([3])), oblong[:, ::-1, ::-1])


@pytest.fixture(scope="module")
def cats():
    return data.load("cats", size=16, num_images=240), data.load("cats", size=16, num_images=120, seed=9)


def test_it_learns_what_a_cat_is_and_is_kept(cats, tmp_path):
    training, unseen = cats
    with Workers(2) as workers:
        network, p, kept = find_classifier(training, workers, tmp_path, examples=2000)
        assert not kept
        features, classes = look_at(network, p, unseen.pixels, len(unseen), workers)
        _, p_again, kept = find_classifier(training, workers, tmp_path, examples=2000)
        assert kept
        other = find_classifier(training.subset(slice(0, 24)), workers, tmp_path, examples=500)
    assert features.shape == (120, 4 * 64)
    assert (classes == unseen.labels).mean() > 0.8  # by chance: one in eight
    np.testing.assert_array_equal(p.vector, p_again.vector)
    assert not other[2]


def test_a_damaged_keepsake_is_trained_anew(cats, tmp_path):
    training = cats[0].subset(slice(0, 24))
    with Workers(1) as workers:
        _, p, _ = find_classifier(training, workers, tmp_path, examples=2000)
        [entry] = (tmp_path / "classifiers").iterdir()
        entry.write_bytes(entry.read_bytes()[:1000])
        _, p_again, kept = find_classifier(training, workers, tmp_path, examples=2000)
    assert not kept
    np.testing.assert_array_equal(p.vector, p_again.vector)


def test_threads_change_nothing(cats):
    vectors = []
    for threads in (1, 3):
        with Workers(threads) as workers:
            vectors.append(train_classifier(cats[0], workers, examples=240)[1].vector)
    np.testing.assert_array_equal(*vectors)
