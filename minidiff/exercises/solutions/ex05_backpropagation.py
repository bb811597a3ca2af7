"""Solutions of the exercises of `tutorials/05_backpropagation.ipynb`."""

import numpy as np


# Each square gives 2 (y_hat - y), times the weight of its example; the mean divides by the number of elements.
def loss_backward(y_hat, y, weight):
    return 2 * weight[:, None, None, None] * (y_hat - y) / y.size


# y = u s with s = sigmoid(b u). By the product rule dy = s du + u ds, and ds = s (1 - s) d(b u).
def swish_slopes(u, b):
    s = 1 / (1 + np.exp(-b * u))
    dy_du = s + u * s * (1 - s) * b
    dy_db = u * s * (1 - s) * u
    return dy_du, dy_db


# All examples of a class use one row of the table, so their gradients add up. np.add.at adds repeated rows, where
# `dtable[labels] += dy` would keep only one of them.
def embedding_backward(labels, dy, num_classes):
    dtable = np.zeros((num_classes, dy.shape[1]))
    np.add.at(dtable, labels, dy)
    return dtable


# As for GroupNorm, x affects x_hat = x / r directly, dy / r, and through r, whose derivative with respect to x is
# x / (C r). No mean is subtracted, so there is no term with the mean of dy.
def rms_norm_backward(x, dy):
    r = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    x_hat = x / r
    return (dy - x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)) / r


# Z = q k' / sqrt(d) in each head. dq is as usual; all heads use k, so its gradients add up.
def shared_keys_backward(q, k, dZ):
    root = np.sqrt(q.shape[-1])
    dq = dZ @ k / root
    dk = (dZ.transpose(0, 2, 1) @ q / root).sum(axis=0)
    return dq, dk


# The forgotten term is x_hat * mean(dy * x_hat): it vanishes for each dy orthogonal to x_hat. Subtract the component of
# any dy along x_hat, in each row.
def blind_upstream(x):
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
    dy = np.random.default_rng(0).normal(size=x.shape)
    along = (dy * x_hat).sum(axis=-1, keepdims=True) / (x_hat * x_hat).sum(axis=-1, keepdims=True)
    return dy - along * x_hat
