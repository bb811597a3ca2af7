"""Answers to the exercises of notebook 02: wrong ones, each with words of its hint, and right ones in other styles."""

import math

import numpy as np


def levels(signal=None, noise=None):
    """Signal and noise from beta, one of them with a mistake (default: the right formula)."""

    def closed_form(beta):
        alpha_bar = np.append(1, np.cumprod(1 - beta))
        right = np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)
        return signal(beta, alpha_bar) if signal else right[0], noise(beta, alpha_bar) if noise else right[1]

    return closed_form


def more(ratio=None, std=None):
    def more_noise(signal, noise, signal_up, noise_up):
        r = ratio(signal, signal_up) if ratio else signal_up / signal
        given = (noise, noise_up, signal_up / signal)
        return r, std(*given) if std else np.sqrt(noise_up**2 - (signal_up / signal * noise) ** 2)

    return more_noise


def time(sigma_of, end=0.99):
    return lambda log_snr: sigma_of(log_snr) / (1 + sigma_of(log_snr)) / end


def curve(alpha_bar_of):
    return lambda u: (np.sqrt(alpha_bar_of(u)), np.sqrt(1 - alpha_bar_of(u)))


def not_a_number(u):
    with np.errstate(invalid="ignore"):
        return np.sqrt(1 - 2 * u), np.sqrt(2 * u)


def closed_form_in_a_loop(beta):
    signal, noise = [1.0], [0.0]
    for b in beta:
        signal.append(signal[-1] * (1 - b) ** 0.5)
        noise.append(((1 - b) * noise[-1] ** 2 + b) ** 0.5)
    return signal, noise


def by_noise_levels(signal, noise, signal_up, noise_up):
    return np.array([signal_up / signal, noise_up * np.sqrt(1 - (noise / signal / (noise_up / signal_up)) ** 2)])


def by_bisection(log_snr):
    low, high = np.full(log_snr.shape, 1e-9), np.full(log_snr.shape, 1.01)
    for _ in range(80):
        middle = (low + high) / 2
        with np.errstate(all="ignore"):
            clean = 2 * np.log((1 - 0.99 * middle) / (0.99 * middle)) > log_snr
        low, high = np.where(clean, middle, low), np.where(clean, high, middle)
    return low


def rotated(u):
    power = np.log(0.5 / 0.995) / np.log(0.25)
    angle = 0.995 * np.pi / 2 * u**power
    return np.stack([np.cos(angle), np.sin(angle)])


def by_log_snr(u):
    x = 12 * (np.sqrt(np.clip(u, 1e-12, None)) - 0.5)
    x = np.where(u > 0, x + np.log(np.clip(u, 1e-12, None)) / 2 - np.log(0.25) / 2, -60)
    return np.sqrt(1 / (1 + np.exp(x))), np.sqrt(1 / (1 + np.exp(-x)))


