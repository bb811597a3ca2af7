"""The exercises of `tutorials/03_without_a_network.ipynb`: best guesses without a network, and copies found out.

Guesses are held to sums over all that may have been, distances to plain loops.
"""

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect


def _examine_black_or_white(answer):
    z, w, signal, noise = np.linspace(-5, 5, 23), 0.8, 0.7, 1.3

    def guess(w=w, signal=signal, variance=noise**2):
        white = w * np.exp(-((z - signal) ** 2) / (2 * variance))
        black = (1 - w) * np.exp(-((z + signal) ** 2) / (2 * variance))
        return white / (white + black)  # p(white | z)

    found = as_numbers("x0_hat", call(answer, z, w, signal, noise))
    right = 2 * guess() - 1
    mistakes = [
        (guess(), "this is the probability of +1; the mean is what you get from +1 and -1 with their probabilities"),
        (2 * guess(w=0.5) - 1, "w is not used: before any z is seen, +1 is more probable than -1"),
        (2 * guess(w=1 - w) - 1, "w works the wrong way round: it is the probability of +1"),
        (2 * guess(w=w**2 / (w**2 + (1 - w) ** 2)) - 1, "half of ln(w / (1 - w)) belongs into the tanh, not all of it"),
        (2 * guess(variance=noise) - 1, "the exponent is divided by 2 noise^2: the noise has to be squared"),
        (2 * guess(variance=noise**2 / 2) - 1, "a factor of 2: the exponent of a normal density is -d^2 / (2 noise^2)"),
        (2 * guess(signal=1.0) - 1, "z lies around signal and -signal, not around 1 and -1"),
        (np.sign(right), "this is the more probable of the two; the best guess is their mean, weighted"),
        (z / signal, "z / signal is the guess without noise: use what is known, that x0 is +1 or -1"),
    ]
    expect("x0_hat", found, right, mistakes)


def _examine_visible(answer):
    rng = np.random.default_rng(1)
    images = rng.uniform(-1, 1, (7, 3, 4, 2))
    images[3:] = images[0] + 0.2 * rng.normal(size=(4, 3, 4, 2))  # so that several come into question
    visible = rng.uniform(size=(3, 4, 2)) < 0.6
    signal, noise = 0.8, 0.5
    x0, eps = images[[0, 4, 2, 5, 6]], rng.normal(size=(5, 3, 4, 2))
    nonsense = rng.normal(0, 2, x0.shape)

    def guess(z, noise, seen=visible, signal=signal, power=1.0):
        log_p = -np.square(z[:, None] - signal * images)[:, :, seen].sum(axis=2) * power / (2 * noise**2)
        p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
        return np.einsum("nk,k...->n...", p / p.sum(axis=1, keepdims=True), images)

    z = np.where(visible, signal * x0 + noise * eps, nonsense)
    right, everything = guess(z, noise), np.ones_like(visible)
    mistakes = [
        (guess(z, noise, seen=everything), "the nonsense is used, too: only visible numbers tell the images apart"),
        (guess(np.where(visible, z, 0), noise, seen=everything), "zeros are no measurement: an image dark where "
         "nothing was seen would look more probable; leave these numbers out of the distance"),
        (guess(z, noise, seen=~visible), "the mask is turned round: visible is True where z was measured"),
        (np.where(visible, right, 0), "x0_hat is a whole image: the mean is of all their numbers"),
        (np.where(visible, z / signal, 0), "nothing of the images is used yet: find p(k | z) first, then the mean"),
        (np.where(visible, z / signal, right), "what is visible is noisy, too: take the mean of images there, too"),
        (guess(z, noise, power=2.0), "a factor of 2: the exponent is -distance^2 / (2 noise^2)"),
        (guess(z, noise**0.5), "the exponent is divided by 2 noise^2: the noise has to be squared"),
        (guess(z, noise, signal=1.0), "z lies around signal * x_k, not around x_k"),
        (guess(z, noise, power=1 / visible.sum()), "a mean of squares: in the exponent stands their sum"),
        (guess(z, noise, power=1e6),
         "this is the most probable image: the best guess is the mean of all, with their probabilities"),
    ]  # fmt: skip
    expect("x0_hat", call(answer, z, visible, images, signal, noise), right, mistakes)
    z, noise = np.where(visible, signal * x0 + 0.2 * eps, nonsense), 0.003  # far from every image, in units of noise
    with np.errstate(all="ignore"):
        found = as_numbers("x0_hat", call(answer, z, visible, images, signal, noise))
    if not np.isfinite(found).all():
        raise Wrong("right, but not at low noise: exp gives 0 for every image; subtract the largest logarithm first")
    expect("x0_hat at low noise", found, guess(z, noise))


