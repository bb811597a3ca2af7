"""One step of Muon for one weight, seen as a matrix. Plain version: `muon` in `plain/optimizers.py`.

There, `orthogonalize` applies a polynomial to X; here, `inverse_root` computes P with X P = orthogonalize(X), as
`inverse_root_naive` does in a few lines. It begins with P = I and the Gram matrix A = X' X / norm(X)^2 (side, side) of
X (rows, side), rows >= side. Every round computes

    Q = a I + b A + c A^2        P <- Q P        A <- Q A Q

so that A stays the Gram matrix of X P. Two things make it fast. It is one call: the matrices are small, and
a product takes a fortieth of a millisecond, so calls from Python, which have to wait for the GIL, would cost more. And
all matrices but X are polynomials of A, so they are symmetric and so is each of their products: only the upper half is
computed.

The price is accuracy. Rounding A loses singular values of X below about 3e-4 of the largest, so X P differs from the
exact result by up to a thousandth (in the spectral norm, float32), where the iteration on X itself would differ by
1e-5. The exact result has singular values between 0.68 and 1.21, so this does not matter.

The memory has a few more columns than needed: rows of 128 elements, 512 bytes, would all compete for an eighth of the
cache.

Read more: `tutorials/08_training.ipynb`; Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
2024.
"""

import math

import numba
import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.options import HELPER_OPTIONS, KERNEL_OPTIONS
from minidiff.kernels.fast.products import multiply
from minidiff.kernels.fast.vectors import LANES
from minidiff.kernels.plain.optimizers import NEWTON_SCHULZ

MORE_COLUMNS = 16  # a cache line of float32
BLOCK_ROWS = 128  # rows of X that are processed at a time, so that they stay in the core's L2 cache


def muon(
    buffers: Buffers, p: np.ndarray, g: np.ndarray, m: np.ndarray, average: np.ndarray, gradient_scale: float,
    mu: float, step_size: float, ema_decay: float,
) -> None:  # fmt: skip
    """One step of Muon and of the moving average on a matrix (rows, columns), as `plain.optimizers.muon`."""
    matrices = (p, g, m, average)
    is_wide = p.shape[0] < p.shape[1]  # `muon_tall` needs rows >= columns, so a wide matrix is transposed
    tall = [np.ascontiguousarray(matrix.T) for matrix in matrices] if is_wide else matrices
    rows, side = tall[0].shape
    X = buffers.empty((rows, side + MORE_COLUMNS), p.dtype)
    memory = buffers.empty((5, side, side + MORE_COLUMNS), p.dtype)
    muon_tall(*tall, gradient_scale, mu, step_size, ema_decay, X, memory)
    if is_wide:
        for matrix, transposed in zip(matrices, tall, strict=True):
            matrix[...] = transposed.T


@numba.njit(**KERNEL_OPTIONS)
def muon_tall(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, average: np.ndarray, gradient_scale: float, mu: float,
    step_size: float, ema_decay: float, X: np.ndarray, matrices: np.ndarray,
) -> None:  # fmt: skip
    """One step of Muon and of the moving average for one weight, in place.

    Args:
        p, g, m, average: parameters, their gradient, its momentum, and the moving average of p, all (rows, side),
            contiguous, rows >= side.
        gradient_scale: factor on g, from clipping.
        mu: decay of the momentum.
        step_size: length of the step.
        ema_decay: of the moving average.
        X: memory, (rows, side + MORE_COLUMNS).
        matrices: memory for five matrices, (5, side, side + MORE_COLUMNS).
    """
    rows, side = p.shape
    scalar = p.dtype.type
    one, mu, gradient_scale = scalar(1), scalar(mu), scalar(gradient_scale)
    step_size, ema_decay = scalar(step_size), scalar(ema_decay)
    for i in range(rows):
        for j in range(side):
            gradient = gradient_scale * g[i, j]
            m[i, j] = mu * m[i, j] + gradient
            X[i, j] = gradient + mu * m[i, j]  # Nesterov momentum
    P = inverse_root(X[:, :side], 5, matrices)
    direction = np.empty((BLOCK_ROWS, side), p.dtype)
    for first in range(0, rows, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, rows)
        multiply(X[first:last, :side], P, False, direction[: last - first])
        for i in range(first, last):
            for j in range(side):
                p[i, j] -= step_size * direction[i - first, j]
                average[i, j] = ema_decay * average[i, j] + (one - ema_decay) * p[i, j]


