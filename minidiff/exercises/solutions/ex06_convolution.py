"""Solutions of the exercises of `tutorials/06_convolution.ipynb`."""

import numpy as np


# Padded by a pixel, the image can be read from i, j on: window i, j of it is what all outputs see at this place.
def depthwise(x, weight):
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += padded[:, i : i + H, j : j + W] * weight[i, j]
    return y


# The same two loops: what was read from window i, j is added back there, times the weight; and the weight, which all
# pixels of all images share, gets the sum over them. In the end the frame is cut off.
def depthwise_backward(x, weight, dy):
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    dpadded, dweight = np.zeros_like(padded), np.zeros_like(weight)
    for i in range(3):
        for j in range(3):
            dpadded[:, i : i + H, j : j + W] += dy * weight[i, j]
            dweight[i, j] = (dy * padded[:, i : i + H, j : j + W]).sum(axis=(0, 1, 2))
    return dpadded[:, 1:-1, 1:-1], dweight


# Every number goes back to where it was copied from, rows first and then columns; a corner finds its way in two steps.
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


# m x m outputs of r x r products each, and a tile of (m + r - 1) x (m + r - 1) products instead.
def saving(m, r):
    return (m * r / (m + r - 1)) ** 2


# Operations: two for each output, place of the window and input channel. Bytes: four for a number of x, kernel and y.
def intensity(N, H, W, C, K, k):
    operations = 2 * N * H * W * K * k * k * C
    numbers = N * H * W * (C + K) + k * k * C * K
    return operations / (4 * numbers)
