"""The exercises of `tutorials/02_noise.ipynb`: the closed form, noise between two timesteps, log-SNR, targets.

Signal and noise are compared with products and sums computed step by step, and with the schedules of the library.
"""

from typing import Any

import numpy as np

from minidiff.curves import END
from minidiff.errors import MinidiffError
from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import Mistakes, agree, as_array, call, expect, unpack
from minidiff.schedule import LARGEST_FINAL_SIGNAL, Schedule, check_is_schedule


@exercise("ex02_1", "from steps to the closed form", points=2)
def _check_closed_form(answer: Any) -> None:
    for beta in (np.array([0.02, 0.1, 0.05, 0.3, 0.25]), np.array([0.4]), np.linspace(0.9, 0.1, 8)):
        factors, variances = [1.0], [0.0]
        for b in beta:  # the effect of one step on the factor of x0 and on the variance of the noise
            factors.append(np.sqrt(1 - b) * factors[-1])
            variances.append((1 - b) * variances[-1] + b)
        signal, noise = np.array(factors), np.sqrt(variances)
        alpha_bar = signal**2
        linear = np.sqrt(np.clip(1 - np.append(0, np.cumsum(beta)), 0, None))
        found_signal, found_noise = unpack(call(answer, beta), "signal, noise")
        mistakes = [
            (alpha_bar, "this is alpha_bar; it is the square of the signal"),
            (signal[1:], "the clean image is missing: index 0 is t = 0, before the first step, with a signal of 1"),
            (alpha_bar[1:], "this is alpha_bar, the square of the signal; and t = 0, with a signal of 1, is missing"),
            (np.sqrt(1 - np.append(0, beta)), "this is the factor of each step alone; the factors multiply"),
            (np.sqrt(1 - beta), "this is the factor of each step alone; the factors multiply, and t = 0 is missing"),
            (np.sqrt(np.append(1, np.cumprod(beta))), "the product is over alpha = 1 - beta, what each step keeps"),
            (linear, "1 minus the sum of beta is an approximation for small beta: the factors 1 - beta multiply"),
        ]
        expect("signal", found_signal, signal, mistakes)
        mistakes = [
            (1 - signal, "signal and noise do not sum to one here, their squares do"),
            (np.sqrt(1 - signal), "under the root is 1 - alpha_bar, and alpha_bar is the signal squared"),
            (1 - alpha_bar, "this is the variance of the noise; its standard deviation is the root"),
            (np.sqrt(np.append(0, np.cumsum(beta))), "each step shrinks the earlier noise, too, as it does the image"),
            (np.sqrt(np.append(0, beta)), "this is the noise of the last step alone; earlier noise is still there"),
        ]
        expect("noise", found_noise, noise, mistakes)


@exercise("ex02_2", "more noise", points=2)
def _check_more_noise(answer: Any) -> None:
    for name, t, t_up in (("cosine", 20, 70), ("flow", 35, 60), ("variance_exploding", 40, 55), ("linear", 0, 30)):
        schedule = Schedule(name, 100)
        levels = [float(array[at]) for at in (t, t_up) for array in (schedule.signal, schedule.noise)]
        signal, noise, signal_up, noise_up = levels
        ratio = signal_up / signal
        std = noise_up * np.sqrt(1 - (schedule.sigma[t] / schedule.sigma[t_up]) ** 2)
        found_ratio, found_std = unpack(call(answer, *levels), "ratio, std")
        given = f"for the schedule {name}, from t = {t} to {t_up}: "
        mistakes: Mistakes = [
            (1 / ratio, given + "the ratio is inverted: the signal falls, so it is less than 1"),
            (signal_up, given + "z already has the signal of t, which has to become that of t_up"),
            (1, given + "the signal of z is that of t, and has to become that of t_up"),
        ]
        expect("ratio", found_ratio, ratio, mistakes)
        mistakes = [
            (np.sqrt(max(noise_up**2 - noise**2, 0)), given + "the noise in z is multiplied by the ratio, too"),
            (noise_up - noise, noise_up - ratio * noise, given + "standard deviations do not add up; variances do"),
            (noise_up, given + "z is noisy already: add only what is missing"),
            (std**2, given + "this is the variance that is missing; the standard deviation is its root"),
            (np.sqrt(1 - ratio**2), given + "this is right only if the squares of signal and noise sum to one"),
        ]
        expect("std", found_std, std, mistakes)


@exercise("ex02_3", "the time of a log-SNR", points=2)
def _check_flow_time(answer: Any) -> None:
    for log_snr in (np.array([6.0, 1.5, 0.0, -2.0, -5.0]), np.array([[-8.0, 9.0, 3.3], [0.7, -0.1, 2.0]])):
        sigma = np.exp(-log_snr / 2)

        def time(sigma: np.ndarray, end: float = END) -> np.ndarray:
            return sigma / (1 + sigma) / end

        mistakes = [
            (time(sigma, 1.0), "nearly: only 99 % of the curve is used, noise = 0.99 u"),
            (time(1 / sigma), "the sign is reversed: a large log-SNR is a clean image, at small u"),
            (time(np.exp(-log_snr)), "the SNR is the ratio of the squares; the noise level is the root of its inverse"),
            (time(np.exp(-2 * log_snr)), "the factor 1/2 is inverted: log-SNR = -2 ln(noise / signal)"),
            (time(10 ** (-log_snr / 2)), "the logarithm is the natural one, not that to base 10"),
            (time(10 ** (-log_snr / 20)), "these are not decibels: the logarithm is the natural one"),
            (sigma, "this is the noise level, noise / signal; solve for the u that has it"),
            (sigma**2, "this is 1 / SNR, the square of the noise level; take its root, then solve for u"),
            (sigma / (1 + sigma) * END, "noise = 0.99 u: divide by 0.99, do not multiply by it"),
        ]
        expect("u", call(answer, log_snr), time(sigma), mistakes)


