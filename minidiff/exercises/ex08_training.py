"""The exercises of `tutorials/08_training.ipynb`: losses on one scale, two optimizers, microbatches, the lowest loss.

They are compared with the algebra of `schedule.py`, the papers' formulas, and singular values.
"""

from typing import Any

import numpy as np

from minidiff.exercises.attempt import Attempt
from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import Mistakes, as_array, call, expect, names_in, unpack
from minidiff.schedule import per_example

DECOMPOSITIONS = {"svd", "svdvals", "eig", "eigh", "eigvals", "eigvalsh", "qr", "pinv", "inv", "cholesky", "polar"}


@exercise("ex08_1", "losses on one scale", points=2)
def _check_noise_scale_losses(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for N, shape in ((3, (4, 5, 2)), (5, (2, 2, 3)), (1, (3, 1, 1))):
        x0, eps, error = rng.normal(size=(3, N, *shape))
        signal, noise = rng.uniform(0.2, 1, N), rng.uniform(0.2, 1, N)
        a = rng.uniform(-1.2, 0.4, N)
        b = (noise * a + rng.uniform(0.3, 1, N)) / signal  # so that no determinant is close to zero
        a[0], b[0] = 0, 1  # this one predicts the noise
        z = per_example(signal, x0) * x0 + per_example(noise, x0) * eps
        y_hat = per_example(a, x0) * x0 + per_example(b, x0) * eps + error
        eps_hat = np.empty(x0.shape)
        for i in range(N):  # the two equations, solved for each example
            matrix = np.array([[signal[i], noise[i]], [a[i], b[i]]])
            eps_hat[i] = np.linalg.solve(matrix, np.stack([z[i].ravel(), y_hat[i].ravel()]))[1].reshape(shape)
        losses = np.square(eps_hat - eps).mean(axis=(1, 2, 3))
        mean, factor = np.square(error).mean(axis=(1, 2, 3)), signal / (signal * b - noise * a)
        mistakes = [
            (mean, "these are the losses of y_hat: eps_hat has the error of y_hat with a factor"),
            (factor * mean, "the factor multiplies the error, so in the loss it is squared"),
            ((noise / (signal * b - noise * a)) ** 2 * mean, "noise in the numerator gives the error of x0_hat"),
            (mean / (signal * b - noise * a) ** 2, "the signal in the numerator is missing"),
            ((signal / (signal * b + noise * a)) ** 2 * mean, "check the sign in the determinant"),
            (mean / b**2, "eps_hat follows from both equations: y_hat / b alone ignores z"),
            (losses.mean(), "one loss for each example: the mean is not over the first axis"),
            (losses * error[0].size, "a sum over the elements of an example; take the mean"),
        ]
        expect("losses", call(answer, error, signal, noise, a, b), losses, mistakes)


@exercise("ex08_2", "NAdamW", points=3)
def _check_nadamw_step(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for shape, n, lr, decay, beta1, beta2 in (
        ((5,), 3, 0.03, 0.4, 0.8, 0.95), ((2, 3), 1, 0.5, 0.1, 0.9, 0.99), ((4,), 40, 0.01, 2.0, 0.95, 0.999),
        ((1,), 2, 0.2, 0.0, 0.6, 0.7),
    ):  # fmt: skip
        p, g, m = rng.normal(size=(3, *shape))
        v = rng.uniform(0.5, 2, shape)
        found = unpack(call(answer, p, g, m, v, n, lr, decay, beta1, beta2), "p, m, v")
        _compare_moments(found[1], found[2], g, m, v, n, beta1, beta2)
        _compare_parameters(found[0], p, g, m, v, n, lr, decay, beta1, beta2)


def _compare_moments(
    found_m: Any, found_v: Any, g: np.ndarray, m: np.ndarray, v: np.ndarray, n: int, beta1: float, beta2: float
) -> None:
    """Raises `Wrong` unless m and v were updated as in AdamW."""
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    mistakes: Mistakes = [
        (m, "m is still the old one: it has to be updated with g before it is used"),
        (beta1 * m + g, "g has the weight 1 - beta1 in m"),
        ((1 - beta1) * m + beta1 * g, "beta1 is the weight of the old m; here it is the weight of g"),
        (beta1 * new_m + (1 - beta1) * g, "only the update of p looks ahead: return the plain m"),
        (new_m / (1 - beta1**n), "the bias correction is for the update of p alone: return the plain m"),
    ]
    expect("m", found_m, new_m, mistakes)
    mistakes = [
        (v, "v is still the old one: it has to be updated with g^2 before it is used"),
        (beta2 * v + (1 - beta2) * g, "v averages the squares of g"),
        (beta1 * v + (1 - beta1) * g**2, "v has a beta of its own, beta2"),
        (new_v / (1 - beta2**n), "the bias correction is for the update of p alone: return the plain v"),
    ]
    expect("v", found_v, new_v, mistakes)


def _compare_parameters(
    found: Any, p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray,
    n: int, lr: float, decay: float, beta1: float, beta2: float,
) -> None:  # fmt: skip
    """Raises `Wrong` unless p is that of NAdam (Dozat, 2016) with a constant beta1 and decoupled decay."""
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2

    def ahead(now: int = n, new: np.ndarray = new_m, weight: float = 1 - beta1) -> np.ndarray:
        return beta1 * new / (1 - beta1 ** (now + 1)) + weight * g / (1 - beta1**now)

    def updated(step: np.ndarray, c2: float = 1 - beta2**n, shrink: float = 1 - lr * decay) -> np.ndarray:
        return shrink * p - lr * step / (np.sqrt(new_v / c2) + 1e-8)

    uncorrected = beta1 * new_m + (1 - beta1) * g
    right = updated(ahead())
    counted = [updated(ahead(k), 1 - beta2**k) for k in (n - 1, n + 1) if k > 0]
    one_for_both = "m is one update ahead, so its bias correction is 1 - beta1^(n + 1); that of g is 1 - beta1^n"
    mistakes = [
        (updated(new_m / (1 - beta1**n)), "this is AdamW: the update has to look ahead, with the new m and g"),
        (updated(ahead(new=m)), "this uses the old m: look ahead with the new one"),
        (updated(uncorrected / (1 - beta1**n)), f"one bias correction for both terms: {one_for_both}"),
        (updated(uncorrected / (1 - beta1 ** (n + 1))), f"one bias correction for both terms: {one_for_both}"),
        (updated(beta1 * new_m / (1 - beta1**n) + (1 - beta1) * g / (1 - beta1 ** (n + 1))),
         f"the bias corrections are exchanged: {one_for_both}"),
        (updated(ahead(weight=1.0)), updated((g + beta1 * new_m) / (1 - beta1**n)),
         "looking ahead, g has the weight 1 - beta1"),
        (updated(uncorrected, 1), "the bias corrections are missing: m and v start at zero and are too small at first"),
        (*counted, "n is counted from 1 already: use n itself"),
        (updated(uncorrected / (1 - beta1), 1 - beta2), "the bias corrections have the power: beta^n"),
        (updated(ahead(), c2=1), "v has a bias correction, too"),
        (updated(ahead(), shrink=1), "the decay is missing: p itself shrinks by the factor 1 - lr decay"),
        (updated(ahead(), shrink=1 - decay), "the decay, too, is multiplied by lr"),
        (2 * p * (1 - lr * decay) - right, "the update is against the gradient, not along it"),
    ]  # fmt: skip
    expect("p", found, right, mistakes)


@exercise("ex08_3", "Newton-Schulz with the classical polynomial", points=2)
def _check_orthogonalize_slowly(answer: Any) -> None:
    if used := DECOMPOSITIONS & names_in(answer):
        raise Wrong(f"without any decomposition, such as {min(used)}: products of matrices are enough")
    rng = np.random.default_rng(2)
    for (rows, columns), mean, std in (((7, 4), 0.5, 3.0), ((3, 6), 0.0, 0.01), ((5, 5), 0.0, 1.0), ((1, 3), 2.0, 1.0)):
        X = rng.normal(mean, std, (rows, columns))
        for rounds in (3, 0, 30, 8):
            _compare_rounds(call(answer, X, rounds), X, rounds)
    with Attempt() as attempt:  # the only functions of NumPy that refuse float16 are those of its LAPACK
        call(answer, X.astype(np.float16), 1)
    if "unsupported in linalg" in str(attempt.error):
        raise Wrong("without any decomposition: products of matrices are enough")


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
            (U @ V, "this is the limit after many rounds: return the result after `rounds` of them"),
        ]
        if rounds < 10:
            mistakes.append((after(S), "X has to be divided by its norm first: q diverges from values above 1.7"))
    if not np.isfinite(as_array("the result", found)).all():
        raise Wrong("the iteration diverges: divide X by its norm first, once and not in every round")
    expect("the result", found, after(S / norm), mistakes)


@exercise("ex08_4", "microbatches of unequal size", points=1)
def _check_batch_gradient(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for sizes, shape in (([4, 4, 2], (3, 2)), ([1, 5, 3, 3], (4,)), ([6], (2, 2, 2)), ([7, 1], (5,))):
        of_images = rng.normal(0.5, 1.0, (sum(sizes), *shape))
        parts = np.split(of_images, np.cumsum(sizes)[:-1])
        gradients = [part.mean(axis=0) for part in parts]
        total = sum(size * gradient for size, gradient in zip(sizes, gradients, strict=True))
        inverse = sum(gradient / size for size, gradient in zip(sizes, gradients, strict=True))
        mistakes = [
            (np.mean(gradients, axis=0), "the mean of the means: the images of a small microbatch count more"),
            (np.sum(gradients, axis=0), "a sum of means: it grows with the number of microbatches"),
            (total, "this is the sum over the images: the mean of the batch divides by the number of images"),
            (total / len(sizes), "divided by the number of microbatches, and not by the number of images"),
            (total / 10, "divided by 10, the number of images in the text: use the sum of `sizes`"),
            (inverse, "larger microbatches count more"),
            (np.sum(gradients, axis=0) / sum(sizes), "each is a mean already: times its size it is a sum again"),
        ]
        expect("the gradient", call(answer, gradients, sizes), of_images.mean(axis=0), mistakes)


@exercise("ex08_5", "the loss above the lowest possible one", points=2)
def _check_excess_by_quarter(answer: Any) -> None:
    rng = np.random.default_rng(4)
    for T, count, lowest in ((40, 40, -0.05), (8, 9, -0.6), (100, 300, 0.0)):
        floor = np.linspace(0.9, 0.1, T + 1) ** 2
        floor[0] = np.nan  # not to be used
        borders = np.arange(1, 5) * T // 4
        t = np.concatenate([borders, [1, T - 1], rng.integers(1, T + 1, count) ** 2 // T + 1])  # uneven
        t = np.minimum(t, T)
        losses = floor[t] + rng.uniform(lowest, 0.3, t.size) * (1 + t / T)
        _compare_quarters(answer, t, losses, floor)
        quarter = (t - 1) // (T // 4)
        for chosen in (quarter != 2, quarter == 1, quarter != 0):
            _compare_quarters(answer, t[chosen], losses[chosen], floor)


def _compare_quarters(answer: Any, t: np.ndarray, losses: np.ndarray, floor: np.ndarray) -> None:
    """One comparison of `_check_excess_by_quarter`; some quarters may have no example."""
    T = len(floor) - 1

    def quarters(values: np.ndarray, quarter_of: np.ndarray) -> np.ndarray:
        chosen = [values[quarter_of == quarter] for quarter in range(4)]
        return np.array([np.mean(part) if part.size else np.nan for part in chosen])

    excess, right = losses - floor[t], (t - 1) // (T // 4)
    expected = quarters(excess, right)
    filled = np.isfinite(expected)
    of_floor = np.array([floor[1 + T // 4 * quarter : 1 + T // 4 * (quarter + 1)].mean() for quarter in range(4)])
    with np.errstate(all="ignore"):
        found = as_array("the answer", call(answer, t, losses, floor))
    if found.shape != (4,):
        raise Wrong(f"the answer has the shape {found.shape} and should have (4,), a value for each quarter")
    tens = quarters(excess, (t - 1) // 10)
    if T != 40 and np.allclose(found, tens, equal_nan=True):
        raise Wrong("a quarter has 10 timesteps only if T is 40: T is len(floor) - 1")
    if filled[0] and np.isnan(found[0]):
        raise Wrong("the first quarter is NaN: floor begins with t = 0, so use floor[t], not floor[t - 1]")
    mistakes = [
        (quarters(losses, right), "these are the losses: subtract the floor"),
        (quarters(excess, t // (T // 4)), "check the borders: T/4 belongs to the first quarter, T to the last"),
        (quarters(excess, np.minimum(t // (T // 4), 3)), "check the borders: T/4 belongs to the first quarter"),
        (quarters(losses, right) - of_floor, "use the floor at the timesteps of the examples: floor[t]"),
        (quarters(losses - floor[t - 1], right), "floor begins with t = 0: floor[t], not floor[t - 1]"),
        (np.full(4, excess.mean()), "this is the mean over all t, four times"),
        (np.full(4, losses.mean()), "the mean of all losses, four times: select each quarter, and subtract the floor"),
        (np.array([excess[right == quarter].sum() for quarter in range(4)]), "a sum; take the mean"),
        (np.maximum(expected, 0), quarters(np.maximum(excess, 0), right), "a loss below the floor counts, too"),
        (quarters(np.abs(excess), right), "a loss below the floor counts, too, with its sign"),
        (-expected, "the sign is reversed: the loss minus the floor"),
    ]
    mistakes = [(*(np.asarray(one)[filled] for one in wrong), hint) for *wrong, hint in mistakes]
    expect("the excess in the quarters with examples", found[filled], expected[filled], mistakes)
    if not np.isnan(found[~filled]).all():
        raise Wrong(f"a quarter with no example should give NaN, and gives {found[~filled][0]:.3g}")
