"""The exercises of `tutorials/06_convolution.ipynb`: depthwise convolution, the transpose of padding, Winograd, costs.

Gradients are compared with central differences of loops, matrices with the sums that they should give.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import agree, as_array, call, expect, finite_array, unpack
from minidiff.gradient_check import numerical_gradient

BORDER = ((0, 0), (1, 1), (1, 1), (0, 0))


def _convolve(x: np.ndarray, weight: np.ndarray, mode: Any = "constant") -> np.ndarray:
    """The depthwise convolution of the exercise, with a padding mode of `np.pad`."""
    _, H, W, _ = x.shape
    padded = np.pad(x, BORDER, mode=mode)
    return np.sum([padded[:, i : i + H, j : j + W] * weight[i, j] for i in range(3) for j in range(3)], axis=0)


@exercise("ex06_1", "a depthwise convolution", points=2)
def _check_depthwise(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 5, 7, 3), (3, 4, 4, 1), (1, 1, 6, 2)):
        x, weight = rng.normal(size=shape), rng.normal(size=(3, 3, shape[-1]))
        flipped = weight[::-1, ::-1]
        right = _convolve(x, weight)
        mistakes = [
            (_convolve(x, flipped, "wrap"), "two things: np.roll by i - 1 is the wrong direction, and periodic"),
            (_convolve(x, weight, "wrap"), "the border is periodic: pad with zeros"),
            (_convolve(x, flipped), "the filter is flipped: output h, w uses input h + i - 1, w + j - 1"),
            (_convolve(x, weight.transpose(1, 0, 2)), "rows and columns are exchanged: i belongs to the height"),
            (_convolve(x, weight, "edge"), "outside of the image are zeros, not its border pixels"),
            (right[:, 1:-1, 1:-1], "the padding is missing: y has the size of x"),
            (right.sum(axis=-1, keepdims=True) + np.zeros_like(x), "the channels are summed: here they stay separate"),
            (x * weight.sum(axis=(0, 1)), "all nine weights use the same pixel: x has to be shifted"),
        ]
        expect("y", call(answer, x, weight), right, mistakes)


@exercise("ex06_2", "the gradient of a depthwise convolution", points=3)
def _check_depthwise_backward(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for shape in ((3, 4, 5, 3), (2, 3, 3, 1), (1, 2, 6, 2)):
        x, weight, dy = rng.normal(size=shape), rng.normal(size=(3, 3, shape[-1])), rng.normal(size=shape)

        def loss(x: np.ndarray = x, weight: np.ndarray = weight, dy: np.ndarray = dy) -> float:
            return np.sum(dy * _convolve(x, weight))

        dx, dweight = unpack(call(answer, x, weight, dy), "dx, dweight")
        flipped = weight[::-1, ::-1]
        mistakes = [
            (_convolve(dy, weight), "dx: the filter is used as it is; flip it, since output h uses input h + i - 1"),
            (_convolve(dy, flipped, "wrap"), "dx: the border is periodic, and should be zero"),
            (_convolve(dy, flipped.transpose(1, 0, 2)), "dx: rows and columns of the filter are exchanged"),
            (dy * weight[1, 1], "dx: nine outputs use a pixel, and this is the gradient from one of them"),
            (dy * weight.sum(axis=(0, 1)), "dx: the nine terms come from nine pixels of dy, which has to be shifted"),
        ]
        expect("dx", dx, numerical_gradient(loss, x), mistakes)
        right = numerical_gradient(loss, weight)
        mistakes = [
            (right[::-1, ::-1], "dweight is flipped: entry i, j pairs dy at h, w with x at h + i - 1, w + j - 1"),
            (right / len(x), "dweight is a mean over the images: all of them use it, so take the sum"),
            (right / dy[..., 0].size, "dweight is a mean over the pixels: all of them use it, so take the sum"),
            (
                right.sum(axis=-1, keepdims=True) + np.zeros(shape[-1]),
                "dweight sums over the channels: each has its own",
            ),
        ]
        expect("dweight", dweight, right, mistakes)


@exercise("ex06_3", "the transpose of a border", points=2)
def _check_edge_backward(answer: Any) -> None:
    rng = np.random.default_rng(2)
    for N, H, W, C in ((2, 4, 3, 3), (1, 2, 5, 1), (3, 1, 4, 2)):
        dpadded, x = rng.normal(size=(N, H + 2, W + 2, C)), rng.normal(size=(N, H, W, C))

        def loss(x: np.ndarray = x, upstream: np.ndarray = dpadded) -> float:
            return np.sum(upstream * np.pad(x, BORDER, mode="edge"))

        right = numerical_gradient(loss, x)
        copies = _fold(np.ones_like(dpadded))
        no_corners = dpadded.copy()
        no_corners[:, [0, 0, -1, -1], [0, -1, 0, -1]] = 0
        mistakes = [
            (dpadded[:, 1:-1, 1:-1], "right for padding with zeros: a copy's gradient is added to that of its source"),
            (_fold(no_corners), "the corners are lost: a corner pixel was copied to three more pixels"),
            (right / copies, "a mean over the copies: take the sum of their gradients"),
            (np.pad(dpadded, BORDER, mode="edge"), "this pads once more: the transpose leads back to the size of x"),
            (_fold(dpadded, columns=False), "the rows are right; the columns on the left and right are lost"),
            (_fold(dpadded, rows=False), "the columns are right; the rows above and below are lost"),
        ]
        expect("dx", call(answer, dpadded), right, mistakes)


def _fold(dpadded: np.ndarray, rows: bool = True, columns: bool = True) -> np.ndarray:
    """The transpose of edge padding, or a part of it."""
    dx = dpadded.copy()
    if rows:
        dx[:, 1] += dx[:, 0]
        dx[:, -2] += dx[:, -1]
    if columns:
        dx[:, :, 1] += dx[:, :, 0]
        dx[:, :, -2] += dx[:, :, -1]
    return dx[:, 1:-1, 1:-1]


@exercise("ex06_4", "a smaller tile", points=2)
def _check_small_tile(answer: Any) -> None:
    matrices = []
    shapes = {"A'": (2, 4), "G": (4, 3), "B'": (4, 4)}
    for found, (name, shape) in zip(unpack(answer, "A', G, B'"), shapes.items(), strict=True):
        if as_array(name, found).shape == shape[::-1] != shape:
            raise Wrong(f"{name} has the shape {shape[::-1]} and should have {shape}; transpose it")
        matrices.append(finite_array(name, found, shape))
    A_T, G, B_T = matrices
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(4, 20)), rng.normal(size=(3, 20))  # more than the 12 products of an x with a w

    def y(w: np.ndarray = w, G: np.ndarray = G, B_T: np.ndarray = B_T) -> np.ndarray:
        return A_T @ ((G @ w) * (B_T @ x))

    right = np.array([(x[:3] * w).sum(axis=0), (x[1:] * w).sum(axis=0)])
    f = np.array([[-1.0], [2.0], [2.0], [1.0]])  # product of the distances to the other points
    if agree(y(), right):
        return
    mistakes = [
        (y(B_T=B_T.T), "B' is transposed once too often: (5) has the transpose of the inverse"),
        (y(G=G / f), "the factors f are missing in G: row i of B' was multiplied by f[i], so divide G's"),
        (y(B_T=B_T * f), "the factors f are missing in B': row i of G was divided by f[i], so multiply it"),
        (y(G=G / f**2), "the factors f are on the wrong side: divide the rows of G, multiply those of B'"),
        (y(w[::-1]), "the filter is flipped: y[i] = x[i] w[0] + x[i+1] w[1] + x[i+2] w[2]"),
        (y()[::-1], "the two outputs are exchanged"),
    ]
    for corrected, hint in mistakes:
        if agree(corrected, right):
            raise Wrong(hint)
    if np.array_equal(B_T, np.eye(4)):
        raise Wrong("B' is still the identity: it is the transpose of the inverse of the 4 x 4 evaluation matrix")
    expect("y = A' ((G w) * (B' x))", y(), right)


@exercise("ex06_5", "multiplications saved by Winograd", points=1)
def _check_saving(answer: Any) -> None:
    for m, r in ((5, 3), (4, 3), (2, 5), (6, 2), (1, 3), (3, 3)):
        right = m**2 * r**2 / (m + r - 1) ** 2
        mistakes = [
            (m * r / (m + r - 1), "this is in one dimension: in two, rows and columns each save it"),
            (1 / right, "this is inverted: the factor is not less than one"),
            (m**2 * r**2 / (m + r) ** 2, "a tile of m outputs and r weights has m + r - 1 inputs"),
            (m**2 * r**2 / (m + r - 1), "the tile in the denominator is in one dimension only"),
            (m * r / (m + r - 1) ** 2, "the direct method has m x m outputs with r x r products each"),
            ((m + r - 1) ** 2, "this is the number of multiplications that are left: divide the direct method's by it"),
            (m**2 * r**2, "this is the number of multiplications of the direct method: divide it by Winograd's"),
            (r**2, "this is the direct method's number for each output: divide it by Winograd's"),
            (9 * m**2 / (m + 2) ** 2, "right for 3 x 3 weights only: r is an argument"),
            (4, "4 is the factor of F(4x4, 3x3): find it for any m and r"),
        ]
        expect(f"saving({m}, {r})", call(answer, m, r), right, mistakes)


@exercise("ex06_6", "arithmetic intensity", points=2)
def _check_intensity(answer: Any) -> None:
    for N, H, W, C, K, k in ((3, 10, 6, 5, 7, 3), (2, 4, 8, 6, 3, 5), (1, 7, 7, 2, 9, 1), (16, 1, 12, 4, 4, 2)):
        pixels, weights = N * H * W, k * k * C * K
        operations, elements = 2 * pixels * weights, pixels * (C + K) + weights
        nine = 9 * C * K
        mistakes = [
            (operations / 2 / (pixels * (C + K)), "three things: additions, four bytes per element, the weight"),
            (operations / elements, "this is per element, and not per byte: a float32 has four"),
            (operations / (8 * elements), "a factor of 2: a multiplication and an addition are two operations"),
            (operations / 2 / elements, "two things: the addition is an operation, too, and an element has four bytes"),
            (operations / (4 * pixels * (C + K)), "the weight goes through memory, too"),
            (operations / (4 * (pixels * C + weights)), "y is written, and that counts"),
            (operations / (4 * (pixels * K + weights)), "x is read, and that counts"),
            (operations / (4 * (pixels * (k * k * C + K) + weights)), "x is read once, and not once for each weight"),
            (4 * elements / operations, "this is inverted: operations per byte"),
            (operations / (4 * (H * W * (C + K) + weights)), "count the bytes of all N images"),
            (2 * pixels * nine / (4 * (pixels * (C + K) + nine)), "9 is k * k for k = 3 only: k is an argument"),
            (2 * pixels * k * C * K / (4 * (pixels * (C + K) + k * C * K)), "a filter has k * k weights a channel"),
        ]
        expect("the intensity", call(answer, N, H, W, C, K, k), operations / (4 * elements), mistakes)
