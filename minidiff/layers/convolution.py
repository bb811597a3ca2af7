"""Convolution with an odd kernel, stride 1 or 2, padded with zeros so that stride 1 keeps the size.

Three ways to the same numbers, chosen by shape:

* a 1x1 kernel is a matrix product as it stands (`kernels/linear.py`);
* a 3x3 kernel with stride 1, the bulk of the network, goes by Winograd (`kernels/winograd_convolution.py`);
* everything else goes by im2col (`kernels/convolution.py`), which makes a matrix product of it.

All three compute y = conv(x, weight) + bias (+ carried), and gradients by x, weight and bias. For a matrix product
Y = X W these are dX = dY W' and dW = X' dY; im2col and Winograd are linear maps around such products, and are undone by
their transposes.

Read more: `tutorials/06_convolution.ipynb`.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.convolution import col2im, im2col
from minidiff.kernels.linear import in_panels, in_panels_transposed, linear, linear_backward
from minidiff.kernels.products import PANEL, number_of_panels
from minidiff.kernels.vectors import LANES
from minidiff.kernels.winograd_convolution import convolve_winograd, convolve_winograd_backward
from minidiff.layers.linear import linear_map, rows_of

PIECE = 2**18  # numbers in V and M of a piece of work: 1 MB, what a core's second cache holds beside other things


class Conv2d:
    """y = conv(x, weight) + bias.

    Args:
        name: prefix of its parameters' names.
        in_channels, out_channels: C and K.
        kernel_size: k, odd.
        stride: 1 or 2; the output is (ceil(H / stride), ceil(W / stride)).
        zero: start with weight = 0 instead of small random numbers.
        method: "matmul", "winograd" or "im2col"; the best for the shape if not given.

    Raises:
        MinidiffError: an even kernel, another stride, or a method that cannot do this shape.
    """

    def __init__(self, name, in_channels, out_channels, kernel_size=3, stride=1, zero=False, method=None):
        if kernel_size % 2 == 0 or stride not in (1, 2):
            raise MinidiffError(f"{name}: kernel_size must be odd and stride 1 or 2, not {kernel_size} and {stride}")
        possible = {"matmul": kernel_size == stride == 1, "winograd": kernel_size == 3 and stride == 1, "im2col": True}
        self.method = method or next(way for way, able in possible.items() if able)
        if not possible.get(self.method, False):
            able = ", ".join(way for way, able in possible.items() if able)
            raise MinidiffError(f"{name}: method {self.method!r} cannot do this convolution; use one of {able}")
        self.name, self.in_channels, self.out_channels = name, in_channels, out_channels
        self.kernel_size, self.stride, self.zero = kernel_size, stride, zero

    def shapes(self):
        kernel = (self.kernel_size, self.kernel_size, self.in_channels, self.out_channels)
        return {f"{self.name}.weight": kernel, f"{self.name}.bias": (self.out_channels,)}

    def initialize(self, p, rng):
        weight = p[f"{self.name}.weight"]
        bound = 0.0 if self.zero else (self.kernel_size**2 * self.in_channels) ** -0.5
        weight[...] = rng.uniform(-bound, bound, weight.shape)
        p[f"{self.name}.bias"][...] = 0

    def output_shape(self, shape):
        N, H, W, _ = shape
        return N, -(-H // self.stride), -(-W // self.stride), self.out_channels

    def cost(self, shape):
        output = self.output_shape(shape)
        return output, 2 * int(np.prod(output)) * self.kernel_size**2 * self.in_channels

    def forward(self, p, x, carried=None):
        """Args: x (N, H, W, C); carried, of y's shape or None, is added to y; its gradient, dy, is for the caller."""
        return getattr(self, f"_{self.method}")(p, x, carried)

    def backward(self, p, g, cache, dy):
        return getattr(self, f"_{self.method}_backward")(p, g, cache, dy)

    # 1x1: y = x w, pixel by pixel

    def _matmul(self, p, x, carried):
        weight = p[f"{self.name}.weight"].reshape(self.in_channels, self.out_channels)
        return linear_map(p, x, weight, p[f"{self.name}.bias"], carried), x

    def _matmul_backward(self, p, g, cache, dy):
        C, K = self.in_channels, self.out_channels
        dx, panels = p.empty(cache.shape), p.empty((number_of_panels(C), K, PANEL))
        in_panels_transposed(p[f"{self.name}.weight"].reshape(C, K), panels)
        dweight, dbias = g[f"{self.name}.weight"].reshape(C, K), g[f"{self.name}.bias"]
        linear_backward(rows_of(cache), panels, rows_of(dy), rows_of(dx), dweight, dbias)
        return dx

    # im2col: columns = im2col(x), y = columns w, an image at a time

    def _im2col(self, p, x, carried):
        K, inputs = self.out_channels, self.kernel_size**2 * self.in_channels
        y, panels = p.empty(self.output_shape(x.shape)), p.empty((number_of_panels(K), inputs, PANEL))
        in_panels(p[f"{self.name}.weight"].reshape(inputs, K), panels)
        columns = p.empty((y[0].size // K, inputs))
        for n in range(len(x)):
            im2col(x[n : n + 1], self.kernel_size, self.stride, columns)  # a row for each output pixel, (H' W', k k C)
            carried_image = y[:0] if carried is None else carried[n]
            linear(columns, panels, p[f"{self.name}.bias"], rows_of(carried_image), rows_of(y[n]))
        return y, x

    def _im2col_backward(self, p, g, cache, dy):
        K, inputs = self.out_channels, self.kernel_size**2 * self.in_channels
        dx, panels = p.empty(cache.shape), p.empty((number_of_panels(inputs), K, PANEL))
        in_panels_transposed(p[f"{self.name}.weight"].reshape(inputs, K), panels)
        dweight, dbias = g[f"{self.name}.weight"].reshape(inputs, K), g[f"{self.name}.bias"]
        columns = p.empty((dy[0].size // K, inputs))
        dx.fill(0)
        for n in range(len(dy)):
            im2col(cache[n : n + 1], self.kernel_size, self.stride, columns)  # once more: cheaper than to have kept it
            linear_backward(columns, panels, rows_of(dy[n]), columns, dweight, dbias)  # columns are now dcolumns
            col2im(columns, self.kernel_size, self.stride, dx[n : n + 1])
        return dx

    # Winograd: V = B' x B, U = G w G', M = V U, y = A' M A; channels are filled up to whole vectors with zeros

    def _winograd(self, p, x, carried):
        C, K = whole_vectors(self.in_channels), whole_vectors(self.out_channels)
        x_wide = widened(p, x, C)
        weight, bias = widened(p, p[f"{self.name}.weight"], K), widened(p, p[f"{self.name}.bias"], K)
        y = p.empty((*x.shape[:3], K))
        carried = y[:0] if carried is None else widened(p, carried, K)
        piece, one_piece, V_and_M = self._workspace(p, x_wide.shape, K)
        U = p.empty((1 if one_piece else number_of_panels(K), 36, self.in_channels + 1, PANEL))
        convolve_winograd(x_wide, weight, bias, carried, piece, V_and_M, U, y)
        return narrowed(p, y, self.out_channels), x

    def _winograd_backward(self, p, g, cache, dy):
        C, K = whole_vectors(self.in_channels), whole_vectors(self.out_channels)
        x, dy = widened(p, cache, C), widened(p, dy, K)
        weight = widened(p, p[f"{self.name}.weight"], K)
        dweight, dbias = widened(p, g[f"{self.name}.weight"], K), widened(p, g[f"{self.name}.bias"], K)
        dx, w_transposed = p.empty(x.shape), p.empty((3, 3, self.out_channels, C))
        piece, one_piece, V_and_dM = self._workspace(p, x.shape, K)
        dU = p.empty((1 if one_piece else number_of_panels(K), 36, self.in_channels + 1, PANEL))
        U_transposed = p.empty((1 if one_piece else number_of_panels(C), 36, self.out_channels + 1, PANEL))
        convolve_winograd_backward(
            x, weight, dy, piece, V_and_dM, dU, w_transposed, U_transposed, dx, dweight, dbias
        )  # fmt: skip
        # If nothing was widened these are g's own arrays, and the gradient is in them already
        g[f"{self.name}.weight"] = narrowed(p, dweight, self.out_channels)
        g[f"{self.name}.bias"] = narrowed(p, dbias, self.out_channels)
        return narrowed(p, dx, self.in_channels)

    def _workspace(self, p, shape, K):
        """How much goes through Winograd's maps at a time, and the memory for it.

        Where there are many channels, U is larger than V and M of an image, and is fetched for every piece: so a piece
        may be as large as U.

        Args:
            shape: of x, (N, H, W, C).
            K: channels of y.

        Returns:
            The size of a piece, (images, rows of tiles); whether that is all of x; and memory for V and M of a piece.
        """
        N, H, W, C = shape
        tiles_down, tiles_across = -(-H // 4), -(-W // 4)
        rows_that_fit = max(1, max(PIECE, 36 * C * K) // (36 * tiles_across * (C + K)))
        if rows_that_fit >= tiles_down:
            images, rows = min(N, rows_that_fit // tiles_down), tiles_down
        else:
            pieces = -(-tiles_down // rows_that_fit)
            images, rows = 1, -(-tiles_down // pieces)  # pieces as equal as can be
        V_and_M = p.empty((36 * (images * rows * tiles_across + 1) * (C + K),))
        return (images, rows), (images, rows) == (N, tiles_down), V_and_M


def whole_vectors(channels):
    """The number of channels, rounded up to whole vectors."""
    return -(-channels // LANES) * LANES


def widened(p, array, channels):
    """The array (..., C), contiguous and filled up with zeros to (..., channels); itself if it is that already."""
    C = array.shape[-1]
    if channels == C:
        return np.ascontiguousarray(array)
    wide = p.empty((*array.shape[:-1], channels))
    wide[..., :C] = array
    wide[..., C:] = 0
    return wide


def narrowed(p, wide, channels):
    """The first channels of a contiguous array (..., C), contiguous as well; itself if it has no more."""
    if wide.shape[-1] == channels:
        return wide
    array = p.empty((*wide.shape[:-1], channels))
    array[...] = wide[..., :channels]
    return array
