"""The exercises of `tutorials/09_sampling.ipynb`: steps of samplers, compared with closed forms and the library's."""

import math
from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import agree, as_array, call, expect, unpack
from minidiff.oracles import GaussianDenoiser
from minidiff.samplers import State
from minidiff.sampling import follow
from minidiff.schedule import Schedule


@exercise("ex09_1", "x0_hat from two images of a trajectory", points=1)
def _check_guess_between(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for shape, levels in (
        ((5, 3), (0.4, 0.8, 0.7, 0.45)), ((2, 4, 4, 1), (0.6, 0.3, 0.9, 0.25)), ((6,), (1.0, 9.0, 1.0, 2.5)),
        ((3, 1), (0.4, 0.8, 1.0, 0.0)),
    ):  # fmt: skip
        z_t, x0_hat = rng.normal(size=(2, *shape))
        signal_t, noise_t, signal_s, noise_s = levels
        eps_hat = (z_t - signal_t * x0_hat) / noise_t
        z_s = signal_s * x0_hat + noise_s * eps_hat
        determinant = signal_s * noise_t - signal_t * noise_s
        slope = (z_s - z_t) / (noise_s - noise_t)
        difference, total = noise_t * z_s - noise_s * z_t, noise_t * z_s + noise_s * z_t
        with np.errstate(all="ignore"):  # in the variance-exploding schedule the signal does not change
            by_signals = (z_s - z_t) / (np.float64(signal_s) - signal_t)
            factor = difference / (np.float64(signal_s) - signal_t)
        mistakes = [
            (z_s / signal_s, z_s, "z_s is not yet the image: there is noise in it, which z_t determines"),
            (z_t / signal_t, "both z are needed: equation (1) holds at t and at s"),
            (eps_hat, "this is eps_hat: solve the same two equations for the other unknown"),
            (-x0_hat, "the sign: swap the two products in the numerator or in the determinant, and not in both"),
            (difference, difference / noise_t, "eps_hat is eliminated, but x0_hat still has a factor: divide by it"),
            (total, total / determinant, "the noises have to cancel: subtract, do not add"),
            (by_signals, "the noise has changed from t to s as well: it does not cancel here"),
            ((z_s - noise_s * slope) / signal_s, "the signal has changed from t to s as well: slope is not eps_hat"),
            (factor, "the factor of x0_hat: signal_s noise_t - signal_t noise_s"),
            (difference / (noise_t - noise_s), "this holds where signal is 1: here the signal changes, too"),
        ]
        expect("x0_hat", call(answer, z_t, z_s, signal_t, noise_t, signal_s, noise_s), x0_hat, mistakes, tolerance=1e-4)


@exercise("ex09_2", "old noise and fresh noise", points=2)
def _check_noise_factors(answer: Any) -> None:
    for sigma_t, sigma_s, noise_s, eta in (
        (2.5, 1.1, 0.6, 0.7), (1.3, 0.2, 0.19, 1.0), (80.0, 40.0, 40.0, 0.3), (0.9, 0.8, 0.5, 0.0),
        (3.0, 0.0, 0.0, 1.0),
    ):  # fmt: skip
        root = math.sqrt(1 - (sigma_s / sigma_t) ** 2)
        fresh = eta * noise_s * root
        old = math.sqrt(noise_s**2 - fresh**2)
        found_old, found_fresh = unpack(call(answer, sigma_t, sigma_s, noise_s, eta), "old, fresh")
        powers = [noise_s * root * eta**power for power in (0.5, 2)]
        mistakes = [
            (eta * noise_s, "fresh is eta times the standard deviation of equation (2), which is less than noise_s"),
            (noise_s * root, "eta is missing: it multiplies the standard deviation of equation (2)"),
            (*powers, "eta is a factor of the standard deviation, not of the variance"),
            (eta * noise_s * root**2, "the root of equation (2) is missing"),
            (eta * root, "equation (2) has noise_s as a factor"),
            (eta * noise_s * math.sqrt(1 - sigma_s / sigma_t), "the ratio of the levels is squared in equation (2)"),
            (old, "this is old: return them in the order old, fresh"),
        ]
        expect("fresh", found_fresh, fresh, mistakes)
        mistakes = [
            (noise_s - fresh, "variances add up to noise_s^2, and standard deviations do not add up"),
            (noise_s**2 - fresh**2, "this is the variance of the old noise: the factor is its root"),
            (noise_s, "with fresh noise there is less of the old"),
            (math.sqrt(noise_s**2 + fresh**2), "the two variances together give noise_s^2"),
            (math.sqrt(max(1 - fresh**2, 0)), "the two variances together give noise_s^2, and not 1"),
            (noise_s * math.sqrt(1 - eta**2), "fresh is less than eta noise_s: use its square from equation (2)"),
        ]
        expect("old", found_old, old, mistakes)


@exercise("ex09_3", "the midpoint method", points=2)
def _check_midpoint(answer: Any) -> None:
    def bent(z_bar: np.ndarray, sigma: float) -> np.ndarray:
        return np.sin(2 * z_bar) / sigma + sigma**2 * z_bar

    def oracle(z_bar: np.ndarray, sigma: float) -> np.ndarray:  # of normal data with standard deviation 0.5
        return sigma * z_bar / (0.25 + sigma**2)

    rng = np.random.default_rng(1)
    for slope, shape, sigma_t, sigma_s in (
        (bent, (4, 2), 1.7, 0.9), (oracle, (3,), 0.8, 0.1), (bent, (2, 3, 1), 0.5, 1.2), (oracle, (1, 5), 10.0, 2.0),
    ):  # fmt: skip
        z_bar = rng.normal(size=shape)
        middle, h = (sigma_t + sigma_s) / 2, sigma_s - sigma_t
        first = slope(z_bar, sigma_t)
        half_way = z_bar + h / 2 * first
        there = slope(half_way, middle)
        ahead = slope(z_bar + h * first, sigma_s)
        mistakes = [
            (z_bar + h * first, "this is Euler's step: the slope of the start, for the whole step"),
            (z_bar + h * (first + ahead) / 2, "this is Heun's: the midpoint method uses the slope in the middle"),
            (z_bar + h * ahead, "this is the slope at the end of the step: use that in the middle"),
            (half_way + h * there, "the whole step begins where the half one did: at z_bar"),
            (half_way + h / 2 * there, "two half steps with Euler: take the whole step with the slope of the middle"),
            (z_bar + h / 2 * there, "half a step only: take the whole step with the slope of the middle"),
            (half_way, "this is the middle: evaluate the slope there, and take the step from the start"),
            (z_bar + h * slope(half_way, sigma_t), "in the middle of the step sigma is in the middle as well"),
            (z_bar + h * slope(z_bar, middle), "at the middle's sigma z_bar has changed: take half a step first"),
            (z_bar - h * there, "the sign: h = sigma_s - sigma_t, which is negative in sampling"),
            (z_bar + h * slope(z_bar + middle * first, middle), "half of the step is (sigma_s - sigma_t) / 2"),
        ]
        expect("z_bar at s", call(answer, slope, z_bar, sigma_t, sigma_s), z_bar + h * there, mistakes)


@exercise("ex09_4", "a multistep method", points=3)
def _check_look_back(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for shape, sigma_before, sigma_t, sigma_s in (
        ((4, 2), 2.9, 1.6, 0.9), ((3,), 5.0, 4.5, 1.0), ((2, 2, 1), 3.0, 2.0, 1.0), ((1, 6), 0.2, 0.5, 1.7),
    ):  # fmt: skip
        z_bar, before, slope = rng.normal(size=(3, *shape))
        h, h_before = sigma_s - sigma_t, sigma_t - sigma_before

        def step(weight: float, h: float = h, start: tuple = (z_bar, before, slope)) -> np.ndarray:
            z_bar, before, slope = start
            return z_bar + h * (slope + weight * (slope - before))

        backwards = [step(-h / length / 2) for length in (h_before, h + h_before)]
        logarithmic = step(math.log(sigma_s / sigma_t) / math.log(sigma_t / sigma_before) / 2)
        mistakes = [
            (step(0), "this is Euler's step: use the slope before, too"),
            (step(0.5), "1.5 and 0.5 are right for steps of equal length: here they differ"),
            (step(h_before / h / 2), "the ratio is inverted: the longer this step, the farther the line is extended"),
            (step(h / h_before), "extrapolated to the end of the step: the middle is half as far"),
            (*backwards, "the line is extrapolated backwards: continue from slope, away from slope_before"),
            (step(-0.5), "this is the mean of both slopes: the middle of the next step is ahead, not behind"),
            (step(h / 2), "the line's slope is a difference of slopes divided by a difference of sigmas"),
            (step(h / (h + h_before) / 2), "between the two slopes is the step before, h_before alone"),
            (logarithmic, "extrapolate over sigma, and not over its logarithm"),
            (
                z_bar - (step(h / h_before / 2) - z_bar),
                "the sign: h = sigma_s - sigma_t, which is negative in sampling",
            ),
        ]
        found = call(answer, z_bar, before, slope, sigma_before, sigma_t, sigma_s)
        expect("z_bar at s", found, step(h / h_before / 2), mistakes)


@exercise("ex09_5", "sampling in a single step", points=2)
def _check_deviation_after_one_step(answer: Any) -> None:
    for name, t, d in (("flow", 30, 0.6), ("cosine", 45, 1.7), ("variance_exploding", 40, 0.5), ("flow", 50, 0.25)):
        schedule = Schedule(name, 50)
        signal, noise = float(schedule.signal[t]), float(schedule.noise[t])
        start = State(np.array([[noise]]), np.zeros((1, 1)), t)  # one standard deviation: everything is linear
        *_, end = follow(GaussianDenoiser(schedule, 0.0, d), start, [(t, 0)], "ddim", clip=False)
        variance = signal**2 * d**2 + noise**2
        gain = signal * d**2 / variance
        mistakes = [
            (d, "this needs many steps: a single prediction is an average, and varies less"),
            (gain, "this is x0_hat for z = 1: the standard deviation of z is noise"),
            (gain * math.sqrt(variance), "this is for z that contains an image: here the start is noise alone"),
            (gain * noise**2, "the factor of z multiplies its standard deviation, and not the variance"),
            (d * math.sqrt(gain * noise), "multiply the standard deviation by the factor itself, not by its root"),
            (signal * d**2 / variance**0.5 * noise, "the divisor is the variance of z, without a root"),
            (signal * d / variance * noise, "in the exact denoiser it is d squared: a variance over a variance"),
            (signal * d**2 / noise, "the variance of z contains that of the image, signal^2 d^2, as well"),
            (signal * d**2 / (d**2 + noise**2) * noise, "the variance of the image in z is multiplied by signal^2"),
            (noise * d / math.sqrt(variance), "this is the end of the whole path: here it is a single step"),
            (noise, "this is the start: x0_hat is the factor of the exact denoiser times it"),
            (0.0, "nearly zero, but not quite: x0_hat depends on z a little"),
        ]
        expect("the standard deviation", call(answer, signal, noise, d), abs(float(end.z[0, 0])), mistakes)


@exercise("ex09_6", "steps for a given error", points=1)
def _check_steps_needed(answer: Any) -> None:
    for p, steps, error, target in (
        (2, 16, 0.02, 0.0003), (1, 10, 0.03, 0.0099), (3, 24, 0.5, 0.001), (2, 50, 0.001, 0.0131), (1, 7, 0.2, 0.0317),
    ):  # fmt: skip
        ratio = error / target
        exact = steps * ratio ** (1 / p)
        found = call(answer, p, steps, error, target)
        value = as_array("the number of steps", found)
        mistakes = [
            (math.ceil(steps * ratio), "this is order 1: with order p, k times the steps divide the error by k^p"),
            (math.ceil(steps * ratio**p), "the reverse: a higher order needs fewer steps, so it is not ratio^p"),
            (math.ceil(steps * ratio / p), "order is an exponent, not a factor: the error falls with steps^-p"),
            (math.ceil(steps / ratio ** (1 / p)), "a smaller error needs more steps, and not fewer"),
            (math.ceil(ratio ** (1 / p)), "this is how many times more: multiply it by `steps`"),
            (math.ceil(steps * math.log(ratio, max(p, 2))), "no logarithm: solve error * (steps / n)^p = target for n"),
        ]
        if value.size == 1 and value in (int(exact), exact):
            raise Wrong("the result should be rounded up: with fewer steps the error would be larger than the target")
        expect("the number of steps", found, math.ceil(exact), mistakes)
    more = 0  # a right formula, too, may round up once because of the last digit of a root
    whole = [(1, 10, 0.5, 0.125, 40), (2, 10, 0.5, 0.125, 20), (3, 5, 2.0, 0.25, 10), (2, 6, 0.0625, 0.25, 3)]
    for p, steps, error, target, right in whole:
        found = call(answer, p, steps, error, target)
        if not agree(found, right) and not agree(found, right + 1):
            expect(f"the number of steps from {steps} to {right}", found, right)
        more += agree(found, right + 1)
    if more >= 3:
        raise Wrong("with exactly n steps the target is reached: round up, and do not add 1 to a whole number")
