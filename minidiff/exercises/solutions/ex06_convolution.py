"""Solutions of the exercises of `tutorials/06_convolution.ipynb`."""

import numpy as np


# The padded image from i, j on contains, for all outputs at once, the pixel that weight i, j multiplies.
def depthwise(x, weight):
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += padded[:, i : i + H, j : j + W] * weight[i, j]
    return y


# The same two loops: dy times the weight is added to the window i, j of the input's gradient. All pixels of all images
# use the weight, so its gradient is a sum over them. In the end the border is cropped.
def depthwise_backward(x, weight, dy):
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    dpadded, dweight = np.zeros_like(padded), np.zeros_like(weight)
    for i in range(3):
        for j in range(3):
            dpadded[:, i : i + H, j : j + W] += dy * weight[i, j]
            dweight[i, j] = (dy * padded[:, i : i + H, j : j + W]).sum(axis=(0, 1, 2))
    return dpadded[:, 1:-1, 1:-1], dweight


# The gradient of each copy is added to that of its source, rows first and then columns, so that corners move twice.
def edge_backward(dpadded):
    dx = dpadded.copy()
    dx[:, 1] += dx[:, 0]
    dx[:, -2] += dx[:, -1]
    dx[:, :, 1] += dx[:, :, 0]
    dx[:, :, -2] += dx[:, :, -1]
    return dx[:, 1:-1, 1:-1]


# A' and G hold the powers of the points, the last row of each for infinity. B' is the transpose of the inverse of the
# 4 x 4 matrix of powers, its rows multiplied by f = (-1, 2, 2, 1), the products of the distances, and G's divided by f.
small_tile = (
    [[1, 1, 1, 0], [0, 1, -1, 1]],
    [[-1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    [[-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]],
)


# m x m outputs of r x r products each, instead of (m + r - 1) x (m + r - 1) products.
def saving(m, r):
    return (m * r / (m + r - 1)) ** 2


# Operations: two for each output and each of its k k C weights. Bytes: four for each element of x, weight and y.
def intensity(N, H, W, C, K, k):
    operations = 2 * N * H * W * K * k * k * C
    elements = N * H * W * (C + K) + k * k * C * K
    return operations / (4 * elements)
