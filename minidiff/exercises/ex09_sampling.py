"""The exercises of `tutorials/09_sampling.ipynb`: steps of samplers, held to closed forms and to the library's own."""

import math

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect, unpack
from minidiff.oracles import GaussianDenoiser
from minidiff.samplers import State
from minidiff.sampling import follow
from minidiff.schedule import Schedule


def _examine_guess_between(answer):
    rng = np.random.default_rng(0)
    z_t, x0_hat = rng.normal(size=(2, 5, 3))
    signal_t, noise_t, signal_s, noise_s = 0.4, 0.8, 0.7, 0.45
    eps_hat = (z_t - signal_t * x0_hat) / noise_t
    z_s = signal_s * x0_hat + noise_s * eps_hat
    determinant = signal_s * noise_t - signal_t * noise_s
    slope = (z_s - z_t) / (noise_s - noise_t)
    mistakes = [
        (z_s / signal_s, "z_s is not yet the image: there is noise in it, and z_t says how much"),
        (z_s, "z_s is not yet the image: there is noise in it, and z_t says how much"),
        (z_t / signal_t, "both z are needed: equation (1) holds at t and at s"),
        (eps_hat, "this is eps_hat: solve the same two equations for the other unknown"),
        (-x0_hat, "the sign: swap the two products in the numerator or in the determinant, and not in both"),
        (noise_t * z_s - noise_s * z_t, "eps_hat is gone, but x0_hat still has a factor: divide by it"),
        (z_s - noise_s / noise_t * z_t, "eps_hat is gone, but x0_hat still has a factor: divide by it"),
        (noise_t * z_s + noise_s * z_t, "the noises have to cancel: subtract, do not add"),
        ((noise_t * z_s + noise_s * z_t) / determinant, "the noises have to cancel: subtract, do not add"),
        ((z_s - z_t) / (signal_s - signal_t), "the noise has changed from t to s as well: it does not cancel so"),
        ((z_s - noise_s * slope) / signal_s, "the image has changed from t to s as well: slope is not eps_hat"),
        (
            (noise_t * z_s - noise_s * z_t) / (signal_s - signal_t),
            "the factor of x0_hat: signal_s noise_t - signal_t noise_s",
        ),
        (
            (noise_t * z_s - noise_s * z_t) / (noise_t - noise_s),
            "that holds where signal is 1: here the image fades, too",
        ),
    ]
    expect("x0_hat", call(answer, z_t, z_s, signal_t, noise_t, signal_s, noise_s), x0_hat, mistakes)
    expect("x0_hat in the last step", call(answer, z_t, x0_hat, signal_t, noise_t, 1.0, 0.0), x0_hat)


def _examine_noise_factors(answer):
    sigma_t, sigma_s, noise_s, eta = 2.5, 1.1, 0.6, 0.7
    root = math.sqrt(1 - (sigma_s / sigma_t) ** 2)
    fresh = eta * noise_s * root
    old = math.sqrt(noise_s**2 - fresh**2)
    found_old, found_fresh = unpack(call(answer, sigma_t, sigma_s, noise_s, eta), "old, fresh")
    expect(
        "fresh", found_fresh, fresh,
        [
            (eta * noise_s, "fresh is eta times the deviation of equation (2), which is less than noise_s"),
            (noise_s * root, "where is eta?"),
            (noise_s * root * eta**2, "eta is a factor of the deviation, not of the variance"),
            (noise_s * root * math.sqrt(eta), "eta is a factor of the deviation, not of the variance"),
            (eta * noise_s * root**2, "the root of equation (2) is missing"),
            (eta * root, "equation (2) has noise_s as a factor"),
            (eta * noise_s * math.sqrt(1 - sigma_s / sigma_t), "the ratio of the levels is squared in equation (2)"),
            (old, "this is old: return them in the order old, fresh"),
        ],
    )  # fmt: skip
    expect(
        "old", found_old, old,
        [
            (noise_s - fresh, "variances add up to noise_s^2, and deviations do not add up"),
            (noise_s**2 - fresh**2, "this is the variance of the old noise: the factor is its root"),
            (noise_s, "with fresh noise there is less of the old"),
            (math.sqrt(noise_s**2 + fresh**2), "the two variances together make noise_s^2"),
            (math.sqrt(1 - fresh**2), "the two variances together make noise_s^2, and not 1"),
        ],
    )  # fmt: skip
    old, fresh = unpack(call(answer, sigma_t, sigma_s, noise_s, 0.0), "old, fresh")
    expect("old without fresh noise", old, noise_s)