def _examine_step(answer):
    rng = np.random.default_rng(2)
    z, eps_hat = rng.normal(size=(2, 3, 4, 1)), rng.normal(size=(2, 3, 4, 1))
    signal_t, noise_t, signal_s, noise_s = 0.4, 0.9, 0.7, 0.55
    x0_hat = (z - noise_t * eps_hat) / signal_t
    right = signal_s * x0_hat + noise_s * eps_hat
    mistakes = [
        (x0_hat, "this is x0_hat, the guess of the clean image; now mix it again with less noise"),
        (signal_s * x0_hat, "the noise of step s is missing: add noise_s * eps_hat"),
        (x0_hat + noise_s * eps_hat, "x0_hat has to be multiplied by signal_s"),
        (signal_s * x0_hat * signal_t + noise_s * eps_hat, "z - noise_t * eps_hat is signal_t x0_hat: divide"),
        (signal_s * x0_hat + noise_t * eps_hat, "noise_t is the old noise; at s there is noise_s"),
        (z - eps_hat, "first find x0_hat from z = signal_t x0 + noise_t eps, then mix it with less noise"),
        (z, "this is z_t again: use signal_s and noise_s in the mixing"),
        (signal_s * (z - eps_hat) / signal_t + noise_s * eps_hat, "in z there is noise_t times eps: take away as much"),
        (signal_s * x0_hat - noise_s * eps_hat, "the noise is added in z = signal x0 + noise eps, at s as well"),
    ]
    expect("z_s", call(answer, z, eps_hat, signal_t, noise_t, signal_s, noise_s), right, mistakes)


def _examine_copies(answer):
    rng = np.random.default_rng(3)
    training = rng.uniform(-1, 1, (9, 3, 4, 2))

    def near(distances):
        """Images at these distances (root mean square) from training images."""
        away = rng.normal(size=(len(distances), 3, 4, 2))
        away /= np.sqrt(np.square(away).mean(axis=(1, 2, 3), keepdims=True))
        return training[np.arange(len(distances)) % 9] + away * np.reshape(distances, (-1, 1, 1, 1))

    held_out = near([0.11, 0.1, 0.3, 0.2])
    samples = near([0.001, 0.04, 0.09, 0.15, 0.16, 0.25, 0.4, 0.05, 0.18, 0.17, 0.15])

    def nearest(images, references):
        return np.sqrt(np.square(images[:, None] - references).mean(axis=(2, 3, 4))).min(axis=1)

    of_samples, of_held_out = nearest(samples, training), nearest(held_out, training)
    right = np.mean(of_samples < of_held_out.min())
    mistakes = [
        (np.sum(of_samples < of_held_out.min()), "this is how many copies there are; their share was asked for"),
        (1 - right, "this is the share of samples that are no copies"),
        (np.mean(of_samples < of_held_out.mean()), "held to the mean of the held-out distances: closer than *any* "
         "means closer than the smallest"),
        (np.mean(of_samples < of_held_out.max()), "held to the largest of the held-out distances: closer than *any* "
         "means closer than the smallest"),
        (np.mean(of_samples < nearest(held_out, samples).min()), "the held-out images were compared with samples: "
         "theirs, too, is the distance to the training images"),
        (np.mean(of_samples < 1e-6), "copies come with a little noise: compare with the held-out images, not zero"),
        (np.mean(of_samples < of_held_out.min() * np.sqrt(24)), "one distance is a root of a sum and one a root of a "
         "mean: measure both the same way"),
        (0.5, "0.5 is where the cell begins: compute it from the distances"),
    ]  # fmt: skip
    found = as_numbers("the share", call(answer, samples, training, held_out))
    expect("the share", found, right, mistakes)


def _examine_choice(answer):
    images, odds = np.random.default_rng(4).uniform(-1, 1, (6, 3, 4, 2)), 50.0
    squares = np.square(images[:, None] - images).sum(axis=(2, 3, 4))
    others = squares + np.diag(np.full(len(images), np.inf))
    right = np.sqrt(others.min(axis=1) / (2 * np.log(odds)))
    mistakes = [
        (np.zeros(len(images)), "each image is nearest to itself: look among the others only"),
        (right**2, "this is sigma^2: take the root"),
        (right * np.sqrt(2), "a factor of 2: equation (4) divides by 2 sigma^2"),
        (right / np.sqrt(24), "a mean of squares: the |x_k - x_j|^2 of equation (4) is their sum"),
        (np.sqrt(squares.max(axis=1) / (2 * np.log(odds))), "held to the image least like it: the nearest is the "
         "last to be ruled out"),
        (np.sqrt(others.min(axis=1) / (2 * odds)), "equation (4) is about the logarithm of the odds"),
        (np.sqrt(others.min(axis=1)) / (2 * np.log(odds)), "the root goes over all of it: sigma^2 is a fraction with "
         "2 ln odds below"),
        (right.min(), "one number for each image, (K)"),
    ]  # fmt: skip
    expect("sigma", call(answer, images, odds), right, mistakes)


EXERCISES = (
    Exercise("ex03_1", "black or white", 2, "black_or_white", _examine_black_or_white),
    Exercise("ex03_2", "an image of which a part is missing", 3, "x0_from_visible", _examine_visible),
    Exercise("ex03_3", "a step with the noise alone", 2, "step", _examine_step),
    Exercise("ex03_4", "who copies?", 2, "share_of_copies", _examine_copies),
    Exercise("ex03_5", "the noise level of the choice", 3, "sigma_of_choice", _examine_choice),
)
