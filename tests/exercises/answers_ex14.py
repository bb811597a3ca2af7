"""Typical wrong answers to the exercises of notebook 14, each with words of its hint, and right answers."""

import math

import numpy as np


def frechet(change):
    return lambda mean1, std1, mean2, std2: change(np.square(mean1 - mean2).sum(), std1, std2)


def frechet_by_loop(mean1, std1, mean2, std2):
    return sum(
        (a - b) ** 2 + p**2 + q**2 - 2 * p * q for a, b, p, q in zip(mean1, mean2, std1, std2, strict=True)
    ).item()


def within(K, diagonal=False, divisor=None):
    if diagonal:
        return K.mean()
    N = len(K)
    return (K.sum() - np.trace(K)) / (divisor or N * (N - 1))


def kernel(change):
    return lambda k, x, y: change(k(x, x), k(y, y), k(x, y))


def kernel_by_mask(k, x, y):
    def mean(a):
        return k(a, a)[~np.eye(len(a), dtype=bool)].mean()

    return mean(x) + mean(y) - 2 * k(x, y).mean()


def kernel_by_pairs(k, x, y):
    def mean(a):
        values = [k(a[i : i + 1], a[j : j + 1]).item() for i in range(len(a)) for j in range(i)]
        return sum(values) / len(values)

    return float(mean(x) + mean(y) - 2 * np.mean(k(x, y)))


def kernel_filled(k, x, y):
    def mean(a):
        K = np.array(k(a, a))
        np.fill_diagonal(K, 0)
        return K.sum() / (K.size - len(K))

    return mean(x) + mean(y) - 2 * np.mean(k(x, y))


def line(x):
    return lambda counts, distances: np.polyfit(x(counts), distances, 1)[1]


def line_by_least_squares(counts, distances):
    A = np.stack([1 / counts, np.ones(len(counts))], axis=1)
    return np.linalg.lstsq(A, distances, rcond=None)[0][1]


def line_by_covariance(counts, distances):
    x = 1 / counts
    slope = np.cov(x, distances)[0, 1] / np.var(x, ddof=1)
    return float(distances.mean() - slope * x.mean())


def line_by_polynomial(counts, distances):
    return np.polynomial.Polynomial.fit(1 / counts, distances, 1)(0)


def between(a, b):
    return np.linalg.norm(a[:, None] - b, axis=-1)


def radii(a, k):
    return np.sort(between(a, a), axis=1)[:, k]


def covered(samples, real, k):
    return (between(real, samples).min(axis=1) <= radii(real, k)).mean()


def covered_by_partition(samples, real, k):
    squares = np.square(real[:, None] - real).sum(axis=-1)
    limit = np.partition(squares, k, axis=1)[:, k]
    inside = np.square(real[:, None] - samples).sum(axis=-1) <= limit[:, None]
    return inside.any(axis=1).sum() / len(real)


def covered_by_loop(samples, real, k):
    count = 0
    for i, center in enumerate(real):
        others = np.delete(real, i, axis=0)
        radius = sorted(math.dist(center, other) for other in others)[k - 1]
        count += min(math.dist(center, sample) for sample in samples) <= radius
    return count / len(real)


def covered_without_self(samples, real, k):
    own = between(real, real)
    np.fill_diagonal(own, np.inf)
    limit = np.sort(own, axis=1)[:, k - 1]
    return float(np.mean([(row <= r).any() for row, r in zip(between(real, samples), limit, strict=True)]))


def nearest(a, b):
    return between(a, b).min(axis=1)


def copies(limit, below=np.less):
    def answer(samples, training, held_out, alpha):
        value = limit(nearest(samples, training), nearest(held_out, training), alpha)
        return below(nearest(samples, training), value).mean()

    return answer


def copies_by_loop(samples, training, held_out, alpha):
    limit = np.quantile([min(math.dist(x, y) for y in training) for x in held_out], alpha)
    near = [min(math.dist(x, y) for y in training) < limit for x in samples]
    return sum(near) / len(near)


def copies_by_rank(samples, training, held_out, alpha):
    own, others = nearest(samples, training), nearest(held_out, training)
    return np.mean([np.mean(others < one) < alpha for one in own])


def copies_by_squares(samples, training, held_out, alpha):
    def distances(a):
        squares = np.square(a).sum(1)[:, None] - 2 * a @ training.T + np.square(training).sum(1)
        return np.sqrt(np.maximum(squares, 0)).min(1)

    return np.count_nonzero(distances(samples) < np.quantile(distances(held_out), alpha)) / len(samples)


def rank(change):
    return lambda d, e: change(d[:, None] - d, e[:, None], e)


def ranks_by_loop(distances, errors):
    found = []
    for d, e in zip(distances, errors, strict=True):
        better = [other for other, f in zip(distances, errors, strict=True) if d - other > 2 * math.sqrt(e**2 + f**2)]
        found.append(len(better) + 1)
    return found


