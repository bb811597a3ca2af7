"""The exercises of `tutorials/15_fewer_steps.ipynb`: targets of distillation, compared with steps that are taken."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import call, expect, finite_array
from minidiff.oracles import GaussianDenoiser
from minidiff.samplers import State
from minidiff.sampling import follow
from minidiff.schedule import Schedule


@exercise("ex15_1", "how curved paths are", points=1)
def _check_curvature(answer: Any) -> None:
    for seed, (steps, N, D) in enumerate([(8, 5, 2), (3, 4, 3), (20, 1, 1)]):
        rng = np.random.default_rng(seed)
        paths = np.cumsum(rng.normal(0.3, 1.0, (steps + 1, N, D)), axis=0)
        whole, parts = paths[-1] - paths[0], np.diff(paths, axis=0)
        errors = np.square(steps * parts - whole).sum(axis=-1)  # (steps, N)
        right = errors.mean()
        mistakes = [
            (np.square(parts - whole).sum(axis=-1).mean(), "a step takes 1 / steps of the time: its velocity is steps "
             "times the difference"),
            (np.square((steps + 1) * parts - whole).sum(axis=-1).mean(), "there is one step less than states: "
             "len(paths) - 1"),
            (errors.sum(), errors.sum(axis=0).mean(), "the mean over the steps and the points, not their sum"),
            (errors.mean(axis=0), "one number: the mean over the points as well"),
            (errors.mean(axis=1), "one number: the mean over the steps as well"),
            (np.square(steps * parts - whole).mean(), "|v|^2 is the sum over the coordinates, not their mean"),
            (np.sqrt(errors).mean(), np.sqrt(right), "the square of the length, without a root"),
            (np.square(steps * parts + whole).sum(axis=-1).mean(), "the end minus the start, as each step: the next "
             "state minus this one"),
            (np.square(steps * parts).sum(axis=-1).mean(), "the velocity of the straight path, end minus start, has "
             "to be subtracted"),
        ]  # fmt: skip
        expect("the curvature", call(answer, paths), right, mistakes)
    straight = np.linspace([[1.0, 2.0]], [[-3.0, 0.5]], 6)
    expect("1 + the curvature of a straight path", 1 + finite_array("it", call(answer, straight), ()), 1.0)


@exercise("ex15_2", "the weights of the teacher's estimates", points=2)
def _check_estimate_weights(answer: Any) -> None:
    for sigma in (np.array([8.0, 4.0, 1.0]), np.array([5.0, 2.5, 1.5, 0.9, 0.2]), np.array([3.0, 1.0])):
        right = _weights(sigma)
        r = sigma[1:] / sigma[:-1]
        whole = 1 - sigma[-1] / sigma[0]
        mistakes = [
            ((1 - r) / whole, "later steps shrink what a step has added: multiply by their sigma[i + 1] / sigma[i]"),
            (right * whole, "this is how much of each estimate is in z_bar at the end; divide by their sum, so that "
             "one step from the start gets there"),
            (right[::-1], "the order: the first weight is that of the first estimate, at sigma[0]"),
            ((sigma[:-1] - sigma[1:]) / (sigma[0] - sigma[-1]), "these are the lengths of the steps, "
             "or the ratios of the earlier steps: multiply by those of the later ones, which shrink what a step added"),
            (np.full(len(r), 1 / len(r)), "the estimates do not count equally: an early one is mostly replaced"),
            ((1 - r) / (1 - r).sum(), "later steps shrink what a step has added: multiply by their ratios first"),
            (r * right, "a step adds the fraction 1 - sigma[i + 1] / sigma[i] of its estimate"),
        ]  # fmt: skip
        expect("the weights", call(answer, sigma), right, mistakes)
    found = finite_array("the weights for a last sigma of 0", call(answer, np.array([2.0, 0.5, 0.0])), (2,))
    expect("the weights for a last sigma of 0", found, np.array([0.0, 1.0]))


def _weights(sigma: np.ndarray) -> np.ndarray:
    """The weights, from sampler steps with estimates that are 1 once and otherwise 0."""
    found = []
    for one in range(len(sigma) - 1):
        z_bar = 0.0
        for i, (a, b) in enumerate(zip(sigma[:-1].tolist(), sigma[1:].tolist(), strict=True)):
            x0_hat = float(i == one)
            z_bar = x0_hat + b / a * (z_bar - x0_hat)
        found.append(z_bar / (1 - float(sigma[-1] / sigma[0])))
    return np.array(found)


@exercise("ex15_3", "the end of a path in closed form", points=2)
def _check_end_of_path(answer: Any) -> None:
    schedule = Schedule("cosine", 4000)
    cases = [(4000, 0.3, 0.5, (4, 2)), (1500, -0.4, 0.2, (3,)), (2600, 0.0, 1.3, (2, 3, 2))]
    for seed, (t, m, d, shape) in enumerate(cases):
        signal, noise = float(schedule.signal[t]), float(schedule.noise[t])
        z = np.random.default_rng(seed).normal(signal * m, noise, shape)
        variance = signal**2 * d**2 + noise**2
        right = m + d * (z - signal * m) / np.sqrt(variance)
        mistakes = [
            (m + signal * d**2 / variance * (z - signal * m), "this is x0_hat, a mean of all ends: along the path "
             "the slope changes"),
            (m + d * (z - m) / np.sqrt(variance), "z is centered at signal m"),
            (d * (z - signal * m) / np.sqrt(variance), "add the mean m of the data at the end"),
            (m + d * (z - signal * m) / variance, "z - signal m grows with the standard deviation of z, not with "
             "its variance"),
            (m + d**2 * (z - signal * m) / variance, "the ratio of the standard deviations, not of the variances"),
            (m + d * (z - signal * m) / noise, "the standard deviation of z contains the data: "
             "sqrt(signal^2 d^2 + noise^2)"),
            (m + d * (z - signal * m) / np.sqrt(d**2 + noise**2), "in z, the data has the standard deviation "
             "signal d"),
            (m + d * (z / signal - m) / np.sqrt(variance), "divide z or the standard deviation by the signal, but "
             "both or none"),
            (z / signal, (z - signal * m) / np.sqrt(variance), "at sigma = 0 the standard deviation is d"),
        ]  # fmt: skip
        expect("the end of the path", call(answer, z, signal, noise, m, d), right, mistakes)
    start, m, d = 2600, 0.0, 1.3
    signal, noise = float(schedule.signal[start]), float(schedule.noise[start])
    z = np.random.default_rng(3).normal(signal * m, noise, (2, 3, 2))
    pairs = [(t, t - 4) for t in range(start, 0, -4)]
    *_, last = follow(GaussianDenoiser(schedule, m, d), State(z, z, start), pairs, "heun", clip=False)
    expect("the end of the path, against a sampler", call(answer, z, signal, noise, m, d), last.z, tolerance=1e-3)


@exercise("ex15_4", "sampling with a consistency model in several steps", points=2)
def _check_multistep(answer: Any) -> None:
    cases = [("flow", [100, 60, 25], (4, 2)), ("cosine", [80, 30], (3, 5)), ("sigmoid", [90], (2, 3))]
    for seed, (name, times, shape) in enumerate(cases):
        eps = np.random.default_rng(seed).normal(size=(len(times), *shape))
        _check_steps(answer, Schedule(name, 100), times, eps, 1 + 0.2 * seed)


def _check_steps(answer: Any, schedule: Schedule, times: list[int], eps: np.ndarray, slope: float) -> None:
    signal, noise = schedule.signal, schedule.noise

    def f(z: np.ndarray, t: int) -> np.ndarray:
        return np.tanh(slope * z + 0.01 * float(t)) / (1 + float(noise[t]))

    def run(change: Callable[[np.ndarray, np.ndarray, int, int], np.ndarray], first: float | None = None) -> np.ndarray:
        """The last estimate; `change` maps z, x0_hat, i and t = times[i] to the next z."""
        z = (noise[times[0]] if first is None else first) * eps[0]
        x0_hat = f(z, times[0])
        for i, t in enumerate(times[1:], start=1):
            z = change(z, x0_hat, i, t)
            x0_hat = f(z, t)
        return x0_hat

    def old_noise(z: np.ndarray, x0_hat: np.ndarray, i: int, t: int) -> np.ndarray:
        return signal[t] * x0_hat + noise[t] * schedule.eps_from_x0(z, x0_hat, times[i - 1])

    right = run(lambda z, x0_hat, i, t: signal[t] * x0_hat + noise[t] * eps[i])
    mistakes = [
        (run(old_noise), "this is ddim, with the noise that is left in z: use fresh noise, eps[i]"),
        (run(lambda z, x0_hat, i, t: signal[t] * x0_hat + noise[t] * eps[0]), "each level has its own noise: eps[i]"),
        (run(lambda z, x0_hat, i, t: x0_hat + noise[t] * eps[i]), "multiply x0_hat by the signal of t"),
        (run(lambda z, x0_hat, i, t: signal[t] * x0_hat), "the noise of level t has to be added again"),
        (run(lambda z, x0_hat, i, t: noise[t] * eps[i]), "continue from the estimate, not from noise alone"),
        (run(lambda z, x0_hat, i, t: signal[t] * z + noise[t] * eps[i]), "continue from the estimate, not from z"),
        (run(lambda z, x0_hat, i, t: signal[t] * x0_hat + noise[t] * eps[i], first=1.0), "z at the start is "
         "noise[times[0]] eps[0]"),
        (f(noise[times[0]] * eps[0], times[0]), "this is one step: go on with the other timesteps"),
    ]  # fmt: skip
    found = call(answer, f, times, signal, noise, eps)
    expect("the images", found, right, mistakes if len(times) > 1 else mistakes[6:7])


def _velocity(frequency: float, z: np.ndarray, u: float, d: float) -> np.ndarray:
    """The network of ex15_5, but for its first argument."""
    if not 0 <= u <= 1:
        raise Wrong(f"s was called at u = {u}: two steps of length d go from u to u + d and to u + 2 d")
    return np.sin(frequency * z) + u - 3 * d * z


@exercise("ex15_5", "the target of a shortcut model", points=2)
def _check_shortcut_target(answer: Any) -> None:
    for seed, (shape, u, d) in enumerate([((4, 2), 0.25, 0.125), ((3, 2, 2), 0.0, 0.5), ((5,), 0.5, 0.0625)]):
        z, s = np.random.default_rng(seed).normal(size=shape), partial(_velocity, 2 + 0.3 * seed)
        first = s(z, u, d)
        second = s(z + d * first, u + d, d)
        mistakes = [
            (first, "this is one step: the target is the mean velocity of two"),
            (second, "the second velocity alone: the target is the mean of both"),
            (first + second, "the mean of both, not their sum: the step of length 2 d is 2 d times the target"),
            (d * (first + second), "this is how far both steps go: divide by 2 d, the length of the long step"),
            (z + d * (first + second), "this is where both steps end: the target is a velocity"),
            ((first + s(z, u + d, d)) / 2, "the second step starts where the first one ends, at z + d s"),
            ((first + s(z + d * first, u, d)) / 2, "the second step starts at the time u + d"),
            ((first + s(z + first, u + d, d)) / 2, "a step of length d moves z by d times the velocity"),
            ((first + s(z - d * first, u + d, d)) / 2, "the sign: here time goes from noise to data, so z + d s"),
            ((first + s(z + d * first, u + d, 2 * d)) / 2, s(z, u, 2 * d), "both steps have the length d: the "
             "velocity for 2 d is what is trained"),
            ((first + s(z + 2 * d * first, u + 2 * d, d)) / 2, "the second step starts after d, not after 2 d"),
        ]  # fmt: skip
        expect("the target", call(answer, s, z, u, d), (first + second) / 2, mistakes)
