"""Answers to the exercises of notebook 05: wrong ones, each with words of its hint, and right ones in other styles."""

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


def exact_table(labels, dy, num_classes):
    return np.eye(num_classes)[labels].T @ dy


def rows_not_initialized(labels, dy, num_classes):
    dtable = np.empty((num_classes, dy.shape[1]))
    for label in set(labels.tolist()):
        dtable[label] = dy[labels == label].sum(axis=0)
    return dtable


def rms_norm_with(r_of):
    def backward(x, dy):
        r = r_of(x)
        return (dy - x / r * mean(dy * x / r)) / r

    return backward


def no_epsilon(x, dy):
    with np.errstate(all="ignore"):
        return rms_norm_with(lambda x: np.sqrt((x * x).mean(axis=-1, keepdims=True)))(x, dy)


def loss_in_loops(y_hat, y, weight):
    return np.array([w * (a - b) * 2 for a, b, w in zip(y_hat, y, weight, strict=True)]) / np.prod(y.shape)


def table_in_a_loop(labels, dy, num_classes):
    table = [[0.0] * dy.shape[1] for _ in range(num_classes)]
    for label, row in zip(labels, dy, strict=True):
        table[label] = [a + b for a, b in zip(table[label], row, strict=True)]
    return table


def table_by_classes(labels, dy, num_classes):
    return np.stack([dy[labels == label].sum(axis=0) for label in range(num_classes)])


def rms_norm_by_matrices(x, dy):
    dx = np.zeros_like(x)
    for n, (row, upstream) in enumerate(zip(x, dy, strict=True)):
        r = np.sqrt(np.mean(row**2) + 1e-5)
        jacobian = np.eye(len(row)) / r - np.outer(row, row) / (len(row) * r**3)
        dx[n] = jacobian @ upstream
    return dx


def keys_in_a_loop(q, k, dZ):
    dq, dk = np.zeros_like(q), np.zeros_like(k)
    for h in range(len(q)):
        dq[h] = dZ[h] @ k / k.shape[1] ** 0.5
        dk += dZ[h].T @ q[h] / k.shape[1] ** 0.5
    return [dq, dk]


def blind_two_elements(x):
    """Only the elements 0, 1 and 2 of each row, orthogonal to x_hat there."""
    x_hat = (x - mean(x)) / x.std(axis=-1, keepdims=True)
    dy = np.zeros_like(x)
    dy[:, 0], dy[:, 1] = x_hat[:, 1], -x_hat[:, 0]
    return dy


def blind_by_projection(x):
    rows = []
    for row in x:
        row = row - row.mean()
        one = np.cos(np.arange(len(row)))
        rows.append(one - one @ row / (row @ row) * row)
    return np.array(rows) * 1e-3


