"""Answers to the exercises of notebook 03: wrong ones, each with words of its hint, and right ones in other styles."""

import math
from fractions import Fraction

import numpy as np


def white(z, w, signal, variance):
    """p(+1 | z)."""
    plus, minus = w * np.exp(-((z - signal) ** 2) / 2 / variance), (1 - w) * np.exp(-((z + signal) ** 2) / 2 / variance)
    return plus / (plus + minus)


def from_distances(compare=lambda z, visible: (z, visible), factor=2.0, power=2, largest=True, around=None):
    """`x0_from_visible` with mistakes in the compared values or in the exponent."""

    def answer(z, visible, images, signal, noise):
        z, mask = compare(z, visible)
        difference = (z[:, None] - (around or signal) * images) * mask
        log_p = -np.square(difference).sum(axis=(2, 3, 4)) / (factor * noise**power)
        p = np.exp(log_p - (log_p.max(axis=1, keepdims=True) if largest else 0))
        with np.errstate(all="ignore"):
            p = p / p.sum(axis=1, keepdims=True)
        return np.tensordot(p, images, axes=1)

    return answer


def most_probable(z, visible, images, signal, noise):
    distances = np.square((z[:, None] - signal * images) * visible).sum(axis=(2, 3, 4))
    return images[distances.argmin(axis=1)]


def only_visible(z, visible, images, signal, noise):
    return from_distances()(z, visible, images, signal, noise) * visible


def distances(images, references, total=np.mean):
    return np.sqrt(total(np.square(images[:, None] - references), axis=(2, 3, 4))).min(axis=1)


def copies(compare):
    return lambda samples, training, held_out: compare(distances(samples, training), distances(held_out, training))


def choice(change, among_others=True, total=np.sum):
    """`sigma_of_choice` with a mistake in the formula of (squared distance to the nearest image, odds)."""

    def answer(images, odds):
        squares = total(np.square(images[:, None] - images), axis=(2, 3, 4))
        if among_others:
            np.fill_diagonal(squares, np.inf)
        return change(squares.min(axis=1), odds)

    return answer


def by_components(z, w, signal, noise):
    p = [weight * np.exp(-((z - mean) ** 2) / 2 / noise**2) for weight, mean in ((w, signal), (1 - w, -signal))]
    return (p[0] - p[1]) / (p[0] + p[1])


def by_examples(z, visible, images, signal, noise):
    found = []
    for one in z:
        log_p = [-(((one - signal * image)[visible]) ** 2).sum() / (2 * noise**2) for image in images]
        p = np.exp(np.array(log_p) - max(log_p))
        found.append(sum(weight * image for weight, image in zip(p / p.sum(), images, strict=True)))
    return found


def by_logsumexp(z, visible, images, signal, noise):
    flat, known = images.reshape(len(images), -1), visible.ravel()
    d2 = ((z.reshape(len(z), 1, -1)[:, :, known] - signal * flat[:, known]) ** 2).sum(-1) / (2 * noise**2)
    log_p = d2.min(1, keepdims=True) - d2
    return (np.exp(log_p - np.log(np.exp(log_p).sum(1, keepdims=True))) @ flat).reshape(z.shape)


def copies_in_loops(samples, training, held_out):
    def distance(image):
        return min(np.sqrt(np.mean((image - one) ** 2)) for one in training)

    limit = min(map(distance, held_out))
    return Fraction(sum(distance(sample) < limit for sample in samples), len(samples))


def sigma_in_loops(images, odds):
    found = []
    for k, image in enumerate(images):
        others = [np.sum((image - other) ** 2) for j, other in enumerate(images) if j != k]
        found.append(math.sqrt(min(others) / (2 * math.log(odds))))
    return found


