"""The exercises of `tutorials/02_noise.ipynb`: the closed form, steps between two levels, log-SNR, targets.

Levels are held to products and sums that are worked out another way, and to the schedules of the library.
"""

import numpy as np

from minidiff.curves import END
from minidiff.errors import MinidiffError
from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect, unpack
from minidiff.schedule import LARGEST_FINAL_SIGNAL, Schedule, check_is_schedule


def _examine_closed_form(answer):
    beta = np.array([0.02, 0.1, 0.05, 0.3, 0.25])
    signal, variance = [1.0], [0.0]
    for b in beta:  # the process itself: what one step does to the factor of x0, and to the variance of the noise
        signal.append(np.sqrt(1 - b) * signal[-1])
        variance.append((1 - b) * variance[-1] + b)
    signal, noise = np.array(signal), np.sqrt(variance)
    alpha_bar = signal**2
    found_signal, found_noise = unpack(call(answer, beta), "signal, noise")
    expect(
        "signal", found_signal, signal,
        [
            (alpha_bar, "this is alpha_bar; it is the square of the signal"),
            (signal[1:], "the clean image is missing: index 0 is t = 0, before the first step, with a signal of 1"),
            (alpha_bar[1:], "this is alpha_bar, the square of the signal; and t = 0, with a signal of 1, is missing"),
            (np.sqrt(1 - np.append(0, beta)), "this is what each step does alone; the steps multiply"),
            (np.sqrt(np.append(1, np.cumprod(beta))), "the product is over alpha = 1 - beta, what each step leaves"),
            (np.sqrt(np.clip(1 - np.append(0, np.cumsum(beta)), 0, None)),
             "1 minus the sum of beta is only nearly right, for small beta: what is left is multiplied in each step"),
        ],
    )  # fmt: skip
    expect(
        "noise", found_noise, noise,
        [
            (1 - signal, "signal and noise do not sum to one here, their squares do"),
            (np.sqrt(1 - signal), "under the root stands 1 - alpha_bar, and alpha_bar is the signal squared"),
            (1 - alpha_bar, "this is the variance of the noise; its deviation is the root"),
            (np.sqrt(np.append(0, np.cumsum(beta))), "noise of earlier steps shrinks, too, with its image"),
            (np.sqrt(np.append(0, beta)), "this is the noise of the last step alone; earlier noise is still there"),
        ],
    )  # fmt: skip


def _examine_more_noise(answer):
    for name, t, t_up in (("cosine", 20, 70), ("flow", 35, 60), ("variance_exploding", 40, 55)):
        schedule = Schedule(name, 100)
        levels = schedule.signal[t], schedule.noise[t], schedule.signal[t_up], schedule.noise[t_up]
        signal, noise, signal_up, noise_up = levels
        ratio = signal_up / signal
        deviation = noise_up * np.sqrt(1 - (schedule.sigma[t] / schedule.sigma[t_up]) ** 2)
        found_ratio, found_deviation = unpack(call(answer, *levels), "ratio, deviation")
        given = f"for the schedule {name}, steps {t} to {t_up}: "
        expect(
            "ratio", found_ratio, ratio,
            [
                (1 / ratio, given + "the ratio is upside down: the signal falls, so it is less than 1"),
                (signal_up, given + "z already has the signal of step t, and it has to become that of t_up"),
                (1, given + "the signal of z is that of step t, and has to become that of t_up"),
            ],
        )  # fmt: skip
        within = max(noise_up**2 - noise**2, 0)
        expect(
            "deviation", found_deviation, deviation,
            [
                (np.sqrt(within), given + "the noise that z has already is multiplied by the ratio, too"),
                (noise_up - noise, given + "deviations do not add up; the squares of independent noises do"),
                (noise_up - ratio * noise, given + "deviations do not add up; the squares of independent noises do"),
                (noise_up, given + "z is noisy already: only what is missing is to be added"),
                (deviation**2, given + "this is the variance that is missing; the deviation is its root"),
                (np.sqrt(1 - ratio**2), given + "this is right only if the squares of signal and noise sum to one"),
            ],
        )  # fmt: skip


