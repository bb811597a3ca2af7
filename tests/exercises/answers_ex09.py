"""Answers to the exercises of notebook 09: wrong ones, each with words of its hint, and right ones in other styles."""

import math
from fractions import Fraction

import numpy as np


def factors(change_old=None, change_fresh=None):
    """old and fresh with a mistake in one of them."""

    def answer(sigma_t, sigma_s, noise_s, eta):
        fresh = eta * noise_s * math.sqrt(1 - (sigma_s / sigma_t) ** 2)
        old = change_old(noise_s, fresh) if change_old else math.sqrt(noise_s**2 - fresh**2)
        return old, change_fresh(sigma_t, sigma_s, noise_s, eta) if change_fresh else fresh

    return answer


def heun(slope, z_bar, sigma_t, sigma_s):
    h = sigma_s - sigma_t
    first = slope(z_bar, sigma_t)
    return z_bar + h * (first + slope(z_bar + h * first, sigma_s)) / 2


def midpoint(change):
    """The midpoint method with a mistake: change(slope, z_bar, half_way, sigma_t, middle, h)."""

    def answer(slope, z_bar, sigma_t, sigma_s):
        h = sigma_s - sigma_t
        half_way = z_bar + h / 2 * slope(z_bar, sigma_t)
        return change(slope, z_bar, half_way, sigma_t, sigma_t + h / 2, h)

    return answer


