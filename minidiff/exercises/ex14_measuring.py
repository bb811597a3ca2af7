"""The exercises of `tutorials/14_measuring.ipynb`: distances, coverage, copies and ranks, checked with loops."""

import math
from typing import Any

import numpy as np

from minidiff.evaluation.distances import gaussian_distance
from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect, finite_array


@exercise("ex14_1", "the Frechet distance of independent features", points=1)
def _check_diagonal_frechet(answer: Any) -> None:
    for seed, D in enumerate((5, 1, 12)):
        rng = np.random.default_rng(seed)
        (mean1, mean2), (std1, std2) = rng.normal(size=(2, D)), rng.uniform(0.2, 2, (2, D))
        right = gaussian_distance(mean1, np.diag(std1**2), mean2, np.diag(std2**2))
        of_means, difference = np.square(mean1 - mean2).sum(), std1 - std2
        mistakes = [
            (of_means, "these are the means: two sets with equal means and other spreads are not alike"),
            (np.square(difference).sum(), "these are the standard deviations: the means count as well"),
            (of_means + np.square(std1**2 - std2**2).sum(), "the difference of the standard deviations, not of the "
             "variances"),
            (of_means + (std1**2 + std2**2).sum(), "subtract twice the product std1 std2, the root of the product of "
             "the variances"),
            (of_means + np.abs(std1**2 - std2**2).sum(), "tr(C1 + C2 - 2 (C1 C2)^1/2) is a sum of "
             "std1^2 + std2^2 - 2 std1 std2"),
            (math.sqrt(right), "the distance of this course is squared: leave out the root"),
            (right / D, "the sum over the features, not their mean"),
            (np.square(mean1 - mean2) + np.square(difference), "one number: the sum over the features"),
            (np.abs(mean1 - mean2).sum() + np.abs(difference).sum(), "the squares of the differences"),
        ]  # fmt: skip
        expect("the distance", call(answer, mean1, std1, mean2, std2), right, mistakes)


@exercise("ex14_2", "the kernel distance", points=2)
def _check_kernel_distance(answer: Any) -> None:
    def cubic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def bell(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-np.square(a[:, None] - b).sum(axis=-1))

    for seed, (k, N, M, D) in enumerate([(cubic, 7, 11, 3), (bell, 5, 4, 2), (cubic, 2, 9, 1)]):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(N, D)), rng.normal(0.7, 1.3, (M, D))
        Kx, Ky, Kxy = k(x, x), k(y, y), k(x, y)
        others_x = np.mean([Kx[i, j] for i in range(N) for j in range(N) if i != j])
        others_y = np.mean([Ky[i, j] for i in range(M) for j in range(M) if i != j])
        right = others_x + others_y - 2 * Kxy.mean()
        without_diagonal = [(K.sum() - np.trace(K)) / len(K) ** 2 for K in (Kx, Ky)]
        mistakes = [
            (Kx.mean() + Ky.mean() - 2 * Kxy.mean(), "the pairs of an image with itself are in the means: without "
             "them the expected distance of two sets from one distribution is 0"),
            (sum(without_diagonal) - 2 * Kxy.mean(), "without its N diagonal elements a matrix has N (N - 1) of them"),
            (others_x + others_y - Kxy.mean(), "the mean between the sets counts twice"),
            (others_x + others_y + 2 * Kxy.mean(), "the similarity between the sets has to be subtracted"),
            (-right, "the sign: a similarity within the sets that is larger gives a larger distance"),
            (others_x + others_y - 2 * np.trace(Kxy[: min(N, M), : min(N, M)]) / min(N, M),
             "between the sets all N M pairs count, not only those with equal indices"),
            (math.sqrt(abs(right)), "the distance is squared, and may be negative: leave out the root"),
            (max(right, 0.0), "an unbiased distance is negative now and then: do not cut it off"),
        ]  # fmt: skip
        expect("the distance", call(answer, k, x, y), right, mistakes)


