"""The program of `test_cache.py`: runs kernels in the order of its arguments and prints a hash of each result, as JSON.

Arguments: names of ENTRIES, or
    all, reversed    every entry, in order or in reverse order
    training         a short training run
    helpers          calls functions that are usually called by kernels
    lanes            LANES
    agree            whether the 3x3 convolution agrees with its formula in NumPy
    check            (at the end) the functions in compiled kernels that contain float arithmetic but are not inlined
"""

import hashlib
import json
import re
import sys

import numpy as np

from minidiff.kernels import fast
from minidiff.kernels.sets import create_kernels

KERNELS = create_kernels("fast")


def normal(*shape):
    return np.random.default_rng(len(shape) + sum(shape)).normal(size=shape).astype(np.float32)


def convolve(kernel_size, stride):
    return KERNELS.convolve(normal(2, 8, 8, 40), normal(kernel_size, kernel_size, 40, 33), normal(33), stride)


def convolve_backward(kernel_size, stride):
    w, dw, db = normal(kernel_size, kernel_size, 40, 33), normal(kernel_size, kernel_size, 40, 33), normal(33)
    dx = KERNELS.convolve_backward(normal(2, 8, 8, 40), w, normal(2, 8 // stride, 8 // stride, 33), stride, dw, db)
    return dx, dw, db


def linear_backward():
    dW, db = normal(40, 33), normal(33)
    return KERNELS.linear_backward(normal(5, 40), normal(40, 33), normal(5, 33), dW, db), dW, db


def group_norm():
    return KERNELS.group_norm(normal(2, 8, 8, 40), normal(2, 40), 1 + normal(2, 40), 4, True, 1e-5)


def group_norm_backward():
    x, scale, shift, mean, dy = normal(2, 8, 8, 40), normal(2, 40), normal(2, 40), normal(2, 40), normal(2, 8, 8, 40)
    return KERNELS.group_norm_backward(x, mean, 1 + mean**2, scale, shift, 4, True, dy, dy)


def adamw():
    p, g, m, v, average = normal(999), normal(999), normal(999), normal(999) ** 2, normal(999)
    KERNELS.adamw(p, g, m, v, average, 0.7, 1e-3, 0.9, 0.99, 0.1, 0.01, 0.01, 0.999)
    return p, m, v, average


def muon():
    p, g, m, average = normal(150, 40), normal(150, 40), normal(150, 40), normal(150, 40)
    KERNELS.muon(p, g, m, average, 0.7, 0.95, 0.02, 0.999)
    return p, m, average


ENTRIES = {
    "attention": lambda: KERNELS.attention(normal(2, 9, 9, 3 * 64), 2),
    "attention_backward": lambda: KERNELS.attention_backward(normal(2, 9, 9, 3 * 64), 2, normal(2, 9, 9, 64)),
    "convolve_1": lambda: convolve(1, 1),
    "convolve_3": lambda: convolve(3, 1),
    "convolve_stride": lambda: convolve(3, 2),
    "convolve_1_backward": lambda: convolve_backward(1, 1),
    "convolve_3_backward": lambda: convolve_backward(3, 1),
    "convolve_stride_backward": lambda: convolve_backward(3, 2),
    "linear": lambda: KERNELS.linear(normal(5, 40), normal(40, 33), normal(33)),
    "linear_backward": linear_backward,
    "group_norm": group_norm,
    "group_norm_backward": group_norm_backward,
    "silu": lambda: KERNELS.silu(normal(999)),
    "silu_backward": lambda: KERNELS.silu_backward(normal(999), normal(999)),
    "adamw": adamw,
    "muon": muon,
    "sum_of_squares": lambda: KERNELS.sum_of_squares(normal(9999)),
}


def train():
    """Two optimizer steps or more of a small network on synthetic data."""
    from minidiff import Trainer, TrainingConfig, UNet, UNetConfig, Workers, data

    dataset = data.load("shapes", size=8, num_images=10)
    network = UNet(UNetConfig.for_images(8, 8, 3, dataset.num_classes, channels=(32,)))
    with Workers(1) as workers:
        trainer = Trainer(network, network.create_parameters(seed=0), dataset, TrainingConfig(epochs=2), workers)
        losses = [step.losses for step in trainer.train()]
    return trainer.p.vector, *losses


def call_helpers():
    """Calls functions that are usually called by kernels, so that the process loads them first."""
    fast.softmax.softmax(normal(64, 81), 0.5)
    fast.softmax.softmax_backward(normal(64, 81), normal(64, 81), 0.5)
    rows = normal(70, 64)[:, :40]
    fast.products.multiply(rows, rows.T.copy(), False, np.empty((70, 70), np.float32))
    fast.products.multiply(rows.T, rows, True, np.zeros((40, 40), np.float32)[:, :40])
    fast.norm.silu_slope(np.float32(1))
    fast.transpose.transpose(normal(33, 40), np.empty((40, 33), np.float32))


def agree():
    """Whether the 3x3 convolution agrees with its formula in NumPy."""
    padded, w = np.pad(normal(2, 8, 8, 40), ((0, 0), (1, 1), (1, 1), (0, 0))), normal(3, 3, 40, 33)
    expected = sum(padded[:, i : i + 8, j : j + 8] @ w[i, j] for i in range(3) for j in range(3)) + normal(33)
    return bool(np.allclose(convolve(3, 1), expected, rtol=1e-3, atol=1e-3))


def uninlined_arithmetic():
    """The functions in compiled kernels that other kernels may have a copy of and that contain float arithmetic."""
    found = set()
    kernels = [kernel for name in sorted(sys.modules) if name.startswith("minidiff.kernels.fast.")
               for kernel in vars(sys.modules[name]).values() if hasattr(kernel, "inspect_llvm")]  # fmt: skip
    for kernel in {id(kernel): kernel for kernel in kernels if not kernel.targetoptions.get("forceinline")}.values():
        for code in kernel.inspect_llvm().values():
            for function in re.findall(r"^define (?:linkonce_odr|weak_odr) .*?^}", code, re.MULTILINE | re.DOTALL):
                if re.search(r" (fadd|fsub|fmul|fdiv) |@llvm\.(fma|fmuladd|sqrt|exp)", function):
                    found.add(f"{kernel.__name__}: {function.splitlines()[0]}")
    return sorted(found)


def hash_of(result):
    arrays = result if isinstance(result, tuple) else (result,)
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def main(names):
    output = {}
    for name in names:
        if name in ("all", "reversed"):
            for entry in list(ENTRIES)[:: 1 if name == "all" else -1]:
                output[entry] = hash_of(ENTRIES[entry]())
        elif name == "training":
            output[name] = hash_of(train())
        elif name == "helpers":
            call_helpers()
        elif name == "lanes":
            output[name] = str(fast.vectors.LANES)
        elif name == "agree":
            output[name] = str(agree())
        elif name != "check":
            output[name] = hash_of(ENTRIES[name]())
    if "check" in names:
        output["check"] = json.dumps(uninlined_arithmetic())
    print(json.dumps(output))


if __name__ == "__main__":
    main(sys.argv[1:])
