"""The exercises of `tutorials/08_training.ipynb`: losses on one scale, two optimizers, slices, and the floor of a loss.

Truth is the algebra of `schedule.py`, the paper's formulas, and singular values.
"""

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import as_numbers, call, expect, unpack


def _examine_noise_scale(answer):
    rng = np.random.default_rng(0)
    shape = (3, 4, 5, 2)
    x0, eps, error = (rng.normal(size=shape) for _ in range(3))
    signal, noise = np.array([0.9, 0.6, 0.25]), np.array([0.3, 0.5, 0.85])
    a, b = np.array([-0.7, -1.1, 0.4]), np.array([0.8, 1.3, 0.9])

    def each(coefficient):
        return coefficient[:, None, None, None]

    z, y_hat = each(signal) * x0 + each(noise) * eps, each(a) * x0 + each(b) * eps + error
    eps_hat = np.empty(shape)
    for i in range(3):  # the two equations, solved for each example
        matrix = np.array([[signal[i], noise[i]], [a[i], b[i]]])
        eps_hat[i] = np.linalg.solve(matrix, np.stack([z[i].ravel(), y_hat[i].ravel()]))[1].reshape(shape[1:])
    losses = np.square(eps_hat - eps).mean(axis=(1, 2, 3))
    mean, factor = np.square(error).mean(axis=(1, 2, 3)), signal / (signal * b - noise * a)
    expect(
        "losses", call(answer, error, signal, noise, a, b), losses,
        [
            (mean, "these are the losses of y_hat: an error of y_hat shows in eps_hat with a factor"),
            (factor * mean, "the factor multiplies the error, so in the loss it is squared"),
            ((noise / (signal * b - noise * a)) ** 2 * mean, "with noise above the line it is the error of x0_hat"),
            (mean / (signal * b - noise * a) ** 2, "the signal above the line is missing"),
            ((signal / (signal * b + noise * a)) ** 2 * mean, "look at the sign in the determinant"),
            (losses.mean(), "one loss for each example: the mean leaves the first axis alone"),
            (losses * error[0].size, "a sum over the numbers of an example, where a mean was asked for"),
        ],
    )  # fmt: skip


def _examine_nadamw(answer):
    rng = np.random.default_rng(1)
    p, g, m = rng.normal(size=(3, 5))
    v = rng.uniform(0.5, 2, 5)
    n, lr, decay, beta1, beta2 = 3, 0.03, 0.4, 0.8, 0.95
    found = unpack(call(answer, p, g, m, v, n, lr, decay, beta1, beta2), "p, m, v")
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    expect(
        "m", found[1], new_m,
        [
            (m, "m is still the old one: it has to take in g before it is used"),
            (beta1 * m + g, "g comes into m with the weight 1 - beta1"),
            ((1 - beta1) * m + beta1 * g, "beta1 is the share that stays; here it is the share of g"),
            (beta1 * new_m + (1 - beta1) * g, "m itself does not look ahead: only the step does, m is kept as it is"),
            (new_m / (1 - beta1**n), "m is kept as it is; the correction is for the step alone"),
        ],
    )  # fmt: skip
    expect(
        "v", found[2], new_v,
        [
            (v, "v is still the old one: it has to take in g^2 before it is used"),
            (beta2 * v + (1 - beta2) * g, "v averages the squares of g"),
            (beta1 * v + (1 - beta1) * g**2, "v has a beta of its own, beta2"),
            (new_v / (1 - beta2**n), "v is kept as it is; the correction is for the step alone"),
        ],
    )  # fmt: skip

    def moved(ahead, correction1=1 - beta1**n, correction2=1 - beta2**n, shrink=1 - lr * decay):
        return shrink * p - lr * (ahead / correction1) / (np.sqrt(new_v / correction2) + 1e-8)

    ahead = beta1 * new_m + (1 - beta1) * g
    expect(
        "p", found[0], moved(ahead),
        [
            (moved(new_m), "this is AdamW: the step has to look ahead, beta1 m + (1 - beta1) g with the new m"),
            (moved(beta1 * m + (1 - beta1) * g), "this is AdamW: look ahead with the new m, not with the old one"),
            (moved(g + beta1 * new_m), "looking ahead, g comes in with the weight 1 - beta1"),
            (moved(ahead, 1, 1), "the corrections are missing: m and v start at zero and are too small at first"),
            (moved(ahead, 1 - beta1 ** (n - 1), 1 - beta2 ** (n - 1)), "n is counted from 1 already: no other n"),
            (moved(ahead, 1 - beta1 ** (n + 1), 1 - beta2 ** (n + 1)), "n is counted from 1 already: no other n"),
            (moved(ahead, 1 - beta1, 1 - beta2), "the corrections have the power: beta^n"),
            (moved(ahead, correction2=1), "v has a correction, too"),
            (moved(ahead, shrink=1), "the decay is missing: p itself shrinks by the factor 1 - lr decay"),
            (moved(ahead, shrink=1 - decay), "the decay, too, is multiplied by lr"),
            (2 * p * (1 - lr * decay) - moved(ahead), "the step goes against the gradient, not along it"),
        ],
    )  # fmt: skip


def _examine_newton_schulz(answer):
    for rows, columns in ((7, 4), (3, 6)):
        X = np.random.default_rng(2).normal(0.5, 3.0, (rows, columns))
        U, S, V = np.linalg.svd(X, full_matrices=False)
        for rounds in (3, 30):
            _examine_rounds(call(answer, X, rounds), X, U, S, V, rounds)


