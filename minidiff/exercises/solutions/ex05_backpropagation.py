"""Solutions of the exercises of `tutorials/05_backpropagation.ipynb`."""

import numpy as np


# Each square gives 2 (y_hat - y), times the weight of its example; the mean divides by how many numbers there are.
def loss_backward(y_hat, y, weight):
    return 2 * weight[:, None, None, None] * (y_hat - y) / y.size


# y = u s with s = sigmoid(b u). By the product rule dy = s du + u ds, and ds = s (1 - s) d(b u).
def swish_slopes(u, b):
    s = 1 / (1 + np.exp(-b * u))
    dy_du = s + u * s * (1 - s) * b
    dy_db = u * s * (1 - s) * u
    return dy_du, dy_db


# A row of the table goes into every example of its class, so the gradients of these examples add. np.add.at does that
# for repeated rows, where `dtable[labels] += dy` would keep only one of them.
def embedding_backward(labels, dy, num_classes):
    dtable = np.zeros((num_classes, dy.shape[1]))
    np.add.at(dtable, labels, dy)
    return dtable


# As for GroupNorm, x has two ways to x_hat = x / r: directly, dy / r, and through r, on which every number of the row
# has a pull of x / (C r). Nothing is subtracted, so the term with the mean of dy is not there.
def rms_norm_backward(x, dy):
    r = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    x_hat = x / r
    return (dy - x_hat * (dy * x_hat).mean(axis=-1, keepdims=True)) / r


# Z = q k' / sqrt(d) in each head. dq as always; k went into every head, so its gradients are added up.
def shared_keys_backward(q, k, dZ):
    root = np.sqrt(q.shape[-1])
    dq = dZ @ k / root
    dk = (dZ.transpose(0, 2, 1) @ q / root).sum(axis=0)
    return dq, dk


# The term that is forgotten is x_hat * mean(dy * x_hat): it vanishes for each dy at right angles to x_hat. Any dy
# becomes one when its share along x_hat is taken away, in each row.
def blind_upstream(x):
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
    dy = np.random.default_rng(0).normal(size=x.shape)
    along = (dy * x_hat).sum(axis=-1, keepdims=True) / (x_hat * x_hat).sum(axis=-1, keepdims=True)
    return dy - along * x_hat
