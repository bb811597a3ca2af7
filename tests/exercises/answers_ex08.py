"""Answers to the exercises of notebook 08: wrong ones, each with words of its hint, and right ones in other styles."""

import math
from types import SimpleNamespace

import numpy as np


def noise_scale(factor):
    """The losses with another factor on the mean square of the error."""

    def losses(error, signal, noise, a, b):
        return factor(signal, noise, a, b) * np.mean(error**2, axis=(1, 2, 3))

    return losses


def right_factor(signal, noise, a, b):
    return (signal / (signal * b - noise * a)) ** 2


def one_loss_for_all(error, signal, noise, a, b):
    return np.mean(noise_scale(right_factor)(error, signal, noise, a, b))


def nadamw(step_of=None, moments=None):
    """NAdamW with a mistake in the step or in the moments that are kept: functions of a dict of everything."""

    def step(p, g, m, v, n, lr, decay, beta1, beta2):
        one = {**locals(), "old_m": m, "m": beta1 * m + (1 - beta1) * g, "v": beta2 * v + (1 - beta2) * g**2}
        if moments:
            return p, *moments(one)
        direction, shrink = step_of(SimpleNamespace(**one))
        return shrink * p - lr * direction, one["m"], one["v"]

    return step


def later(one):
    """With n + 1 for n."""
    return SimpleNamespace(**{**vars(one), "n": one.n + 1})


def ahead(one, weight=None):
    """The paper's average one update ahead."""
    n, weight = one.n, 1 - one.beta1 if weight is None else weight
    return one.beta1 * one.m / (1 - one.beta1 ** (n + 1)) + weight * one.g / (1 - one.beta1**n)


def plain_ahead(one):
    return one.beta1 * one.m + (1 - one.beta1) * one.g


def divided(average, one, c2=None):
    return average / (np.sqrt(one.v / (1 - one.beta2**one.n if c2 is None else c2)) + 1e-8)


def shrunk(one):
    return 1 - one.lr * one.decay


def with_step(step_of):
    """NAdamW with a mistake in the average alone."""
    return nadamw(lambda one: (divided(step_of(one), one), shrunk(one)))


def written_out(p, g, m, v, n, lr, decay, beta1, beta2):
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
    m_hat, g_hat, v_hat = m / (1 - beta1 ** (n + 1)), g / (1 - beta1**n), v / (1 - beta2**n)
    p = p - lr * decay * p
    return [p - lr * (beta1 * m_hat + (1 - beta1) * g_hat) / (v_hat**0.5 + 1e-8), m, v]


def element_by_element(p, g, m, v, n, lr, decay, beta1, beta2):
    found = np.array(
        [written_out(*one, n, lr, decay, beta1, beta2) for one in zip(p.flat, g.flat, m.flat, v.flat, strict=True)]
    )
    return found.T.reshape(3, *p.shape)


def cube_of_elements(X, rounds):
    X = X / np.linalg.norm(X)
    for _ in range(rounds):
        X = 1.5 * X - 0.5 * X**3
    return X


def newton_schulz(norm=np.linalg.norm, b=-0.5, extra=0):
    def orthogonalize(X, rounds):
        X = X / norm(X)
        for _ in range(rounds + extra):
            X = 1.5 * X + b * X @ X.T @ X
        return X

    return orthogonalize


def no_norm(X, rounds):
    with np.errstate(all="ignore"):
        return newton_schulz(norm=lambda X: 1.0)(X, rounds)


def weighted(weight):
    return lambda gradients, sizes: sum(
        weight(size, sizes) * gradient for size, gradient in zip(sizes, gradients, strict=True)
    )


