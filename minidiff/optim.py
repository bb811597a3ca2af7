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
factors are polynomials of A and commute, so the five rounds need only the small matrix A, and X is touched twice. That
is `orthogonalise`, in NumPy; training calls `kernels/muon.py`, which does the same and the step too.

The moving average (EMA) of the parameters is what images are made with; at step n = 1, 2, ... it keeps
min(decay, n / (9 + n)) of what it was.

Read more: `tutorials/08_training.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.muon import MORE_COLUMNS, NEWTON_SCHULZ, muon
from minidiff.kernels.optimizers import adamw, sum_of_squares

SMALLEST_SIDE = 16  # a kernel with a shorter side than this is left to AdamW: it has too few directions to level
PIECE = 262_144  # numbers of a flat vector that go together: enough work for a call, and pieces for all threads
TASKS = 8  # groups of small kernels and of AdamW's pieces: a few for each thread, so that all end together

OPTIMIZERS = ("muon", "adamw")


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


def orthogonalise(X, rounds=5):
    """A matrix near the orthogonal one that is nearest to X, by Newton-Schulz iteration on the Gram matrix.

    Args:
        X: (rows, columns), any scale.
        rounds: of the polynomial.

    Returns:
        (rows, columns), singular values between about 0.7 and 1.2.
    """
    if X.shape[0] < X.shape[1]:
        return orthogonalise(X.T, rounds).T
    a, b, c = (X.dtype.type(coefficient) for coefficient in NEWTON_SCHULZ)
    identity = np.eye(X.shape[1], dtype=X.dtype)
    A = X.T @ X
    norm = np.sqrt(np.trace(A)) + X.dtype.type(1e-7)  # the trace of A is the sum of the squares of X
    A /= norm**2
    P = identity
    for _ in range(rounds):
        Q = a * identity + b * A + c * A @ A
        P = Q @ P
        A = Q @ A @ Q  # the Gram matrix of X Q
    return X @ P / norm


class Optimizer:
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
        if name not in OPTIMIZERS:
            raise MinidiffError(f"no optimizer is called {name!r}; there are {', '.join(OPTIMIZERS)}")
        self.betas, self.mu, self.weight_decay, self.clip, self.ema_decay = betas, mu, weight_decay, clip, ema_decay
        self.m, self.v, self.average = np.zeros_like(p.vector), np.zeros_like(p.vector), p.vector.copy()
        self.steps = 0
        kernels = [key for key, shape in p.shapes.items() if name == "muon" and is_kernel(key, shape)]
        self.work = in_tasks(kernels, pieces_without(p, kernels), p.shapes)

    def step(self, p, g, learning_rate, workers):
        """One step, in place.

        Args:
            p: `Parameters`.
            g: their gradient.
            learning_rate: of this step.
            workers: `Workers` that share the work.

        Returns:
            The norm of the gradient before clipping. If it is not a finite number, nothing has been changed.
        """
        norm = math.sqrt(sum(workers.map(lambda piece: sum_of_squares(g.vector[piece]), _pieces(p.size))))
        if not math.isfinite(norm):
            return norm
        scale = min(1.0, self.clip / (norm + 1e-12))
        self.steps += 1
        keep = min(self.ema_decay, self.steps / (9 + self.steps))

        def update(task):
            for item in task:
                if isinstance(item, str):
                    self._muon(p, g, item, scale, learning_rate, keep)
                else:
                    self._adamw(p, g, item, scale, learning_rate, keep)

        workers.map(update, self.work)
        return norm

    def _adamw(self, p, g, piece, scale, learning_rate, keep):
        corrections = [1 - beta**self.steps for beta in self.betas]
        adamw(
            p.vector[piece], g.vector[piece], self.m[piece], self.v[piece], self.average[piece],
            scale, learning_rate, *self.betas, *corrections, self.weight_decay, keep,
        )  # fmt: skip

    def _muon(self, p, g, key, scale, learning_rate, keep):
        piece, outputs = p.slices[key], p.shapes[key][-1]
        matrices = [vector[piece].reshape(-1, outputs) for vector in (p.vector, g.vector, self.m, self.average)]
        is_wide = len(matrices[0]) < outputs  # `muon` wants no fewer rows than columns: turned, and turned back below
        tall = [np.ascontiguousarray(matrix.T) for matrix in matrices] if is_wide else matrices
        rows, side = tall[0].shape
        X, memory = p.empty((rows, side + MORE_COLUMNS)), p.empty((5, side, side + MORE_COLUMNS))
        muon(*tall, scale, self.mu, learning_rate * 0.2 * math.sqrt(rows), keep, X, memory)
        if is_wide:
            for matrix, turned in zip(matrices, tall, strict=True):
                matrix[...] = turned.T


def in_tasks(kernels, pieces, shapes):
    """The work of a step in tasks for the workers: large kernels one by one, all else in groups.

    To hand out a task takes longer than AdamW needs for a bias.

    Args:
        kernels: names of the kernels that Muon updates.
        pieces: slices of the flat vector that AdamW updates.
        shapes: name -> shape.

    Returns:
        List of tasks, each a list of names and slices; the large kernels come first, the largest at the head.
    """
    cost = {key: math.prod(shapes[key]) * shapes[key][-1] for key in kernels}
    longest_first = sorted(kernels, key=cost.get, reverse=True)
    large = [key for key in longest_first if cost[key] > cost[longest_first[0]] / 20]  # a tenth of a millisecond
    small = [*longest_first[len(large) :], *pieces]
    return [*([key] for key in large), *(small[i::TASKS] for i in range(TASKS))]


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
