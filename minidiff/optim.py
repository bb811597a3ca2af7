"""From gradient to step: clipping, AdamW, Muon, the moving average, and the curve of the learning rate.

AdamW (Loshchilov and Hutter, 2019, algorithm 2), number by number, at step n:

    m = beta1 m + (1 - beta1) g              v = beta2 v + (1 - beta2) g^2
    p = (1 - lr decay) p - lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + eps)

Muon (Jordan et al., 2024) treats the kernel of a convolution as what it is, a matrix W with a row for each input and a
column for each output. A gradient matrix is dominated by few directions; Muon replaces it by the nearest matrix that
turns all directions by the same amount, U V' of its singular value decomposition U S V':

    m = mu m + g          X = (g + mu m) / its norm          W -= lr 0.2 sqrt(larger side) orthogonalise(X)

The decomposition itself is never computed. A polynomial q(s) = a s + b s^3 + c s^5, applied five times, drives every
singular value s in (0, 1] close to 1; on matrices it is X (a I + b A + c A^2) with the Gram matrix A = X' X. All
factors are polynomials of A and commute, so the five rounds need only the small matrix A, and X is touched twice.

The moving average (EMA) of the parameters is what pictures are made with: keep = min(decay, (1 + n) / (10 + n)).

Read more: `tutorials/08_training.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels import optimisers as kernels

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # a, b, c (Jordan et al., 2024)
SMALLEST_SIDE = 16  # a kernel with a shorter side than this is left to AdamW
GROUP = 4  # kernels whose Gram matrices go through the iteration together
PIECE = 262_144  # numbers of a flat vector that one worker updates at a time

OPTIMISERS = ("muon", "adamw")


def learning_rate_at(step, total_steps, peak, warmup_steps):
    """The learning rate of a step: a straight line up to `peak`, then half a cosine down to zero.

    Args:
        step: from 0 to total_steps - 1.
        total_steps: of the whole training.
        peak: the highest learning rate.
        warmup_steps: length of the way up; at most half of all steps.

    Returns:
        float.
    """
    warmup_steps = min(warmup_steps, total_steps // 2)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, total_steps - warmup_steps)))


def orthogonalise(X, rounds=5, out=None):
    """A matrix near the orthogonal one that is nearest to X, by Newton-Schulz iteration on the Gram matrix.

    X itself is touched twice, first and last; all else happens on A, whose side is X's shorter one.

    Args:
        X: (rows, columns), any scale.
        rounds: of the polynomial.
        out: where to put the result, (rows, columns); a new array if None.

    Returns:
        (rows, columns), singular values between about 0.7 and 1.2.
    """
    return apply_root(X, inverse_root(gram(X)[None], rounds)[0], out)


def gram(X):
    """The Gram matrix on the shorter side of X (rows, columns): X' X or X X'."""
    return X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T


def apply_root(X, P, out=None):
    """X P or P X: what `orthogonalise` returns, once P is known."""
    return np.matmul(X, P, out=out) if X.shape[0] >= X.shape[1] else np.matmul(P, X, out=out)


def inverse_root(A, rounds=5):
    """The product P of the polynomials of some Gram matrices, about A^(-1/2); all that is expensive in Muon.

    Several matrices of one size go together: a product of a few hundredths of a millisecond is over sooner than Python
    has asked for the next, and two threads that ask in turns mostly wait for each other.

    Args:
        A: (n, side, side); used up, its memory serves the rounds.
        rounds: of the polynomial.

    Returns:
        P, (n, side, side).
    """
    a, b, c = (A.dtype.type(coefficient) for coefficient in NEWTON_SCHULZ)
    norm = np.sqrt(np.trace(A, axis1=1, axis2=2))[:, None, None] + A.dtype.type(1e-7)  # the sum of X's squares
    A /= norm**2
    Q, product, P = np.empty_like(A), np.empty_like(A), None
    diagonal = np.arange(A.shape[1])
    for turn in range(rounds):
        np.matmul(A, A, out=Q)
        Q *= c
        Q += np.multiply(b, A, out=product)
        Q[:, diagonal, diagonal] += a  # Q = a I + b A + c A^2
        P = Q.copy() if P is None else Q @ P
        if turn < rounds - 1:
            np.matmul(Q, A, out=product)
            np.matmul(product, Q, out=A)  # the Gram matrix of X Q
    return np.divide(P, norm, out=P)


class Optimiser:
    """The moments, the moving average, and one step.

    Args:
        p: `Parameters` to train; the average starts as a copy of them.
        name: "muon" (Muon for the kernels, AdamW for the rest) or "adamw" (for all).
        betas: of AdamW.
        mu: momentum of Muon.
        weight_decay: of AdamW.
        clip: largest norm of the gradient; longer ones are scaled down to it.
        ema_decay: of the moving average.

    Raises:
        MinidiffError: an unknown name.
    """

    def __init__(self, p, name="muon", betas=(0.9, 0.95), mu=0.95, weight_decay=0.0, clip=1.0, ema_decay=0.999):
        if name not in OPTIMISERS:
            raise MinidiffError(f"no optimiser is called {name!r}; there are {', '.join(OPTIMISERS)}")
        self.betas, self.mu, self.weight_decay, self.clip, self.ema_decay = betas, mu, weight_decay, clip, ema_decay
        self.m, self.v, self.average = np.zeros_like(p.vector), np.zeros_like(p.vector), p.vector.copy()
        self.steps = 0
        muon = [key for key, shape in p.shapes.items() if name == "muon" and is_kernel(key, shape)]
        self.groups = in_groups(p.shapes, muon)
        self.rest = pieces_without(p, muon)

    def step(self, p, g, learning_rate, workers):
        """One step, in place.

        Args:
            p: `Parameters`.
            g: their gradient; used up, its memory serves the step.
            learning_rate: of this step.
            workers: `Workers` that share the work.

        Returns:
            The norm of the gradient before clipping. If it is not a finite number, nothing has been changed.
        """
        norm = math.sqrt(sum(workers.map(lambda piece: kernels.sum_of_squares(g.vector[piece]), _pieces(p.size))))
        if not math.isfinite(norm):
            return norm
        scale = min(1.0, self.clip / (norm + 1e-12))
        keep = min(self.ema_decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1

        def update(item):
            if isinstance(item, slice):
                self._adamw(p, g, item, scale, learning_rate, keep)
            else:
                self._muon(p, g, item, scale, learning_rate, keep)

        workers.map(update, self.groups + self.rest)
        return norm

    def _adamw(self, p, g, piece, scale, learning_rate, keep):
        corrections = [1 - beta**self.steps for beta in self.betas]
        kernels.adamw(
            p.vector[piece], g.vector[piece], self.m[piece], self.v[piece], self.average[piece],
            scale, learning_rate, *self.betas, *corrections, self.weight_decay, keep,
        )  # fmt: skip

    def _muon(self, p, g, keys, scale, learning_rate, keep):
        matrices = []
        for key in keys:
            piece, outputs = p.slices[key], p.shapes[key][-1]
            direction = p.empty((piece.stop - piece.start,))
            kernels.momentum(g.vector[piece], self.m[piece], scale, self.mu, direction)
            matrices.append(direction.reshape(-1, outputs))  # (k*k*C, K)
        roots = inverse_root(np.stack([gram(X) for X in matrices]))
        for key, X, P in zip(keys, matrices, roots, strict=True):
            piece = p.slices[key]
            apply_root(X, P, out=g.vector[piece].reshape(X.shape))  # the gradient is no longer needed: its place is
            step = learning_rate * 0.2 * math.sqrt(max(X.shape))
            kernels.descend(p.vector[piece], g.vector[piece], self.average[piece], step, keep)


def in_groups(shapes, keys):
    """Kernels whose Gram matrices are of one size, a few together, the longest work first.

    Args:
        shapes: name -> shape.
        keys: names of kernels.

    Returns:
        List of lists of names.
    """

    def side(key):
        return min(math.prod(shapes[key][:-1]), shapes[key][-1])

    groups = []
    for length in sorted({side(key) for key in keys}, reverse=True):
        alike = sorted((key for key in keys if side(key) == length), key=lambda key: -math.prod(shapes[key]))
        count = -(-len(alike) // GROUP)
        groups += [alike[i::count] for i in range(count)]  # dealt like cards, so that no group has all the large ones
    return groups


def is_kernel(key, shape):
    """Whether a parameter is a convolution's kernel that is large enough, both ways, to be seen as a matrix."""
    return len(shape) == 4 and min(math.prod(shape[:-1]), shape[-1]) >= SMALLEST_SIDE


def pieces_without(p, keys):
    """The flat vector without the given parameters, as slices of at most PIECE numbers."""
    borders = [*sorted((p.slices[key].start, p.slices[key].stop) for key in keys), (p.size, p.size)]
    pieces, first = [], 0
    for start, stop in borders:
        pieces += [slice(first + piece.start, first + piece.stop) for piece in _pieces(start - first)]
        first = stop
    return pieces


def _pieces(size):
    return [slice(first, min(first + PIECE, size)) for first in range(0, size, PIECE)]