def blind_by_least_squares(x):
    dy = np.square(x)
    for n, row in enumerate(x):
        slope, offset = np.polyfit(row, dy[n], 1)
        dy[n] -= slope * row + offset
    return dy + 2


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
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y) / y[..., 0].size), "several channels"),
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y) / y[0].size), "one example"),
        (loss(lambda y_hat, y, w: 2 * w * (y_hat - y) / 18), "except for a factor"),
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
        (swish(lambda u, b, s: sigmoid(abs(b) * u) * (1 + abs(b) * u * (1 - sigmoid(abs(b) * u)))), "absolute value"),
        (swish(lambda u, b, s: s * (1 + abs(b) * u * (1 - s))), "absolute value"),
        (lambda u, b: swish(lambda u, b, s: s * (1 + b * u * (1 - s)))(u, 1.7), "not right"),
    ],
    "ex05_3": [
        (repeated_rows_get_lost, "np.add.at"),
        (mean_of_a_class, "gradients add up"),
        (lambda labels, dy, num_classes: dy, "row for each class"),
        (lambda labels, dy, num_classes: np.zeros((num_classes, dy.shape[1])), "zero everywhere"),
        (rows_not_initialized, "np.empty"),
        (lambda labels, dy, num_classes: np.array(exact_table(labels, dy, labels.max() + 1)), "last classes"),
        (
            lambda labels, dy, num_classes: (
                np.eye(num_classes)[np.unique(labels)] @ exact_table(labels, dy, num_classes)
            ),
            "also without examples",
        ),
        (lambda labels, dy, num_classes: exact_table(labels % 4, dy, 4), "shape"),
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
        (no_epsilon, "eps is missing"),
        (rms_norm_with(lambda x: np.sqrt((x * x).mean(axis=-1, keepdims=True)) + 1e-5), "outside of the root"),
        (rms_norm_with(lambda x: np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-10)), "far too small"),
    ],
    "ex05_5": [
        (keys(change_dq=lambda q, k, dZ: dZ @ k), "dq lacks"),
        (keys(change_dq=lambda q, k, dZ: dZ.transpose(0, 2, 1) @ k / 2), "not transposed"),
        (keys(change_dk=lambda q, k, dZ: dZ.transpose(0, 2, 1) @ q / 2), "all heads"),
        (keys(change_dk=lambda q, k, dZ: (dZ.transpose(0, 2, 1) @ q / 2).mean(axis=0)), "mean over the heads"),
        (keys(change_dk=lambda q, k, dZ: (dZ @ q / 2).sum(axis=0)), "over the queries"),
        (keys(change_dk=lambda q, k, dZ: (dZ.transpose(0, 2, 1) @ q).sum(axis=0)), "dk lacks"),
        (keys(change_dq=lambda q, k, dZ: dZ @ k / q.shape[-1]), "by its root"),
        (keys(change_dq=lambda q, k, dZ: dZ @ k / np.sqrt(q.shape[1])), "sqrt(S)"),
        (keys(change_dk=lambda q, k, dZ: dZ[0].T @ q[0] / np.sqrt(q.shape[-1])), "one head"),
        (
            keys(lambda q, k, dZ: dZ @ k / 2, lambda q, k, dZ: (dZ.transpose(0, 2, 1) @ q).sum(axis=0) / 2),
            "except for a factor",
        ),
    ],
    "ex05_6": [
        (lambda x: np.ones_like(x), "constant"),
        (lambda x: np.zeros_like(x), "zeros"),
        (lambda x: x - mean(x), "orthogonal"),
        (lambda x: np.random.default_rng(1).normal(size=x.shape), "shows"),
        (blind_over_everything, "each row"),
        (lambda x: np.arange(3.0), "shape"),
        (np.zeros((2, 7)), "function"),
        (lambda x: np.random.default_rng(1).normal(size=(2, 7)), "shows"),
        (lambda x: np.where(np.arange(x.shape[1]) < 1, 1, np.nan) + 0 * x, "finite"),
    ],
}


RIGHT = {
    "ex05_1": [
        loss_in_loops,
        lambda y_hat, y, weight: np.einsum("n,nhwc->nhwc", weight, y_hat - y) * (2 / np.size(y)),
        lambda y_hat, y, weight: ((y_hat - y).T * weight * 2).T / y.size,
        lambda y_hat, y, weight: (-2 * weight.reshape(-1, 1, 1, 1) * (y - y_hat) / y.size).astype(np.float32),
    ],
    "ex05_2": [
        lambda u, b: np.stack(
            [sigmoid(b * u) + b * u * np.exp(-b * u) * sigmoid(b * u) ** 2, u**2 * sigmoid(b * u) * sigmoid(-b * u)]
        ),
        lambda u, b: [(y := u * (s := (1 + np.tanh(b * u / 2)) / 2)) * b * (1 - s) + s, y * u * (1 - s)],
        lambda u, b: (
            np.imag((u + 1e-30j) * sigmoid(b * (u + 1e-30j))) / 1e-30,
            np.imag(u * sigmoid((b + 1e-30j) * u)) / 1e-30,
        ),
    ],
    "ex05_3": [table_in_a_loop, table_by_classes, exact_table],
    "ex05_4": [
        rms_norm_by_matrices,
        lambda x, dy: (
            (r := 1 / np.sqrt(mean(x**2) + 1e-5)) * dy - r**3 * x * np.sum(x * dy, axis=1, keepdims=True) / x.shape[1]
        ),
        rms_norm_with(lambda x: np.sqrt(np.einsum("nc,nc->n", x, x)[:, None] / x.shape[1] + 1e-5)),
    ],
    "ex05_5": [
        keys_in_a_loop,
        lambda q, k, dZ: tuple(
            np.einsum(by, dZ, a) / np.sqrt(k.shape[1]) for by, a in (("hst,td->hsd", k), ("hst,hsd->td", q))
        ),
        lambda q, k, dZ: (
            np.matmul(dZ, k / len(k.T) ** 0.5),
            np.tensordot(dZ, q, axes=([0, 1], [0, 1])) * k.shape[-1] ** -0.5,
        ),
    ],
    "ex05_6": [blind_two_elements, blind_by_projection, blind_by_least_squares],
}
