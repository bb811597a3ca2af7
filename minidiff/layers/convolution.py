"""Convolution with an odd kernel_size and stride 1 or 2, padded with zeros so that stride 1 keeps the size.

There are three methods, chosen by shape:

* matmul: a 1x1 convolution is a matrix product as it stands (`kernels/linear.py`);
* winograd: a 3x3 convolution with stride 1, most of the network (`kernels/winograd_convolution.py`);
* im2col: all others, rearranged into a matrix product (`kernels/convolution.py`).

All three compute y = conv(x, weight) + bias (+ residual), and the gradients with respect to x, weight and bias. For a
matrix product Y = X W, these are dX = dY W' and dW = X' dY. im2col and Winograd are linear maps around such products;
the backward pass uses their transposes.

Read more: `tutorials/06_convolution.ipynb`.
"""

import math

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.kernels.convolution import col2im, im2col
from minidiff.kernels.linear import linear, linear_backward, pack_panels, pack_panels_transposed
from minidiff.kernels.products import PANEL, number_of_panels
from minidiff.kernels.vectors import LANES
from minidiff.kernels.winograd_convolution import convolve_winograd, convolve_winograd_backward
from minidiff.layers.layer import Layer, Shape
from minidiff.layers.linear import linear_map, rows_of
from minidiff.parameters import Parameters

BLOCK = 2**18  # elements in V and M of one block: 1 MB, which leaves room in a core's L2 cache


