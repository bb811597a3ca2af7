"""How far apart two sets of images are, by the features of a classifier.

Frechet distance: both sets of features are taken for normal distributions with means m and covariances C, for which

    d^2 = |m1 - m2|^2 + tr( C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2 )        (Dowson and Landau, 1982; Heusel et al., 2017)

Kernel distance: no distribution is assumed; the mean similarity within each set is set against that between them,

    d^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),     k(x, y) = (x'y / D + 1)^3       (Binkowski et al., 2018)

over pairs of different images, so that two sets from one source have distance 0 on average (it may come out below).
The Frechet distance of two such sets is not 0 but grows as they get smaller: it is to be compared with a *floor*, the
distance between two sets of real images of the same number, never by itself.

Error bars are jackknife estimates (Efron and Stein, 1981): each eighth of the first set, drawn by lot, is left out, and

    error^2 = (8 - 1) / 8  sum of (d_without_i - mean)^2

Features are scaled so that the variance of real ones adds up to 100, which makes figures of different data sets alike.
"""

import numpy as np

PIECES = 8
TOTAL_VARIANCE = 100.0


def scale_of(features):
    """The factor that makes the variances of features (N, D) add up to TOTAL_VARIANCE."""
    return float(np.sqrt(TOTAL_VARIANCE / max(features.var(axis=0).sum(), 1e-12)))


def gaussian_distance(mean1, covariance1, mean2, covariance2):
    """The squared Frechet distance of two normal distributions.

    Args:
        mean1, mean2: (D,).
        covariance1, covariance2: (D, D).

    Returns:
        float, 0 or more.
    """
    root = symmetric_root(covariance1)
    overlap = np.linalg.eigvalsh(root @ covariance2 @ root)
    trace = np.trace(covariance1) + np.trace(covariance2) - 2 * np.sqrt(np.maximum(overlap, 0)).sum()
    return float(max(0.0, np.square(mean1 - mean2).sum() + trace))


def symmetric_root(C):
    """The symmetric matrix whose square is C, symmetric without negative eigenvalues."""
    values, vectors = np.linalg.eigh(C)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet_distance(x, y):
    """The squared Frechet distance between features x (N, D) and y (M, D)."""
    return gaussian_distance(x.mean(axis=0), np.cov(x, rowvar=False), y.mean(axis=0), np.cov(y, rowvar=False))


def kernel_distance(x, y):
    """The unbiased squared kernel distance between features x (N, D) and y (M, D), N and M at least 2."""

    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a):
        similarity = k(a, a)
        return (similarity.sum() - np.trace(similarity)) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * k(x, y).mean())


def with_error(distance, x, y):
    """A distance and its standard error, by leaving out an eighth of x in turn.

    Args:
        distance: function of x and y.
        x: features (N, D), N at least 16.
        y: features (M, D).

    Returns:
        distance of all, standard error.
    """
    pieces = np.random.default_rng(0).permutation(len(x)) % PIECES  # by lot: images often come class by class
    without = np.array([distance(x[pieces != i], y) for i in range(PIECES)])
    return distance(x, y), float(np.sqrt((PIECES - 1) * without.var()))
