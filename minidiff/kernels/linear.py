"""The linear map y = x W + b and its gradient: a product, and what else is done to its numbers while they are at hand.

    y  = x W + b (+ carried)
    dx = dy W'          dW = x' dy          db = sum of dy over the rows

As NumPy has it, the bias is a second pass over y, what is carried past a third, and db one more over dy; where a row
has few numbers, these passes take as long as the product. So here a BLOCK of rows is in work at a time.

W comes in panels of PANEL columns, which is how `products.py` reads a matrix fastest: `in_panels` copies it. That is
little work, for each number of W is used once for every row of x.

Arrays: x and dx (rows, C); y and dy (rows, K); W and dW (C, K); panels of W (panels, C, PANEL).

Read more: `tutorials/speed.md`. The plain version is NumPy's product, in the test.
"""

import numba

from minidiff.kernels.options import KERNEL_OPTIONS
from minidiff.kernels.products import PANEL, multiply
from minidiff.kernels.transpose import transpose

BLOCK = 64  # rows at a time: still in the fastest cache when the bias is added


@numba.njit(**KERNEL_OPTIONS)
def linear(x, panels, bias, carried, y):
    """y = x W + bias (+ carried).

    Args:
        x: (rows, C).
        panels: of W, (panels, C, PANEL).
        bias: (K,).
        carried: (rows, K), added to the result; (0, K), of one type with it, if there is nothing to add.
        y: (rows, K), receives the result.
    """
    rows, K = y.shape
    for first in range(0, rows, BLOCK):
        last = min(first + BLOCK, rows)
        for k in range(0, K, PANEL):
            multiply(x[first:last], panels[k // PANEL], False, y[first:last, k : k + PANEL])  # x W
        for i in range(first, last):
            for k in range(K):
                y[i, k] += bias[k]
        if len(carried) > 0:
            for i in range(first, last):
                for k in range(K):
                    y[i, k] += carried[i, k]


@numba.njit(**KERNEL_OPTIONS)
def linear_backward(x, panels_transposed, dy, dx, dW, dbias):
    """The gradients of `linear`.

    Args:
        x: (rows, C).
        panels_transposed: of W', (panels, K, PANEL).
        dy: (rows, K).
        dx: (rows, C), receives the gradient by x; it may lie where x is.
        dW: (C, K); the gradient by W is added to it.
        dbias: (K,); the gradient by the bias is added to it.
    """
    rows, K = dy.shape
    C = x.shape[1]
    for first in range(0, rows, BLOCK):
        last = min(first + BLOCK, rows)
        for k in range(0, K, PANEL):  # dW = x' dy, to which every block adds its share
            multiply(x[first:last].T, dy[first:last, k : k + PANEL], True, dW[:, k : k + PANEL])
        for c in range(0, C, PANEL):
            multiply(dy[first:last], panels_transposed[c // PANEL], False, dx[first:last, c : c + PANEL])  # dx = dy W'
        for i in range(first, last):
            for k in range(K):
                dbias[k] += dy[i, k]


@numba.njit(**KERNEL_OPTIONS)
def in_panels(W, panels):
    """Copies W (C, K) into panels of PANEL columns, (panels, C, PANEL); those beyond K are left alone."""
    C, K = W.shape
    for k in range(0, K, PANEL):
        for c in range(C):
            for j in range(min(PANEL, K - k)):
                panels[k // PANEL, c, j] = W[c, k + j]


@numba.njit(**KERNEL_OPTIONS)
def in_panels_transposed(W, panels):
    """Copies W' (K, C) into panels of PANEL columns, (panels, K, PANEL); those beyond C are left alone."""
    C = W.shape[0]
    for c in range(0, C, PANEL):
        last = min(c + PANEL, C)
        transpose(W[c:last], panels[c // PANEL, :, : last - c])