def look_back(weight):
    """A step with slope + weight(h, h_before) (slope - slope_before)."""

    def answer(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
        h, h_before = sigma_s - sigma_t, sigma_t - sigma_before
        return z_bar + h * (slope + weight(h, h_before) * (slope - slope_before))

    return answer


def look_back_in_logarithms(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
    ratio = math.log(sigma_s / sigma_t) / math.log(sigma_t / sigma_before)
    return z_bar + (sigma_s - sigma_t) * (slope + ratio / 2 * (slope - slope_before))


def look_back_with_the_sign_turned(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
    h, h_before = sigma_t - sigma_s, sigma_before - sigma_t
    return z_bar + h * (slope + h / h_before / 2 * (slope - slope_before))


def guess_in_place(z_t, z_s, signal_t, noise_t, signal_s, noise_s):
    z_s *= noise_t
    z_s -= noise_s * z_t
    return z_s / (signal_s * noise_t - signal_t * noise_s)


def guess_by_solving(z_t, z_s, signal_t, noise_t, signal_s, noise_s):
    both = np.stack([z_t.ravel(), z_s.ravel()])
    return np.linalg.solve([[signal_t, noise_t], [signal_s, noise_s]], both)[0].reshape(z_t.shape)


def guess_by_bars(z_t, z_s, signal_t, noise_t, signal_s, noise_s):
    a, b = noise_t / signal_t, noise_s / signal_s
    return z_s / signal_s - b * (z_t / signal_t - z_s / signal_s) / (a - b)


def midpoint_in_place(slope, z_bar, sigma_t, sigma_s):
    half = z_bar.copy()
    half += 0.5 * (sigma_s - sigma_t) * slope(z_bar, sigma_t)
    found = z_bar.copy()
    found += (sigma_s - sigma_t) * slope(half, 0.5 * (sigma_s + sigma_t))
    return found


def midpoint_element_by_element(slope, z_bar, sigma_t, sigma_s):
    def step(z):
        return z + (sigma_s - sigma_t) * slope(z + (sigma_s - sigma_t) / 2 * slope(z, sigma_t), (sigma_t + sigma_s) / 2)

    return [step(row) for row in z_bar]


def look_back_by_a_line(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
    line = np.polyfit([sigma_before, sigma_t], [slope_before.ravel(), slope.ravel()], 1)
    return z_bar + (sigma_s - sigma_t) * (line[0] * (sigma_t + sigma_s) / 2 + line[1]).reshape(z_bar.shape)


def look_back_by_an_integral(z_bar, slope_before, slope, sigma_before, sigma_t, sigma_s):
    rise = (slope - slope_before) / (sigma_t - sigma_before)
    return z_bar + (sigma_s - sigma_t) * (slope - sigma_t * rise) + rise * (sigma_s**2 - sigma_t**2) / 2


def steps_one_by_one(p, steps, error, target):
    n = 1
    while error * (steps / n) ** p > target:
        n += 1
    return n


WRONG = {
    "ex09_1": [
        (lambda z_t, z_s, st, nt, ss, ns: z_s / ss, "there is noise in it"),
        (lambda z_t, z_s, st, nt, ss, ns: z_t / st, "both z"),
        (lambda z_t, z_s, st, nt, ss, ns: (ss * z_t - st * z_s) / (ss * nt - st * ns), "this is eps_hat"),
        (lambda z_t, z_s, st, nt, ss, ns: (ns * z_t - nt * z_s) / (ss * nt - st * ns), "sign"),
        (lambda z_t, z_s, st, nt, ss, ns: nt * z_s - ns * z_t, "divide by it"),
        (lambda z_t, z_s, st, nt, ss, ns: z_s - ns / nt * z_t, "divide by it"),
        (lambda z_t, z_s, st, nt, ss, ns: (nt * z_s + ns * z_t) / (ss * nt - st * ns), "subtract"),
        (lambda z_t, z_s, st, nt, ss, ns: (z_s - z_t) / (ss - st), "does not cancel"),
        (lambda z_t, z_s, st, nt, ss, ns: (z_s - ns * (z_s - z_t) / (ns - nt)) / ss, "not eps_hat"),
        (lambda z_t, z_s, st, nt, ss, ns: (nt * z_s - ns * z_t) / (ss - st), "factor of x0_hat"),
        (lambda z_t, z_s, st, nt, ss, ns: (nt * z_s - ns * z_t) / (nt - ns), "where signal is 1"),
        (guess_in_place, "in place"),
        (lambda z_t, z_s, *levels: (0.8 * z_s - 0.45 * z_t) / 0.38, "not right"),
    ],
    "ex09_2": [
        (factors(change_fresh=lambda t, s, noise, eta: eta * noise), "less than noise_s"),
        (factors(change_fresh=lambda t, s, noise, eta: noise * math.sqrt(1 - (s / t) ** 2)), "eta is missing"),
        (factors(change_fresh=lambda t, s, noise, eta: eta**2 * noise * math.sqrt(1 - (s / t) ** 2)), "factor of the"),
        (factors(change_fresh=lambda t, s, noise, eta: eta * noise * (1 - (s / t) ** 2)), "root of equation"),
        (factors(change_fresh=lambda t, s, noise, eta: eta * noise * math.sqrt(1 - s / t)), "squared"),
        (factors(change_fresh=lambda t, s, noise, eta: eta * math.sqrt(1 - (s / t) ** 2)), "noise_s as a factor"),
        (factors(change_old=lambda noise, fresh: noise - fresh), "do not add up"),
        (factors(change_old=lambda noise, fresh: noise**2 - fresh**2), "its root"),
        (factors(change_old=lambda noise, fresh: noise), "less of the old"),
        (factors(change_old=lambda noise, fresh: math.sqrt(1 - fresh**2)), "not 1"),
        (lambda *inputs: factors()(*inputs)[::-1], "order old, fresh"),
        (lambda sigma_t, sigma_s, noise_s, eta: noise_s, "2 things"),
        (lambda t, s, noise, eta: (noise * math.sqrt(1 - eta**2), factors()(t, s, noise, eta)[1]), "less than eta"),
    ],
    "ex09_3": [
        (midpoint(lambda slope, z, half, t, middle, h: z + h * slope(z, t)), "Euler's step"),
        (heun, "Heun's"),
        (midpoint(lambda slope, z, half, t, middle, h: half + h * slope(half, middle)), "where the half one did"),
        (midpoint(lambda slope, z, half, t, middle, h: half + h / 2 * slope(half, middle)), "two half steps"),
        (midpoint(lambda slope, z, half, t, middle, h: z + h / 2 * slope(half, middle)), "half a step only"),
        (midpoint(lambda slope, z, half, t, middle, h: half), "this is the middle"),
        (midpoint(lambda slope, z, half, t, middle, h: z + h * slope(half, t)), "sigma is in the middle"),
        (midpoint(lambda slope, z, half, t, middle, h: z + h * slope(z, middle)), "has changed: take half"),
        (midpoint(lambda slope, z, half, t, middle, h: z - h * slope(half, middle)), "negative"),
        (
            midpoint(lambda slope, z, half, t, middle, h: z + h * (slope(z, t) + slope(half, middle)) / 2),
            "two half steps",
        ),
        (midpoint(lambda slope, z, half, t, middle, h: z - abs(h) * slope(half, middle)), "negative in sampling"),
    ],
    "ex09_4": [
        (look_back(lambda h, h_before: 0.0), "Euler's"),
        (look_back(lambda h, h_before: 0.5), "equal length"),
        (look_back(lambda h, h_before: h_before / h / 2), "inverted"),
        (look_back(lambda h, h_before: h / h_before), "half as far"),
        (look_back(lambda h, h_before: -h / h_before / 2), "backwards"),
        (look_back(lambda h, h_before: -0.5), "mean of both"),
        (look_back(lambda h, h_before: h / 2), "difference of sigmas"),
        (look_back(lambda h, h_before: h / (h + h_before) / 2), "h_before alone"),
        (look_back_in_logarithms, "logarithm"),
        (look_back_with_the_sign_turned, "negative"),
        (lambda z_bar, before, slope, *sigmas: z_bar - 0.7 * (slope + 0.7 / 2.6 * (slope - before)), "not right"),
    ],
    "ex09_5": [
        (lambda s, n, d: d, "average"),
        (lambda s, n, d: s * d**2 / (s**2 * d**2 + n**2), "standard deviation of z is noise"),
        (lambda s, n, d: s * d**2 / math.sqrt(s**2 * d**2 + n**2), "noise alone"),
        (lambda s, n, d: s * d**2 / (s**2 * d**2 + n**2) * n**2, "not the variance"),
        (lambda s, n, d: s * d / (s**2 * d**2 + n**2) * n, "d squared"),
        (lambda s, n, d: s * d**2 / n, "contains that of the image"),
        (lambda s, n, d: s * d**2 / (d**2 + n**2) * n, "multiplied by signal"),
        (lambda s, n, d: n * d / math.sqrt(s**2 * d**2 + n**2), "whole path"),
        (lambda s, n, d: n, "this is the start"),
        (lambda s, n, d: 0.0, "not quite"),
        (np.zeros(3), "function"),
        (lambda s, n, d: abs(s * 0.36 / (s**2 * 0.36 + n**2)) * n, "not right"),
    ],
    "ex09_6": [
        (lambda p, steps, error, target: math.ceil(steps * error / target), "order 1"),
        (lambda p, steps, error, target: math.ceil(steps * (error / target) ** p), "needs fewer steps"),
        (lambda p, steps, error, target: math.ceil(steps * error / target / p), "an exponent"),
        (lambda p, steps, error, target: math.ceil(steps * (target / error) ** (1 / p)), "more steps"),
        (lambda p, steps, error, target: int(steps * (error / target) ** (1 / p)), "rounded up"),
        (lambda p, steps, error, target: steps * (error / target) ** (1 / p), "rounded up"),
        (lambda p, steps, error, target: math.ceil((error / target) ** (1 / p)), "how many times"),
        (lambda p, steps, error, target: math.floor(steps * (error / target) ** (1 / p)) + 1, "do not add 1"),
        (lambda p, steps, error, target: math.ceil(steps * (error / target) ** 0.5), "not right"),
        (lambda p, steps, error, target: max(steps, math.ceil(steps * (error / target) ** (1 / p))), "not right"),
    ],
}


RIGHT = {
    "ex09_1": [
        guess_by_solving,
        guess_by_bars,
        lambda z_t, z_s, st, nt, ss, ns: ((nt * z_s - ns * z_t) / (ss * nt - st * ns)).tolist(),
    ],
    "ex09_2": [
        lambda t, s, noise, eta: np.array(factors()(t, s, noise, eta)),
        lambda t, s, noise, eta: [
            noise * np.sqrt(1 - eta**2 * (1 - s**2 / t**2)),
            noise * eta * np.sqrt(t**2 - s**2) / t,
        ],
        lambda t, s, noise, eta: (
            noise * math.cos(angle := math.asin(eta * math.sqrt((t - s) * (t + s)) / t)),
            noise * math.sin(angle),
        ),
    ],
    "ex09_3": [
        midpoint_in_place,
        midpoint_element_by_element,
        midpoint(lambda slope, z, half, t, middle, h: z + h * slope(half, middle)),
    ],
    "ex09_4": [look_back_by_a_line, look_back_by_an_integral, look_back(lambda h, h_before: h / (2 * h_before))],
    "ex09_5": [
        lambda s, n, d: s * n / (s**2 + (n / d) ** 2),
        lambda s, n, d: np.array([[1 / (s / n + n / (s * d * d))]]),
        lambda s, n, d: Fraction(s) * Fraction(d) ** 2 * Fraction(n) / (Fraction(s * d) ** 2 + Fraction(n) ** 2),
    ],
    "ex09_6": [
        steps_one_by_one,
        lambda p, steps, error, target: int(np.ceil(steps * np.power(error / target, 1 / p))),
        lambda p, steps, error, target: -int(-steps * (target / error) ** (-1 / p) // 1),
        lambda p, steps, error, target: math.ceil(math.exp(math.log(steps) + math.log(error / target) / p)),
    ],
}