WRONG = {
    "ex03_1": [
        (lambda z, w, signal, noise: z / signal, "without noise"),
        (lambda z, w, signal, noise: white(z, w, signal, noise**2), "probability of +1"),
        (lambda z, w, signal, noise: np.tanh(signal * z / noise**2), "not used"),
        (lambda z, w, signal, noise: np.tanh(signal * z / noise**2 + np.log((1 - w) / w) / 2), "wrong way"),
        (lambda z, w, signal, noise: np.tanh(signal * z / noise**2 + np.log(w / (1 - w))), "half"),
        (lambda z, w, signal, noise: np.tanh(signal * z / noise + np.log(w / (1 - w)) / 2), "squared"),
        (lambda z, w, signal, noise: np.tanh(2 * signal * z / noise**2 + np.log(w / (1 - w)) / 2), "factor of 2"),
        (lambda z, w, signal, noise: 2 * white(z, w, 1.0, noise**2) - 1, "signal and -signal"),
        (lambda z, w, signal, noise: np.sign(2 * white(z, w, signal, noise**2) - 1), "more probable"),
        (lambda z, w, signal, noise: np.tanh(0.7 * z / 1.69 + np.log(4) / 2), "not right"),
    ],
    "ex03_2": [
        (from_distances(compare=lambda z, visible: (z, np.ones_like(visible))), "nonsense"),
        (from_distances(compare=lambda z, visible: (z * visible, np.ones_like(visible))), "not measurements"),
        (from_distances(compare=lambda z, visible: (z, ~visible)), "inverted"),
        (only_visible, "whole image"),
        (from_distances(factor=1.0), "factor of 2"),
        (from_distances(power=1), "squared"),
        (from_distances(around=1.0), "signal * x_k"),
        (from_distances(largest=False), "low noise"),
        (most_probable, "most probable"),
        (lambda z, visible, images, signal, noise: np.where(visible, z / signal, 0), "first, then"),
        (lambda z, visible, images, signal, noise: images.mean(axis=0) + 0 * z, "not right"),
    ],
    "ex03_3": [
        (lambda z, eps, a, b, c, d: (z - b * eps) / a, "clean image"),
        (lambda z, eps, a, b, c, d: c * (z - b * eps) / a, "missing"),
        (lambda z, eps, a, b, c, d: (z - b * eps) / a + d * eps, "multiplied by signal_s"),
        (lambda z, eps, a, b, c, d: c * (z - b * eps) + d * eps, "divide"),
        (lambda z, eps, a, b, c, d: c * (z - b * eps) / a + b * eps, "old noise"),
        (lambda z, eps, a, b, c, d: c * (z - eps) / a + d * eps, "as much"),
        (lambda z, eps, a, b, c, d: c * (z - b * eps) / a - d * eps, "added"),
        (lambda z, eps, a, b, c, d: z - eps, "first find"),
        (lambda z, eps, a, b, c, d: z, "z_t again"),
        (lambda z, eps, a, b, c, d: 0.7 * (z - 0.9 * eps) / 0.4 + 0.55 * eps, "not right"),
    ],
    "ex03_4": [
        (copies(lambda of_samples, of_held_out: np.sum(of_samples < of_held_out.min())), "number of copies"),
        (copies(lambda of_samples, of_held_out: np.mean(of_samples >= of_held_out.min())), "not copies"),
        (copies(lambda of_samples, of_held_out: np.mean(of_samples < of_held_out.mean())), "the mean held-out"),
        (copies(lambda of_samples, of_held_out: np.mean(of_samples < of_held_out.max())), "largest"),
        (copies(lambda of_samples, of_held_out: np.mean(of_samples == 0)), "a little noise"),
        (copies(lambda of_samples, of_held_out: 0.5), "begins with"),
        (copies(lambda of_samples, of_held_out: None), "return"),
        (lambda samples, training, held_out: 3 / 11, "not right"),
        (
            lambda samples, training, held_out: np.mean(
                distances(samples, training) < distances(held_out, samples).min()
            ),
            "with training images",
        ),
        (
            lambda samples, training, held_out: np.mean(distances(samples, training) < distances(samples, held_out)),
            "not with the samples",
        ),
    ],
    "ex03_5": [
        (choice(lambda d2, odds: np.sqrt(d2 / (2 * np.log(odds))), among_others=False), "itself"),
        (choice(lambda d2, odds: d2 / (2 * np.log(odds))), "root"),
        (choice(lambda d2, odds: np.sqrt(d2 / np.log(odds))), "factor of 2"),
        (choice(lambda d2, odds: np.sqrt(d2 / (2 * np.log(odds))), total=np.mean), "mean of squares"),
        (choice(lambda d2, odds: np.sqrt(d2 / (2 * odds))), "logarithm"),
        (choice(lambda d2, odds: np.sqrt(d2) / (2 * np.log(odds))), "whole fraction"),
        (choice(lambda d2, odds: np.sqrt(d2 / (2 * np.log(odds))).min()), "each image"),
        (choice(lambda d2, odds: np.sqrt(d2 / (4 * np.log(odds)))), "first term"),
        (lambda images, odds: np.ones(len(images)), "begins with"),
    ],
}


RIGHT = {
    "ex03_1": [
        by_components,
        lambda z, w, signal, noise: 2 / (1 + (1 - w) / w * np.exp(-2 * signal * z / noise**2)) - 1,
        lambda z, w, signal, noise: np.vectorize(math.tanh)(signal / noise**2 * z + np.arctanh(2 * w - 1)),
        lambda z, w, signal, noise: by_components(z, w, signal, noise).astype(np.float32),
    ],
    "ex03_2": [by_examples, by_logsumexp, lambda *given: by_logsumexp(*given).astype(np.float32)],
    "ex03_3": [
        lambda z, eps, a, b, c, d: c / a * z + (d - c * b / a) * eps,
        lambda z, eps, a, b, c, d: c * (z / a + (d / c - b / a) * eps),
        lambda z, eps, a, b, c, d: ((z - b * eps) / a * c + eps * d).tolist(),
    ],
    "ex03_4": [
        copies_in_loops,
        copies(lambda of_samples, of_held_out: np.count_nonzero(of_samples < np.min(of_held_out)) / of_samples.size),
        lambda samples, training, held_out: np.mean(
            distances(samples, training, total=np.sum) < distances(held_out, training, total=np.sum).min()
        ),
    ],
    "ex03_5": [
        sigma_in_loops,
        lambda images, odds: (
            np.sort(np.linalg.norm((images[:, None] - images).reshape(len(images), len(images), -1), axis=2))[:, 1]
            / np.sqrt(2 * np.log(odds))
        ),
        lambda images, odds: np.array(sigma_in_loops(images, odds), np.float32),
    ],
}