def inverse_root_naive(X: np.ndarray, rounds: int) -> np.ndarray:
    """The plain version of `inverse_root`."""
    a, b, c = NEWTON_SCHULZ
    norm, identity = np.linalg.norm(X) + 1e-7, np.eye(X.shape[1])
    A, P = X.T @ X / norm**2, identity
    for _ in range(rounds):
        Q = a * identity + b * A + c * A @ A
        P, A = Q @ P, Q @ A @ Q
    return P / norm


@numba.njit(**HELPER_OPTIONS)
def inverse_root(X: np.ndarray, rounds: int, matrices: np.ndarray) -> np.ndarray:
    """The product P of the polynomials, about (X' X)^(-1/2): X P is X with all its singular values near one.

    Args:
        X: (rows, side).
        rounds: applications of the polynomial.
        matrices: memory for five matrices, (5, side, side + MORE_COLUMNS).

    Returns:
        P, (side, side), a view of that memory.
    """
    rows, side = X.shape
    scalar = X.dtype.type
    a, b, c = scalar(NEWTON_SCHULZ[0]), scalar(NEWTON_SCHULZ[1]), scalar(NEWTON_SCHULZ[2])
    A, Q, P, new_P, QA = range(5)  # positions in `matrices`
    gram = matrices[A]
    for first in range(0, rows, BLOCK_ROWS):
        part = X[first : min(first + BLOCK_ROWS, rows)]
        upper_product(part.T, part, first > 0, gram)  # A = X' X
    mirror(gram, side)
    squared_norm = 0.0
    for i in range(side):
        squared_norm += gram[i, i]
    norm = math.sqrt(squared_norm) + 1e-7
    scale(gram, side, scalar(1 / norm**2))
    for iteration in range(rounds):
        # The products of a round, in a loop: each call of `symmetric_product` would be compiled separately. The last
        # two give Q A Q, the Gram matrix of X Q
        for left, right, out in ((A, A, Q), (Q, P, new_P), (Q, A, QA), (QA, Q, A)):
            if out == new_P and iteration == 0:
                for i in range(side):
                    for j in range(side):
                        matrices[new_P, i, j] = matrices[Q, i, j]  # P is still I
            elif out in (Q, new_P) or iteration < rounds - 1:
                symmetric_product(matrices[left], matrices[right], side, matrices[out])
            if out == Q:
                for i in range(side):
                    for j in range(side):
                        matrices[Q, i, j] = c * matrices[Q, i, j] + b * gram[i, j]
                    matrices[Q, i, i] += a  # Q = a I + b A + c A^2
        P, new_P = new_P, P
    P_matrix = matrices[P]
    scale(P_matrix, side, scalar(1 / norm))
    return P_matrix[:, :side]


@numba.njit(**HELPER_OPTIONS)
def symmetric_product(A: np.ndarray, B: np.ndarray, side: int, out: np.ndarray) -> None:
    """out = A B for symmetric matrices with a symmetric product; only their first `side` columns are used."""
    upper_product(A[:, :side], B[:, :side], False, out)
    mirror(out, side)


@numba.njit(**HELPER_OPTIONS)
def upper_product(A: np.ndarray, B: np.ndarray, add: bool, out: np.ndarray) -> None:
    """The part of out = A B, or out += A B, on and above the diagonal (and a little below it)."""
    side = B.shape[1]
    for j in range(0, side, LANES):
        end = min(j + LANES, side)
        multiply(A[:end], B[:, j:end], add, out[:end, j:end])


@numba.njit(**HELPER_OPTIONS)
def mirror(A: np.ndarray, side: int) -> None:
    """Copies the part above the diagonal to below it."""
    for i in range(side):
        for j in range(i):
            A[i, j] = A[j, i]


@numba.njit(**HELPER_OPTIONS)
def scale(A: np.ndarray, side: int, factor: float) -> None:
    """A *= factor."""
    for i in range(side):
        for j in range(side):
            A[i, j] *= factor
