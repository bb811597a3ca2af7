"""Speed of 3x3 convolutions: minidiff's plain and fast kernels, and PyTorch, against the machine's matrix product.

The rates count the operations of the direct method, 2 H W k k C K forward and twice that backward, whatever a method
really spends. So the rates are comparable, and Winograd, which needs fewer operations, may exceed the peak.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from minidiff.benchmark.timing import take_turns
from minidiff.kernels.plain.convolution import (
    convolve_im2col,
    convolve_im2col_backward,
    convolve_naive,
    convolve_naive_backward,
)
from minidiff.kernels.sets import Kernels, create_kernels, plain_kernels
from minidiff.layers import Conv2d
from minidiff.parallel import Workers, chunks
from minidiff.parameters import Parameters

SHAPES = ((64, 32, 32), (64, 64, 64), (32, 64, 64), (32, 128, 64), (16, 128, 128), (8, 128, 128))  # (side, C, K)
BATCH, MICROBATCH, ACCUMULATORS = 16, 4, 4  # as in training
Rival = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[], object]]  # (x, weight, dy) -> forward and backward


def matmul_peak(size: int = 2048) -> float:
    """GFLOP/s of a large float32 matrix product on all cores, as an estimate of the machine's peak."""
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    seconds = take_turns({"matmul": lambda: a @ a})["matmul"]
    return 2 * size**3 / seconds / 1e9


def convolution_rates(
    workers: Workers, rivals: dict[str, Rival], shapes: Sequence[tuple[int, int, int]] = SHAPES
) -> tuple[list[list], list[str]]:
    """Times forward and backward of 3x3 convolutions, all methods in turns.

    "naive", "im2col" and "winograd" are the plain kernels, "fast" is Winograd as a network uses it by default.

    Args:
        workers: for the methods of minidiff.
        rivals: other programs, by name.
        shapes: tuples (side, in_channels, out_channels).

    Returns:
        Rows [shape, GFLOP/s of each method ...], and the names of the methods.
    """
    rng, rows = np.random.default_rng(0), []
    for side, C, K in shapes:
        x = rng.standard_normal((BATCH, side, side, C), np.float32)
        dy = rng.standard_normal((BATCH, side, side, K), np.float32)
        ways: dict[str, Callable[[], object]] = {"naive": naive(x[:1], C, K, dy[:1])}
        sets = {"im2col": im2col_kernels(), "winograd": create_kernels("plain"), "fast": create_kernels("fast")}
        ways |= {name: in_microbatches(Conv2d("c", C, K, kernels=sets[name]), x, dy, workers) for name in sets}
        weight = rng.standard_normal((3, 3, C, K), np.float32)
        ways |= {name: make(x, weight, dy) for name, make in rivals.items()}
        operations = 3 * 2 * side * side * 9 * C * K
        rates = [
            operations * (1 if name == "naive" else BATCH) / seconds / 1e9 for name, seconds in take_turns(ways).items()
        ]
        rows.append([f"{C} to {K} at {side}x{side}", *rates])
    return rows, list(ways)


def naive(x: np.ndarray, C: int, K: int, dy: np.ndarray) -> Callable[[], None]:
    """Forward and backward by the loops of the formula, on one core."""
    weight, bias = np.ones((3, 3, C, K), np.float32), np.zeros(K, np.float32)

    def run() -> None:
        convolve_naive(x, weight, bias, 1)
        convolve_naive_backward(x, weight, 1, dy)

    return run


def im2col_kernels() -> Kernels:
    """The plain kernels with im2col for every convolution."""

    def convolve(
        x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, residual: np.ndarray | None = None
    ) -> np.ndarray:
        y = convolve_im2col(x, w, stride) + b
        return y if residual is None else y + residual

    def convolve_backward(
        x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int, dw: np.ndarray, db: np.ndarray
    ) -> np.ndarray:
        db += dy.sum(axis=(0, 1, 2))
        return convolve_im2col_backward(x, w, dy, stride, dw)

    return replace(plain_kernels(), name="im2col", convolve=convolve, convolve_backward=convolve_backward)


def in_microbatches(layer: Conv2d, x: np.ndarray, dy: np.ndarray, workers: Workers) -> Callable[[], None]:
    """Forward and backward of a layer on a batch, in microbatches on several threads, as in training."""
    p = Parameters(layer.shapes())
    layer.initialize(p, np.random.default_rng(0))
    microbatches = chunks(len(x), MICROBATCH)
    accumulators = [p.zeros_like() for _ in range(ACCUMULATORS)]

    def accumulate(number: int) -> None:
        for part in microbatches[number::ACCUMULATORS]:
            _, cache = layer.forward(p, x[part])
            layer.backward(p, accumulators[number], cache, dy[part])

    def run() -> None:
        workers.map(accumulate, range(ACCUMULATORS))

    return run
