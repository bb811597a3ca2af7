"""The classifier: gradients, inputs, outputs, accuracy and cache."""

import numpy as np
import pytest

from minidiff import data
from minidiff.evaluation.classifier import NO_LABEL, Classifier, averaging, cross_entropy, shrink
from minidiff.evaluation.classifier_training import find_classifier, train_classifier
from minidiff.evaluation.recognition import recognition, rotated
from minidiff.layers import create_parameters
from minidiff.parallel import Workers


@pytest.mark.parametrize("compares", [False, True])
def test_gradients_of_all_heads_equal_central_differences(compares, rng):
    network = Classifier(1, {"rotation": 4, "class": 3}, compares)
    p = create_parameters(network.children, dtype=np.float64)
    p.vector += 0.1 * rng.normal(size=p.size)
    x = rng.normal(size=(3, 24, 8, 1))
    labels = {"rotation": np.array([0, 2, 0]), "class": np.array([2, NO_LABEL, 1])}
    g = p.zeros_like()
    network.loss(p, g, x, labels, total=5)
    for _ in range(5):
        direction = rng.normal(size=p.size)
        losses = []
        for step in (1e-6, -1e-6):
            moved = p.zeros_like()
            moved.vector[:] = p.vector + step * direction
            losses.append(network.loss(moved, p.zeros_like(), x, labels, total=5))
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(direction @ g.vector, rel=1e-6)


def test_averaging_covers_all_pixels_in_cells():
    np.testing.assert_array_equal(averaging(8, 4, float), np.kron(np.eye(4), [0.5, 0.5]))
    np.testing.assert_array_equal(averaging(3, 1, float), [[1 / 3] * 3])
    np.testing.assert_array_equal(averaging(2, 4, float), [[1, 0], [1, 0], [0, 1], [0, 1]])
    uneven = averaging(7, 4, float)
    np.testing.assert_allclose(uneven.sum(axis=1), 1)
    assert (uneven > 0).any(axis=0).all()


def test_images_without_a_label_do_not_train_a_head(rng):
    network = Classifier(1, {"rotation": 4, "class": 2})
    p = create_parameters(network.children)
    g = p.zeros_like()
    x = rng.normal(size=(2, 8, 8, 1)).astype(np.float32)
    loss = network.loss(p, g, x, {"rotation": np.array([1, 3]), "class": np.array([NO_LABEL] * 2)}, total=2)
    assert not g["class_head.weight"].any()
    assert g["rotation_head.weight"].any()
    assert network.loss(p, g, x, {"rotation": np.array([1, 3]), "class": np.array([NO_LABEL, 1])}, total=2) > loss


def test_only_upright_images_have_a_class(cats):
    task = recognition(cats[0])
    x, labels = task.examples(np.random.default_rng(0))(np.arange(240))
    upright = labels["rotation"] == 0
    assert 0.65 < upright.mean() < 0.85
    np.testing.assert_array_equal(labels["class"], np.where(upright, cats[0].labels, NO_LABEL))
    np.testing.assert_array_equal(x[upright], cats[0].pixels(upright))


def test_cross_entropy_equals_the_formula_without_overflow():
    logits = np.array([[1.0, 2.0, 0.5], [1000.0, 0.0, -1000.0]])
    losses, dlogits = cross_entropy(logits, np.array([0, 1]))
    P = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert losses[0] == pytest.approx(-np.log(P[0]))
    assert losses[1] == pytest.approx(1000)
    np.testing.assert_allclose(dlogits[0], P - [1, 0, 0])
    np.testing.assert_allclose(dlogits[1], [1, -1, 0], atol=1e-12)


def test_large_images_are_averaged_down():
    x = np.arange(64 * 48, dtype=np.float32).reshape(1, 64, 48, 1)
    small = shrink(x)
    assert small.shape == (1, 32, 24, 1)
    assert small[0, 0, 0, 0] == x[0, :2, :2, 0].mean()
    assert shrink(small) is small
    assert shrink(x[:, :33, :33]).shape == (1, 16, 16, 1)


def test_square_images_rotate_by_quarter_turns_and_others_by_half_turns():
    x = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 1)
    np.testing.assert_array_equal(rotated(x, np.array([0, 1])), np.stack([x[0], np.rot90(x[1])]))
    oblong = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(rotated(oblong, np.array([3])), oblong[:, ::-1, ::-1])


@pytest.fixture(scope="module")
def cats():
    return data.load("cats", size=16, num_images=240), data.load("cats", size=16, num_images=120, seed=9)


def test_it_learns_the_classes_of_cats_and_is_cached(cats, tmp_path):
    training, held_out = cats
    with Workers(2) as workers:
        task = recognition(training, examples=2000)
        p, cached = find_classifier(task, workers, tmp_path)
        assert not cached
        p_again, cached = find_classifier(task, workers, tmp_path)
        assert cached
        _, cached = find_classifier(recognition(training.subset(slice(0, 24)), examples=500), workers, tmp_path)
        assert not cached
    quadrants, mean, predicted = task.network.extract(p, held_out.pixels(slice(None)))
    assert quadrants.shape == (120, 4 * 64)
    assert mean.shape == (120, 128)
    assert (predicted["class"] == held_out.labels).mean() > 0.8  # at random: one in eight
    np.testing.assert_array_equal(p.vector, p_again.vector)


def test_a_damaged_cache_file_is_replaced(cats, tmp_path, workers):
    task = recognition(cats[0].subset(slice(0, 24)), examples=2000)
    p, _ = find_classifier(task, workers, tmp_path)
    [entry] = (tmp_path / "classifiers").iterdir()
    entry.write_bytes(entry.read_bytes()[:1000])
    p_again, cached = find_classifier(task, workers, tmp_path)
    assert not cached
    np.testing.assert_array_equal(p.vector, p_again.vector)


def test_training_does_not_depend_on_the_number_of_threads(cats):
    vectors = []
    for threads in (1, 3):
        with Workers(threads) as workers:
            vectors.append(train_classifier(recognition(cats[0], examples=240), workers).vector)
    np.testing.assert_array_equal(*vectors)
