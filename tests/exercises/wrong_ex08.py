"""Typical wrong answers to the exercises of notebook 08, each with words of its hint."""

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
    """NAdamW with a mistake in the step or in the moments that are kept."""

    def step(p, g, m, v, n, lr, decay, beta1, beta2):
        new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        if moments:
            return p, *moments(g, m, v, n, beta1, beta2)
        ahead = beta1 * new_m + (1 - beta1) * g
        c1, c2 = 1 - beta1**n, 1 - beta2**n
        return step_of(p, g, m, new_m, new_v, ahead, c1, c2, lr, decay, beta1), new_m, new_v

    return step


def direction(ahead, v, c1, c2):
    return ahead / c1 / (np.sqrt(v / c2) + 1e-8)


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


WRONG = {
    "ex08_1": [
        (noise_scale(lambda signal, noise, a, b: 1), "with a factor"),
        (noise_scale(lambda signal, noise, a, b: signal / (signal * b - noise * a)), "squared"),
        (noise_scale(lambda signal, noise, a, b: (noise / (signal * b - noise * a)) ** 2), "x0_hat"),
        (noise_scale(lambda signal, noise, a, b: (signal * b - noise * a) ** -2.0), "missing"),
        (noise_scale(lambda signal, noise, a, b: (signal / (signal * b + noise * a)) ** 2), "determinant"),
        (one_loss_for_all, "each example"),
    ],
    "ex08_2": [
        (lambda p, g, m, v, n, lr, decay, beta1, beta2: p - lr * g, "3 things"),
        (lambda p, g, m, v, n, lr, decay, beta1, beta2: (p - lr * g, m, v), "still the old one"),
        (nadamw(moments=lambda g, m, v, n, beta1, beta2: (beta1 * m + g, v)), "1 - beta1"),
        (nadamw(moments=lambda g, m, v, n, beta1, beta2: ((1 - beta1) * m + beta1 * g, v)), "weight of the old m"),
        (nadamw(moments=lambda g, m, v, n, beta1, beta2: (beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g)),
         "squares"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1:
                (1 - lr * decay) * p - lr * direction(new_m, v, c1, c2)), "look ahead"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1:
                (1 - lr * decay) * p - lr * direction(g + beta1 * new_m, v, c1, c2)), "looking ahead"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1:
                (1 - lr * decay) * p - lr * direction(ahead, v, 1, 1)), "too small at first"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1: p - lr * direction(ahead, v, c1, c2)),
         "the decay is missing"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1:
                (1 - decay) * p - lr * direction(ahead, v, c1, c2)), "multiplied by lr"),
        (nadamw(lambda p, g, m, new_m, v, ahead, c1, c2, lr, decay, beta1:
                (1 - lr * decay) * p + lr * direction(ahead, v, c1, c2)), "against the gradient"),
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
    ],
    "ex08_4": [
        (lambda gradients, sizes: np.mean(gradients, axis=0), "double"),
        (lambda gradients, sizes: np.sum(gradients, axis=0), "number of microbatches"),
        (weighted(lambda size, sizes: size), "by the number of images"),
        (weighted(lambda size, sizes: size / len(sizes)), "and not by the number of images"),
        (weighted(lambda size, sizes: 1 / size), "larger microbatches"),
        (weighted(lambda size, sizes: 1 / sum(sizes)), "mean already"),
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
    ],
}  # fmt: skip
