"""Distances between two sets of images, computed from the features of a classifier.

Frechet distance: both sets of features are modeled as normal distributions with means m and covariances C, for which

    d^2 = |m1 - m2|^2 + tr( C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2 )        (Dowson and Landau, 1982; Heusel et al., 2017)

Kernel distance: no distribution is assumed. The mean similarity within each set is compared with that between them,

    d^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),     k(x, y) = (x'y / D + 1)^3       (Binkowski et al., 2018)

over pairs of different images. For two sets from the same distribution its expectation is 0, so it can be negative.
The Frechet distance of two such sets is positive and increases as the sets get smaller. So it is compared with a
*floor*: the distance between two sets of real images of the same sizes.

Error bars are jackknife estimates (Efron and Stein, 1981): the first set is split into eight subsets at random, each of
them is left out in turn, and

    error^2 = (8 - 1) / 8  sum of (d_without_i - mean)^2

Features are scaled so that the variances of those of real images add up to 100. That makes the distances of different
data sets comparable.

Read more: `tutorials/14_measuring.ipynb`.
"""

from collections.abc import Callable

import numpy as np

from minidiff.randomness import stream

SUBSETS = 8
TOTAL_VARIANCE = 100.0


def scale_of(features: np.ndarray) -> float:
    """The factor that makes the variances of features (N, D) add up to TOTAL_VARIANCE."""
    return float(np.sqrt(TOTAL_VARIANCE / max(features.var(axis=0).sum(), 1e-12)))


def gaussian_distance(mean1: np.ndarray, covariance1: np.ndarray, mean2: np.ndarray, covariance2: np.ndarray) -> float:
    """The squared Frechet distance between two normal distributions, of means (D,) and covariances (D, D)."""
    root = symmetric_root(covariance1)
    overlap = np.linalg.eigvalsh(root @ covariance2 @ root)
    trace = np.trace(covariance1) + np.trace(covariance2) - 2 * np.sqrt(np.maximum(overlap, 0)).sum()
    return float(max(0.0, np.square(mean1 - mean2).sum() + trace))


def symmetric_root(C: np.ndarray) -> np.ndarray:
    """The symmetric square root of C, which is symmetric and positive semidefinite."""
    values, vectors = np.linalg.eigh(C)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The squared Frechet distance between features x (N, D) and y (M, D)."""
    return gaussian_distance(x.mean(axis=0), np.cov(x, rowvar=False), y.mean(axis=0), np.cov(y, rowvar=False))


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased squared kernel distance between features x (N, D) and y (M, D), N and M at least 2."""

    def k(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        similarity = k(a, a)
        return (similarity.sum() - np.trace(similarity)) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * k(x, y).mean())


def with_standard_error(
    distance: Callable[[np.ndarray, np.ndarray], float], x: np.ndarray, y: np.ndarray
) -> tuple[float, float]:
    """A distance of features x (N, D) and y (M, D), and its standard error, a jackknife estimate over subsets of x."""
    subsets = stream("jackknife", 0).permutation(len(x)) % SUBSETS  # at random: images are often sorted by class
    without = np.array([distance(x[subsets != i], y) for i in range(SUBSETS)])
    return distance(x, y), float(np.sqrt((SUBSETS - 1) * without.var()))
