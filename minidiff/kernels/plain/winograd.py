"""Winograd's convolution F(4x4, 3x3): a 3x3 convolution with a quarter of the multiplications.

A 4x4 tile y of the output depends on a 6x6 tile x of the input. The direct method needs 4*4*3*3 = 144 multiplications
for it, per input and output channel. Winograd's needs 6*6 = 36. It maps x and the weights w to a basis in which the
convolution is an elementwise product, multiplies, and maps the result back (Lavin and Gray, 2016, algorithm 1):

    V = B' x B        U = G w G'        M[i, j] = V[i, j] U[i, j]        y = A' M A

B, G and A multiply the 6 x 6, 3 x 3 or 4 x 4 axes, for each channel. For each of the 36 elements (i, j) of a tile,
M[i, j] is the matrix product (T, C) times (C, K) for T tiles; it sums over the input channels. All maps are linear, so
the backward pass replaces each by its transpose, in reverse order:

    dM = A dy A'    dU[i, j] = V[i, j]' dM[i, j]    dV[i, j] = dM[i, j] U[i, j]'    dw = G' dU G    dx = B dV B'

Arrays: images (N, H, W, C); w (3, 3, C, K); V (T, 6, 6, C), U (6, 6, C, K) and M (T, 6, 6, K) for T tiles.

Read more: `tutorials/06_convolution.ipynb`, which derives A, B and G.
"""

import numba
import numpy as np

# from the interpolation points 0, 1, -1, 2, -2 and infinity, see the notebook
B = np.array(
    [
        [4, 0, 0, 0, 0, 0],
        [0, -4, 4, -2, 2, 4],
        [-5, -4, -4, -1, -1, 0],
        [0, 1, -1, 2, -2, -5],
        [1, 1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
)
A = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]])
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24


def convolve_winograd(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """conv(x, w) with 3x3 weights, stride 1 and zero padding, (N, H, W, K)."""
    N, H, W, _ = x.shape
    V = transform_tiles(B.T, pad(x, 1), 6)  # V = B' t B
    U = transform_weights(G, w)  # U = G w G'
    M = multiply_tiles(V, U)  # M[i, j] = V[i, j] U[i, j]
    y = pad(np.zeros((N, H, W, w.shape[3]), x.dtype), 0)  # whole tiles, filled below
    add_transformed_tiles(A.T, M, y)  # y = A' M A
    return y[:, :H, :W]  # the added rows and columns are cut off


def convolve_winograd_backward(x: np.ndarray, w: np.ndarray, dy: np.ndarray, dw: np.ndarray) -> np.ndarray:
    """The gradients of `convolve_winograd`: dw (3, 3, C, K) is added to, dx (N, H, W, C) is returned."""
    _, H, W, _ = x.shape
    V = transform_tiles(B.T, pad(x, 1), 6)
    U = transform_weights(G, w)

    dM = transform_tiles(A, pad(dy, 0), 4)  # dM = A dy A'
    dU = np.matmul(V.transpose(1, 2, 3, 0), dM.transpose(1, 2, 0, 3))  # dU[i, j] = V[i, j]' dM[i, j]
    dV = multiply_tiles(dM, U.transpose(0, 1, 3, 2))  # dV[i, j] = dM[i, j] U[i, j]'
    dw += transform_weights(G.T, dU)  # dw = G' dU G
    dx = pad(np.zeros_like(x), 1)
    add_transformed_tiles(B, dV, dx)  # dx = B dV B', added where tiles overlap
    return dx[:, 1 : H + 1, 1 : W + 1]


def pad(x: np.ndarray, border: int) -> np.ndarray:
    """x with zeros around it: `border` rows and columns, and as many more as make whole tiles of 4 x 4 outputs."""
    _, H, W, _ = x.shape
    return np.pad(x, ((0, 0), (border, border + (-H) % 4), (border, border + (-W) % 4), (0, 0)))


def multiply_tiles(V: np.ndarray, U: np.ndarray) -> np.ndarray:
    """V[:, i, j] @ U[i, j] for all i and j: V (T, 6, 6, C), U (6, 6, C, K) to (T, 6, 6, K)."""
    M = np.empty((*V.shape[:3], U.shape[3]), V.dtype)
    np.matmul(V.transpose(1, 2, 0, 3), U, out=M.transpose(1, 2, 0, 3))
    return M


def transform_weights(L: np.ndarray, w: np.ndarray) -> np.ndarray:
    """L w[:, :, c, k] L' for all c and k: L (a, b), w (b, b, C, K) to (a, a, C, K)."""
    L = L.astype(w.dtype)
    return np.einsum("ip,pqck,jq->ijck", L, w, L, optimize=True)


@numba.njit(nogil=True, cache=True)
def transform_tiles(L: np.ndarray, padded: np.ndarray, size: int) -> np.ndarray:
    """L x L' for every tile x (size, size, C) of the images, which begin 4 pixels apart.

    Args:
        L: (a, size).
        padded: (N, height, width, C), from `pad`.
        size: 6 for tiles of the input, 4 for tiles of the output.

    Returns:
        (T, a, a, C).
    """
    N, height, width, C = padded.shape
    down, across = (height - size) // 4 + 1, (width - size) // 4 + 1  # tiles
    out = np.empty((N * down * across, len(L), len(L), C), padded.dtype)
    tile = np.empty((size, size, C), padded.dtype)
    for t in range(N * down * across):
        n, row, column = t // (down * across), 4 * ((t // across) % down), 4 * (t % across)
        tile[:] = padded[n, row : row + size, column : column + size]
        multiply_both_sides(L.astype(padded.dtype), tile, out[t])
    return out


@numba.njit(nogil=True, cache=True)
def add_transformed_tiles(L: np.ndarray, V: np.ndarray, padded: np.ndarray) -> None:
    """Adds L V[t] L' to tile t of the images. With the transposed L, it is the transpose of `transform_tiles`.

    Args:
        L: (size, a).
        V: (T, a, a, C).
        padded: (N, height, width, C), added to.
    """
    N, height, width, C = padded.shape
    size = len(L)
    down, across = (height - size) // 4 + 1, (width - size) // 4 + 1
    tile = np.empty((size, size, C), padded.dtype)
    for t in range(N * down * across):
        n, row, column = t // (down * across), 4 * ((t // across) % down), 4 * (t % across)
        multiply_both_sides(L.astype(padded.dtype), V[t], tile)
        padded[n, row : row + size, column : column + size] += tile


@numba.njit(nogil=True, cache=True)
def multiply_both_sides(L: np.ndarray, X: np.ndarray, out: np.ndarray) -> None:
    """out[:, :, c] = L X[:, :, c] L' for every channel c: L (a, b), X (b, b, C), out (a, a, C)."""
    a, b = L.shape
    C = X.shape[2]
    half = np.zeros((a, b, C), X.dtype)  # L X
    for i in range(a):
        for p in range(b):
            if L[i, p] != 0:
                for q in range(b):
                    for c in range(C):
                        half[i, q, c] += L[i, p] * X[p, q, c]
    out[:] = 0
    for i in range(a):
        for j in range(a):
            for q in range(b):
                if L[j, q] != 0:
                    for c in range(C):
                        out[i, j, c] += half[i, q, c] * L[j, q]