def _examine_midpoint(answer):
    rng = np.random.default_rng(1)
    z_bar, sigma_t, sigma_s = rng.normal(size=(4, 2)), 1.7, 0.9
    middle, h = (sigma_t + sigma_s) / 2, sigma_s - sigma_t

    def slope(z_bar, sigma):
        return np.sin(2 * z_bar) / sigma + sigma**2 * z_bar

    first = slope(z_bar, sigma_t)
    half_way = z_bar + h / 2 * first
    there = slope(half_way, middle)
    ahead = slope(z_bar + h * first, sigma_s)
    mistakes = [
        (z_bar + h * first, "this is Euler's step: the slope of the start, for all of it"),
        (z_bar + h * (first + ahead) / 2, "this is Heun's: the midpoint method asks in the middle, not at the end"),
        (z_bar + h * ahead, "this is the slope at the end of the step: it is to be asked for in the middle"),
        (half_way + h * there, "the whole step begins where the half one did: at z_bar"),
        (half_way + h / 2 * there, "two half steps with Euler: take the whole step with the slope of the middle"),
        (z_bar + h / 2 * there, "half a step only: with the slope of the middle go all of it"),
        (half_way, "this is the middle: ask there, and go on from the start"),
        (z_bar + h * slope(half_way, sigma_t), "in the middle of the step sigma is in the middle as well"),
        (z_bar + h * slope(z_bar, middle), "at the middle's sigma z_bar has moved: go half a step first"),
        (z_bar - h * there, "the sign: sigma_s - sigma_t is negative, and that is right so"),
        (z_bar + h * (first + there) / 2, "the slope of the middle alone, without that of the start"),
        (z_bar + h * slope(z_bar + middle * first, middle), "half of the step is (sigma_s - sigma_t) / 2"),
    ]
    expect("z_bar at s", call(answer, slope, z_bar, sigma_t, sigma_s), z_bar + h * there, mistakes)


def _examine_look_back(answer):
    rng = np.random.default_rng(2)
    z_bar, before, slope = rng.normal(size=(3, 4, 2))
    sigma_before, sigma_t, sigma_s = 2.9, 1.6, 0.9
    h, h_before = sigma_s - sigma_t, sigma_t - sigma_before

    def step(weight):
        return z_bar + h * (slope + weight * (slope - before))

    mistakes = [
        (step(0), "this is Euler's step: use the slope before, too"),
        (step(0.5), "1.5 and 0.5 are right for steps of one length: here they differ"),
        (step(h_before / h / 2), "the ratio is upside down: the longer this step, the further the line is drawn"),
        (step(h / h_before), "drawn to the end of the step: the middle is half as far"),
        (step(-h / h_before / 2), "the line is drawn backwards: on from slope, away from slope_before"),
        (step(-h / (h + h_before) / 2), "the line is drawn backwards: on from slope, away from slope_before"),
        (step(-0.5), "this is the mean of both slopes: the middle of the next step lies ahead, not behind"),
        (step(h / 2), "the line's slope is a difference of slopes divided by a difference of sigmas"),
        (step(h / (h + h_before) / 2), "between the two slopes lies the step before, h_before alone"),
        (step(math.log(sigma_s / sigma_t) / math.log(sigma_t / sigma_before) / 2), "over sigma, and not its logarithm"),
        (z_bar - (step(h / h_before / 2) - z_bar), "the sign: h = sigma_s - sigma_t is negative, and that is right so"),
    ]
    found = call(answer, z_bar, before, slope, sigma_before, sigma_t, sigma_s)
    expect("z_bar at s", found, step(h / h_before / 2), mistakes)