@exercise("ex14_3", "a distance without its bias", points=2)
def _check_without_bias(answer: Any) -> None:
    cases = [([100, 200, 400, 800], 3.0, 250.0, 0.0), ([50, 75, 300], 0.4, 60.0, 0.03), ([64, 128], 1.5, -20.0, 0.0)]
    for counts, at_infinity, slope, noise in cases:
        n = np.array(counts)
        distances = at_infinity + slope / n + noise * np.cos(np.arange(len(n)))
        x = 1 / n
        centered = x - x.mean()
        b = (centered * (distances - distances.mean())).sum() / (centered**2).sum()
        right = distances.mean() - b * x.mean()
        over_n = np.polyfit(n, distances, 1)
        over_root = np.polyfit(1 / np.sqrt(n), distances, 1)
        mistakes = [
            (over_n[1], "the line is over 1 / n, not over n: the bias falls in proportion to 1 / n"),
            (over_root[1], "the line is over 1 / n, not over 1 / sqrt(n): the standard error falls so, the bias does "
             "not"),
            (b, "this is the slope of the line: the value at 1 / n = 0 is its intercept"),
            (distances[-1], distances[0], "this is a distance that was measured, with the bias for its n"),
            (distances.mean(), "this is the mean: the line has to be followed to 1 / n = 0"),
            (distances.min(), "this is the smallest distance: the bias is smaller for more images, but not 0"),
            (right + b, "this is the value at 1 / n = 1: infinitely many images are 1 / n = 0"),
        ]  # fmt: skip
        expect("the distance", call(answer, n, distances), right, mistakes, tolerance=1e-6)


@exercise("ex14_4", "coverage", points=2)
def _check_coverage(answer: Any) -> None:
    for seed, (N, M, D, k) in enumerate([(90, 73, 2, 3), (25, 60, 3, 5), (12, 10, 1, 1)]):
        rng = np.random.default_rng(seed)
        real, samples = rng.normal(size=(M, D)), rng.normal(0.8, 0.5, (N, D))
        right = _coverage(samples, real, k)
        swapped = _coverage(real, samples, k)
        between = np.linalg.norm(samples[:, None] - real, axis=-1)  # (N, M)
        own = np.sort(np.linalg.norm(real[:, None] - real, axis=-1), axis=1)
        own_of_samples = np.sort(np.linalg.norm(samples[:, None] - samples, axis=-1), axis=1)
        covered = (between <= own[:, k]).any(axis=0)
        mistakes = [
            ((between <= own[:, k]).any(axis=1).mean(), "this is precision, the share of samples in a ball, "
             "or the 1 with which the cell begins: coverage is the share of balls with a sample"),
            ((between <= own_of_samples[:, k, None]).any(axis=0).mean(), "this is recall, with balls around the "
             "samples: coverage has balls around the real images"),
            (swapped, "real and samples are swapped: the balls are around the real images"),
            ((between.min(axis=0) <= own[:, k - 1]).mean(), "the nearest real image in its own set is itself: the "
             "k-th nearest other one is at position k"),
            ((between.min(axis=0) <= own[:, k + 1]).mean(), "one too far: sorted from 0, the image itself is at "
             "position 0 and its k-th nearest other one at position k"),
            (covered.sum(), "the fraction of the real images, not their number"),
            ((between <= own[:, k]).mean(), (between <= own[:, k]).sum() / k / N, "a ball counts once, however many "
             "samples it contains"),
            (1 - right, "this is the fraction without a sample"),
        ]  # fmt: skip
        expect("the coverage", call(answer, samples, real, k), right, mistakes)
    real = np.random.default_rng(3).normal(size=(10, 1))
    expect("the coverage of real images by themselves", call(answer, real, real, 1), 1.0)


def _coverage(samples: np.ndarray, real: np.ndarray, k: int) -> float:
    """Coverage with loops over images and their distances."""
    found = 0
    for i, center in enumerate(real):
        others = sorted(math.dist(center, other) for j, other in enumerate(real) if j != i)
        found += any(math.dist(center, sample) <= others[k - 1] for sample in samples)
    return found / len(real)


