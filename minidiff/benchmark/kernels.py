"""How fast the convolutions are: each way to compute one, and PyTorch's, against the machine's matrix product.

What is counted is the work of the direct method, 2 H W k k C K operations forward and twice that backward, whatever the
method really spends: so the figures compare, and Winograd, which spends less, may pass the peak.
"""

import numpy as np

from minidiff.benchmark.timing import take_turns
from minidiff.kernels.convolution import convolve_naive, convolve_naive_backward
from minidiff.layers import Conv2d
from minidiff.parallel import slices
from minidiff.parameters import Parameters

SHAPES = ((64, 32, 32), (64, 64, 64), (32, 64, 64), (32, 128, 64), (16, 128, 128), (8, 128, 128))  # (side, C, K)
BATCH, SLICE, SHARES = 16, 4, 4  # as in training


def matmul_peak(size=2048):
    """GFLOP/s of a large float32 matrix product with all cores: what the machine can do at best."""
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    seconds = take_turns({"matmul": lambda: a @ a})["matmul"]
    return 2 * size**3 / seconds / 1e9


def convolution_rates(workers, rivals=(), shapes=SHAPES):
    """Forward and backward of 3x3 convolutions, each way, in turns.

    Args:
        workers: `Workers`.
        rivals: functions (x, weight, dy) -> function that does the same forward and backward, by name: dict.
        shapes: of (side, in_channels, out_channels).

    Returns:
        Rows [shape, GFLOP/s of each way ...] and the names of the ways.
    """
    rng, rows = np.random.default_rng(0), []
    for side, C, K in shapes:
        x = rng.standard_normal((BATCH, side, side, C), np.float32)
        dy = rng.standard_normal((BATCH, side, side, K), np.float32)
        ways = {"naive": naive(x[:1], C, K, dy[:1])}
        ways |= {
            method: layer_way(Conv2d("c", C, K, method=method), x, dy, workers) for method in ("im2col", "winograd")
        }
        weight = rng.standard_normal((3, 3, C, K), np.float32)
        ways |= {name: make(x, weight, dy) for name, make in dict(rivals).items()}
        images = {name: 1 if name == "naive" else BATCH for name in ways}
        seconds = take_turns(ways)
        operations = 3 * 2 * side * side * 9 * C * K
        rates = [operations * images[name] / seconds[name] / 1e9 for name in ways]
        rows.append([f"{C} to {K} at {side}x{side}", *rates])
    return rows, list(ways)


def naive(x, C, K, dy):
    """The loops of the formula, on one image and one core."""
    weight, bias = np.ones((3, 3, C, K), np.float32), np.zeros(K, np.float32)

    def run():
        convolve_naive(x, weight, bias, 1)
        convolve_naive_backward(x, weight, 1, dy)

    return run


def layer_way(layer, x, dy, workers):
    """Forward and backward of a layer on a batch, in slices, as training does it."""
    p = Parameters(layer.shapes())
    layer.initialize(p, np.random.default_rng(0))
    parts = slices(len(x), SLICE)
    gradients = [p.zeros_like() for _ in range(SHARES)]

    def work_on_share(share):
        for part in parts[share::SHARES]:
            _, cache = layer.forward(p, x[part])
            layer.backward(p, gradients[share], cache, dy[part])

    def run():
        workers.map(work_on_share, range(SHARES))

    return run