def _examine_one_step(answer):
    schedule, d = Schedule("flow", 50), 0.6
    signal, noise = float(schedule.signal[30]), float(schedule.noise[30])
    start = State(np.array([[noise]]), np.zeros((1, 1)), 30)  # a deviation of one: everything is linear
    *_, end = follow(GaussianDenoiser(schedule, 0.0, d), start, [(30, 0)], "ddim", clip=False)
    variance = signal**2 * d**2 + noise**2
    gain = signal * d**2 / variance
    mistakes = [
        (d, "with many steps: a single guess is an average, and varies less"),
        (gain, "this is x0_hat for z = 1: the deviation of z is noise"),
        (gain * math.sqrt(variance), "that would be for z with some image in it: here the start is noise alone"),
        (gain * noise**2, "the factor of z multiplies its deviation, and not the variance"),
        (d * math.sqrt(gain * noise), "deviations are multiplied by the factor itself, not by its root"),
        (signal * d**2 / variance**0.5 * noise, "the divisor is the variance of z, without a root"),
        (signal * d / variance * noise, "in the perfect denoiser it is d squared: a variance over a variance"),
        (signal * d**2 / noise, "the variance of z has the share of the image, signal^2 d^2, as well"),
        (
            signal * d**2 / (d**2 + noise**2) * noise,
            "in z the image is multiplied by signal: its variance by signal^2",
        ),
        (noise * d / math.sqrt(variance), "that is where the whole path would lead: here it is a single step"),
        (noise, "that is the start: x0_hat is the factor of the perfect denoiser times it"),
        (0.0, "nearly zero, but not quite: the guess depends on z a little"),
    ]
    expect("the deviation", call(answer, signal, noise, d), abs(float(end.z[0, 0])), mistakes)


def _examine_steps_needed(answer):
    p, steps, error, target = 2, 16, 0.02, 0.0003
    ratio = error / target
    exact = steps * ratio ** (1 / p)
    found = call(answer, p, steps, error, target)
    numbers = as_numbers("the number of steps", found)
    mistakes = [
        (math.ceil(steps * ratio), "that is order 1: with order p, k times the steps make the error k^p times smaller"),
        (math.ceil(steps * ratio**p), "the other way round: a higher order needs fewer steps, so it is not ratio^p"),
        (math.ceil(steps * ratio / p), "order is an exponent, not a factor: the error falls with steps^-p"),
        (math.ceil(steps / ratio ** (1 / p)), "a smaller error needs more steps, and not fewer"),
        (math.ceil(steps * math.log(ratio, p)), "no logarithm is needed: solve error * (steps / n)^p = target for n"),
        (math.ceil(ratio ** (1 / p)), "that is by how many times more: it took `steps` steps before"),
    ]
    if math.ceil(exact) != int(exact) and numbers.shape == () and numbers in (int(exact), exact):
        raise Wrong("rounded up to a whole number: with fewer steps the error would be larger than the target")
    expect("the number of steps", found, math.ceil(exact), mistakes)
    expect("the number of steps for order 1", call(answer, 1, 10, 0.03, 0.0099), 31)


EXERCISES = (
    Exercise("ex09_1", "what was the guess?", 1, "guess_between", _examine_guess_between),
    Exercise("ex09_2", "old noise and fresh noise", 2, "noise_factors", _examine_noise_factors),
    Exercise("ex09_3", "the midpoint method", 2, "midpoint", _examine_midpoint),
    Exercise("ex09_4", "look back at the slope", 3, "look_back", _examine_look_back),
    Exercise("ex09_5", "in a single step", 2, "deviation_after_one_step", _examine_one_step),
    Exercise("ex09_6", "how many steps", 1, "steps_needed", _examine_steps_needed),
)