@exercise("ex14_5", "the share of copies", points=2)
def _check_share_of_copies(answer: Any) -> None:
    for seed, (N, K, M, D, alpha) in enumerate([(200, 50, 100, 3, 0.05), (60, 30, 40, 2, 0.2), (80, 90, 70, 5, 0.5)]):
        rng = np.random.default_rng(seed)
        training, held_out = rng.normal(size=(K, D)), rng.normal(size=(M, D))
        copies = training[rng.integers(K, size=N // 4)] + rng.normal(0, 1e-3, (N // 4, D))
        samples = np.concatenate([copies, rng.normal(size=(N - N // 4, D))])
        of_samples, of_held_out, of_training = (_nearest(a, training) for a in (samples, held_out, training))
        limit = np.quantile(of_held_out, alpha)
        low, high = (np.quantile(of_held_out, alpha, method=method) for method in ("lower", "higher"))
        clear = (of_samples < low) | (of_samples > high)  # by every definition of a quantile
        samples, of_samples = samples[clear], of_samples[clear]
        between = _nearest(held_out, samples)
        mistakes = [
            (0.0, "0 is what the cell begins with: compare the distances with a quantile of those of held-out images"),
            ((of_samples < np.quantile(of_samples, alpha)).mean(), "the limit comes from the held-out images: of the "
             "samples themselves, the fraction alpha is always below"),
            ((of_samples < np.quantile(of_held_out, 1 - alpha)).mean(), "alpha is the fraction of held-out images "
             "below the limit, not above"),
            ((of_samples >= limit).mean(), "these are the samples that are no copies"),
            ((of_samples < limit).sum(), "the fraction of the samples, not their number"),
            ((of_samples < alpha).mean(), "alpha is a fraction of the held-out images, not a distance"),
            ((of_samples < of_held_out.min()).mean(), "the limit is the quantile alpha of the held-out distances, not "
             "their minimum"),
            ((of_samples < of_held_out.mean()).mean(), (of_samples < alpha * of_held_out.mean()).mean(),
             "the limit is a quantile of the held-out distances, not their mean"),
            ((of_samples < np.quantile(of_training, alpha)).mean(), "training images are at distance 0 from "
             "themselves: the held-out ones show what is usual"),
            ((between < limit).mean(), (between < np.quantile(between, alpha)).mean(), "for each sample, the nearest "
             "training image; the held-out images give the limit"),
        ]  # fmt: skip
        found = as_array("the share", call(answer, samples, training, held_out, alpha))
        if found.shape == () and abs(found - ((of_samples < limit).mean() - alpha)) < 1e-9:
            raise Wrong("do not subtract alpha: the share is that of all samples below the limit")
        expect("the share", found, (of_samples < limit).mean(), mistakes)


def _nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The distance from each of a (N, D) to the nearest of b (M, D)."""
    return np.array([min(math.dist(one, other) for other in b) for one in a])


@exercise("ex14_6", "ranks with ties", points=2)
def _check_ranks(answer: Any) -> None:
    cases = [
        ([5.0, 5.9, 5.2, 8.0], [0.3, 0.4, 0.3, 0.2]),
        ([1.0, 2.2], [0.3, 0.4]),
        ([2.0, 2.7, 3.4, 5.0, 1.0], [0.3, 0.3, 0.3, 0.1, 0.1]),
        ([7.0, 7.5], [0.0, 0.0]),
        ([1.0, 1.0, 1.5], [0.1, 0.3, 0.14]),
    ]
    for values, errors in cases:
        d, e = np.array(values), np.array(errors)
        right = np.array([
            1 + sum(a - b > 2 * math.sqrt(p * p + q * q) for b, q in zip(values, errors, strict=True))
            for a, p in zip(values, errors, strict=True)
        ])  # fmt: skip
        gap = d[:, None] - d
        combined = np.hypot(e[:, None], e)
        plain = 1 + (gap > 0).sum(axis=1)
        found = finite_array("the ranks", call(answer, d, e), d.shape)
        mistakes = [
            (right - 1, "ranks begin at 1: a set behind nobody has rank 1"),
            (plain, "sets that differ by less than two standard errors share a rank"),
            (1 + (-gap > 2 * combined).sum(axis=1), "lower is better: a set is behind those with a smaller distance"),
            (1 + (gap > combined).sum(axis=1), "two standard errors of the difference, not one"),
            (1 + (gap > 2 * (e[:, None] + e)).sum(axis=1), "the standard errors add up as the root of the sum of their "
             "squares"),
            (1 + (gap > 2 * e[:, None]).sum(axis=1), 1 + (gap > 2 * e).sum(axis=1), "the difference has the error of "
             "both distances"),
            (1 + (gap > 2 * combined**2).sum(axis=1), "the root of the sum of the squares"),
            (np.argsort(d), np.argsort(d) + 1, "argsort gives the order, the index of the best first, not the rank "
             "of each"),
        ]  # fmt: skip
        expect("the ranks", found, right, mistakes)
