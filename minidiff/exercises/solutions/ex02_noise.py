"""Solutions of the exercises of `tutorials/02_noise.ipynb`."""

import numpy as np


# Each step multiplies the image by sqrt(1 - beta), so the factors multiply; a 1 in front is t = 0. The squares of
# signal and noise sum to one at every timestep.
def closed_form(beta):
    alpha_bar = np.append(1.0, np.cumprod(1 - beta))
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


# The ratio makes the signal right. It also multiplies the noise in z, whose variance and that of the added noise sum to
# the variance at the later timestep.
def more_noise(signal, noise, signal_up, noise_up):
    ratio = signal_up / signal
    return ratio, np.sqrt(noise_up**2 - (ratio * noise) ** 2)


# log-SNR = -2 ln sigma, so sigma = exp(-log_snr / 2). With sigma = noise / signal = 0.99 u / (1 - 0.99 u), solve for u.
def flow_time(log_snr):
    sigma = np.exp(-log_snr / 2)
    return sigma / (1 + sigma) / 0.99


# Signal and noise are equal where alpha_bar = 1/2. For alpha_bar = 1 - v that is at v = 1/2; with v = sqrt(u) it is at
# u = 1/4. The factor 0.999 leaves a signal of 0.03 at the end, and moves this time by a quarter of a percent.
def own_curve(u):
    alpha_bar = 1 - 0.999 * np.sqrt(u)
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


# The score is a target with a = 0 and b = -1 / noise. It gives eps, and then z gives x0; together this is Tweedie's
# formula, x0_hat = (z + noise^2 score) / signal.
def solve_score(z, score, signal, noise):
    eps_hat = -noise * score
    x0_hat = (z - noise * eps_hat) / signal
    return x0_hat, eps_hat
