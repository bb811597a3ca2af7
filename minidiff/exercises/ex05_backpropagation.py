"""The exercises of `tutorials/05_backpropagation.ipynb`: backward passes similar to those of the layers.

Gradients are compared with closed forms and with central differences.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import Mistakes, agree, as_array, call, expect, unpack
from minidiff.gradient_check import numerical_gradient

STABILITY = 1e-5  # added under the root of RMSNorm


@exercise("ex05_1", "the gradient of a weighted loss", points=1)
def _check_loss_backward(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for shape, values in (
        ((2, 3, 3, 1), [0.5, 3.0]), ((3, 2, 5, 4), [0.5, 2.0, 1.5]), ((5, 4, 1, 2), [0.3, 7.0, 1.0, 0.0, 2.0]),
    ):  # fmt: skip
        (y_hat, y), weight = rng.normal(0.5, 2.0, (2, *shape)), np.array(values)
        each = weight[:, None, None, None]
        dy_hat = 2 * each * (y_hat - y) / y.size
        along_channels = 2 * weight * (y_hat - y) / y.size if shape[-1] == 1 else 0
        mistakes = [
            (y_hat - y, "the difference alone: the derivative of a mean of weighted squares has three more factors"),
            (-dy_hat, "the sign is reversed: y_hat is the first term of the difference, its inner derivative is +1"),
            (dy_hat / 2, "half of it: the derivative of a square has a factor of 2"),
            (2 * (y_hat - y) / y.size, "the weights are missing: each square is multiplied by its own"),
            (dy_hat * each, "the weights are squared: they are outside of the square"),
            (dy_hat * y.size, "the mean divides by the number of elements, y.size, and so does its derivative"),
            (
                dy_hat * shape[-1],
                "divided by the number of pixels: each has several channels, and the mean is over all",
            ),
            (dy_hat * y.size / len(y), "divided by the batch size: the mean is over all y.size elements, not over N"),
            (dy_hat * len(y), "divided by the size of one example: the mean is over all y.size elements"),
            (dy_hat * y.size / weight.sum(), "divided by the sum of the weights: the mean here divides by y.size"),
            (each * (y_hat - y) ** 2 / y.size, "this is the loss before the sum, not its derivative"),
            (along_channels, "weight (N,) is broadcast along the last axis: reshape it to (N, 1, 1, 1)"),
        ]
        expect("dy_hat", call(answer, y_hat, y, weight), dy_hat, mistakes)


@exercise("ex05_2", "an activation with a parameter", points=2)
def _check_swish_slopes(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for shape, b in (((4, 7), 1.7), ((3,), -0.8), ((2, 3, 4), 0.25), ((5, 1), -2.5), ((6,), 0.0)):
        u = rng.normal(0, 3, shape)
        s, positive = 1 / (1 + np.exp(-b * u)), 1 / (1 + np.exp(-abs(b) * u))
        dy_du, dy_db = unpack(call(answer, u, b), "dy_du, dy_db")
        mistakes: Mistakes = [
            (s, "product rule: u is in the sigmoid as well, and gives a second term"),
            (s * (1 - s), "this is the sigmoid's own derivative; y is u times it, so use the product rule"),
            (u * s * (1 - s), "this is the second term of the product rule without the first, and the inner b"),
            (s * (1 + u * (1 - s)), "the inner derivative is missing: b u differentiated with respect to u is b"),
            (s + b * u * s, "the sigmoid's derivative is s (1 - s), not s"),
            (u * s, "this is y itself"),
            (positive * (1 + abs(b) * u * (1 - positive)), "b may be negative: do not take its absolute value"),
            (s * (1 + abs(b) * u * (1 - s)), "b may be negative: do not take its absolute value"),
        ]
        expect("dy_du", dy_du, s * (1 + b * u * (1 - s)), mistakes)
        mistakes = [
            (u * s * (1 - s), "the inner derivative is missing: b u differentiated with respect to b is u"),
            (b * u * s * (1 - s), "the inner derivative with respect to b is u; b is that with respect to u"),
            (np.sum(u * u * s * (1 - s)), "do not sum yet: dy_db has the shape of u, one slope for each element"),
        ]
        expect("dy_db", dy_db, u * u * s * (1 - s), mistakes)


@exercise("ex05_3", "a table of vectors", points=2)
def _check_embedding_backward(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for values, num_classes, C in (
        ([2, 0, 2, 3, 2], 4, 3), ([1, 1, 4], 7, 2), ([0], 3, 5), ([5, 0, 1, 0, 3, 5, 1], 6, 1),
    ):  # fmt: skip
        labels, dy = np.array(values), rng.normal(size=(len(values), C))  # some classes occur several times, some never
        one_hot = np.eye(num_classes)[labels]
        overwritten = np.zeros((num_classes, C))
        overwritten[labels] = dy
        averaged = (one_hot.T @ dy) / np.maximum(one_hot.sum(axis=0), 1)[:, None]
        right, no_example = one_hot.T @ dy, one_hot.sum(axis=0) == 0
        mistakes = [
            (overwritten, "`dtable[labels] += dy` does not add up repeated rows, one gradient is lost; see np.add.at"),
            (averaged, "a mean over the examples of a class: each of them uses the row, so the gradients add up"),
            (dy, "this is dy again: dtable has a row for each class, not for each example"),
            (right[: labels.max() + 1], "the rows of the last classes are missing: dtable has num_classes rows"),
            (right[~no_example], "dtable has a row for each of the num_classes classes, also without examples"),
        ]
        found = as_array("dtable", call(answer, labels, dy, num_classes))
        with_example = found.shape == right.shape and agree(found[~no_example], right[~no_example])
        if with_example and found[no_example].any():
            raise Wrong("the row of a class without an example is not zero: np.empty contains anything, np.zeros 0")
        expect("dtable", found, right, mistakes)


@exercise("ex05_4", "a norm without a mean", points=3)
def _check_rms_norm_backward(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for shape, mean, std in (((3, 5), 0.7, 2.0), ((2, 8), 0.0, 3e-3), ((4, 2), -3.0, 1.0), ((1, 6), 0.0, 0.0)):
        x, dy = rng.normal(mean, std, shape), rng.normal(size=shape)
        C = shape[-1]

        def rms(x: np.ndarray, inside: float = STABILITY, outside: float = 0.0) -> np.ndarray:
            return np.sqrt((x * x).mean(axis=-1, keepdims=True) + inside) + outside

        def loss(x: np.ndarray = x, dy: np.ndarray = dy) -> float:
            return np.sum(dy * x / rms(x))

        def backward(r: np.ndarray, x: np.ndarray = x, dy: np.ndarray = dy) -> np.ndarray:
            return (dy - x / r * (dy * x / r).mean(axis=-1, keepdims=True)) / r

        r = rms(x)
        x_hat = x / r
        inner = (dy * x_hat).mean(axis=-1, keepdims=True)
        mean_dy = dy.mean(axis=-1, keepdims=True)
        step = 1e-5 if std >= 1 else 1e-7
        dx = numerical_gradient(loss, x, step)
        with np.errstate(all="ignore"):
            without, outside = backward(rms(x, 0)), backward(rms(x, 0, STABILITY))
        mistakes = [
            (dy / r, "r is treated as constant: it depends on each element of its row, which gives a term with x_hat"),
            ((dy - mean_dy - x_hat * inner) / r, "this is GroupNorm's: here no mean is subtracted, so its term is 0"),
            ((dy - x_hat * inner * C) / r, "r is a root of a mean: the term with x_hat has a mean, not a sum"),
            ((dy - x_hat * (dy * x_hat).mean()) / r, "each row has an r of its own: take the mean over the last axis"),
            (dy - x_hat * inner, "right except for the division by r"),
            ((dy - x_hat * inner) * r, "multiplied by r, and it has to be divided by it"),
            ((dy + x_hat * inner) / r, "the sign of the second term: 1 / r falls as r grows"),
            ((dy - x * inner) / r, "the second term contains x_hat, which is x / r, and not x"),
            (without, "eps is missing or far too small: it shows where x is small; dx is dy / sqrt(eps) where x is 0"),
            (outside, "eps is outside of the root: r = sqrt(mean(x^2) + eps)"),
        ]
        found = as_array("dx", call(answer, x, dy))
        if std == 0 and np.isnan(found).any():
            raise Wrong("dx contains NaN where a row of x is zero: eps is missing in the root")
        expect("dx", found, dx, mistakes)


@exercise("ex05_5", "keys shared by all heads", points=3)
def _check_shared_keys_backward(answer: Any) -> None:
    rng = np.random.default_rng(4)
    for heads, S, d in ((3, 5, 4), (4, 3, 9), (1, 6, 2), (5, 2, 3)):
        q, k, dZ = rng.normal(size=(heads, S, d)), rng.normal(size=(S, d)), rng.normal(size=(heads, S, S))
        root, back = np.sqrt(d), dZ.transpose(0, 2, 1)
        for_each = back @ q / root  # (heads, S, d)
        dq, dk = unpack(call(answer, q, k, dZ), "dq, dk")
        mistakes = [
            (dZ @ k, "dq lacks the factor: Z = q k' / sqrt(d), and the root is in the derivative, too"),
            (dZ @ k / d, "dq is divided by d, and Z by its root"),
            (dZ @ k / np.sqrt(S), "dq is divided by sqrt(S): d is the length of a query, the last axis of q"),
            (back @ k / root, "dq sums over the keys: dZ is not transposed here, only in dk"),
        ]
        expect("dq", dq, dZ @ k / root, mistakes)
        mistakes = [
            (for_each, "k is one array used by all heads, so dk has k's shape, the sum over the heads"),
            (for_each.mean(axis=0), "a mean over the heads: what is used several times has the sum of its gradients"),
            (for_each[0], "this is the gradient from one head: all heads use k, so add those of the others"),
            (for_each.sum(axis=0) * root, "dk lacks the factor: Z = q k' / sqrt(d)"),
            (for_each.sum(axis=0) / root, "dk is divided by d, and Z by its root"),
            ((dZ @ q).sum(axis=0) / root, "dk sums over the queries: dZ has to be transposed"),
        ]
        expect("dk", dk, for_each.sum(axis=0), mistakes)


@exercise("ex05_6", "a blind spot of the gradient check", points=2)
def _check_blind_upstream(answer: Any) -> None:
    for shape, mean, std in (((2, 7), 1.0, 2.0), ((5, 3), 0.0, 1.0), ((1, 4), -4.0, 0.1), ((3, 12), 10.0, 30.0)):
        x = np.random.default_rng(6).normal(mean, std, shape)
        _check_upstream(as_array("dy", call(answer, x)), x)


def _check_upstream(dy: np.ndarray, x: np.ndarray) -> None:
    """Raises `Wrong` unless dy is an upstream gradient for which the missing term is zero."""
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
    if dy.shape != x.shape:
        raise Wrong(f"dy has the shape {dy.shape} and should have that of x, {x.shape}")
    if not np.isfinite(dy).all() or not dy.any(axis=-1).all():
        raise Wrong("each row of dy should be finite and not all zeros: with zeros every backward pass is right")
    largest = np.abs(dy).max(axis=-1)
    if (np.ptp(dy, axis=-1) < 1e-3 * largest).any():
        raise Wrong("with equal values the mistake does not show, as in section 7; find a dy that is not constant")
    visible = np.abs(np.mean(dy * x_hat, axis=-1)) / largest
    if visible.max() < 1e-5:
        return
    if len(x) > 1 and abs(np.mean(dy * x_hat)) < 1e-6 * largest.max():
        raise Wrong("the mean of dy * x_hat has to vanish in each row; here it vanishes over all rows together only")
    correlation = [np.corrcoef(one, other)[0, 1] for one, other in zip(dy, x_hat, strict=True)]
    if np.abs(correlation).min() > 0.999:
        raise Wrong("with this dy, parallel to x_hat, the mistake is largest: make dy orthogonal to x_hat")
    raise Wrong(f"the mistake shows: the mean of dy * x_hat in a row should vanish, and is {visible.max():.2g}")
