"""The exercises of `tutorials/03_without_a_network.ipynb`: exact denoisers, and copies of training images.

Denoisers are compared with sums over all possible images, distances with plain NumPy.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect


@exercise("ex03_1", "black or white", points=2)
def _check_black_or_white(answer: Any) -> None:
    few = np.random.default_rng(0).normal(0, 2, (3, 4))
    for z, w, signal, noise in (
        (np.linspace(-5, 5, 23), 0.8, 0.7, 1.3), (few, 0.3, 0.5, 0.6), (few[0], 0.5, 1.0, 2.0), (few.T, 0.97, 0.2, 0.9),
    ):  # fmt: skip

        def p_white(w: float = w, signal: float = signal, variance: float = noise**2, z: np.ndarray = z) -> np.ndarray:
            white = w * np.exp(-((z - signal) ** 2) / (2 * variance))
            black = (1 - w) * np.exp(-((z + signal) ** 2) / (2 * variance))
            return white / (white + black)  # p(white | z)

        right = 2 * p_white() - 1
        mistakes = [
            (p_white(), "this is the probability of +1; x0_hat is the mean of +1 and -1, weighted with both of them"),
            (2 * p_white(w=0.5) - 1, "w is not used: a priori, +1 is more probable than -1"),
            (2 * p_white(w=1 - w) - 1, "w is used the wrong way: it is the probability of +1"),
            (2 * p_white(w=w**2 / (w**2 + (1 - w) ** 2)) - 1, "use half of ln(w / (1 - w)) in the tanh, not all of it"),
            (2 * p_white(variance=noise) - 1, "the exponent is divided by 2 noise^2: the noise has to be squared"),
            (
                2 * p_white(variance=noise**2 / 2) - 1,
                "a factor of 2: the exponent of the density is -d^2 / (2 noise^2)",
            ),
            (2 * p_white(signal=1.0) - 1, "z is distributed around signal and -signal, not around 1 and -1"),
            (np.sign(right), "this is the more probable of the two values; x0_hat is their weighted mean"),
            (z / signal, "z / signal is x0 without noise: use that x0 is +1 or -1"),
        ]
        expect("x0_hat", call(answer, z, w, signal, noise), right, mistakes)


@exercise("ex03_2", "an image with missing pixels", points=3)
def _check_x0_from_visible(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for K, shape, signal, noise in ((7, (3, 4, 2), 0.8, 0.5), (3, (2, 5, 1), 0.5, 0.9), (5, (4, 4, 3), 1.0, 1.5)):
        images = rng.uniform(-1, 1, (K, *shape))
        images[K // 2 :] = images[0] + 0.2 * rng.normal(size=(K - K // 2, *shape))  # so that several are probable
        visible = rng.uniform(size=shape) < 0.6
        x0 = images[[0, -1, 1, -2, -1]]
        eps, nonsense = rng.normal(size=x0.shape), rng.normal(0, 2, x0.shape)
        z = np.where(visible, signal * x0 + noise * eps, nonsense)
        _compare_estimates(answer, z, visible, images, signal, noise)
        z, noise = np.where(visible, signal * x0 + 0.2 * eps, nonsense), 0.003  # far from every image
        with np.errstate(all="ignore"):
            found = as_array("x0_hat", call(answer, z, visible, images, signal, noise))
        if not np.isfinite(found).all():
            raise Wrong("right, but not at low noise: exp gives 0 for all images; subtract the largest logarithm first")
        expect("x0_hat at low noise", found, _estimate(z, visible, images, signal, noise))


def _estimate(
    z: np.ndarray, mask: np.ndarray, images: np.ndarray, signal: float, noise: float, power: float = 1.0
) -> np.ndarray:
    """x0_hat of the oracle from the elements of z where the mask is True; `power` multiplies the logarithms."""
    log_p = -np.square(z[:, None] - signal * images)[:, :, mask].sum(axis=2) * power / (2 * noise**2)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    return np.einsum("nk,k...->n...", p / p.sum(axis=1, keepdims=True), images)


def _compare_estimates(
    answer: Any, z: np.ndarray, visible: np.ndarray, images: np.ndarray, signal: float, noise: float
) -> None:
    """One comparison of `_check_x0_from_visible`, at a noise where several images are probable."""

    def estimate(z=z, noise=noise, mask=visible, signal=signal, power=1.0):
        return _estimate(z, mask, images, signal, noise, power)

    right, everything, dark = estimate(), np.ones_like(visible), np.where(visible, z, 0)
    mistakes = [
        (estimate(mask=everything), "the nonsense is used, too: compare the visible values only"),
        (estimate(dark, mask=everything), "zeros are not measurements: leave these values out of the distance"),
        (estimate(mask=~visible), "the mask is inverted: visible is True where z was measured"),
        (np.where(visible, right, 0), "x0_hat is a whole image: take the mean of all values"),
        (np.where(visible, z / signal, 0), "the images are not used yet: find p(k | z) first, then the mean"),
        (np.where(visible, z / signal, right), "the visible values are noisy, too: take the mean of images there, too"),
        (estimate(power=2.0), "a factor of 2: the exponent is -distance^2 / (2 noise^2)"),
        (estimate(noise=noise**0.5), "the exponent is divided by 2 noise^2: the noise has to be squared"),
        (estimate(signal=1.0), "z is distributed around signal * x_k, not around x_k"),
        (estimate(power=1 / visible.sum()), "this has a mean of squares; the exponent has their sum"),
        (estimate(power=1e6), "this is the most probable image; x0_hat is the weighted mean of all images"),
    ]
    expect("x0_hat", call(answer, z, visible, images, signal, noise), right, mistakes)


@exercise("ex03_3", "a step from eps_hat alone", points=2)
def _check_step(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for shape, levels in (
        ((2, 3, 4, 1), (0.4, 0.9, 0.7, 0.55)), ((5,), (0.9, 0.2, 1.0, 0.0)), ((3, 2), (1.0, 5.0, 1.0, 2.0)),
        ((4, 1), (0.8, 0.3, 0.1, 1.2)),
    ):  # fmt: skip
        signal_t, noise_t, signal_s, noise_s = levels
        z, eps_hat = rng.normal(size=(2, *shape))
        x0_hat = (z - noise_t * eps_hat) / signal_t
        right = signal_s * x0_hat + noise_s * eps_hat
        mistakes = [
            (x0_hat, "this is x0_hat, the estimate of the clean image; mix it with less noise again"),
            (signal_s * x0_hat, "the noise at s is missing: add noise_s * eps_hat"),
            (x0_hat + noise_s * eps_hat, "x0_hat has to be multiplied by signal_s"),
            (signal_s * x0_hat * signal_t + noise_s * eps_hat, "z - noise_t * eps_hat is signal_t x0_hat: divide"),
            (signal_s * x0_hat + noise_t * eps_hat, "noise_t is the old noise; at s it is noise_s"),
            (z - eps_hat, "first find x0_hat from z = signal_t x0 + noise_t eps, then mix it with less noise"),
            (z, "this is z_t again: use signal_s and noise_s in the mixture"),
            (signal_s * (z - eps_hat) / signal_t + noise_s * eps_hat, "z contains noise_t times eps: subtract as much"),
            (signal_s * x0_hat - noise_s * eps_hat, "the noise is added in z = signal x0 + noise eps, at s as well"),
        ]
        expect("z_s", call(answer, z, eps_hat, signal_t, noise_t, signal_s, noise_s), right, mistakes)


@exercise("ex03_4", "the fraction of copies", points=2)
def _check_share_of_copies(answer: Any) -> None:
    rng = np.random.default_rng(3)

    def near(training: np.ndarray, distances: list[float]) -> np.ndarray:
        """Images at these distances (root mean square) from training images."""
        away = rng.normal(size=(len(distances), *training.shape[1:]))
        away /= np.sqrt(np.square(away).mean(axis=(1, 2, 3), keepdims=True))
        return training[np.arange(len(distances)) % len(training)] + away * np.reshape(distances, (-1, 1, 1, 1))

    some = [0.001, 0.04, 0.09, 0.15, 0.16, 0.25, 0.4, 0.05, 0.18, 0.17, 0.15]
    for count, shape, of_samples, of_held_out in (
        (9, (3, 4, 2), some, [0.11, 0.1, 0.3, 0.2]), (4, (2, 5, 3), [0.5, 0.3], [0.2, 0.25, 0.21]),
        (6, (4, 4, 1), [0.05, 0.02, 0.1], [0.3]),
    ):  # fmt: skip
        training = rng.uniform(-1, 1, (count, *shape))
        samples, held_out = near(training, of_samples), near(training, of_held_out)
        _compare_fractions(answer, samples, training, held_out)


def _compare_fractions(answer: Any, samples: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> None:
    """One comparison of `_check_share_of_copies`."""

    def nearest(images: np.ndarray, references: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(images[:, None] - references).mean(axis=(2, 3, 4))).min(axis=1)

    of_samples, of_held_out = nearest(samples, training), nearest(held_out, training)
    right, factor = np.mean(of_samples < of_held_out.min()), np.sqrt(training[0].size)
    smallest = "closer than *any* held-out image means closer than the smallest distance"
    mistakes = [
        (np.sum(of_samples < of_held_out.min()), "this is the number of copies; return their fraction"),
        (1 - right, "this is the fraction of samples that are not copies"),
        (np.mean(of_samples < of_held_out.mean()), f"compared with the mean held-out distance: {smallest}"),
        (np.mean(of_samples < of_held_out.max()), f"compared with the largest held-out distance: {smallest}"),
        (np.mean(of_samples < nearest(held_out, samples).min()), np.mean(of_samples < nearest(samples, held_out)),
         "compare held-out images with training images, too: not with the samples"),
        (np.mean(of_samples < 1e-6), "copies contain a little noise: compare with the held-out images, not with zero"),
        (np.mean(of_samples < of_held_out.min() * factor), "a root of a sum and one of a mean: use one formula"),
        (0.5, "0.5 is what the cell begins with: compute it from the distances"),
    ]  # fmt: skip
    expect("the fraction", call(answer, samples, training, held_out), right, mistakes)


@exercise("ex03_5", "the noise level of the decision", points=3)
def _check_sigma_of_choice(answer: Any) -> None:
    rng = np.random.default_rng(4)
    for K, shape, odds in ((6, (3, 4, 2), 50.0), (3, (2, 2, 1), 1.5), (9, (2, 3, 3), 1000.0)):
        images = rng.uniform(-1, 1, (K, *shape))
        squares = np.square(images[:, None] - images).sum(axis=(2, 3, 4))
        others = squares + np.diag(np.full(K, np.inf))
        right = np.sqrt(others.min(axis=1) / (2 * np.log(odds)))
        mistakes = [
            (np.zeros(K), "each image is nearest to itself: compare it with the others only"),
            (right**2, "this is sigma^2: take the root"),
            (right * np.sqrt(2), "a factor of 2: the logarithm of the odds is |x_k - x_j|^2 / (2 sigma^2)"),
            (right / np.sqrt(2), "a factor of 2: only the first term of equation (4), |x_k - x_j|^2 / (2 sigma^2)"),
            (right / np.sqrt(images[0].size), "this has a mean of squares: |x_k - x_j|^2 is their sum"),
            (np.sqrt(squares.max(axis=1) / (2 * np.log(odds))), "this uses the most distant image: use the nearest"),
            (np.sqrt(others.min(axis=1) / (2 * odds)), "equation (4) is about the logarithm of the odds"),
            (np.sqrt(others.min(axis=1)) / (2 * np.log(odds)), "take the root of the whole fraction, with 2 ln odds"),
            (np.ones(K), "1 for each image is what the cell begins with: solve the first term of (4) for sigma"),
            (right.min(), "return one value for each image, (K)"),
        ]
        expect("sigma", call(answer, images, odds), right, mistakes)