WRONG = {
    "ex02_1": [
        (levels(signal=lambda beta, alpha_bar: alpha_bar), "square of the signal"),
        (levels(signal=lambda beta, alpha_bar: np.sqrt(alpha_bar[1:])), "clean image is missing"),
        (levels(signal=lambda beta, alpha_bar: alpha_bar[1:]), "t = 0"),
        (levels(signal=lambda beta, alpha_bar: np.sqrt(1 - np.append(0, beta))), "each step alone"),
        (levels(signal=lambda beta, alpha_bar: np.sqrt(np.append(1, np.cumprod(beta)))), "what each step keeps"),
        (levels(signal=lambda beta, alpha_bar: np.sqrt(1 - np.append(0, np.cumsum(beta)))), "approximation"),
        (levels(noise=lambda beta, alpha_bar: 1 - np.sqrt(alpha_bar)), "their squares"),
        (levels(noise=lambda beta, alpha_bar: np.sqrt(1 - np.sqrt(alpha_bar))), "under the root"),
        (levels(noise=lambda beta, alpha_bar: 1 - alpha_bar), "variance"),
        (levels(noise=lambda beta, alpha_bar: np.sqrt(np.append(0, np.cumsum(beta)))), "shrinks the earlier"),
        (levels(noise=lambda beta, alpha_bar: np.sqrt(np.append(0, beta))), "last step alone"),
        (lambda beta: np.sqrt(np.cumprod(1 - beta)), "2 things"),
        (levels(signal=lambda beta, alpha_bar: np.sqrt(1 - beta)), "t = 0 is missing"),
        (lambda beta: levels()(np.array([0.02, 0.1, 0.05, 0.3, 0.25])), "shape"),
    ],
    "ex02_2": [
        (more(ratio=lambda signal, signal_up: signal / signal_up), "inverted"),
        (more(ratio=lambda signal, signal_up: signal_up), "already has"),
        (more(ratio=lambda signal, signal_up: 1), "has to become"),
        (more(std=lambda noise, up, ratio: np.sqrt(up**2 - noise**2)), "multiplied by the ratio"),
        (more(std=lambda noise, up, ratio: up - noise), "do not add up"),
        (more(std=lambda noise, up, ratio: up - ratio * noise), "do not add up"),
        (more(std=lambda noise, up, ratio: up), "noisy already"),
        (more(std=lambda noise, up, ratio: up**2 - (ratio * noise) ** 2), "its root"),
        (more(std=lambda noise, up, ratio: np.sqrt(1 - ratio**2)), "only if the squares"),
        (more(ratio=lambda signal, signal_up: 0.5), "ratio is not right"),
    ],
    "ex02_3": [
        (time(lambda log_snr: np.exp(-log_snr / 2), end=1), "99 %"),
        (time(lambda log_snr: np.exp(log_snr / 2)), "reversed"),
        (time(lambda log_snr: np.exp(-log_snr)), "ratio of the squares"),
        (time(lambda log_snr: np.exp(-2 * log_snr)), "inverted"),
        (time(lambda log_snr: 10 ** (-log_snr / 2)), "natural one, not"),
        (time(lambda log_snr: 10 ** (-log_snr / 20)), "decibels"),
        (lambda log_snr: np.exp(-log_snr / 2), "this is the noise level"),
        (lambda log_snr: np.exp(-log_snr), "1 / SNR"),
        (lambda log_snr: np.exp(-log_snr / 2) / (1 + np.exp(-log_snr / 2)) * 0.99, "divide by 0.99"),
    ],
    "ex02_4": [
        (curve(lambda u: 1 - 0.999 * u), "at a quarter"),
        (curve(lambda u: 1 - np.sqrt(u)), "no signal at all"),
        (curve(lambda u: 1 - 0.9 * np.sqrt(u)), "end in noise"),
        (curve(lambda u: 0.9 - 0.899 * np.sqrt(u)), "clean"),
        (lambda u: (1 - 0.99 * u, 0.99 * u), "sum to one"),
        (curve(lambda u: 0.5005 + 0.4995 * np.cos(3 * np.pi * u)), "noisier at every timestep"),
        (not_a_number, "NaN"),
        (lambda u: (1.0, 0.0), "shape"),
        (lambda u: 1 - u, "2 things"),
        (lambda u: curve(lambda v: 1 - 0.999 * np.sqrt(v))(np.linspace(0, 1, u.size).reshape(u.shape)), "use u alone"),
        (lambda u: curve(lambda v: 1 - 0.999 * np.sqrt(v))(u / u.max()), "use u alone"),
        (lambda u: (np.cos(0.99 * np.pi / 2 * np.sqrt(u)), np.sin(0.99 * np.pi / 2 * np.sqrt(u))), "nearly"),
        (lambda u: (np.sqrt(1 - 0.999 * np.sqrt(u)), -np.sqrt(0.999 * np.sqrt(u))), "negative"),
    ],
    "ex02_5": [
        (lambda z, score, signal, noise: (z, noise * score), "points back"),
        (lambda z, score, signal, noise: (z, score), "score itself"),
        (lambda z, score, signal, noise: (z, -score), "multiply by the noise"),
        (lambda z, score, signal, noise: (z, -score / noise), "once more"),
        (lambda z, score, signal, noise: (z, -score * noise**2), "twice"),
        (lambda z, score, signal, noise: (z + noise**2 * score, -noise * score), "divide by it"),
        (lambda z, score, signal, noise: ((z - noise**2 * score) / signal, -noise * score), "second term"),
        (lambda z, score, signal, noise: ((z + noise * score) / signal, -noise * score), "squared"),
        (lambda z, score, signal, noise: (z + noise**2 * score / signal, -noise * score), "z too"),
        (lambda z, score, signal, noise: (-noise * score, (z + noise**2 * score) / signal), "in the order"),
    ],
}


RIGHT = {
    "ex02_1": [
        closed_form_in_a_loop,
        lambda beta: np.stack(levels()(beta)),
        lambda beta: list(levels()(beta)),
        lambda beta: (s := np.exp(np.append(0, np.cumsum(np.log(1 - beta))) / 2), (1 - s * s) ** 0.5),
    ],
    "ex02_2": [
        by_noise_levels,
        lambda signal, noise, signal_up, noise_up: [
            signal_up / signal,
            math.sqrt((noise_up - signal_up / signal * noise) * (noise_up + signal_up / signal * noise)),
        ],
        lambda *given: tuple(np.array([part]) for part in more()(*given)),
    ],
    "ex02_3": [
        by_bisection,
        lambda log_snr: 1 / (0.99 * (1 + np.exp(log_snr / 2))),
        lambda log_snr: ((1 - np.tanh(log_snr / 4)) / 2 / 0.99).tolist(),
    ],
    "ex02_4": [
        rotated,
        by_log_snr,
        curve(lambda u: np.where(u < 0.25, 1 - 2 * u, 0.5 - (u - 0.25) / 0.75 * 0.4999)),
    ],
    "ex02_5": [
        lambda z, score, signal, noise: [(z + noise**2 * score) / signal, -noise * score],
        lambda z, score, signal, noise: np.array([z / signal + noise * noise / signal * score, score * -noise]),
        lambda z, score, signal, noise: np.einsum(
            "ij,j...->i...", np.linalg.inv([[signal, noise], [0, -1 / noise]]), np.stack([z, score])
        ),
    ],
}
