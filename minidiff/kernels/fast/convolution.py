"""The convolution of the fast set, by three methods chosen by shape. Plain version: `plain/convolution.py`.

* 1x1 weights with stride 1: a matrix product as it stands (`linear.py`).
* 3x3 weights with stride 1, most of a network: Winograd (`winograd_convolution.py`).
* All others: im2col, one image at a time (`im2col.py`), and the product of `linear.py`.

It is fast because Winograd needs a quarter of the multiplications, because blocks of x are so small that everything
between the transforms stays in the L2 cache, and because bias and residual are added while a result is in the L1 cache.
Channels are padded with zeros to whole vectors (`vectors.py`) where they are not already.

Arrays: x (N, H, W, C); w (k, k, C, K); b (K,); y (N, ceil(H / stride), ceil(W / stride), K).
"""

import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.im2col import col2im, im2col
from minidiff.kernels.fast.linear import (
    linear,
    linear_panels,
    linear_panels_backward,
    pack_panels,
    pack_panels_transposed,
    rows_of,
)
from minidiff.kernels.fast.products import PANEL, number_of_panels
from minidiff.kernels.fast.vectors import LANES
from minidiff.kernels.fast.winograd_convolution import convolve_winograd, convolve_winograd_backward

BLOCK_ELEMENTS = 2**18  # elements in V and M of one block: 1 MB, which leaves room in a core's L2 cache


def convolve(
    buffers: Buffers, x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, residual: np.ndarray | None = None
) -> np.ndarray:
    """y = conv(x, w) + b (+ residual), as `plain.convolution.convolve`; the method depends on the shape of w."""
    if len(w) == 1 and stride == 1:
        return linear(buffers, x, w[0, 0], b, residual)
    if len(w) == 3 and stride == 1:
        return _winograd(buffers, x, w, b, residual)
    return convolve_im2col(buffers, x, w, b, stride, residual)


def convolve_backward(
    buffers: Buffers, x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int, dw: np.ndarray, db: np.ndarray
) -> np.ndarray:
    """The gradients of `convolve`, as `plain.convolution.convolve_backward`: dw and db are added to, dx is returned."""
    if len(w) == 1 and stride == 1:
        return _matmul_backward(buffers, x, w[0, 0], dy, dw[0, 0], db)
    if len(w) == 3 and stride == 1:
        return _winograd_backward(buffers, x, w, dy, dw, db)
    return convolve_im2col_backward(buffers, x, w, dy, stride, dw, db)


def _matmul_backward(
    buffers: Buffers, x: np.ndarray, W: np.ndarray, dy: np.ndarray, dW: np.ndarray, db: np.ndarray
) -> np.ndarray:
    C, K = W.shape
    dx, panels = buffers.empty(x.shape, x.dtype), buffers.empty((number_of_panels(C), K, PANEL), x.dtype)
    pack_panels_transposed(W, panels)
    linear_panels_backward(rows_of(x), panels, rows_of(dy), rows_of(dx), dW, db)
    return dx


