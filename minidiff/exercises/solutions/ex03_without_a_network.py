"""Solutions of the exercises of `tutorials/03_without_a_network.ipynb`."""

import numpy as np

from minidiff.evaluation.nearest import nearest


# By Bayes' rule the logarithm of p(+1 | z) / p(-1 | z) is 2 signal z / noise^2 + ln(w / (1 - w)). The mean is
# p(+1 | z) - p(-1 | z), and for two probabilities that is the tanh of half of this logarithm.
def black_or_white(z, w, signal, noise):
    return np.tanh(signal * z / noise**2 + np.log(w / (1 - w)) / 2)


# Values that were not measured contain no information about k, so the distance is over the visible ones only. The mean
# is of whole images.
def x0_from_visible(z, visible, images, signal, noise):
    difference = (z[:, None] - signal * images) * visible  # (N, K, H, W, C)
    log_p = -np.square(difference).sum(axis=(2, 3, 4)) / (2 * noise**2)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return np.tensordot(p, images, axes=1)


# z = signal x0 + noise eps, solved for x0; then mixed again for timestep s.
def step(z, eps_hat, signal_t, noise_t, signal_s, noise_s):
    x0_hat = (z - noise_t * eps_hat) / signal_t
    return signal_s * x0_hat + noise_s * eps_hat


# The held-out images show how close an image comes to a training image by chance.
def share_of_copies(samples, training, held_out):
    _, of_samples = nearest(samples, training)
    _, of_held_out = nearest(held_out, training)
    return np.mean(of_samples < of_held_out.min())


# On average ln odds = |x_k - x_j|^2 / (2 sigma^2). Solve for sigma, with the nearest other image as x_j.
def sigma_of_choice(images, odds):
    vectors = images.reshape(len(images), -1)
    squares = np.square(vectors[:, None] - vectors).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return np.sqrt(squares.min(axis=1) / (2 * np.log(odds)))