def _examine_rounds(found, X, U, S, V, rounds):
    def after(s, a=1.5, b=-0.5, turns=rounds):
        for _ in range(turns):
            s = a * s + b * s**3
        return U @ np.diag(s) @ V

    def elementwise(Y):
        for _ in range(rounds):
            Y = 1.5 * Y - 0.5 * Y**3
        return Y

    norm = np.sqrt(np.sum(S**2))
    with np.errstate(all="ignore"):
        mistakes = [
            (elementwise(X / norm), "X**3 is the cube of each number; for the singular values it takes X X' X"),
            (after(S / norm, turns=rounds + 1), "one round too many"),
            (after(S / norm, turns=rounds - 1), "one round too few"),
            (after(S / norm, b=0.5), "the sign of the second term: 3/2 s - 1/2 s^3"),
            (X / norm, "only divided by the norm: the polynomial is not there yet"),
            (after(S / S[0]), "divided by the largest singular value; the norm is the root of the sum of squares"),
            (norm * after(S / norm), "do not multiply by the norm again: the singular values should end at 1"),
            (after(S / norm).T, "the result has to have the shape of X, not of its transpose"),
        ]
        if rounds < 10:
            mistakes.append((after(S), "X has to be divided by its norm first: q runs away from values above 1.7"))
    if not np.isfinite(as_numbers("the result", found)).all():
        raise Wrong("the numbers run away: was X divided by its norm first, once and not in every round?")
    expect("the result", found, after(S / norm), mistakes)


def _examine_batch_gradient(answer):
    rng = np.random.default_rng(3)
    of_images = rng.normal(0.5, 1.0, (10, 3, 2))
    sizes = [4, 4, 2]
    gradients = [of_images[:4].mean(axis=0), of_images[4:8].mean(axis=0), of_images[8:].mean(axis=0)]
    total = sum(size * gradient for size, gradient in zip(sizes, gradients, strict=True))
    expect(
        "the gradient", call(answer, gradients, sizes), of_images.mean(axis=0),
        [
            (np.mean(gradients, axis=0), "the mean of the means: the two images of the last slice count double"),
            (np.sum(gradients, axis=0), "a sum of means: it grows with the number of slices"),
            (total, "this is the sum over the images: the mean of the batch divides by how many there are"),
            (total / 3, "divided by the slices, and not by the images"),
            (sum(gradient / size for size, gradient in zip(sizes, gradients, strict=True)), "larger slices count more"),
            (sum(gradient / 10 for gradient in gradients), "each is a mean already: times its size it is a sum again"),
        ],
    )  # fmt: skip


def _examine_excess(answer):
    rng = np.random.default_rng(4)
    T = 40
    floor = np.linspace(0.9, 0.1, T + 1) ** 2
    floor[0] = np.nan  # not to be used
    t = np.concatenate([[10, 20, 30, 40], rng.integers(1, 21, 30), rng.integers(31, T + 1, 9)])  # borders, and uneven
    losses = floor[t] + rng.uniform(0.05, 0.3, t.size) * (1 + t / T)

    def quarters(numbers, number_of):
        return np.array([np.mean(numbers[number_of == quarter]) for quarter in range(4)])

    excess, right = losses - floor[t], (t - 1) // (T // 4)
    of_floor = np.array([floor[1 + 10 * quarter : 11 + 10 * quarter].mean() for quarter in range(4)])
    expected = quarters(excess, right)
    found = as_numbers("the answer", call(answer, t, losses, floor))
    expect(
        "the excess", found, expected,
        [
            (quarters(losses, right), "these are the losses: the floor is to be taken away"),
            (quarters(excess, t // (T // 4)), "look at the borders: T/4 belongs to the first quarter, T to the last"),
            (quarters(excess, np.minimum(t // (T // 4), 3)), "look at the borders: T/4 belongs to the first quarter"),
            (quarters(losses, right) - of_floor, "the floor is to be taken at the t that were drawn: floor[t]"),
            (np.full(4, excess.mean()), "this is the mean over all t, four times"),
            (np.full(4, losses.mean()), "the mean of all losses, four times: pick each quarter's, and mind the floor"),
            (np.array([excess[right == quarter].sum() for quarter in range(4)]), "a sum, where a mean was asked for"),
            (-expected, "the wrong way round: the loss less the floor"),
        ],
    )  # fmt: skip
    some = right != 2
    with np.errstate(all="ignore"):
        empty = as_numbers("the answer", call(answer, t[some], losses[some], floor))
    if not np.isnan(empty[2]):
        raise Wrong(f"a quarter with no example should give NaN, for nothing is known of it, and gives {empty[2]:.3g}")


EXERCISES = (
    Exercise("ex08_1", "losses on one scale", 2, "noise_scale_losses", _examine_noise_scale),
    Exercise("ex08_2", "NAdamW", 3, "nadamw_step", _examine_nadamw),
    Exercise(
        "ex08_3", "Newton and Schulz, the classical polynomial", 2, "orthogonalise_slowly", _examine_newton_schulz
    ),
    Exercise("ex08_4", "slices of unequal size", 1, "batch_gradient", _examine_batch_gradient),
    Exercise("ex08_5", "is there anything left to learn?", 2, "excess_by_quarter", _examine_excess),
)
