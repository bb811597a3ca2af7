"""The maps of images in Winograd's convolution F(4x4, 3x3), as vectors. Plain version: `plain/winograd.py`.

A 4x4 tile of the output depends on a 6x6 tile of the input. The direct method needs 4*4*3*3 = 144 multiplications for
it, for every pair of channels. Winograd's needs 6*6 = 36: it maps the input tile and the weight to a basis in which the
convolution is an elementwise product, multiplies, and maps the result back. With a 6x6 input tile x, a 3x3 weight w and
a 4x4 output tile y, the three maps are linear and cheap; nearly all multiplications are in M = V U:

    V = B' x B        U = G w G'        M = V U        y = A' M A                    (Lavin and Gray, 2016, algorithm 1)

The maps are products of small matrices, for each tile and channel; ' is the transpose. M = V U is different: for each
of the 36 positions in a tile, it is a product of a (tiles, C) and a (C, K) matrix, which sums over the input channels.
The gradient is the chain rule on these maps: each is replaced by its transpose, in reverse order.

    dM = A dy A'      dU = V' dM      dV = dM U'      dw = G' dU G      dx = B dV B'

This file has the maps of images, each above its transpose; those of weights (G) are in `winograd_weights.py`, and
`winograd_convolution.py` combines them with the products between them. A map in two dimensions is the map in one
dimension (`winograd_maps.py`) on the rows of a tile and then on its columns, for LANES channels at a time: each of the
36 positions in a tile is one vector (`vectors.py`). Outside of the image, x is zero, which is the padding.

Only some rows of tiles are processed at a time, `first` .. `first + rows - 1` of each image, so that a large image can
be processed in blocks. The tiles of a block are numbered image by image and row by row.

Arrays: x and dx (N, H, W, C); y and dy (N, H, W, K); V and dV (36, T, C); M and dM (36, T, K). C and K are multiples of
LANES. Entry [6 i + j, t] belongs to row i and column j of tile t. T is the number of tiles plus one, and the last row
is never used. Without it, the matrices of the 36 positions would often start a multiple of 4096 bytes apart. The cache
stores a value in a set that depends on the last bits of its address, so the 36 values of a tile would evict each other.

Read more: `tutorials/06_convolution.ipynb`; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016;
`tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.fast.options import HELPER_OPTIONS
from minidiff.kernels.fast.vectors import LANES, load, load_if, store, store_if
from minidiff.kernels.fast.winograd_maps import a, a_transposed, b, b_transposed


@numba.njit(**HELPER_OPTIONS)
def input_transform(x: np.ndarray, first: int, rows: int, V: np.ndarray) -> None:
    """V = B' x B.

    Args:
        x: images (N, H, W, C).
        first, rows: the first row of tiles, and the number of rows.
        V: (36, T, C), receives the result.
    """
    N, H, W, C = x.shape
    T, tiles_across = V.shape[1], (W + 3) // 4
    pixels, positions = x.reshape(N * H * W, C), V.reshape(36 * T, C)
    half = np.empty((36, LANES), x.dtype)  # x B, row by row of the tile
    for t in range(N * rows * tiles_across):
        n, row, column = corner(t, first, rows, tiles_across)
        for c in range(0, C, LANES):
            for i in range(6):
                x0 = pixel(pixels, H, W, n, row + i - 1, column - 1, c)
                x1 = pixel(pixels, H, W, n, row + i - 1, column, c)
                x2 = pixel(pixels, H, W, n, row + i - 1, column + 1, c)
                x3 = pixel(pixels, H, W, n, row + i - 1, column + 2, c)
                x4 = pixel(pixels, H, W, n, row + i - 1, column + 3, c)
                x5 = pixel(pixels, H, W, n, row + i - 1, column + 4, c)
                store_six(half, 6 * i, 1, 0, b_transposed(x0, x1, x2, x3, x4, x5))
            for j in range(6):
                store_six(positions, j * T + t, 6 * T, c, b_transposed(*load_six(half, j, 6, 0)))


@numba.njit(**HELPER_OPTIONS)
def input_transform_backward(dV: np.ndarray, first: int, rows: int, dx: np.ndarray) -> None:
    """dx += B dV B', the transpose of `input_transform`; where tiles overlap, their gradients are summed.

    Args:
        dV: (36, T, C).
        first, rows: the first row of tiles, and the number of rows.
        dx: (N, H, W, C), to which the result is added.
    """
    N, H, W, C = dx.shape
    T, tiles_across = dV.shape[1], (W + 3) // 4
    pixels, positions = dx.reshape(N * H * W, C), dV.reshape(36 * T, C)
    half = np.empty((36, LANES), dx.dtype)  # B dV, row by row of the tile
    for t in range(N * rows * tiles_across):
        n, row, column = corner(t, first, rows, tiles_across)
        for c in range(0, C, LANES):
            for j in range(6):
                store_six(half, j, 6, 0, b(*load_six(positions, j * T + t, 6 * T, c)))
            for i in range(6):
                x0, x1, x2, x3, x4, x5 = b(*load_six(half, 6 * i, 1, 0))
                add_to_pixel(pixels, H, W, n, row + i - 1, column - 1, c, x0)
                add_to_pixel(pixels, H, W, n, row + i - 1, column, c, x1)
                add_to_pixel(pixels, H, W, n, row + i - 1, column + 1, c, x2)
                add_to_pixel(pixels, H, W, n, row + i - 1, column + 2, c, x3)
                add_to_pixel(pixels, H, W, n, row + i - 1, column + 3, c, x4)
                add_to_pixel(pixels, H, W, n, row + i - 1, column + 4, c, x5)


@numba.njit(**HELPER_OPTIONS)
def output_transform(
    M: np.ndarray, bias: np.ndarray, residual: np.ndarray, first: int, rows: int, y: np.ndarray
) -> None:
    """y = A' M A + bias (+ residual).

    Args:
        M: (36, T, K).
        bias: (K,).
        residual: (N, H, W, K), added to the result; an empty array (0, H, W, K) if there is none.
        first, rows: the first row of tiles, and the number of rows.
        y: (N, H, W, K), receives the result.
    """
    N, H, W, K = y.shape
    T, tiles_across = M.shape[1], (W + 3) // 4
    pixels, positions, biases = y.reshape(N * H * W, K), M.reshape(36 * T, K), bias.reshape(1, K)
    # Without a residual: images of height 0, so all pixels are outside and zero
    residual_pixels, residual_height = residual.reshape(len(residual) * H * W, K), H if len(residual) > 0 else 0
    half = np.empty((24, LANES), y.dtype)  # A' M: 4 rows of 6
    for t in range(N * rows * tiles_across):
        n, row, column = corner(t, first, rows, tiles_across)
        for k in range(0, K, LANES):
            for j in range(6):
                store_four(half, j, 6, 0, a_transposed(*load_six(positions, j * T + t, 6 * T, k)))
            for i in range(4):
                y_row = a_transposed(*load_six(half, 6 * i, 1, 0))
                for j in range(4):
                    total = y_row[j] + load(biases, 0, k)
                    total = total + pixel(residual_pixels, residual_height, W, n, row + i, column + j, k)
                    set_pixel(pixels, H, W, n, row + i, column + j, k, total)


@numba.njit(**HELPER_OPTIONS)
def output_transform_backward(dy: np.ndarray, first: int, rows: int, dM: np.ndarray) -> None:
    """dM = A dy A', the transpose of `output_transform`.

    Args:
        dy: (N, H, W, K).
        first, rows: the first row of tiles, and the number of rows.
        dM: (36, T, K), receives the result.
    """
    N, H, W, K = dy.shape
    T, tiles_across = dM.shape[1], (W + 3) // 4
    pixels, positions = dy.reshape(N * H * W, K), dM.reshape(36 * T, K)
    half = np.empty((24, LANES), dy.dtype)  # dy A': 4 rows of 6
    for t in range(N * rows * tiles_across):
        n, row, column = corner(t, first, rows, tiles_across)
        for k in range(0, K, LANES):
            for i in range(4):
                y0 = pixel(pixels, H, W, n, row + i, column, k)
                y1 = pixel(pixels, H, W, n, row + i, column + 1, k)
                y2 = pixel(pixels, H, W, n, row + i, column + 2, k)
                y3 = pixel(pixels, H, W, n, row + i, column + 3, k)
                store_six(half, 6 * i, 1, 0, a(y0, y1, y2, y3))
            for j in range(6):
                store_six(positions, j * T + t, 6 * T, k, a(*load_four(half, j, 6, 0)))


@numba.njit(**HELPER_OPTIONS)
def corner(t: int, first: int, rows: int, tiles_across: int) -> tuple[int, int, int]:
    """Image, row and column of the first output pixel of tile t of a block."""
    tile_row, tile_column = t // tiles_across, t % tiles_across
    return tile_row // rows, 4 * (first + tile_row % rows), 4 * tile_column


@numba.njit(**HELPER_OPTIONS)
def pixel(pixels: np.ndarray, H: int, W: int, n: int, row: int, column: int, c: int) -> np.ndarray:
    """LANES channels of a pixel, starting at c; zeros outside of the image. `pixels` is (N*H*W, C)."""
    return load_if(0 <= row < H and 0 <= column < W, pixels, (n * H + row) * W + column, c)


@numba.njit(**HELPER_OPTIONS)
def set_pixel(
    pixels: np.ndarray, H: int, W: int, n: int, row: int, column: int, c: int, vector: np.ndarray,
) -> None:  # fmt: skip
    """Writes LANES channels of a pixel, if it is inside the image."""
    store_if(0 <= row < H and 0 <= column < W, pixels, (n * H + row) * W + column, c, vector)


@numba.njit(**HELPER_OPTIONS)
def add_to_pixel(
    pixels: np.ndarray, H: int, W: int, n: int, row: int, column: int, c: int, vector: np.ndarray,
) -> None:  # fmt: skip
    """Adds to LANES channels of a pixel, if it is inside the image."""
    total = pixel(pixels, H, W, n, row, column, c) + vector
    set_pixel(pixels, H, W, n, row, column, c, total)


@numba.njit(**HELPER_OPTIONS)
def load_six(A: np.ndarray, i: int, stride: int, j: int) -> tuple:
    """The vectors at column j of the rows i, i + stride, ..., i + 5 stride."""
    return *load_four(A, i, stride, j), load(A, i + 4 * stride, j), load(A, i + 5 * stride, j)


@numba.njit(**HELPER_OPTIONS)
def load_four(A: np.ndarray, i: int, stride: int, j: int) -> tuple:
    """The vectors at column j of the rows i, i + stride, i + 2 stride, i + 3 stride."""
    return load(A, i, j), load(A, i + stride, j), load(A, i + 2 * stride, j), load(A, i + 3 * stride, j)


@numba.njit(**HELPER_OPTIONS)
def store_six(A: np.ndarray, i: int, stride: int, j: int, vectors: tuple) -> None:
    """The reverse of `load_six`."""
    store_four(A, i, stride, j, vectors[:4])
    store(A, i + 4 * stride, j, vectors[4])
    store(A, i + 5 * stride, j, vectors[5])


@numba.njit(**HELPER_OPTIONS)
def store_four(A: np.ndarray, i: int, stride: int, j: int, vectors: tuple) -> None:
    """The reverse of `load_four`."""
    store(A, i, j, vectors[0])
    store(A, i + stride, j, vectors[1])
    store(A, i + 2 * stride, j, vectors[2])
    store(A, i + 3 * stride, j, vectors[3])