class Conv2d(Layer):
    """y = conv(x, weight) + bias.

    Args:
        name: prefix of the names of its parameters.
        in_channels, out_channels: C and K.
        kernel_size: k, odd.
        stride: 1 or 2; the output is (ceil(H / stride), ceil(W / stride)).
        zero: initialize the weight with zeros instead of small random values.
        method: "matmul", "winograd" or "im2col"; default: the fastest for the shape.

    Raises:
        MinidiffError: an even kernel_size, another stride, or a method that does not support the shape.
    """

    def __init__(
        self, name: str, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1,
        zero: bool = False, method: str | None = None,
    ) -> None:  # fmt: skip
        if kernel_size % 2 == 0 or stride not in (1, 2):
            raise MinidiffError(f"{name}: kernel_size must be odd and stride 1 or 2, not {kernel_size} and {stride}")
        supported = {"matmul": kernel_size == stride == 1, "winograd": kernel_size == 3 and stride == 1, "im2col": True}
        methods = [candidate for candidate, is_supported in supported.items() if is_supported]
        if method is not None and method not in methods:
            raise MinidiffError(
                f"{name}: method {method!r} does not support this convolution; choose from {', '.join(methods)}"
            )
        self.name, self.in_channels, self.out_channels = name, in_channels, out_channels
        self.kernel_size, self.stride, self.zero = kernel_size, stride, zero
        self.method = method or methods[0]

    def shapes(self) -> dict[str, Shape]:
        """Shapes of weight (k, k, C, K) and bias (K,)."""
        weight = (self.kernel_size, self.kernel_size, self.in_channels, self.out_channels)
        return {f"{self.name}.weight": weight, f"{self.name}.bias": (self.out_channels,)}

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draws the weight uniformly from +-1 / sqrt(k k C), unless `zero`; sets the bias to zero."""
        weight = p[f"{self.name}.weight"]
        bound = 0.0 if self.zero else (self.kernel_size**2 * self.in_channels) ** -0.5
        weight[...] = rng.uniform(-bound, bound, weight.shape)
        p[f"{self.name}.bias"][...] = 0

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of y for x of the given shape."""
        N, H, W, _ = shape
        return N, -(-H // self.stride), -(-W // self.stride), self.out_channels

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Output shape and operations of the direct method, whatever method is used."""
        output = self.output_shape(shape)
        return output, 2 * math.prod(output) * self.kernel_size**2 * self.in_channels

    def forward(
        self, p: Parameters, x: np.ndarray, residual: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns y (N, H', W', K) for x (N, H, W, C), and x as the cache.

        `residual`, of y's shape or None, is added to y. Its gradient is dy, which the caller passes on.
        """
        return getattr(self, f"_{self.method}")(p, x, residual)

    def backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Returns dx (N, H, W, C)."""
        return getattr(self, f"_{self.method}_backward")(p, g, cache, dy)

    # 1x1: y = x w, pixel by pixel

    def _matmul(self, p: Parameters, x: np.ndarray, residual: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        weight = p[f"{self.name}.weight"].reshape(self.in_channels, self.out_channels)
        return linear_map(p, x, weight, p[f"{self.name}.bias"], residual), x

    def _matmul_backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        C, K = self.in_channels, self.out_channels
        dx, panels = p.empty(cache.shape), p.empty((number_of_panels(C), K, PANEL))
        pack_panels_transposed(p[f"{self.name}.weight"].reshape(C, K), panels)
        dweight, dbias = g[f"{self.name}.weight"].reshape(C, K), g[f"{self.name}.bias"]
        linear_backward(rows_of(cache), panels, rows_of(dy), rows_of(dx), dweight, dbias)
        return dx

    # im2col: columns = im2col(x), y = columns w, one image at a time

    def _im2col(self, p: Parameters, x: np.ndarray, residual: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        K, inputs = self.out_channels, self.kernel_size**2 * self.in_channels
        y, panels = p.empty(self.output_shape(x.shape)), p.empty((number_of_panels(K), inputs, PANEL))
        pack_panels(p[f"{self.name}.weight"].reshape(inputs, K), panels)
        columns = p.empty((y[0].size // K, inputs))
        for n in range(len(x)):
            im2col(x[n : n + 1], self.kernel_size, self.stride, columns)  # a row for each output pixel, (H' W', k k C)
            residual_image = y[:0] if residual is None else residual[n]
            linear(columns, panels, p[f"{self.name}.bias"], rows_of(residual_image), rows_of(y[n]))
        return y, x

    def _im2col_backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        K, inputs = self.out_channels, self.kernel_size**2 * self.in_channels
        dx, panels = p.empty(cache.shape), p.empty((number_of_panels(inputs), K, PANEL))
        pack_panels_transposed(p[f"{self.name}.weight"].reshape(inputs, K), panels)
        dweight, dbias = g[f"{self.name}.weight"].reshape(inputs, K), g[f"{self.name}.bias"]
        columns = p.empty((dy[0].size // K, inputs))
        dx.fill(0)
        for n in range(len(dy)):
            im2col(cache[n : n + 1], self.kernel_size, self.stride, columns)  # recomputed: cheaper than keeping it
            linear_backward(columns, panels, rows_of(dy[n]), columns, dweight, dbias)  # columns are now dcolumns
            col2im(columns, self.kernel_size, self.stride, dx[n : n + 1])
        return dx

    # Winograd: V = B' x B, U = G w G', M = V U, y = A' M A; channels are padded with zeros to whole vectors

    def _winograd(self, p: Parameters, x: np.ndarray, residual: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        C, K = whole_vectors(self.in_channels), whole_vectors(self.out_channels)
        x_padded = pad_channels(p, x, C)
        weight, bias = pad_channels(p, p[f"{self.name}.weight"], K), pad_channels(p, p[f"{self.name}.bias"], K)
        y = p.empty((*x.shape[:3], K))
        residual = y[:0] if residual is None else pad_channels(p, residual, K)
        block, one_block, V_and_M = self._workspace(p, x_padded.shape, K)
        U = p.empty((1 if one_block else number_of_panels(K), 36, self.in_channels + 1, PANEL))
        convolve_winograd(x_padded, weight, bias, residual, block, V_and_M, U, y)
        return crop_channels(p, y, self.out_channels), x

    def _winograd_backward(self, p: Parameters, g: Parameters, cache: np.ndarray, dy: np.ndarray) -> np.ndarray:
        C, K = whole_vectors(self.in_channels), whole_vectors(self.out_channels)
        x, dy = pad_channels(p, cache, C), pad_channels(p, dy, K)
        weight = pad_channels(p, p[f"{self.name}.weight"], K)
        dweight, dbias = pad_channels(p, g[f"{self.name}.weight"], K), pad_channels(p, g[f"{self.name}.bias"], K)
        dx, w_transposed = p.empty(x.shape), p.empty((3, 3, self.out_channels, C))
        block, one_block, V_and_dM = self._workspace(p, x.shape, K)
        dU = p.empty((1 if one_block else number_of_panels(K), 36, self.in_channels + 1, PANEL))
        U_transposed = p.empty((1 if one_block else number_of_panels(C), 36, self.out_channels + 1, PANEL))
        convolve_winograd_backward(
            x, weight, dy, block, V_and_dM, dU, w_transposed, U_transposed, dx, dweight, dbias
        )  # fmt: skip
        # Without padding these are views of g, which already contain the gradient
        g[f"{self.name}.weight"] = crop_channels(p, dweight, self.out_channels)
        g[f"{self.name}.bias"] = crop_channels(p, dbias, self.out_channels)
        return crop_channels(p, dx, self.in_channels)

    def _workspace(self, p: Parameters, shape: Shape, K: int) -> tuple[tuple[int, int], bool, np.ndarray]:
        """Chooses the size of a block, and provides its memory.

        A block is the part of x that is processed at a time. With many channels, U is larger than V and M of an image
        and is read for every block, so a block may be as large as U.

        Args:
            p: provides the memory.
            shape: of x, (N, H, W, C).
            K: channels of y.

        Returns:
            The size of a block, (images, rows of tiles); whether one block is all of x; memory for V and M of a block.
        """
        N, H, W, C = shape
        tiles_down, tiles_across = -(-H // 4), -(-W // 4)
        rows_that_fit = max(1, max(BLOCK, 36 * C * K) // (36 * tiles_across * (C + K)))
        if rows_that_fit >= tiles_down:
            images, rows = min(N, rows_that_fit // tiles_down), tiles_down
        else:
            blocks = -(-tiles_down // rows_that_fit)
            images, rows = 1, -(-tiles_down // blocks)  # blocks of nearly equal size
        V_and_M = p.empty((36 * (images * rows * tiles_across + 1) * (C + K),))
        return (images, rows), (images, rows) == (N, tiles_down), V_and_M


def whole_vectors(channels: int) -> int:
    """The number of channels, rounded up to whole vectors."""
    return -(-channels // LANES) * LANES


def pad_channels(p: Parameters, array: np.ndarray, channels: int) -> np.ndarray:
    """The array (..., C), contiguous and padded with zeros to (..., channels); the array itself if it is so already."""
    C = array.shape[-1]
    if channels == C:
        return np.ascontiguousarray(array)
    padded = p.empty((*array.shape[:-1], channels))
    padded[..., :C] = array
    padded[..., C:] = 0
    return padded


def crop_channels(p: Parameters, padded: np.ndarray, channels: int) -> np.ndarray:
    """The first channels of a contiguous array (..., C), contiguous again; the array itself if it has no more."""
    if padded.shape[-1] == channels:
        return padded
    array = p.empty((*padded.shape[:-1], channels))
    array[...] = padded[..., :channels]
    return array