WRONG = {
    "ex14_1": [
        (frechet(lambda means, p, q: means), "other spreads"),
        (frechet(lambda means, p, q: np.square(p - q).sum()), "the means count"),
        (frechet(lambda means, p, q: means + np.square(p**2 - q**2).sum()), "not of the variances"),
        (frechet(lambda means, p, q: means + (p**2 + q**2).sum()), "twice the product"),
        (frechet(lambda means, p, q: means + np.abs(p**2 - q**2).sum()), "is a sum of"),
        (frechet(lambda means, p, q: np.sqrt(means + np.square(p - q).sum())), "leave out the root"),
        (frechet(lambda means, p, q: (means + np.square(p - q).sum()) / len(p)), "not their mean"),
        (lambda mean1, std1, mean2, std2: (mean1 - mean2) ** 2 + (std1 - std2) ** 2, "one number"),
    ],
    "ex14_2": [
        (kernel(lambda Kx, Ky, K: Kx.mean() + Ky.mean() - 2 * K.mean()), "an image with itself"),
        (
            kernel(lambda Kx, Ky, K: within(Kx, divisor=Kx.size) + within(Ky, divisor=Ky.size) - 2 * K.mean()),
            "N (N - 1)",
        ),
        (kernel(lambda Kx, Ky, K: within(Kx) + within(Ky) - K.mean()), "counts twice"),
        (kernel(lambda Kx, Ky, K: within(Kx) + within(Ky) + 2 * K.mean()), "has to be subtracted"),
        (kernel(lambda Kx, Ky, K: 2 * K.mean() - within(Kx) - within(Ky)), "the sign"),
        (kernel(lambda Kx, Ky, K: within(Kx) + within(Ky) - 2 * np.diag(K).mean()), "all N M pairs"),
        (kernel(lambda Kx, Ky, K: np.sqrt(np.abs(within(Kx) + within(Ky) - 2 * K.mean()))), "leave out the root"),
    ],
    "ex14_3": [
        (line(lambda n: n), "not over n"),
        (line(lambda n: 1 / np.sqrt(n)), "1 / sqrt(n)"),
        (lambda counts, distances: np.polyfit(1 / counts, distances, 1)[0], "the slope of the line"),
        (lambda counts, distances: distances[-1], "that was measured"),
        (lambda counts, distances: distances.mean(), "this is the mean"),
        (lambda counts, distances: np.polyfit(1 / counts, distances, 1).sum(), "1 / n = 1"),
    ],
    "ex14_4": [
        (lambda s, r, k: 1.0, "the 1 with which the cell begins"),
        (lambda s, r, k: (between(s, r) <= radii(r, k)).any(axis=1).mean(), "this is precision"),
        (lambda s, r, k: (between(r, s) <= radii(s, k)).any(axis=1).mean(), "this is recall"),
        (lambda s, r, k: covered(r, s, k), "swapped"),
        (lambda s, r, k: covered(s, r, k - 1), "is itself"),
        (lambda s, r, k: covered(s, r, k + 1), "one too far"),
        (lambda s, r, k: covered(s, r, k) * len(r), "not their number"),
        (lambda s, r, k: (between(s, r) <= radii(r, k)).mean(), "counts once"),
        (lambda s, r, k: 1 - covered(s, r, k), "without a sample"),
    ],
    "ex14_5": [
        (lambda s, t, h, alpha: 0.0, "begins with"),
        (copies(lambda own, held_out, alpha: np.quantile(own, alpha)), "of the samples themselves"),
        (copies(lambda own, held_out, alpha: np.quantile(held_out, 1 - alpha)), "below the limit, not above"),
        (copies(lambda own, held_out, alpha: np.quantile(held_out, alpha), np.greater_equal), "no copies"),
        (copies(lambda own, held_out, alpha: alpha), "not a distance"),
        (copies(lambda own, held_out, alpha: held_out.min()), "not their minimum"),
        (copies(lambda own, held_out, alpha: held_out.mean()), "not their mean"),
        (lambda s, t, h, alpha: copies_by_loop(s, t, h, alpha) * len(s), "not their number"),
        (lambda s, t, h, alpha: copies_by_loop(s, t, h, alpha) - alpha, "do not subtract"),
    ],
    "ex14_6": [
        (lambda d, e: ranks_by_loop(d, e) - np.ones(len(d)), "begin at 1"),
        (rank(lambda gap, p, q: 1 + (gap > 0).sum(1)), "share a rank"),
        (rank(lambda gap, p, q: 1 + (-gap > 2 * np.hypot(p, q)).sum(1)), "lower is better"),
        (rank(lambda gap, p, q: 1 + (gap > np.hypot(p, q)).sum(1)), "not one"),
        (rank(lambda gap, p, q: 1 + (gap > 2 * (p + q)).sum(1)), "sum of their squares"),
        (rank(lambda gap, p, q: 1 + (gap > 2 * p).sum(1)), "error of both"),
        (lambda d, e: np.argsort(d), "argsort"),
    ],
}

RIGHT = {
    "ex14_1": [
        frechet_by_loop,
        lambda mean1, std1, mean2, std2: np.sum((mean1 - mean2) ** 2 + (std1 - std2) ** 2),
        lambda mean1, std1, mean2, std2: np.linalg.norm(np.concatenate([mean1 - mean2, std1 - std2])) ** 2,
    ],
    "ex14_2": [kernel_by_mask, kernel_by_pairs, kernel_filled],
    "ex14_3": [line_by_least_squares, line_by_covariance, line_by_polynomial],
    "ex14_4": [covered_by_partition, covered_by_loop, covered_without_self],
    "ex14_5": [
        copies_by_loop,
        copies_by_squares,
        copies(lambda own, held_out, alpha: np.percentile(held_out, 100 * alpha)),
        copies_by_rank,
    ],
    "ex14_6": [
        ranks_by_loop,
        rank(lambda gap, p, q: 1 + (gap > 2 * np.hypot(p, q)).sum(axis=1)),
        rank(lambda gap, p, q: 1 + np.count_nonzero(gap > np.sqrt(4 * (p**2 + q**2)), axis=1)),
    ],
}
