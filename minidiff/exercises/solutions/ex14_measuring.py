"""Solutions of the exercises of `tutorials/14_measuring.ipynb`."""

import numpy as np


# With diagonal covariances all matrices commute, so the trace is a sum of (std1 - std2)^2.
def diagonal_frechet(mean1, std1, mean2, std2):
    return np.square(mean1 - mean2).sum() + np.square(std1 - std2).sum()


# The pairs of an image with itself are on the diagonal of the matrix; they have no counterpart between the sets.
def kernel_distance(k, x, y):
    def within(a):
        K = k(a, a)
        return (K.sum() - np.trace(K)) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * k(x, y).mean()


# A straight line through the distances over 1 / n: its value at 1 / n = 0 is that for infinitely many images.
def without_bias(counts, distances):
    line = np.polyfit(1 / counts, distances, 1)  # slope and intercept
    return line[1]


# The radius of each real image is the distance to its k-th nearest other one; sort puts the image itself first.
def coverage(samples, real, k):
    def distances(a, b):
        return np.linalg.norm(a[:, None] - b, axis=-1)

    radii = np.sort(distances(real, real), axis=1)[:, k]
    return (distances(real, samples).min(axis=1) <= radii).mean()


# The held-out images are new, so the share of them that is nearer than the limit is what chance explains.
def share_of_copies(samples, training, held_out, alpha):
    def nearest(a):
        return np.linalg.norm(a[:, None] - training, axis=-1).min(axis=1)

    limit = np.quantile(nearest(held_out), alpha)
    return (nearest(samples) < limit).mean()


# A set is behind another one if its distance is larger by more than two standard errors of the difference.
def ranks(distances, errors):
    found = []
    for d, error in zip(distances, errors, strict=True):
        behind = d - distances > 2 * np.hypot(error, errors)
        found.append(1 + behind.sum())
    return np.array(found)
