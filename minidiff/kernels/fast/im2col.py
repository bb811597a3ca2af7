"""im2col and its transpose as kernels, which write into given memory. Plain version: `plain/convolution.py`.

They are fast because each call handles one image, whose columns stay in the cache until the product reads them, and
because the copy runs over contiguous channels.
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def im2col(x: np.ndarray, kernel_size: int, stride: int, columns: np.ndarray) -> None:
    """Copies the inputs of each output pixel into a row: kernel_size x kernel_size x C elements, zeros outside of x.

    Args:
        x: images (N, H, W, C).
        kernel_size: odd.
        stride: 1 or 2.
        columns: (N * ceil(H / stride) * ceil(W / stride), kernel_size * kernel_size * C), receives the result.
    """
    N, H, W, C = x.shape
    rows, columns_across = -(-H // stride), -(-W // stride)
    zero = x.dtype.type(0)
    for n in range(N):
        for h in range(rows):
            for w in range(columns_across):
                line = (n * rows + h) * columns_across + w
                for i in range(kernel_size):
                    row, first = stride * h + i - kernel_size // 2, stride * w - kernel_size // 2
                    for j in range(kernel_size):
                        inside = 0 <= row < H and 0 <= first + j < W
                        for c in range(C):
                            value = x[n, row, first + j, c] if inside else zero
                            columns[line, (i * kernel_size + j) * C + c] = value


@numba.njit(**KERNEL_OPTIONS)
def col2im(dcolumns: np.ndarray, kernel_size: int, stride: int, dx: np.ndarray) -> None:
    """The transpose of `im2col`: adds every element of dcolumns to the pixel of dx (N, H, W, C) it was copied from."""
    N, H, W, C = dx.shape
    rows, columns_across = -(-H // stride), -(-W // stride)
    for n in range(N):
        for h in range(rows):
            for w in range(columns_across):
                line = (n * rows + h) * columns_across + w
                for i in range(kernel_size):
                    row, first = stride * h + i - kernel_size // 2, stride * w - kernel_size // 2
                    for j in range(kernel_size):
                        if 0 <= row < H and 0 <= first + j < W:
                            for c in range(C):
                                dx[n, row, first + j, c] += dcolumns[line, (i * kernel_size + j) * C + c]