@exercise("ex02_4", "a schedule of your own", points=2)
def _check_own_curve(answer: Any) -> None:
    for T in (4, 101, 1000):
        _check_curve(*_levels_of(answer, np.linspace(0, 1, T + 1)))
    u = np.random.default_rng(5).permutation(np.linspace(0, 1, 1001))[:24].reshape(4, 6)
    together = _levels_of(answer, u)
    one_by_one = [_levels_of(answer, np.array([one])) for one in u.ravel()]
    for name, found, single in zip(("signal", "noise"), together, zip(*one_by_one, strict=True), strict=True):
        if not agree(np.concatenate(single).reshape(u.shape), found):
            raise Wrong(f"{name} at a time u depends on the other times in the array, or on their number: use u alone")
    (signal,), (noise,) = _levels_of(answer, np.array([0.25]))
    if abs(np.log(signal / noise)) < 0.005:
        return
    u = np.linspace(0, 1, 2001)
    signal, noise = _levels_of(answer, u)
    crossing = u[np.argmin(np.abs(np.log(signal[1:] / noise[1:]))) + 1]
    if abs(crossing - 0.25) < 0.01:
        raise Wrong(f"nearly: signal and noise are equal at u = {crossing:.4f}; what is left at the end moved it")
    raise Wrong(f"signal and noise are equal at u = {crossing:.2f}, and should be equal at a quarter")


def _levels_of(answer: Any, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """signal and noise of an answer at the times u, finite and of the right shape."""
    signal, noise = (as_array("signal, noise", part) for part in unpack(call(answer, u), "signal, noise"))
    if signal.shape != u.shape or noise.shape != u.shape:
        shapes = f"{signal.shape} and {noise.shape}"
        raise Wrong(f"signal and noise have the shapes {shapes} and should have that of u, {u.shape}")
    if not (np.isfinite(signal).all() and np.isfinite(noise).all()):
        raise Wrong("there is NaN or infinity in it: for some u it is the root of a negative number")
    return signal.copy(), noise.copy()


def _check_curve(signal: np.ndarray, noise: np.ndarray) -> None:
    """Raises `Wrong` unless signal and noise, at T + 1 times from 0 to 1, are a variance-preserving schedule."""
    if np.abs(signal**2 + noise**2 - 1).max() > 1e-6:
        total = (signal**2 + noise**2)[len(signal) // 2]
        raise Wrong(f"the squares of signal and noise do not sum to one: in the middle they give {total:.3f}")
    if abs(signal[0] - 1) > 1e-6:
        raise Wrong(f"at u = 0 the image should be clean, and here the signal is {signal[0]:.3f}")
    if signal[-1] <= 0:
        raise Wrong("at u = 1 there is no signal at all, and the equations divide by it: end a little above 0")
    if signal[-1] > LARGEST_FINAL_SIGNAL:
        raise Wrong(f"it does not end in noise: at u = 1 the signal is still {signal[-1]:.3f}")
    if (noise < 0).any():
        raise Wrong("the noise is negative somewhere: it is a standard deviation")
    signal[0], noise[0] = 1, 0  # removes the rounding error
    try:
        check_is_schedule(signal, noise)
    except MinidiffError as error:
        raise Wrong(str(error)) from error


@exercise("ex02_5", "the score as a target", points=3)
def _check_solve_score(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for name, t, shape in (
        ("flow", 63, (3, 4, 4, 1)), ("cosine", 30, (5, 2)), ("variance_exploding", 60, (1, 2, 2, 3)),
    ):  # fmt: skip
        schedule = Schedule(name, 100)
        signal, noise = float(schedule.signal[t]), float(schedule.noise[t])
        x0, eps = rng.uniform(-1, 1, shape), rng.normal(size=shape)
        z = signal * x0 + noise * eps
        score = -eps / noise
        x0_hat, eps_hat = unpack(call(answer, z, score, signal, noise), "x0_hat, eps_hat")
        mistakes = [
            (-eps, "the sign: the score points back to the image, against the noise"),
            (score, "this is the score itself, which is eps divided by something"),
            (-score, "the score is -eps divided by the noise: multiply by the noise"),
            (-score / noise, "this is divided by the noise once more: multiply by it"),
            (-score * noise**2, "this is multiplied by the noise twice"),
            (x0, "this is x0_hat: return them in the order x0_hat, eps_hat"),
        ]
        expect("eps_hat", eps_hat, eps, mistakes)
        mistakes = [
            (signal * x0, "this is the image as it is in z, times signal: divide by it"),
            ((z - noise**2 * score) / signal, "the sign of the second term: the score points against the noise"),
            ((z + noise * score) / signal, "the noise has to be squared: once from the score, once from z"),
            (z + noise**2 * score / signal, "all of it is divided by the signal, z too"),
        ]
        expect("x0_hat", x0_hat, x0, mistakes, tolerance=1e-4)