def excess(values, quarter_of, average=np.mean, empty=np.nan):
    """The excess by quarter with a mistake in the averaged values, in their quarters, or in the average."""

    def by_quarter(t, losses, floor):
        part, found = quarter_of(t, (len(floor) - 1) // 4), values(t, losses, floor)
        return [average(found[part == q]) if (part == q).any() else empty for q in range(4)]

    return by_quarter


def above(t, losses, floor):
    return losses - floor[t]


def quarter(t, length):
    return (t - 1) // length


def limit_of_many_rounds(X, rounds):
    U, _, V = np.linalg.svd(X, full_matrices=False)
    return U @ V


def polynomial_of_singular_values(X, rounds):
    from numpy.linalg import svd

    U, s, V = svd(X.astype(float) / np.linalg.norm(X), full_matrices=False)
    for _ in range(rounds):
        s = 1.5 * s - 0.5 * s**3
    return U * s @ V


def by_eigenvalues(X, rounds):
    squares, U = np.linalg.eigh(X @ X.T / np.sum(X * X))
    found = factors = np.sqrt(np.maximum(squares, 1e-30))
    for _ in range(rounds):
        found = 1.5 * found - 0.5 * found**3
    return U * (found / factors) @ U.T @ X / np.linalg.norm(X)


def limit_by_iteration(X, rounds):
    return newton_schulz()(X, 60)


def newton_schulz_from_the_right(X, rounds):
    norm = math.sqrt((X * X).sum())
    X = X / norm
    while rounds > 0:
        X, rounds = X @ (1.5 * np.eye(X.shape[1]) - 0.5 * X.T @ X), rounds - 1
    return X


def newton_schulz_in_a_small_matrix(X, rounds):
    """The polynomials of X X' are accumulated; X is multiplied once."""
    X = X / np.linalg.norm(X, "fro")
    squares, total = X.dot(X.T), np.eye(len(X))
    for _ in range(rounds):
        factor = 1.5 * np.eye(len(X)) - 0.5 * squares
        total, squares = factor.dot(total), factor @ squares @ factor
    return (total @ X).tolist()


def newton_schulz_recursively(X, rounds, first=True):
    X = X / np.sum(X**2) ** 0.5 if first else X
    if rounds == 0:
        return X
    return newton_schulz_recursively((3 * X - np.linalg.multi_dot([X, X.T, X])) / 2, rounds - 1, False)


def quarters_without_examples_as_zero(t, losses, floor):
    return np.nan_to_num(excess(above, quarter)(t, losses, floor))


def losses_by_cramer(error, signal, noise, a, b):
    found = []
    for one, matrix in zip(error, np.moveaxis(np.array([[signal, noise], [a, b]]), -1, 0), strict=True):
        change = np.linalg.solve(matrix, np.array([np.zeros(one.size), one.ravel()]))
        found.append(np.mean(change[1] ** 2))
    return found


def quarters_by_bins(t, losses, floor):
    T = len(floor) - 1
    part = np.ceil(4 * t / T).astype(int) - 1
    with np.errstate(invalid="ignore"):
        return np.bincount(part, losses - floor[t], 4) / np.bincount(part, minlength=4)


def quarters_in_a_loop(t, losses, floor):
    sums, counts = [0.0] * 4, [0] * 4
    for one, loss in zip(t, losses, strict=True):
        q = next(q for q in range(4) if one <= (q + 1) * (len(floor) - 1) / 4)
        sums[q], counts[q] = sums[q] + loss - floor[one], counts[q] + 1
    return (total / count if count else float("nan") for total, count in zip(sums, counts, strict=True))


WRONG = {
    "ex08_1": [
        (noise_scale(lambda signal, noise, a, b: 1), "with a factor"),
        (noise_scale(lambda signal, noise, a, b: signal / (signal * b - noise * a)), "squared"),
        (noise_scale(lambda signal, noise, a, b: (noise / (signal * b - noise * a)) ** 2), "x0_hat"),
        (noise_scale(lambda signal, noise, a, b: (signal * b - noise * a) ** -2.0), "missing"),
        (noise_scale(lambda signal, noise, a, b: (signal / (signal * b + noise * a)) ** 2), "determinant"),
        (one_loss_for_all, "each example"),
        (noise_scale(lambda signal, noise, a, b: b**-2.0), "ignores z"),
        (lambda error, *levels: noise_scale(right_factor)(error, *levels) * error[0].size, "a sum"),
    ],
    "ex08_2": [
        (lambda p, g, m, v, n, lr, decay, beta1, beta2: p - lr * g, "3 things"),
        (lambda p, g, m, v, n, lr, decay, beta1, beta2: (p - lr * g, m, v), "still the old one"),
        (nadamw(moments=lambda one: (one["beta1"] * one["old_m"] + one["g"], one["v"])), "weight 1 - beta1 in m"),
        (nadamw(moments=lambda one: ((1 - one["beta1"]) * one["old_m"] + one["beta1"] * one["g"], one["v"])),
         "weight of the old m"),
        (nadamw(moments=lambda one: (one["m"], one["v"] + (1 - one["beta2"]) * (one["g"] - one["g"] ** 2))), "squares"),
        (with_step(lambda one: plain_ahead(one) / (1 - one.beta1**one.n)), "one bias correction for both"),
        (with_step(lambda one: plain_ahead(one) / (1 - one.beta1 ** (one.n + 1))), "one bias correction for both"),
        (with_step(lambda one: one.beta1 * one.m / (1 - one.beta1**one.n)
                   + (1 - one.beta1) * one.g / (1 - one.beta1 ** (one.n + 1))), "exchanged"),
        (with_step(lambda one: one.m / (1 - one.beta1**one.n)), "look ahead"),
        (with_step(lambda one: ahead(SimpleNamespace(**{**vars(one), "m": one.old_m}))), "uses the old m"),
        (with_step(lambda one: ahead(one, weight=1.0)), "looking ahead, g"),
        (with_step(lambda one: ahead(later(one))), "not right"),
        (nadamw(lambda one: (divided(ahead(later(one)), later(one)), shrunk(one))), "counted from 1"),
        (nadamw(lambda one: (divided(plain_ahead(one), one, c2=1), shrunk(one))), "too small at first"),
        (nadamw(lambda one: (divided(ahead(one), one, c2=1), shrunk(one))), "v has a bias correction"),
        (nadamw(lambda one: (divided(ahead(one), one), 1)), "the decay is missing"),
        (nadamw(lambda one: (divided(ahead(one), one), 1 - one.decay)), "multiplied by lr"),
        (nadamw(lambda one: (-divided(ahead(one), one), shrunk(one))), "against the gradient"),
    ],
    "ex08_3": [
        (cube_of_elements, "each element"),
        (no_norm, "by its norm"),
        (newton_schulz(extra=1), "too many"),
        (newton_schulz(extra=-1), "too few"),
        (newton_schulz(norm=lambda X: np.linalg.norm(X, 2)), "largest singular value"),
        (newton_schulz(b=0.5), "sign"),
        (lambda X, rounds: X / np.linalg.norm(X), "polynomial is missing"),
        (lambda X, rounds: newton_schulz()(X, rounds).T, "transpose"),
        (limit_of_many_rounds, "such as svd"),
        (polynomial_of_singular_values, "such as svd"),
        (by_eigenvalues, "such as eigh"),
        (limit_by_iteration, "limit after many"),
        (lambda X, rounds: newton_schulz()(X, 3), "not right"),
    ],
    "ex08_4": [
        (lambda gradients, sizes: np.mean(gradients, axis=0), "mean of the means"),
        (lambda gradients, sizes: np.sum(gradients, axis=0), "number of microbatches"),
        (weighted(lambda size, sizes: size), "by the number of images"),
        (weighted(lambda size, sizes: size / len(sizes)), "and not by the number of images"),
        (weighted(lambda size, sizes: 1 / size), "larger microbatches"),
        (weighted(lambda size, sizes: 1 / sum(sizes)), "mean already"),
        (lambda gradients, sizes: sum(s * g for s, g in zip(sizes, gradients, strict=True)) / 10, "10, the number"),
        (lambda gradients, sizes: 0.4 * gradients[0] + 0.4 * gradients[1] + 0.2 * gradients[-1], "not right"),
    ],
    "ex08_5": [
        (excess(lambda t, losses, floor: losses, quarter), "subtract the floor"),
        (excess(above, lambda t, length: t // length), "borders"),
        (excess(above, lambda t, length: np.minimum(t // length, 3)), "borders"),
        (excess(above, quarter, average=np.sum), "a sum"),
        (excess(above, quarter, empty=0.0), "NaN"),
        (excess(lambda t, losses, floor: floor[t] - losses, quarter), "reversed"),
        (lambda t, losses, floor: [np.mean(losses)] * 4, "all losses"),
        (lambda t, losses, floor: [np.mean(losses - floor[t])] * 4, "all t"),
        (excess(above, lambda t, length: (t - 1) // 10), "only if T is 40"),
        (excess(lambda t, losses, floor: losses - floor[t - 1], quarter), "floor[t]"),
        (excess(lambda t, losses, floor: np.maximum(losses - floor[t], 0), quarter), "below the floor"),
        (excess(lambda t, losses, floor: abs(losses - floor[t]), quarter), "below the floor"),
        (lambda t, losses, floor: excess(above, quarter)(t, losses, floor)[:3], "shape"),
        (lambda t, losses, floor: quarters_without_examples_as_zero(t, losses, floor), "NaN"),
    ],
}  # fmt: skip


RIGHT = {
    "ex08_1": [
        losses_by_cramer,
        lambda error, signal, noise, a, b: (error.reshape(len(a), -1) ** 2).mean(1) / (b - a * noise / signal) ** 2,
        lambda error, signal, noise, a, b: np.mean(
            (error.T * (signal / (noise * a - signal * b))) ** 2, axis=(0, 1, 2)
        ).tolist(),
    ],
    "ex08_2": [with_step(ahead), written_out, element_by_element],
    "ex08_3": [
        newton_schulz_from_the_right,
        newton_schulz_in_a_small_matrix,
        newton_schulz_recursively,
        newton_schulz(),
    ],
    "ex08_4": [
        lambda gradients, sizes: np.average(gradients, axis=0, weights=sizes),
        lambda gradients, sizes: np.tensordot(np.array(sizes) / np.sum(sizes), np.stack(gradients), axes=1),
        lambda gradients, sizes: np.mean(np.repeat(gradients, sizes, axis=0), axis=0).tolist(),
    ],
    "ex08_5": [quarters_by_bins, quarters_in_a_loop, lambda *given: np.array(list(quarters_in_a_loop(*given)))],
}
