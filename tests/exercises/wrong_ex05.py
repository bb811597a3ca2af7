"""Typical wrong answers to the exercises of notebook 05, each with words of its hint."""

import numpy as np


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


def loss_in_place(y_hat, y, weight):
    y_hat -= y
    return 2 * weight[:, None, None, None] * y_hat / y.size


def loss(change):
    """The gradient with a mistake in a formula of (y_hat, y, weight), with the weight as (N, 1, 1, 1)."""
    return lambda y_hat, y, weight: change(y_hat, y, weight[:, None, None, None])


def swish(change):
    """dy_du and dy_db with a mistake in the first."""

    def slopes(u, b):
        s = sigmoid(b * u)
        return change(u, b, s), u * u * s * (1 - s)

    return slopes


def swish_in_b(change):
    """dy_du and dy_db with a mistake in the second."""

    def slopes(u, b):
        s = sigmoid(b * u)
        return s * (1 + b * u * (1 - s)), change(u, b, s)

    return slopes


def repeated_rows_get_lost(labels, dy, num_classes):
    dtable = np.zeros((num_classes, dy.shape[1]))
    dtable[labels] += dy
    return dtable


def mean_of_a_class(labels, dy, num_classes):
    rows = [dy[labels == c].mean(axis=0) if (labels == c).any() else np.zeros(dy.shape[1]) for c in range(num_classes)]
    return np.array(rows)


def rms_norm(change):
    def backward(x, dy):
        r = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
        return change(x, dy, x / r, r)

    return backward


def mean(a):
    return a.mean(axis=-1, keepdims=True)


def keys(change_dq=None, change_dk=None):
    def backward(q, k, dZ):
        root, back = np.sqrt(q.shape[-1]), dZ.transpose(0, 2, 1)
        dq = change_dq(q, k, dZ) if change_dq else dZ @ k / root
        return dq, change_dk(q, k, dZ) if change_dk else (back @ q / root).sum(axis=0)

    return backward


def blind_over_everything(x):
    x_hat = (x - mean(x)) / x.std(axis=-1, keepdims=True)
    dy = np.random.default_rng(0).normal(size=x.shape)
    return dy - (dy * x_hat).sum() / (x_hat * x_hat).sum() * x_hat


WRONG = {
    "ex05_1": [
        (loss(lambda y_hat, y, w: y_hat - y), "three more factors"),
        (loss(lambda y_hat, y, w: 2 * w * (y - y_hat) / y.size), "sign"),
        (loss(lambda y_hat, y, w: w * (y_hat - y) / y.size), "half"),
        (loss(lambda y_hat, y, w: 2 * (y_hat - y) / y.size), "weights are missing"),
        (loss(lambda y_hat, y, w: 2 * w * w * (y_hat - y) / y.size), "weights are squared"),
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y)), "number of elements"),
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y) / len(y)), "batch size"),
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y) / w.sum()), "sum of the weights"),
        (loss(lambda y_hat, y, w: w * (y_hat - y) ** 2 / y.size), "not its derivative"),
        (loss(lambda y_hat, y, w: np.mean(2 * w * (y_hat - y))), "shape"),
        (loss(lambda y_hat, y, w: None), "return"),
        (lambda y_hat, y, weight: 2 * weight * (y_hat - y) / y.size, "(N, 1, 1, 1)"),
        (loss_in_place, "in place"),
    ],
    "ex05_2": [
        (swish(lambda u, b, s: s), "product rule"),
        (swish(lambda u, b, s: s * (1 - s)), "sigmoid's own"),
        (swish(lambda u, b, s: s * (1 + u * (1 - s))), "inner derivative"),
        (swish(lambda u, b, s: s + b * u * s), "s (1 - s)"),
        (swish_in_b(lambda u, b, s: u * s * (1 - s)), "with respect to b is u"),
        (swish_in_b(lambda u, b, s: b * u * s * (1 - s)), "that with respect to u"),
        (swish_in_b(lambda u, b, s: np.sum(u * u * s * (1 - s))), "do not sum"),
        (lambda u, b: sigmoid(b * u), "2 things"),
    ],
    "ex05_3": [
        (repeated_rows_get_lost, "np.add.at"),
        (mean_of_a_class, "gradients add up"),
        (lambda labels, dy, num_classes: dy, "row for each class"),
        (lambda labels, dy, num_classes: np.zeros((num_classes, dy.shape[1])), "zero everywhere"),
    ],
    "ex05_4": [
        (rms_norm(lambda x, dy, x_hat, r: dy / r), "constant"),
        (rms_norm(lambda x, dy, x_hat, r: (dy - mean(dy) - x_hat * mean(dy * x_hat)) / r), "GroupNorm's"),
        (rms_norm(lambda x, dy, x_hat, r: (dy - x_hat * 5 * mean(dy * x_hat)) / r), "not a sum"),
        (rms_norm(lambda x, dy, x_hat, r: (dy - x_hat * (dy * x_hat).mean()) / r), "last axis"),
        (rms_norm(lambda x, dy, x_hat, r: dy - x_hat * mean(dy * x_hat)), "division by r"),
        (rms_norm(lambda x, dy, x_hat, r: (dy - x_hat * mean(dy * x_hat)) * r), "multiplied"),
        (rms_norm(lambda x, dy, x_hat, r: (dy + x_hat * mean(dy * x_hat)) / r), "sign"),
        (rms_norm(lambda x, dy, x_hat, r: (dy - x * mean(dy * x_hat)) / r), "and not x"),
    ],
    "ex05_5": [
        (keys(change_dq=lambda q, k, dZ: dZ @ k), "dq lacks"),
        (keys(change_dq=lambda q, k, dZ: dZ.transpose(0, 2, 1) @ k / 2), "not transposed"),
        (keys(change_dk=lambda q, k, dZ: dZ.transpose(0, 2, 1) @ q / 2), "all heads"),
        (keys(change_dk=lambda q, k, dZ: (dZ.transpose(0, 2, 1) @ q / 2).mean(axis=0)), "mean over the heads"),
        (keys(change_dk=lambda q, k, dZ: (dZ @ q / 2).sum(axis=0)), "over the queries"),
        (keys(change_dk=lambda q, k, dZ: (dZ.transpose(0, 2, 1) @ q).sum(axis=0)), "dk lacks"),
    ],
    "ex05_6": [
        (lambda x: np.ones_like(x), "constant"),
        (lambda x: np.zeros_like(x), "zeros"),
        (lambda x: x - mean(x), "orthogonal"),
        (lambda x: np.random.default_rng(1).normal(size=x.shape), "shows"),
        (blind_over_everything, "each row"),
        (lambda x: np.arange(3.0), "shape"),
        (np.zeros((2, 7)), "function"),
    ],
}
