"""The exercises of `tutorials/12_why_it_works.ipynb`: scores, stochastic steps and velocities.

Answers are compared with closed forms for mixtures of normal distributions and for finite sets of points.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect


@exercise("ex12_1", "the score from the estimate", points=1)
def _check_score_from_x0(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for shape, signal, noise in (((4, 3), 0.8, 0.5), ((2, 5, 5, 1), 0.3, 1.7), ((6,), 1.0, 0.2)):
        z, x0_hat = rng.normal(size=(2, *shape))
        eps_hat = (z - signal * x0_hat) / noise
        mistakes = [
            (-eps_hat, "this is -eps_hat: divide by the noise once more, since the exponent has noise squared"),
            (eps_hat / noise, "the sign: the density rises towards signal x0_hat, away from eps_hat"),
            (eps_hat, "this is eps_hat: the score is eps_hat divided by -noise"),
            ((x0_hat - z) / noise**2, "z is distributed around signal * x0, and not around x0"),
            ((x0_hat - z / signal) / (noise / signal) ** 2, "this is the score of z / signal; here it is that of z"),
            (-z / noise**2, "this is the score of pure noise: the mean is signal * x0_hat"),
        ]
        expect("the score", call(answer, z, x0_hat, signal, noise), -eps_hat / noise, mistakes)


@exercise("ex12_2", "how certain an estimate is", points=2)
def _check_posterior_variance(answer: Any) -> None:
    cases = (
        (0.8, 0.55, (-0.7, 0.5), 0.1, (9,)),
        (0.5, 1.3, (-1.0, 0.6), 0.3, (3, 4)),
        (1.0, 0.6, (-0.4, 1.5), 0.0, (5,)),
    )
    for signal, noise, means, std, shape in cases:
        m, variance_of_z = np.array(means), (signal * std) ** 2 + noise**2
        z = np.linspace(-1.6, 1.9, int(np.prod(shape))).reshape(shape)

        def moments(z, m=m, std=std, signal=signal, noise=noise, variance_of_z=variance_of_z):
            """x0_hat and the variance of x0 given z, for two components of equal weight, by Bayes' rule."""
            log_p = -((z[..., None] - signal * m) ** 2) / (2 * variance_of_z)
            p = np.exp(log_p - log_p.max(axis=-1, keepdims=True))
            p /= p.sum(axis=-1, keepdims=True)
            each = m + signal * std**2 / variance_of_z * (z[..., None] - signal * m)
            x0_hat = (p * each).sum(axis=-1)
            return x0_hat, (p * (each - x0_hat[..., None]) ** 2).sum(axis=-1) + std**2 * noise**2 / variance_of_z

        right = moments(z)[1]
        slope = right * signal / noise**2
        mistakes = [
            (slope, "this is the slope of x0_hat: equation (2) has a factor of noise^2 / signal"),
            (slope * noise**2, "the slope is with respect to z, in which x0 is multiplied by signal: divide by it"),
            (slope * noise / signal, "noise is squared in equation (2)"),
            (slope * (noise / signal) ** 2, "divide by signal once: this divides by its square"),
            (slope * signal / noise**2, "the factor is inverted: it is noise^2 / signal"),
            (np.sqrt(right), "this is the standard deviation: no root"),
            (right / 2, "a central difference is divided by 2 h"),
            (right * 2, "a central difference from z - h to z + h is divided by 2 h, not by h"),
            (np.full(shape, (noise / signal) ** 2), "the estimate is not z / signal: use the slope of `denoise`"),
        ]
        found = call(answer, lambda z: moments(np.asarray(z, float))[0], z, signal, noise)
        if 0 < np.max(np.abs(as_array("the variance", found))) < 1e-3 * np.max(right):
            raise Wrong("far too small: is the difference divided by 2 h?")
        expect("the variance", found, right, mistakes, tolerance=2e-3)


