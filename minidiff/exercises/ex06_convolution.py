"""The exercises of `tutorials/06_convolution.ipynb`: another convolution and its gradient, a transpose, a smaller tile,
and what they cost.

Gradients are held to central differences of loops written here, and matrices to the sums that they are to give.
"""

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import agree, as_numbers, call, expect, unpack
from minidiff.gradient_check import numerical_gradient

BORDER = ((0, 0), (1, 1), (1, 1), (0, 0))


def depthwise(x, weight, mode="constant"):
    """The formula of the exercise: windows of the padded image, each times its weight."""
    _, H, W, _ = x.shape
    padded = np.pad(x, BORDER, mode=mode)
    return sum(padded[:, i : i + H, j : j + W] * weight[i, j] for i in range(3) for j in range(3))


def _examine_depthwise(answer):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 5, 7, 3)), rng.normal(size=(3, 3, 3))
    turned = weight[::-1, ::-1]
    mixed = depthwise(x, weight).sum(axis=-1, keepdims=True) + np.zeros_like(x)
    expect(
        "y", call(answer, x, weight), depthwise(x, weight),
        [
            (depthwise(x, turned, "wrap"), "two things: np.roll by i - 1 moves the wrong way, and what leaves the "
                                           "image on one side comes in on the other, where zeros should"),
            (depthwise(x, weight, "wrap"), "what leaves the image on one side comes in on the other: pad with zeros"),
            (depthwise(x, turned), "the kernel is turned round: output h, w sees input h + i - 1, w + j - 1"),
            (depthwise(x, weight.transpose(1, 0, 2)), "rows and columns are exchanged: i goes with the height"),
            (depthwise(x, weight, "edge"), "outside of the image are zeros, not its border pixels"),
            (depthwise(x, weight)[:, 1:-1, 1:-1], "the padding is missing: y has the size of x"),
            (mixed, "the channels are summed up: here each stays by itself"),
            (x * weight.sum(axis=(0, 1)), "every place of the window looks at the same pixel: x has to be shifted"),
        ],
    )  # fmt: skip


def _examine_depthwise_backward(answer):
    rng = np.random.default_rng(1)
    x, weight, dy = rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(3, 3, 3)), rng.normal(size=(2, 4, 5, 3))

    def loss():
        return np.sum(dy * depthwise(x, weight))

    dx, dweight = unpack(call(answer, x, weight, dy), "dx, dweight")
    turned = weight[::-1, ::-1]
    expect(
        "dx", dx, numerical_gradient(loss, x),
        [
            (depthwise(dy, weight), "dx is the convolution of dy with the kernel as it is: but what was read at "
                                    "h + i - 1 goes back there, so forward's kernel has to be turned round"),
            (depthwise(dy, turned, "wrap"), "dx: what leaves on one side must not come in on the other"),
            (depthwise(dy, turned.transpose(1, 0, 2)), "dx: rows and columns of the kernel are exchanged"),
            (dy * weight[1, 1], "dx: a pixel is read by nine outputs, and this is the share of one, its own"),
            (dy * weight.sum(axis=(0, 1)), "dx: the nine shares come from nine places of dy, which has to be shifted"),
        ],
        tolerance=1e-5,
    )  # fmt: skip
    right = numerical_gradient(loss, weight)
    expect(
        "dweight", dweight, right,
        [
            (right[::-1, ::-1], "dweight is turned round: entry i, j pairs dy at h, w with x at h + i - 1, w + j - 1"),
            (right / len(x), "dweight is a mean over the images: what all of them use gets the sum"),
            (right / dy[..., 0].size, "dweight is a mean over the pixels: what all of them use gets the sum"),
            (right.sum(axis=-1, keepdims=True) + np.zeros(3), "dweight sums over the channels: each has its own"),
        ],
        tolerance=1e-5,
    )  # fmt: skip


def _examine_edge(answer):
    rng = np.random.default_rng(2)
    dpadded, x = rng.normal(size=(2, 6, 5, 3)), rng.normal(size=(2, 4, 3, 3))
    right = numerical_gradient(lambda: np.sum(dpadded * np.pad(x, BORDER, mode="edge")), x)
    cropped = dpadded[:, 1:-1, 1:-1]
    no_corners = dpadded.copy()
    no_corners[:, [0, 0, -1, -1], [0, -1, 0, -1]] = 0
    copies = np.ones((4, 3))
    copies[[0, -1]] *= 2
    copies[:, [0, -1]] *= 2
    expect(
        "dx", call(answer, dpadded), right,
        [
            (cropped, "this is the transpose of padding with zeros: here the border numbers are copies, and a copy's "
                      "gradient goes back to where it was copied from"),
            (fold(no_corners), "the corners are lost: a corner pixel was copied to three more places"),
            (right / copies[:, :, None], "a mean over the copies: what was copied gets the sum of their gradients"),
            (np.pad(dpadded, BORDER, mode="edge"), "this pads once more: the transpose leads back to the size of x"),
            (fold(dpadded, columns=False), "the rows are right; the columns on the left and right are lost"),
            (fold(dpadded, rows=False), "the columns are right; the rows above and below are lost"),
        ],
        tolerance=1e-5,
    )  # fmt: skip


def fold(dpadded, rows=True, columns=True):
    """The transpose of edge padding, or a part of it."""
    dx = dpadded.copy()
    if rows:
        dx[:, 1] += dx[:, 0]
        dx[:, -2] += dx[:, -1]
    if columns:
        dx[:, :, 1] += dx[:, :, 0]
        dx[:, :, -2] += dx[:, :, -1]
    return dx[:, 1:-1, 1:-1]


