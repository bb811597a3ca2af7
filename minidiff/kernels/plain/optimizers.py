"""The update rules: AdamW, Muon, and the moving average of the parameters that both keep.

AdamW (Loshchilov and Hutter, 2019, algorithm 2, but with the weight decay multiplied by lr, as in PyTorch),
elementwise, at optimizer step n:

    m = beta1 m + (1 - beta1) g              v = beta2 v + (1 - beta2) g^2
    p = (1 - lr weight_decay) p - lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + stability)

Muon (Jordan et al., 2024) treats the weights of a convolution as a matrix W (k k C inputs, K outputs):

    m = mu m + g          W = W - lr 0.2 sqrt(longer side) orthogonalize(g + mu m)

The factor 0.2 sqrt(longer side) gives updates of the usual size of AdamW's (Liu et al., "Muon is Scalable for LLM
Training", 2025). p, m, v and average are updated in place; g is not. `gradient_scale` is the factor of gradient
clipping, `ema_decay` the decay of the moving average.

Read more: `tutorials/08_training.ipynb`.
"""

import numpy as np

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # a, b, c (Jordan et al., 2024)
STABILITY = 1e-8


def adamw(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, average: np.ndarray, gradient_scale: float,
    learning_rate: float, beta1: float, beta2: float, correction1: float, correction2: float, weight_decay: float,
    ema_decay: float,
) -> None:  # fmt: skip
    """One step of AdamW and of the moving average on flat vectors (n,).

    Args:
        p, g: parameters and their gradient.
        m, v: moving averages of the gradient and of its square.
        average: moving average of the parameters.
        gradient_scale: factor on g.
        learning_rate, beta1, beta2, weight_decay: as above.
        correction1, correction2: 1 - beta1^n and 1 - beta2^n.
        ema_decay: weight of the old value in `average`.
    """
    g = g * gradient_scale
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * g**2
    direction = (m / correction1) / (np.sqrt(v / correction2) + STABILITY)
    p[:] = (1 - learning_rate * weight_decay) * p - learning_rate * direction
    average[:] = ema_decay * average + (1 - ema_decay) * p


def muon(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, average: np.ndarray, gradient_scale: float, mu: float,
    step_size: float, ema_decay: float,
) -> None:  # fmt: skip
    """One step of Muon and of the moving average on one matrix of weights.

    Args:
        p, g, m, average: weights, their gradient, the momentum, which is a decaying sum of gradients, and the moving
            average of p, all (rows, columns).
        gradient_scale: factor on g.
        mu: factor by which the momentum decays in a step.
        step_size: lr 0.2 sqrt(longer side).
        ema_decay: weight of the old value in `average`.
    """
    g = g * gradient_scale
    m[:] = mu * m + g
    p[:] = p - step_size * orthogonalize(g + mu * m)  # Nesterov momentum
    average[:] = ema_decay * average + (1 - ema_decay) * p


def orthogonalize(X: np.ndarray, rounds: int = 5) -> np.ndarray:
    """A matrix with the singular vectors of X and singular values near 1 (Newton-Schulz iteration).

    X is divided by its norm first, so that its singular values are at most 1. The polynomial
    q(s) = a s + b s^3 + c s^5, applied five times, maps every s from 0.002 to 1 to between 0.68 and 1.21; smaller ones
    grow by at most a^5 = 485.

    With X = U S V', X (a I + b A + c A^2) is U q(S) V', because A = X' X = V S^2 V'. Tall matrices have a small A.

    Args:
        X: (rows, columns).

    Returns:
        (rows, columns).
    """
    if X.shape[0] < X.shape[1]:
        return orthogonalize(X.T, rounds).T
    a, b, c = NEWTON_SCHULZ
    X = X / (np.linalg.norm(X) + 1e-7)  # now no singular value exceeds 1; a matrix of zeros stays one
    for _ in range(rounds):
        A = X.T @ X
        X = a * X + X @ (b * A + c * A @ A)
    return X


def sum_of_squares(g: np.ndarray) -> float:
    """The sum of the squares of a vector (n,), in float64: of the gradient, whose norm is clipped."""
    return float(np.square(g, dtype=np.float64).sum())
