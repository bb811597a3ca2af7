"""Solutions of the exercises of `tutorials/13_likelihood_and_guidance.ipynb`."""

import numpy as np


# Equation (1), with |x0_hat - x0|^2 = sigma_t^2 |eps_hat - eps|^2. For short steps it becomes
# ln(sigma_t / sigma_s) eps_error.
def diffusion_term(eps_error, sigma_t, sigma_s):
    return (sigma_t**2 / sigma_s**2 - 1) / 2 * eps_error


# Equation (2) for every element, added up. The logarithm and the constants are the same for all elements.
def prior_term(x0, signal, noise, std):
    x0 = x0.reshape(len(x0), -1)
    each = np.log(std / noise) + (noise**2 + signal**2 * x0**2) / (2 * std**2) - 1 / 2
    return each.sum(axis=1)


# e' J e for each probe and image, and the mean over the probes.
def trace_estimate(pullback, probes):
    return np.mean([(pullback(e) * e).sum(axis=1) for e in probes], axis=0)


# Equation (6): the width of a byte's interval is 2 / 255.
def bits(log_p, H, W, C):
    return -log_p / (H * W * C * np.log(2)) - np.log2(2 / 255)


# The score grows by w times the gradient, and x0_hat = (z + noise^2 score) / signal.
def guided_estimate(x0_hat, gradient, signal, noise, w):
    return x0_hat + w * noise**2 / signal * gradient


# The tilted density is the same set with the weights q^w. Its noised version has its own x0_hat, and Tweedie's formula
# gives its score.
def tilted_score(z, data, q, signal, noise, w):
    log_p = w * np.log(q) - np.square(z[:, None] - signal * data).sum(axis=2) / (2 * noise**2)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    x0_hat = p @ data / p.sum(axis=1, keepdims=True)
    return (signal * x0_hat - z) / noise**2
