"""Solutions of the exercises of `tutorials/08_training.ipynb`."""

import numpy as np


# From z = signal x0 + noise eps and y = a x0 + b eps, by Cramer's rule, the error of eps_hat is that of y_hat times
# signal / (signal b - noise a). In the loss the factor is squared.
def noise_scale_losses(error, signal, noise, a, b):
    factor = signal / (signal * b - noise * a)
    return factor**2 * np.mean(error**2, axis=(1, 2, 3))


# AdamW, with m one update ahead where it is used: as if the same gradient came once more. After n + 1 updates the
# weights of the gradients in m add up to 1 - beta1^(n + 1), hence its bias correction.
def nadamw_step(p, g, m, v, n, lr, decay, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    ahead = beta1 * m / (1 - beta1 ** (n + 1)) + (1 - beta1) * g / (1 - beta1**n)
    step = ahead / (np.sqrt(v / (1 - beta2**n)) + 1e-8)
    return (1 - lr * decay) * p - lr * step, m, v


# With X = U S V', X X' X = U S^3 V': the product of matrices cubes the singular values, and nothing else.
def orthogonalize_slowly(X, rounds):
    X = X / np.sqrt(np.sum(X**2))
    for _ in range(rounds):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return X


# A mean times its size is a sum; the sums add up to that of the batch, and the mean of the batch divides by its size.
def batch_gradient(gradients, sizes):
    return sum(size * gradient for size, gradient in zip(sizes, gradients, strict=True)) / sum(sizes)


# Subtract the floor at each example's own t before the mean. Timesteps count from 1, so t - 1 gives the quarter.
def excess_by_quarter(t, losses, floor):
    T = len(floor) - 1
    excess, quarter_of = losses - floor[t], (t - 1) // (T // 4)
    chosen = [excess[quarter_of == quarter] for quarter in range(4)]
    return [part.mean() if part.size else np.nan for part in chosen]
