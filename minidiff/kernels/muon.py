"""Muon's step for one kernel of a convolution, seen as a matrix: momentum, Newton and Schulz, and the step itself.

The formulas are in `minidiff/optim.py`, whose `orthogonalise` is the plain version of what is done here. With the
direction X (rows, side), rows >= side, and its Gram matrix A = X' X (side, side), every round does

    Q = a I + b A + c A^2        P <- Q P        A <- Q A Q

and X P is X with all its singular values near one. Two things make it fast. It is one call: the matrices are small, a
product takes a fortieth of a millisecond, and Python, which only one thread at a time can run, would be asked for each
of them. And all matrices but X are polynomials of A, so they are symmetric and so is each product of two of them: only
its upper half is computed.

Memory is handed in with a few columns more than needed: rows of 128 numbers, 512 bytes, would all compete for an eighth
of the cache.

Read more: `tutorials/08_training.ipynb`; Jordan et al., "Muon: an optimizer for hidden layers in neural
networks", 2024.
"""

import math

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import multiply
from minidiff.kernels.vectors import LANES

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # a, b, c (Jordan et al., 2024)
MORE_COLUMNS = 16  # a line of the cache
BLOCK = 128  # rows of X that are in work at a time, so that they stay in the core's own cache


@numba.njit(**KERNEL_OPTIONS)
def muon(p, g, m, average, gradient_scale, mu, step, keep, X, matrices):
    """One step of Muon and of the moving average for one kernel, in place.

    Args:
        p, g, m, average: parameters, their gradient, the running sum of gradients, and the moving average of p, all
            (rows, side), contiguous, rows >= side.
        gradient_scale: factor on g, from clipping.
        mu: share of m that stays.
        step: length of the step.
        keep: share of `average` that stays.
        X: memory, (rows, side + MORE_COLUMNS).
        matrices: memory for five of them, (5, side, side + MORE_COLUMNS).
    """
    rows, side = p.shape
    number = p.dtype.type
    one, mu, gradient_scale, step, keep = number(1), number(mu), number(gradient_scale), number(step), number(keep)
    for i in range(rows):
        for j in range(side):
            gradient = gradient_scale * g[i, j]
            m[i, j] = mu * m[i, j] + gradient
            X[i, j] = gradient + mu * m[i, j]  # Nesterov: one momentum ahead
    P = inverse_root(X[:, :side], 5, matrices)
    direction = np.empty((BLOCK, side), p.dtype)
    for first in range(0, rows, BLOCK):
        last = min(first + BLOCK, rows)
        multiply(X[first:last, :side], P, False, direction[: last - first])
        for i in range(first, last):
            for j in range(side):
                p[i, j] -= step * direction[i - first, j]
                average[i, j] = keep * average[i, j] + (one - keep) * p[i, j]


@numba.njit(**KERNEL_OPTIONS)
def inverse_root(X, rounds, matrices):
    """The product P of the polynomials, about (X' X)^(-1/2): X P is X with all its singular values near one.

    Args:
        X: (rows, side).
        rounds: of the polynomial.
        matrices: memory for five of them, (5, side, side + MORE_COLUMNS).

    Returns:
        P, (side, side), in that memory.
    """
    rows, side = X.shape
    number = X.dtype.type
    a, b, c = number(NEWTON_SCHULZ[0]), number(NEWTON_SCHULZ[1]), number(NEWTON_SCHULZ[2])
    A, Q, P, new_P, QA = matrices[0], matrices[1], matrices[2], matrices[3], matrices[4]
    for first in range(0, rows, BLOCK):
        part = X[first : min(first + BLOCK, rows)]
        upper_product(part.T, part, first > 0, A)  # A = X' X
    mirror(A, side)
    squared_norm = 0.0
    for i in range(side):
        squared_norm += A[i, i]
    norm = math.sqrt(squared_norm) + 1e-7
    scale(A, side, number(1 / norm**2))
    for turn in range(rounds):
        symmetric_product(A, A, side, Q)
        for i in range(side):
            for j in range(side):
                Q[i, j] = c * Q[i, j] + b * A[i, j]
            Q[i, i] += a  # Q = a I + b A + c A^2
        if turn == 0:
            P[:, :side] = Q[:, :side]
        else:
            symmetric_product(Q, P, side, new_P)
            P, new_P = new_P, P
        if turn < rounds - 1:
            symmetric_product(Q, A, side, QA)
            symmetric_product(QA, Q, side, A)  # the Gram matrix of X Q
    scale(P, side, number(1 / norm))
    return P[:, :side]


@numba.njit(**KERNEL_OPTIONS)
def symmetric_product(A, B, side, out):
    """out = A B for symmetric matrices whose product is symmetric; of all three the first `side` columns count."""
    upper_product(A[:, :side], B[:, :side], False, out)
    mirror(out, side)


@numba.njit(**KERNEL_OPTIONS)
def upper_product(A, B, add, out):
    """The part of out = A B, or out += A B, on and above the diagonal (and a little of what is below)."""
    side = B.shape[1]
    for j in range(0, side, LANES):
        end = min(j + LANES, side)
        multiply(A[:end], B[:, j:end], add, out[:end, j:end])


@numba.njit(**KERNEL_OPTIONS)
def mirror(A, side):
    """Copies what is above the diagonal to below it."""
    for i in range(side):
        for j in range(i):
            A[i, j] = A[j, i]


@numba.njit(**KERNEL_OPTIONS)
def scale(A, side, factor):
    """A *= factor."""
    for i in range(side):
        for j in range(side):
            A[i, j] *= factor
