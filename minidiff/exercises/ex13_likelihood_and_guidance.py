"""The exercises of `tutorials/13_likelihood_and_guidance.ipynb`: terms of the ELBO, traces, bits and guidance.

Answers are compared with closed forms, and for a finite set of points with sums over the set.
"""

import math
from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import as_array, call, expect


@exercise("ex13_1", "one step of the ELBO", points=2)
def _check_diffusion_term(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for count, sigma_t, sigma_s in ((5, 2.0, 1.6), (1, 0.3, 0.05), (8, 40.0, 10.0)):
        eps_error = rng.uniform(0.1, 9, count)
        right = (1 / sigma_s**2 - 1 / sigma_t**2) / 2 * sigma_t**2 * eps_error
        mistakes = [
            (2 * right, "the factor 1/2 of equation (1) is missing"),
            (right / sigma_t**2, "this is for the error of x0_hat, which is sigma_t^2 times that of eps_hat"),
            (2 * right / sigma_t**2, "this is for the error of x0_hat, and the factor 1/2 is missing"),
            (right / sigma_t**4, "the factor is inverted: the error of x0_hat is sigma_t^2 times that of eps_hat"),
            (right / sigma_t**2 * sigma_s**2, "the network is evaluated at t: the factor is sigma_t^2"),
            (right / sigma_t, "the errors are squares, so the factor is sigma_t squared"),
            (-right, "the sign: the SNR is larger at s, which has less noise"),
            ((sigma_t - sigma_s) / 2 * sigma_t**2 * eps_error, "the SNR is 1 / sigma^2, and not sigma"),
            ((1 / sigma_s - 1 / sigma_t) / 2 * sigma_t**2 * eps_error, "the SNR is 1 / sigma squared"),
            (math.log(sigma_t / sigma_s) * eps_error, "this is the limit of short steps; here the step has a length"),
            (right.mean(), right.sum(), "return one value for each image, (N,)"),
            (eps_error / 2, "the weight is missing: half of the decrease of the SNR, times sigma_t^2"),
        ]
        expect("the term", call(answer, eps_error, sigma_t, sigma_s), right, mistakes)


@exercise("ex13_2", "the prior term", points=2)
def _check_prior_term(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for shape, signal, noise, std in (((4, 3, 5, 1), 0.4, 0.8, 1.1), ((3, 2), 0.05, 2.0, 2.5), ((6, 7), 1.0, 3.0, 3.0)):
        x0 = rng.uniform(-1, 1, shape)
        flat = x0.reshape(shape[0], -1)

        def divergence(reduce=np.sum, mean=signal, noise=noise, std=std, half=0.5, log=1.0, flat=flat):
            each = log * math.log(std / noise) + (noise**2 + (mean * flat) ** 2) / (2 * std**2) - half
            return reduce(each, axis=1)

        variances_of_mean = np.sum(signal**2 * flat**2, axis=1) / (2 * std**2)
        swapped = np.sum(math.log(noise / std) + (std**2 + (signal * flat) ** 2) / (2 * noise**2) - 0.5, axis=1)
        right = divergence()
        mistakes = [
            (divergence(np.mean), "this is a mean: the divergences of all elements of an image are added"),
            (swapped, "the two distributions are swapped: the mean is over the noised image"),
            (divergence(half=0.0), "-1/2 is missing: equal distributions have the divergence 0"),
            (divergence(half=1.0), "the constant of equation (2) is -1/2"),
            (divergence(mean=1.0), "the mean of the noised image is signal * x0"),
            (divergence(mean=signal**0.5), "the mean is signal * x0, and its square has signal squared"),
            (divergence(log=-1.0), "the sign of the logarithm: ln(std / noise)"),
            (divergence(log=2.0), "the logarithm is that of the standard deviations, not of the variances"),
            (divergence(log=0.0), "the logarithm is missing"),
            (right.sum(), right.mean(), "return one value for each image, (N,)"),
            (variances_of_mean, "the variances differ as well: this is the part of the means"),
        ]
        expect("the prior term", call(answer, x0, signal, noise, std), right, mistakes)


@exercise("ex13_3", "Hutchinson's estimate", points=2)
def _check_trace_estimate(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for P, N, D in ((3, 4, 5), (1, 2, 7), (6, 5, 2)):
        J = rng.normal(size=(N, D, D))
        probes = rng.integers(0, 2, (P, N, D)) * 2.0 - 1

        def pullback(e, J=J):
            return np.einsum("nd,ndk->nk", e, J)

        each = np.array([(e * pullback(e)).sum(axis=1) for e in probes])  # (P, N)
        right = each.mean(axis=0)
        mistakes = [
            (right / D, "the trace is a sum over the coordinates, not a mean"),
            (np.array([pullback(e).sum(axis=1) for e in probes]).mean(axis=0), "multiply e' J by e before the sum"),
            (np.abs(right), "no absolute value: a trace may be negative"),
            (right.mean(), "return one estimate for each image, (N,)"),
            (np.trace(J, axis1=1, axis2=2), "the exact trace: use the probes that are given"),
        ]
        if P > 1:
            mistakes += [
                (each.sum(axis=0), "the mean over the probes, not their sum"),
                (each[0], "this uses the first probe only: take the mean over all of them"),
                (each.mean(axis=1), "the mean is over the probes, axis 0, and not over the images"),
                (each, "take the mean over the probes"),
            ]
        expect("the trace", call(answer, pullback, probes), right, mistakes)


@exercise("ex13_4", "bits per dimension", points=1)
def _check_bits(answer: Any) -> None:
    for log_p, H, W, C in ((np.array([900.0, -350.0, 12.5]), 16, 16, 3), (np.array([-40.0]), 5, 7, 1)):
        D, offset = H * W * C, math.log2(127.5)
        right = offset - log_p / (D * math.log(2))
        mistakes = [
            (right - offset, "this is the density: a byte is an interval of width 2 / 255, see equation (6)"),
            (-log_p / D, "this is in nats, and without the width of an interval"),
            (math.log(127.5) - log_p / D, "this is in nats: divide by ln 2"),
            (offset - log_p / D, "the first part is in nats: divide it by ln 2"),
            (
                right - 2 * offset,
                "the sign of the width: a density is multiplied by it, and -log2(2 / 255) > 0",
            ),
            (offset + log_p / (D * math.log(2)), "the sign: improbable images need more bits"),
            (right - offset + 8, "this is for pixels from 0 to 256: here the interval of a byte is 2 / 255"),
            (right - offset + math.log2(255), "this is for pixels in [0, 1]: here they are in [-1, 1]"),
            (right - offset + 7, "there are 255 intervals between -1 and 1, and not 256: log2(127.5)"),
            (offset * D - log_p / math.log(2), "this is for a whole image: divide by its number of values"),
            (right.mean(), "return one value for each image, (N,)"),
        ]
        if C > 1:
            mistakes.append((offset - log_p / (H * W * math.log(2)), "D = H W C: channels count"))
        expect("bits per dimension", call(answer, log_p, H, W, C), right, mistakes)


@exercise("ex13_5", "guidance with a classifier", points=1)
def _check_guided_estimate(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for shape, signal, noise, w in (((4, 2), 0.6, 0.9, 2.2), ((3, 2, 2, 1), 0.9, 0.3, 1.0), ((5, 1), 1.0, 4.0, 0.5)):
        x0_hat, gradient = rng.normal(size=(2, *shape))

        def moved(factor, x0_hat=x0_hat, gradient=gradient):
            return x0_hat + factor * gradient

        mistakes = [
            (moved(w), "the score is multiplied by noise^2 / signal to give x0_hat: so is the gradient"),
            (moved(w * noise**2), "divide by the signal: Tweedie's formula solved for x0_hat"),
            (moved(w * noise), "this changes eps_hat, up to the sign; x0_hat changes by noise^2 / signal"),
            (moved(-w * noise), "this is for eps_hat: the argument is x0_hat"),
            (moved(w * noise / signal), "noise is squared"),
            (moved(w * (noise / signal) ** 2), "divide by signal once"),
            (moved(-w * noise**2 / signal), "the sign: x0_hat moves to where the class is more probable"),
            (moved(noise**2 / signal), "w is missing"),
            (moved((w - 1) * noise**2 / signal), "w = 1 is Bayes' rule, so the factor is w, and not w - 1"),
            (moved(w * signal / noise**2), "the factor is inverted: it is noise^2 / signal"),
            (x0_hat, "the gradient is not used"),
        ]
        right = moved(w * noise**2 / signal)
        expect("x0_hat", call(answer, x0_hat, gradient, signal, noise, w), right, mistakes)


@exercise("ex13_6", "the score of a tilted density", points=3)
def _check_tilted_score(answer: Any) -> None:
    rng = np.random.default_rng(4)
    for N, K, D, signal, noise, w in ((4, 6, 2, 0.7, 0.6, 3.0), (5, 3, 1, 0.9, 0.8, 0.5), (2, 8, 4, 0.5, 1.2, 2.0)):
        data, q = rng.normal(size=(K, D)), rng.uniform(0.05, 0.95, K)
        z = signal * data[rng.integers(0, K, N)] + noise * rng.normal(size=(N, D))

        def score(power, z=z, data=data, q=q, signal=signal, noise=noise, temperature=1.0):
            """The score at z of the set with the weights q^power, noised; that of z is in the exponent."""
            log_p = -temperature * np.square(z[:, None] - signal * data).sum(axis=2) / (2 * noise**2)
            log_p = log_p + power * np.log(q)
            p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
            return (signal * p @ data / p.sum(axis=1, keepdims=True) - z) / noise**2

        right = score(w)
        guided = score(0) + w * (score(1) - score(0))
        x0_hat = (right * noise**2 + z) / signal
        mistakes = [
            (guided, "this is guidance, equation (8): here every point of the data has the weight q^w before noise"),
            (score(1), "this is the score for w = 1: the weight of a point is q^w"),
            (score(0), "q is not used: the weight of a point is q^w"),
            (score(w + 1), "the weights are q^w: the set itself has equal weights"),
            (score(-w), "the sign of the exponent: the more probable the class, the more weight"),
            (x0_hat, "this is x0_hat: the score follows with Tweedie's formula"),
            (right * noise, "divide by noise squared"),
            (-right, "the sign: the score is (signal x0_hat - z) / noise^2"),
            (score(w, temperature=2.0), "a factor of 2: a normal density has the exponent -distance^2 / (2 noise^2)"),
            (score(w, temperature=noise), "the exponent is divided by 2 noise^2: the noise has to be squared"),
            (w * score(1), "w is an exponent of q, and not a factor of the score"),
        ]
        expect("the score", call(answer, z, data, q, signal, noise, w), right, mistakes)
    data, q = np.array([[0.9], [-0.5]]), np.array([0.5, 0.25])
    with np.errstate(all="ignore"):
        found = as_array("the score", call(answer, np.array([[0.8], [0.1]]), data, q, 1.0, 0.01, 2.0))
    if not np.isfinite(found).all():
        raise Wrong("right, but not at low noise: exp gives 0 for every point; subtract the largest logarithm first")
    expect("the score at low noise", found, np.array([[1000.0], [-6000.0]]))
