"""Convolution with an odd kernel, stride 1 or 2, padded with zeros so that stride 1 keeps the size.

Three ways to the same numbers, chosen by shape:

* a 1x1 kernel is a matrix product as it stands;
* a 3x3 kernel with stride 1, the bulk of the network, goes by Winograd (`kernels/winograd.py`);
* everything else goes by im2col (`kernels/convolution.py`).

All three compute y = conv(x, weight) + bias (+ carried), and gradients by x, weight and bias. For a matrix product
Y = X W these are dX = dY W' and dW = X' dY; im2col and Winograd are linear maps around such products, and are undone by
their transposes.

Read more: `tutorials/06_convolution.ipynb`.
"""

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels import convolution as kernels
from minidiff.kernels import winograd, winograd_weights

PIECE = 2**19  # numbers in V and M of a piece of work: 2 MB, about what a core's second cache usually holds


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

    def initialise(self, p, rng):
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
        """Args: x (N, H, W, C); carried, of y's shape, is added to the result, where that saves a pass over it."""
        return getattr(self, f"_{self.method}")(p, x, carried)

    def backward(self, p, g, cache, dy):
        dy_rows = dy.reshape(-1, self.out_channels)
        g[f"{self.name}.bias"] += np.ones(len(dy_rows), dy.dtype) @ dy_rows  # a sum over rows, as a product: faster
        return getattr(self, f"_{self.method}_backward")(p, g, cache, dy)

    # 1x1: y = x w, pixel by pixel

    def _matmul(self, p, x, carried):
        weight = p[f"{self.name}.weight"].reshape(self.in_channels, self.out_channels)
        y = p.empty(self.output_shape(x.shape))
        np.matmul(x.reshape(-1, self.in_channels), weight, out=y.reshape(-1, self.out_channels))  # (N*H*W, K)
        y += p[f"{self.name}.bias"]
        if carried is not None:
            y += carried
        return y, x

    def _matmul_backward(self, p, g, cache, dy):
        x, dy_rows = cache.reshape(-1, self.in_channels), dy.reshape(-1, self.out_channels)
        weight = p[f"{self.name}.weight"].reshape(self.in_channels, self.out_channels)
        g[f"{self.name}.weight"] += (x.T @ dy_rows).reshape(1, 1, self.in_channels, self.out_channels)
        dx = p.empty(cache.shape)
        np.matmul(dy_rows, weight.T, out=dx.reshape(-1, self.in_channels))
        return dx

    # im2col: columns = im2col(x), y = columns w

    def _im2col(self, p, x, carried):
        weight = p[f"{self.name}.weight"].reshape(-1, self.out_channels)  # (k*k*C, K)
        y = p.empty(self.output_shape(x.shape))
        columns = p.empty((y.size // self.out_channels, len(weight)))
        kernels.im2col(x, self.kernel_size, self.stride, columns)  # (N*H*W, k*k*C)
        np.matmul(columns, weight, out=y.reshape(-1, self.out_channels))  # (N*H*W, K)
        y += p[f"{self.name}.bias"]
        if carried is not None:
            y += carried
        return y, (x.shape, columns)

    def _im2col_backward(self, p, g, cache, dy):
        shape, columns = cache
        dy_rows = dy.reshape(-1, self.out_channels)
        weight = p[f"{self.name}.weight"]
        g[f"{self.name}.weight"] += (columns.T @ dy_rows).reshape(weight.shape)
        dcolumns = p.empty(columns.shape)
        np.matmul(dy_rows, weight.reshape(-1, self.out_channels).T, out=dcolumns)  # (N*H*W, k*k*C)
        dx = p.empty(shape)
        dx.fill(0)
        kernels.col2im(dcolumns, self.kernel_size, self.stride, dx)
        return dx

    # Winograd: V = B' x B, U = G w G', M = V U, y = A' M A

    def transformed_weight(self, p):
        """U = G w G', kept until the parameters change: (36, C, K)."""
        C, K = self.in_channels, self.out_channels

        def transform(U):
            winograd_weights.kernel_transform(p[f"{self.name}.weight"], U.reshape(6, 6, C, K))

        return p.derived(f"{self.name}.U", (36, C, K), transform)

    def transposed_transformed_weight(self, p):
        """U' = G w' G', laid out as the backward pass reads it, kept until the parameters change: (36, K, C)."""
        C, K = self.in_channels, self.out_channels

        def transform(U_transposed):
            weight_transposed = np.ascontiguousarray(p[f"{self.name}.weight"].transpose(0, 1, 3, 2))
            winograd_weights.kernel_transform(weight_transposed, U_transposed.reshape(6, 6, K, C))

        return p.derived(f"{self.name}.U'", (36, K, C), transform)

    def _winograd(self, p, x, carried):
        N, H, W, C = x.shape
        U, K = self.transformed_weight(p), self.out_channels
        y = p.empty((N, H, W, K))
        for images, first, R in self._pieces(x.shape):
            n, Q = images.stop - images.start, -(-W // 4)
            V, M = p.empty((6, 6, n, R, Q * C)), p.empty((6, 6, n, R, Q * K))
            winograd.input_transform(x[images], first, V)  # V = B' x B
            np.matmul(V.reshape(36, -1, C), U, out=M.reshape(36, -1, K))  # M = V U
            beside = None if carried is None else carried[images]
            winograd.output_transform(M, p[f"{self.name}.bias"], beside, first, y[images])  # y = A' M A
        return y, x

    def _winograd_backward(self, p, g, cache, dy):
        x, U_transposed = cache, self.transposed_transformed_weight(p)
        W, C, K = x.shape[2], x.shape[3], self.out_channels
        dU, dx = None, p.empty(x.shape)
        for images, first, R in self._pieces(x.shape):
            n, Q = images.stop - images.start, -(-W // 4)
            V, dM = p.empty((6, 6, n, R, Q * C)), p.empty((6, 6, n, R, Q * K))
            winograd.input_transform(x[images], first, V)  # V = B' x B, once more: cheaper than to have kept it
            winograd.output_transform_backward(dy[images], first, dM)  # dM = A dy A'
            rows, drows = V.reshape(36, -1, C), dM.reshape(36, -1, K)
            share = np.matmul(rows.transpose(0, 2, 1), drows, out=p.empty((36, C, K)))  # dU = V' dM
            dU = share if dU is None else np.add(dU, share, out=dU)
            dV = V  # V is no longer needed: its place is
            np.matmul(drows, U_transposed, out=dV.reshape(36, -1, C))  # dV = dM U'
            winograd.input_transform_backward(dV, first, dx[images])  # dx = B dV B'
        winograd_weights.kernel_transform_backward(dU.reshape(6, 6, C, K), g[f"{self.name}.weight"])  # dw = G' dU G
        return dx

    def _pieces(self, shape):
        """Pieces of work whose V and M stay in the cache: some whole images, or some rows of tiles of one.

        Where there are many channels, U is larger than V and M of an image, and is fetched for every piece: so a piece
        is at least as large as U.

        Args:
            shape: of x, (N, H, W, C).

        Yields:
            slice of the images, the first row of tiles, and how many rows.
        """
        N, H, W, C = shape
        R, Q, K = -(-H // 4), -(-W // 4), self.out_channels
        rows = max(PIECE, 36 * C * K) // (36 * Q * (C + K))  # of tiles, in a piece
        if rows >= R:
            for image in range(0, N, rows // R):
                yield slice(image, min(image + rows // R, N)), 0, R
        else:
            pieces = -(-R // max(1, rows))
            rows = -(-R // pieces)  # as equal as can be
            for n in range(N):
                for first in range(0, R, rows):
                    yield slice(n, n + 1), first, min(rows, R - first)