def convolve_im2col(
    buffers: Buffers, x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, residual: np.ndarray | None = None
) -> np.ndarray:
    """`convolve` by im2col, one image at a time."""
    k, K, inputs = len(w), w.shape[3], w[..., 0].size
    N, H, W, _ = x.shape
    y = buffers.empty((N, -(-H // stride), -(-W // stride), K), x.dtype)
    panels = buffers.empty((number_of_panels(K), inputs, PANEL), x.dtype)
    pack_panels(w.reshape(inputs, K), panels)
    columns = buffers.empty((y[0].size // K, inputs), x.dtype)
    for n in range(N):
        im2col(x[n : n + 1], k, stride, columns)  # a row for each output pixel, (H' W', k k C)
        residual_image = y[:0] if residual is None else residual[n]
        linear_panels(columns, panels, b, rows_of(residual_image), rows_of(y[n]))
    return y


def convolve_im2col_backward(
    buffers: Buffers, x: np.ndarray, w: np.ndarray, dy: np.ndarray, stride: int, dw: np.ndarray, db: np.ndarray
) -> np.ndarray:
    """The gradients of `convolve_im2col`, one image at a time."""
    k, K, inputs = len(w), w.shape[3], w[..., 0].size
    dx, panels = buffers.empty(x.shape, x.dtype), buffers.empty((number_of_panels(inputs), K, PANEL), x.dtype)
    pack_panels_transposed(w.reshape(inputs, K), panels)
    columns = buffers.empty((dy[0].size // K, inputs), x.dtype)
    dx.fill(0)
    for n in range(len(dy)):
        im2col(x[n : n + 1], k, stride, columns)  # recomputed: cheaper than keeping it
        linear_panels_backward(columns, panels, rows_of(dy[n]), columns, dw.reshape(inputs, K), db)
        col2im(columns, k, stride, dx[n : n + 1])  # columns are now dcolumns
    return dx


def _winograd(buffers: Buffers, x: np.ndarray, w: np.ndarray, b: np.ndarray, residual: np.ndarray | None) -> np.ndarray:
    inputs, outputs = w.shape[2:]
    C, K = whole_vectors(inputs), whole_vectors(outputs)
    x, w, b = pad_channels(buffers, x, C), pad_channels(buffers, w, K), pad_channels(buffers, b, K)
    y = buffers.empty((*x.shape[:3], K), x.dtype)
    residual = y[:0] if residual is None else pad_channels(buffers, residual, K)
    block, one_block = block_size(x.shape, K)
    V_and_M = block_memory(buffers, block, x, K)
    U = buffers.empty((1 if one_block else number_of_panels(K), 36, inputs + 1, PANEL), x.dtype)
    convolve_winograd(x, w, b, residual, block, V_and_M, U, y)
    return crop_channels(buffers, y, outputs)


def _winograd_backward(
    buffers: Buffers, x: np.ndarray, w: np.ndarray, dy: np.ndarray, dw: np.ndarray, db: np.ndarray
) -> np.ndarray:
    inputs, outputs = w.shape[2:]
    C, K = whole_vectors(inputs), whole_vectors(outputs)
    x, dy, w = pad_channels(buffers, x, C), pad_channels(buffers, dy, K), pad_channels(buffers, w, K)
    dw_padded, db_padded = pad_channels(buffers, dw, K), pad_channels(buffers, db, K)
    dx, w_transposed = buffers.empty(x.shape, x.dtype), buffers.empty((3, 3, outputs, C), x.dtype)
    block, one_block = block_size(x.shape, K)
    V_and_dM = block_memory(buffers, block, x, K)
    dU = buffers.empty((1 if one_block else number_of_panels(K), 36, inputs + 1, PANEL), x.dtype)
    U_transposed = buffers.empty((1 if one_block else number_of_panels(C), 36, outputs + 1, PANEL), x.dtype)
    convolve_winograd_backward(
        x, w, dy, block, V_and_dM, dU, w_transposed, U_transposed, dx, dw_padded, db_padded
    )  # fmt: skip
    if outputs != K:  # otherwise these are dw and db themselves
        dw[...], db[...] = dw_padded[..., :outputs], db_padded[:outputs]
    return crop_channels(buffers, dx, inputs)


def block_size(shape: tuple[int, ...], K: int) -> tuple[tuple[int, int], bool]:
    """How much of x Winograd's convolution processes at a time.

    With many channels, U is larger than V and M of an image and is read for every block, so a block may be as large
    as U.

    Args:
        shape: of x, (N, H, W, C).
        K: channels of y.

    Returns:
        The size of a block, (images, rows of tiles), and whether one block is all of x.
    """
    N, H, W, C = shape
    tiles_down, tiles_across = -(-H // 4), -(-W // 4)
    rows_that_fit = max(1, max(BLOCK_ELEMENTS, 36 * C * K) // (36 * tiles_across * (C + K)))
    if rows_that_fit >= tiles_down:
        images, rows = min(N, rows_that_fit // tiles_down), tiles_down
    else:
        blocks = -(-tiles_down // rows_that_fit)
        images, rows = 1, -(-tiles_down // blocks)  # blocks of nearly equal size
    return (images, rows), (images, rows) == (N, tiles_down)


def block_memory(buffers: Buffers, block: tuple[int, int], x: np.ndarray, K: int) -> np.ndarray:
    """Memory for V and M of a block."""
    tiles = block[0] * block[1] * -(-x.shape[2] // 4)
    return buffers.empty((36 * (tiles + 1) * (x.shape[3] + K),), x.dtype)


def whole_vectors(channels: int) -> int:
    """The number of channels, rounded up to whole vectors."""
    return -(-channels // LANES) * LANES


def pad_channels(buffers: Buffers, array: np.ndarray, channels: int) -> np.ndarray:
    """The array (..., C), contiguous and padded with zeros to (..., channels); the array itself if it is so already."""
    C = array.shape[-1]
    if channels == C:
        return np.ascontiguousarray(array)
    padded = buffers.empty((*array.shape[:-1], channels), array.dtype)
    padded[..., :C] = array
    padded[..., C:] = 0
    return padded


def crop_channels(buffers: Buffers, padded: np.ndarray, channels: int) -> np.ndarray:
    """The first channels of a contiguous array (..., C), contiguous again; the array itself if it has no more."""
    if padded.shape[-1] == channels:
        return padded
    array = buffers.empty((*padded.shape[:-1], channels), padded.dtype)
    array[...] = padded[..., :channels]
    return array