def _examine_flow_time(answer):
    log_snr = np.array([6.0, 1.5, 0.0, -2.0, -5.0])
    sigma = np.exp(-log_snr / 2)

    def time(sigma, end=END):
        return sigma / (1 + sigma) / end

    mistakes = [
        (time(sigma, 1.0), "nearly: the curve goes only 99 % of its way, noise = 0.99 u"),
        (time(1 / sigma), "the sign is turned round: a large log-SNR is a clean image, at small u"),
        (time(np.exp(-log_snr)), "the SNR is the ratio of the squares; the noise level is the root of its inverse"),
        (time(np.exp(-2 * log_snr)), "the half is upside down: log-SNR = -2 ln(noise / signal)"),
        (time(10 ** (-log_snr / 2)), "the logarithm is the natural one, not that to the base of 10"),
        (time(10 ** (-log_snr / 20)), "these are no decibels: the logarithm is the natural one"),
        (sigma, "this is the noise level, noise / signal; which u gives it?"),
    ]
    expect("u", call(answer, log_snr), time(sigma), mistakes)


def _examine_own_curve(answer):
    for T in (4, 101, 1000):
        u = np.linspace(0, 1, T + 1)
        signal, noise = unpack(call(answer, u), "signal, noise")
        signal, noise = as_numbers("signal", signal), as_numbers("noise", noise)
        if signal.shape != u.shape or noise.shape != u.shape:
            raise Wrong(
                f"signal and noise should have the shape of u, {u.shape}, and have {signal.shape}, {noise.shape}"
            )
        if not (np.isfinite(signal).all() and np.isfinite(noise).all()):
            raise Wrong("there is NaN or infinity in it: for some u a root is taken of a negative number")
        if np.abs(signal**2 + noise**2 - 1).max() > 1e-6:
            total = (signal**2 + noise**2)[T // 2]
            raise Wrong(f"the squares of signal and noise do not sum to one: in the middle they give {total:.3f}")
        if abs(signal[0] - 1) > 1e-6:
            raise Wrong(f"at u = 0 the image is clean, and here the signal is {signal[0]:.3f}")
        if signal[-1] <= 0:
            raise Wrong("at u = 1 there is no signal at all, and the equations divide by it: stop a little before")
        if signal[-1] > LARGEST_FINAL_SIGNAL:
            raise Wrong(f"it does not end in noise: at u = 1 the signal is still {signal[-1]:.3f}")
        signal[0], noise[0] = 1, 0  # but for rounding, as was just found
        try:
            check_is_schedule(signal, noise)
        except MinidiffError as error:
            raise Wrong(str(error)) from error
    u = np.linspace(0, 1, 1001)
    signal, noise = unpack(call(answer, u), "signal, noise")
    crossing = u[np.argmin(np.abs(np.log(signal[1:] / noise[1:]))) + 1]
    if abs(crossing - 0.25) > 0.01:
        raise Wrong(
            f"it is a schedule; but signal and noise are equal at u = {crossing:.2f}, and should be at a quarter"
        )


def _examine_solve_score(answer):
    rng = np.random.default_rng(3)
    schedule, t = Schedule("flow", 100), 63
    signal, noise = schedule.signal[t], schedule.noise[t]
    x0, eps = rng.uniform(-1, 1, (2, 3, 4, 1)), rng.normal(size=(2, 3, 4, 1))
    z = signal * x0 + noise * eps
    score = -eps / noise
    x0_hat, eps_hat = unpack(call(answer, z, score, signal, noise), "x0_hat, eps_hat")
    expect(
        "eps_hat", eps_hat, eps,
        [
            (-eps, "the sign: the score points back to the image, against the noise"),
            (score, "this is the score itself; by what is eps divided in it?"),
            (-score, "the score is -eps divided by the noise: undo that, too"),
            (-score / noise, "divided by the noise once more: it has to be multiplied"),
            (-score * noise**2, "multiplied by the noise twice"),
        ],
    )  # fmt: skip
    expect(
        "x0_hat", x0_hat, x0,
        [
            (signal * x0, "this is the image as it is in z, times signal: divide by it"),
            ((z - noise**2 * score) / signal, "the sign of the second term: the score points against the noise"),
            ((z + noise * score) / signal, "the noise has to be squared: once from the score, once from z"),
            (z + noise**2 * score / signal, "all of it is divided by the signal, z too"),
            (z - noise * eps / signal, "all of it is divided by the signal, z too"),
        ],
    )  # fmt: skip


EXERCISES = (
    Exercise("ex02_1", "from steps to the closed form", 2, "closed_form", _examine_closed_form),
    Exercise("ex02_2", "more noise", 2, "more_noise", _examine_more_noise),
    Exercise("ex02_3", "when is it this noisy?", 2, "flow_time", _examine_flow_time),
    Exercise("ex02_4", "a schedule of your own", 2, "own_curve", _examine_own_curve),
    Exercise("ex02_5", "the score as a target", 3, "solve_score", _examine_solve_score),
)