@exercise("ex12_3", "Langevin dynamics", points=2)
def _check_langevin_chain(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for shape, step, slope in (((4, 5, 2), 0.05, 1.5), ((1, 3), 0.3, 0.7), ((3, 6), 0.01, 4.0)):
        x, noise = rng.normal(size=shape[1:]), rng.normal(size=shape)

        def score(x, slope=slope):
            return np.sin(2 * x) - slope * x

        def run(drift, diffusion, x=x, noise=noise, frozen=False, score=score):
            start = x
            for eps in noise:
                x = x + drift * score(start if frozen else x) + diffusion * eps
            return x

        root = np.sqrt(2 * step)
        mistakes = [
            (run(step, np.sqrt(step)), "a factor of 2: the noise of each step has the variance 2 step"),
            (
                run(step, 2 * step),
                run(step, step),
                "the standard deviation of the noise is sqrt(2 step): it needs a root",
            ),
            (run(step / 2, root), "with noise of variance 2 step, the score is multiplied by step, not by half of it"),
            (run(-step, root), "the sign: the score points to where the density is higher, and x moves there"),
            (run(step, 0.0), "the noise is missing: without it, x stops at a maximum of the density"),
            (run(0.0, root), "the score is missing: this only adds noise"),
            (run(root, root), "the score is multiplied by step, and only the noise by its root"),
            (run(step, root, frozen=True), "the score changes as x moves: evaluate it in every step"),
            (run(step, root, noise=noise[:1]), "this is one step: take one for each noise[i]"),
        ]
        found = call(answer, score, x, step, noise)
        if len(noise) > 1 and np.shape(found) == noise.shape:
            raise Wrong("return the last x only, and not the whole chain")
        expect("x", found, run(step, root), mistakes)


@exercise("ex12_4", "a step of the reverse SDE", points=2)
def _check_reverse_step(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for shape, f, g, dt in (((5, 2), -0.7, 1.3, 0.04), ((3, 4, 4, 1), 0.0, 2.0, 0.01), ((7,), -2.5, 0.6, 0.2)):
        z, score, eps = rng.normal(size=(3, *shape))

        def step(drift, half=1.0, sign=-1.0, z=z, score=score, eps=eps, g=g, dt=dt, noise=1.0):
            return z + sign * dt * (drift * z - half * g**2 * score) + noise * g * np.sqrt(dt) * eps

        right = step(f)
        mistakes = [
            (step(f, sign=1.0), "time runs backwards: dt is positive here, so the drift is subtracted"),
            (step(f, half=-1.0), "the sign of the score: backwards in time, z moves to where the density is higher"),
            (step(f, half=0.5), "half of the score belongs to the ODE: with fresh noise it is all of it"),
            (step(f, half=0.0), "the score is missing: only the forward SDE does without it"),
            (step(f, half=0.5, noise=0.0), "this is the probability-flow ODE: the SDE also adds fresh noise"),
            (step(f, noise=0.0), "the fresh noise is missing"),
            (step(f, noise=np.sqrt(dt)), "the noise of a step has the standard deviation g sqrt(dt), not g dt"),
            (step(f, noise=1 / np.sqrt(dt)), "the shorter the step, the less fresh noise: multiply by sqrt(dt)"),
            (step(f, noise=g), "the factor of the noise is g, not g squared"),
            (step(f, half=1 / g), "the factor of the score is g squared"),
            (step(-f), "the sign of f z: forwards it is + f z dt, and backwards - f z dt"),
            (step(0.0), "the drift f z of the forward SDE is missing"),
        ]
        expect("z", call(answer, z, score, f, g, dt, eps), right, mistakes)


@exercise("ex12_5", "the marginal velocity of a finite set", points=3)
def _check_marginal_velocity(answer: Any) -> None:
    rng = np.random.default_rng(3)
    cases = (((5, 3, 2), 0.8, 0.6, -0.9, 1.2), ((4, 6, 1), 0.6, 0.4, -1.0, 1.0), ((2, 9, 5), 0.3, 1.5, -0.2, 0.5))
    for (N, K, D), signal, noise, dsignal, dnoise in cases:
        data = rng.normal(size=(K, D))
        z = signal * data[rng.integers(0, K, N)] + noise * rng.normal(size=(N, D))

        def average(a=dsignal, b=dnoise, power=1.0, z=z, data=data, signal=signal, noise=noise):
            """The mean over k of a x_k + b eps_k, weighted with p(k | z)^power."""
            log_p = -power * np.square(z[:, None] - signal * data).sum(axis=2) / (2 * noise**2)
            p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
            x0_hat = p @ data / p.sum(axis=1, keepdims=True)
            return a * x0_hat + b * (z - signal * x0_hat) / noise

        right = average()
        mistakes = [
            (average(power=0.0), "all points of the data have the same weight here: weight them with p(k | z)"),
            (average(power=2.0), "a factor of 2: a normal density has the exponent -distance^2 / (2 noise^2)"),
            (average(power=noise), "the exponent is divided by 2 noise^2: the noise has to be squared"),
            (average(power=1 / D), "the exponent has the sum of squares over the coordinates, not their mean"),
            (average(power=1e6), "this is the velocity of the most probable point: take the weighted mean of all"),
            (average(b=0.0), "the noise moves, too: add dnoise * eps"),
            (average(a=0.0), "the data moves, too: add dsignal * x_k"),
            (average(1.0, 0.0), "this is x0_hat: average the conditional velocities"),
            (average(0.0, 1.0), "this is eps_hat: average the conditional velocities"),
            (average(b=dnoise * noise), "eps = (z - signal x_k) / noise"),
            (average(signal, noise), "this is z: use the derivatives dsignal and dnoise"),
            (average(-1.0, 1.0), "eps - x0 is the velocity of the flow schedule only"),
        ]
        expect("the velocity", call(answer, z, data, signal, noise, dsignal, dnoise), right, mistakes)
    data = np.array([[0.9, 0.1], [-0.5, 0.4]])
    z = data + 0.1
    with np.errstate(all="ignore"):
        found = as_array("the velocity", call(answer, z, data, 1.0, 0.002, -1.0, 1.0))
    if not np.isfinite(found).all():
        raise Wrong("right, but not at low noise: exp gives 0 for every point; subtract the largest logarithm first")
    expect("the velocity at low noise", found, -data + (z - data) / 0.002)


@exercise("ex12_6", "the score in a velocity", points=2)
def _check_score_from_velocity(answer: Any) -> None:
    rng = np.random.default_rng(4)
    cases = (((6, 2), 0.7, 0.45, -1.1, 0.8), ((3, 2, 2, 1), 0.4, 0.6, -1.0, 1.0), ((5,), 1.0, 2.0, 0.0, 1.5))
    for shape, signal, noise, dsignal, dnoise in cases:
        x0_hat, eps_hat = rng.normal(size=(2, *shape))
        z, v = signal * x0_hat + noise * eps_hat, dsignal * x0_hat + dnoise * eps_hat
        determinant = signal * dnoise - noise * dsignal
        right = -eps_hat / noise
        mistakes = [
            (eps_hat, "this is eps_hat: the score is eps_hat divided by -noise"),
            (-eps_hat, "this is -eps_hat: divide it by the noise"),
            (eps_hat / noise, "the sign: the score is eps_hat divided by -noise"),
            (x0_hat, "this is x0_hat: solve the same two equations for eps_hat"),
            (right * determinant, "the determinant signal dnoise - noise dsignal is missing"),
            (-v / noise, "the velocity also contains dsignal x0_hat: eliminate x0_hat with the equation for z"),
            (-z / noise**2, "this is the score of pure noise: use the velocity"),
            (-(signal * v + dsignal * z) / determinant / noise, "subtract, so that x0_hat cancels"),
            (-eps_hat / noise**2, "divide by the noise once"),
            (-(z + signal * v) / noise, "this is for dsignal = -1, dnoise = 1, the flow schedule"),
        ]
        expect("the score", call(answer, z, v, signal, noise, dsignal, dnoise), right, mistakes)