def _examine_small_tile(answer):
    names, shapes = ("A'", "G", "B'"), ((2, 4), (4, 3), (4, 4))
    matrices = [as_numbers(name, part) for name, part in zip(names, unpack(answer, "A', G, B'"), strict=True)]
    for name, matrix, shape in zip(names, matrices, shapes, strict=True):
        if matrix.shape != shape:
            turned = "; transpose it" if matrix.T.shape == shape and matrix.shape != shape else ""
            raise Wrong(f"{name} has the shape {matrix.shape} and should have {shape}{turned}")
        if not np.isfinite(matrix).all():
            raise Wrong(f"{name} holds NaN or infinity")
    A_T, G, B_T = matrices
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=4), rng.normal(size=3)

    def y(x, w, A_T=A_T, G=G, B_T=B_T):
        return A_T @ ((G @ w) * (B_T @ x))

    right = np.array([x[:3] @ w, x[1:] @ w])
    if agree(y(x, w), right):
        return
    f = np.array([-1.0, 2.0, 2.0, 1.0])  # product of the distances to the other points
    mistakes = [
        ({"B_T": B_T.T}, "B' is transposed once too often: (5) has the transpose of the inverse"),
        ({"G": G / f[:, None]}, "the factors f are missing in G: row i of B' was multiplied by f[i], so divide G's"),
        ({"B_T": B_T * f[:, None]}, "the factors f are missing in B': row i of G was divided by f[i], so multiply it"),
        ({"G": G / f[:, None] ** 2}, "the factors f are on the wrong side: divide the rows of G, multiply those of B'"),
    ]
    for change, hint in mistakes:
        if agree(y(x, w, **change), right):
            raise Wrong(hint)
    if agree(y(x, w[::-1]), right):
        raise Wrong("the kernel comes out turned round: y[i] = x[i] w[0] + x[i+1] w[1] + x[i+2] w[2]")
    if agree(y(x, w)[::-1], right):
        raise Wrong("the two outputs are exchanged")
    if np.array_equal(B_T, np.eye(4)):
        raise Wrong("B' is still the identity: it is the transpose of the inverse of the 4 x 4 evaluation matrix")
    expect("y = A' ((G w) * (B' x))", y(x, w), right)


def _examine_saving(answer):
    m, r = 5, 3
    right = m**2 * r**2 / (m + r - 1) ** 2
    expect(
        f"saving({m}, {r})", call(answer, m, r), right,
        [
            (m * r / (m + r - 1), "this is in one dimension: in two, rows and columns each save it"),
            (1 / right, "upside down: the factor is larger than one"),
            (m**2 * r**2 / (m + r) ** 2, "a tile of m outputs and r weights sees m + r - 1 inputs"),
            (m**2 * r**2 / (m + r - 1), "the tile in the denominator is in one dimension only"),
            (m * r / (m + r - 1) ** 2, "the direct way has m x m outputs with r x r products each"),
            ((m + r - 1) ** 2, "these are the multiplications that are left: compare them with the direct way's"),
            (r**2, "this is the direct way's number for each output; and Winograd's?"),
            (4, "4 is the factor of F(4x4, 3x3): find it for any m and r"),
        ],
    )  # fmt: skip
    expect("saving(4, 3)", call(answer, 4, 3), 4)
    expect("saving(2, 5)", call(answer, 2, 5), 100 / 36)


def _examine_intensity(answer):
    N, H, W, C, K, k = 3, 10, 6, 5, 7, 3
    pixels = N * H * W
    count, numbers = 2 * pixels * k * k * C * K, pixels * (C + K) + k * k * C * K
    expect(
        "the intensity", call(answer, N, H, W, C, K, k), count / (4 * numbers),
        [
            (count / 2 / (pixels * (C + K)), "three things: a multiplication and an addition are two operations, "
                                             "a float32 has four bytes, and the kernel is fetched as well"),
            (count / numbers, "for each number, and not for each byte: a float32 has four"),
            (count / (8 * numbers), "half of it: a multiplication and an addition are two operations; or are these "
                                    "the eight bytes of float64?"),
            (count / 2 / numbers, "two things: an operation more for the addition, and four bytes for a number"),
            (count / (4 * pixels * (C + K)), "the kernel goes through memory, too"),
            (count / (4 * (pixels * C + k * k * C * K)), "y is written, and that counts"),
            (count / (4 * (pixels * K + k * k * C * K)), "x is fetched, and that counts"),
            (count / (4 * (pixels * (k * k * C + K) + k * k * C * K)), "each number of x passes memory once here, "
                                                                       "not once for each place of the window"),
            (4 * numbers / count, "upside down: operations for each byte"),
            (count / (4 * (H * W * (C + K) + k * k * C * K)), "bytes of all N images, too"),
        ],
    )  # fmt: skip


EXERCISES = (
    Exercise("ex06_1", "each channel by itself", 2, "depthwise", _examine_depthwise),
    Exercise("ex06_2", "and its gradient", 3, "depthwise_backward", _examine_depthwise_backward),
    Exercise("ex06_3", "the transpose of a border", 2, "edge_backward", _examine_edge),
    Exercise("ex06_4", "a smaller tile", 2, "small_tile", _examine_small_tile),
    Exercise("ex06_5", "what is saved", 1, "saving", _examine_saving),
    Exercise("ex06_6", "under the roof", 2, "intensity", _examine_intensity),
)
