"""The exercises of `tutorials/08_training.ipynb`: losses on one scale, two optimizers, microbatches, the lowest loss.

They are compared with the algebra of `schedule.py`, the papers' formulas, and singular values.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import Mistakes, as_array, call, expect, unpack
from minidiff.schedule import per_example


@exercise("ex08_1", "losses on one scale", points=2)
def _check_noise_scale_losses(answer: Any) -> None:
    rng = np.random.default_rng(0)
    shape = (3, 4, 5, 2)
    x0, eps, error = (rng.normal(size=shape) for _ in range(3))
    signal, noise = np.array([0.9, 0.6, 0.25]), np.array([0.3, 0.5, 0.85])
    a, b = np.array([-0.7, -1.1, 0.4]), np.array([0.8, 1.3, 0.9])
    z = per_example(signal, x0) * x0 + per_example(noise, x0) * eps
    y_hat = per_example(a, x0) * x0 + per_example(b, x0) * eps + error
    eps_hat = np.empty(shape)
    for i in range(3):  # the two equations, solved for each example
        matrix = np.array([[signal[i], noise[i]], [a[i], b[i]]])
        eps_hat[i] = np.linalg.solve(matrix, np.stack([z[i].ravel(), y_hat[i].ravel()]))[1].reshape(shape[1:])
    losses = np.square(eps_hat - eps).mean(axis=(1, 2, 3))
    mean, factor = np.square(error).mean(axis=(1, 2, 3)), signal / (signal * b - noise * a)
    mistakes = [
        (mean, "these are the losses of y_hat: eps_hat has the error of y_hat with a factor"),
        (factor * mean, "the factor multiplies the error, so in the loss it is squared"),
        ((noise / (signal * b - noise * a)) ** 2 * mean, "with noise in the numerator it is the error of x0_hat"),
        (mean / (signal * b - noise * a) ** 2, "the signal in the numerator is missing"),
        ((signal / (signal * b + noise * a)) ** 2 * mean, "check the sign in the determinant"),
        (losses.mean(), "one loss for each example: the mean is not over the first axis"),
        (losses * error[0].size, "a sum over the elements of an example; take the mean"),
    ]
    expect("losses", call(answer, error, signal, noise, a, b), losses, mistakes)


@exercise("ex08_2", "NAdamW", points=3)
def _check_nadamw_step(answer: Any) -> None:
    rng = np.random.default_rng(1)
    p, g, m = rng.normal(size=(3, 5))
    v = rng.uniform(0.5, 2, 5)
    n, lr, decay, beta1, beta2 = 3, 0.03, 0.4, 0.8, 0.95
    found = unpack(call(answer, p, g, m, v, n, lr, decay, beta1, beta2), "p, m, v")
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    mistakes: Mistakes = [
        (m, "m is still the old one: it has to be updated with g before it is used"),
        (beta1 * m + g, "g has the weight 1 - beta1 in m"),
        ((1 - beta1) * m + beta1 * g, "beta1 is the weight of the old m; here it is the weight of g"),
        (beta1 * new_m + (1 - beta1) * g, "only the update of p looks ahead: return the plain m"),
        (new_m / (1 - beta1**n), "the bias correction is for the update of p alone: return the plain m"),
    ]
    expect("m", found[1], new_m, mistakes)
    mistakes = [
        (v, "v is still the old one: it has to be updated with g^2 before it is used"),
        (beta2 * v + (1 - beta2) * g, "v averages the squares of g"),
        (beta1 * v + (1 - beta1) * g**2, "v has a beta of its own, beta2"),
        (new_v / (1 - beta2**n), "the bias correction is for the update of p alone: return the plain v"),
    ]
    expect("v", found[2], new_v, mistakes)

    def updated(ahead, c1=1 - beta1**n, c2=1 - beta2**n, shrink=1 - lr * decay):
        return shrink * p - lr * (ahead / c1) / (np.sqrt(new_v / c2) + 1e-8)

    ahead = beta1 * new_m + (1 - beta1) * g
    counted = [updated(ahead, 1 - beta1**k, 1 - beta2**k) for k in (n - 1, n + 1)]
    mistakes = [
        (updated(new_m), "this is AdamW: the update has to look ahead, beta1 m + (1 - beta1) g with the new m"),
        (updated(beta1 * m + (1 - beta1) * g), "this is AdamW: look ahead with the new m, not with the old one"),
        (updated(g + beta1 * new_m), "looking ahead, g has the weight 1 - beta1"),
        (updated(ahead, 1, 1), "the bias corrections are missing: m and v start at zero and are too small at first"),
        (*counted, "n is counted from 1 already: use n itself"),
        (updated(ahead, 1 - beta1, 1 - beta2), "the bias corrections have the power: beta^n"),
        (updated(ahead, c2=1), "v has a bias correction, too"),
        (updated(ahead, shrink=1), "the decay is missing: p itself shrinks by the factor 1 - lr decay"),
        (updated(ahead, shrink=1 - decay), "the decay, too, is multiplied by lr"),
        (2 * p * (1 - lr * decay) - updated(ahead), "the update is against the gradient, not along it"),
    ]
    expect("p", found[0], updated(ahead), mistakes)


@exercise("ex08_3", "Newton-Schulz with the classical polynomial", points=2)
def _check_orthogonalize_slowly(answer: Any) -> None:
    for rows, columns in ((7, 4), (3, 6)):
        X = np.random.default_rng(2).normal(0.5, 3.0, (rows, columns))
        for rounds in (3, 30):
            _compare_rounds(call(answer, X, rounds), X, rounds)


def _compare_rounds(found: Any, X: np.ndarray, rounds: int) -> None:
    U, S, V = np.linalg.svd(X, full_matrices=False)

    def after(s: np.ndarray, b: float = -0.5, turns: int = rounds) -> np.ndarray:
        for _ in range(turns):
            s = 1.5 * s + b * s**3
        return U @ np.diag(s) @ V

    def elementwise(Y: np.ndarray) -> np.ndarray:
        for _ in range(rounds):
            Y = 1.5 * Y - 0.5 * Y**3
        return Y

    norm = np.sqrt(np.sum(S**2))
    with np.errstate(all="ignore"):
        mistakes = [
            (elementwise(X / norm), "X**3 is the cube of each element; that of the singular values is X X' X"),
            (after(S / norm, turns=rounds + 1), "one round too many"),
            (after(S / norm, turns=rounds - 1), "one round too few"),
            (after(S / norm, b=0.5), "the sign of the second term: 3/2 s - 1/2 s^3"),
            (X / norm, "only divided by the norm: the polynomial is missing"),
            (after(S / S[0]), "divided by the largest singular value; the norm is the root of the sum of squares"),
            (norm * after(S / norm), "do not multiply by the norm again: the singular values should become 1"),
            (after(S / norm).T, "the result has to have the shape of X, not of its transpose"),
        ]
        if rounds < 10:
            mistakes.append((after(S), "X has to be divided by its norm first: q diverges from values above 1.7"))
    if not np.isfinite(as_array("the result", found)).all():
        raise Wrong("the iteration diverges: divide X by its norm first, once and not in every round")
    expect("the result", found, after(S / norm), mistakes)


@exercise("ex08_4", "microbatches of unequal size", points=1)
def _check_batch_gradient(answer: Any) -> None:
    rng = np.random.default_rng(3)
    of_images = rng.normal(0.5, 1.0, (10, 3, 2))
    sizes = [4, 4, 2]
    gradients = [of_images[:4].mean(axis=0), of_images[4:8].mean(axis=0), of_images[8:].mean(axis=0)]
    total = sum(size * gradient for size, gradient in zip(sizes, gradients, strict=True))
    inverse = sum(gradient / size for size, gradient in zip(sizes, gradients, strict=True))
    mistakes = [
        (np.mean(gradients, axis=0), "the mean of the means: the two images of the last microbatch count double"),
        (np.sum(gradients, axis=0), "a sum of means: it grows with the number of microbatches"),
        (total, "this is the sum over the images: the mean of the batch divides by the number of images"),
        (total / 3, "divided by the number of microbatches, and not by the number of images"),
        (inverse, "larger microbatches count more"),
        (sum(gradient / 10 for gradient in gradients), "each is a mean already: times its size it is a sum again"),
    ]
    expect("the gradient", call(answer, gradients, sizes), of_images.mean(axis=0), mistakes)


@exercise("ex08_5", "the loss above the lowest possible one", points=2)
def _check_excess_by_quarter(answer: Any) -> None:
    rng = np.random.default_rng(4)
    T = 40
    floor = np.linspace(0.9, 0.1, T + 1) ** 2
    floor[0] = np.nan  # not to be used
    t = np.concatenate([[10, 20, 30, 40], rng.integers(1, 21, 30), rng.integers(31, T + 1, 9)])  # borders, and uneven
    losses = floor[t] + rng.uniform(0.05, 0.3, t.size) * (1 + t / T)

    def quarters(values: np.ndarray, quarter_of: np.ndarray) -> np.ndarray:
        return np.array([np.mean(values[quarter_of == quarter]) for quarter in range(4)])

    excess, right = losses - floor[t], (t - 1) // (T // 4)
    of_floor = np.array([floor[1 + 10 * quarter : 11 + 10 * quarter].mean() for quarter in range(4)])
    expected = quarters(excess, right)
    mistakes = [
        (quarters(losses, right), "these are the losses: subtract the floor"),
        (quarters(excess, t // (T // 4)), "check the borders: T/4 belongs to the first quarter, T to the last"),
        (quarters(excess, np.minimum(t // (T // 4), 3)), "check the borders: T/4 belongs to the first quarter"),
        (quarters(losses, right) - of_floor, "use the floor at the timesteps of the examples: floor[t]"),
        (np.full(4, excess.mean()), "this is the mean over all t, four times"),
        (np.full(4, losses.mean()), "the mean of all losses, four times: select each quarter, and subtract the floor"),
        (np.array([excess[right == quarter].sum() for quarter in range(4)]), "a sum; take the mean"),
        (-expected, "the sign is reversed: the loss minus the floor"),
    ]
    expect("the excess", call(answer, t, losses, floor), expected, mistakes)
    some = right != 2
    with np.errstate(all="ignore"):
        empty = as_array("the answer", call(answer, t[some], losses[some], floor))
    if not np.isnan(empty[2]):
        raise Wrong(f"a quarter with no example should give NaN, and gives {empty[2]:.3g}")
