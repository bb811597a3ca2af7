"""Answers to the exercises of notebook 07: wrong ones, each with words of its hint, and right ones in other styles."""

import math
from fractions import Fraction

import numpy as np


def bottleneck(parameters=None, flops=None):
    """The counts with a mistake in one of them; functions of H, W, C, B and the number of weights."""

    def cost(H, W, C):
        B = C // 4
        weights = 2 * C * B + 9 * B * B
        right = weights + 2 * B + C, 2 * H * W * weights
        return (
            parameters(H, W, C, B, weights) if parameters else right[0],
            flops(H, W, C, B, weights) if flops else right[1],
        )

    return cost


def walk(grow, start=1, early=False):
    """A receptive field with a mistake in what a filter adds to it, or in the order of filter and stride."""

    def width(layers):
        found, jump = start, 1
        for size, stride in layers:
            jump *= stride if early else 1
            found += grow(size, stride, jump)
            jump *= 1 if early else stride
        return found

    return width


def adds_strides(layers):
    width, jump = 1, 0
    for size, stride in layers:
        width += (size - 1) * max(jump, 1)
        jump += stride
    return width


def join(dx=None, dskip=None, dgate=None):
    def backward(skip, gate, dy):
        right = dy[:, ::2, ::2] + dy[:, ::2, 1::2] + dy[:, 1::2, ::2] + dy[:, 1::2, 1::2]
        return (
            dx(right, gate, dy) if dx else right,
            dskip(skip, gate, dy) if dskip else dy * gate,
            dgate(skip, gate, dy) if dgate else np.sum(dy * skip, axis=(0, 1, 2)),
        )

    return backward


def tiny(dz=None, dt=None):
    """The backward pass from its paths: across (da), below (da), the middle (dt) and the first slope."""

    def backward(z, t, dy):
        a = np.sin(z) + t
        s = a[::2] + a[1::2]
        dm = (dy * a)[::2] + (dy * a)[1::2]
        across, below = dy * np.repeat(np.sin(s) * t, 2), np.repeat(dm * np.cos(s) * t, 2)
        middle, slope = np.sum(dm * np.sin(s)), np.cos(z)
        return (
            dz(across, below, slope, t) if dz else (across + below) * slope,
            dt(across, below, middle) if dt else np.sum(across + below) + middle,
        )

    return backward


def count_shapes(H, W, C):
    shapes = [(1, 1, C, C // 4), (3, 3, C // 4, C // 4), (1, 1, C // 4, C)]
    parameters = sum(math.prod(shape) + shape[-1] for shape in shapes)
    return np.array([parameters, 2 * H * W * sum(map(math.prod, shapes))])


def field_backwards(layers):
    width = 1
    for size, stride in layers[::-1]:
        width = (width - 1) * stride + size
    return width


def field_as_a_set(layers):
    pixels = {0}
    for size, stride in reversed(layers):
        pixels = {pixel * stride + i for pixel in pixels for i in range(size)}
    return max(pixels) - min(pixels) + 1


def field_by_products(layers):
    strides = [stride for _, stride in layers]
    return 1 + sum((size - 1) * math.prod(strides[:i]) for i, (size, _) in enumerate(layers))


def join_in_loops(skip, gate, dy):
    N, H, W, K = dy.shape
    dx, dgate = np.zeros((N, H // 2, W // 2, K)), np.zeros(K)
    for h in range(H):
        for w in range(W):
            dx[:, h // 2, w // 2] += dy[:, h, w]
            dgate += (dy[:, h, w] * skip[:, h, w]).sum(axis=0)
    return dx, gate * dy, dgate


def join_by_blocks(skip, gate, dy):
    N, H, W, K = dy.shape
    return [
        dy.reshape(N, H // 2, 2, W // 2, 2, K).sum((2, 4)),
        np.einsum("nhwk,k->nhwk", dy, gate),
        np.einsum("nhwk,nhwk->k", dy, skip),
    ]


def tiny_in_complex_numbers(z, t, dy):
    def loss(z, t):
        a = np.sin(z) + t
        return np.sum(dy * np.repeat(np.sin(a[::2] + a[1::2]) * t, 2) * a)

    dz = [np.imag(loss(z + 1e-30j * unit, t)) / 1e-30 for unit in np.eye(len(z))]
    return dz, np.imag(loss(z + 0j, t + 1e-30j)) / 1e-30


def tiny_by_jacobians(z, t, dy):
    pairs = np.repeat(np.eye(len(z) // 2), 2, axis=1)  # (S, 2S), the sum of two neighbors
    a = np.sin(z) + t
    s = pairs @ a
    da = dy * (pairs.T @ (np.sin(s) * t)) + pairs.T @ (np.cos(s) * t * (pairs @ (dy * a)))
    return np.diag(np.cos(z)) @ da, np.array([da.sum() + np.sin(s) @ (pairs @ (dy * a))])


def tiny_with_gradients_of_t_for_each_element(z, t, dy):
    a = np.sin(z) + t
    s = a.reshape(-1, 2).sum(1)
    dm = (dy * a).reshape(-1, 2).sum(1)
    da = np.repeat(dm * t * np.cos(s), 2) + dy * t * np.repeat(np.sin(s), 2)
    return da * np.cos(z), float(sum(da) + sum(dm * np.sin(s)))


WRONG = {
    "ex07_1": [
        (bottleneck(lambda H, W, C, B, weights: weights), "has a bias"),
        (bottleneck(lambda H, W, C, B, weights: weights + 2 * C + B), "not for each input"),
        (bottleneck(lambda H, W, C, B, weights: 9 * (2 * C * B + B * B) + 2 * B + C), "others are 1x1"),
        (bottleneck(lambda H, W, C, B, weights: 9 * C * C + C), "on all C channels"),
        (bottleneck(lambda H, W, C, B, weights: (weights + 2 * B + C) * H * W), "grow with the image"),
        (bottleneck(flops=lambda H, W, C, B, weights: H * W * weights), "two operations"),
        (bottleneck(flops=lambda H, W, C, B, weights: 2 * H * W * (weights + 2 * B + C)), "biases are left out"),
        (bottleneck(flops=lambda H, W, C, B, weights: 2 * weights), "for one pixel"),
        (lambda H, W, C: C, "2 things"),
        (lambda H, W, C: bottleneck()(H, W, C)[::-1], "in the order"),
        (lambda H, W, C: bottleneck()(6, 10, C), "not right"),
    ],
    "ex07_2": [
        (walk(lambda size, stride, jump: size - 1), "strides matter"),
        (walk(lambda size, stride, jump: (size - 1) * jump, early=True), "own stride"),
        (walk(lambda size, stride, jump: (size - 1) * jump, start=0), "pixel itself"),
        (walk(lambda size, stride, jump: size * jump), "not k"),
        (walk(lambda size, stride, jump: size // 2 * jump), "both sides"),
        (lambda layers: int(np.prod([size for size, _ in layers])), "widths do not multiply"),
        (adds_strides, "do not add up"),
        (lambda layers: walk(lambda size, stride, jump: 2 * (size // 2) * jump)(layers), "not right"),
        (lambda layers: 7, "not right"),
    ],
    "ex07_3": [
        (join(dx=lambda right, gate, dy: right / 4), "sum of four"),
        (join(dx=lambda right, gate, dy: dy[:, ::2, ::2]), "upper left"),
        (join(dx=lambda right, gate, dy: dy), "half as high"),
        (join(dx=lambda right, gate, dy: right * gate), "skip alone"),
        (join(dskip=lambda skip, gate, dy: dy), "so is its gradient"),
        (join(dskip=lambda skip, gate, dy: dy / gate), "not the inverse"),
        (join(dskip=lambda skip, gate, dy: dy * skip), "before it is summed"),
        (join(dgate=lambda skip, gate, dy: np.sum(dy, axis=(0, 1, 2))), "skip is a factor"),
        (join(dgate=lambda skip, gate, dy: np.sum(dy * skip, axis=(1, 2))), "all images"),
        (join(dgate=lambda skip, gate, dy: dy * skip), "every pixel"),
        (join(dskip=lambda skip, gate, dy: dy * abs(gate)), "absolute value"),
        (
            join(
                dx=lambda right, gate, dy: dy.reshape(len(dy), 2, right.shape[1], 2, right.shape[2], -1).sum(
                    axis=(1, 3)
                )
            ),
            "half an image",
        ),
    ],
    "ex07_4": [
        (tiny(dz=lambda across, below, slope, t: below * slope), "skip connection is missing"),
        (tiny(dz=lambda across, below, slope, t: across * slope), "middle is missing"),
        (tiny(dz=lambda across, below, slope, t: across + below), "first sine"),
        (tiny(dz=lambda across, below, slope, t: (across + below / t) * slope), "multiplied by t"),
        (tiny(dz=lambda across, below, slope, t: (across + below / 2) * slope), "not a mean"),
        (tiny(dt=lambda across, below, middle: middle), "first line is missing"),
        (tiny(dt=lambda across, below, middle: np.sum(across + below)), "in the middle is missing"),
        (tiny(dt=lambda across, below, middle: np.sum(across) + middle), "every path"),
        (tiny(dt=lambda across, below, middle: across + below), "one value"),
        (lambda z, t, dy: tiny()(z, 1.3, dy), "not right"),
    ],
}


RIGHT = {
    "ex07_1": [
        count_shapes,
        lambda H, W, C: (int(17 * C**2 / 16 + 3 * C / 2), H * W * 17 * C * C / 8),
        lambda H, W, C: [Fraction(17 * C * C, 16) + Fraction(3 * C, 2), Fraction(17 * C * C * H * W, 8)],
    ],
    "ex07_2": [field_backwards, field_as_a_set, field_by_products],
    "ex07_3": [join_in_loops, join_by_blocks, lambda *given: tuple(part.tolist() for part in join()(*given))],
    "ex07_4": [tiny_in_complex_numbers, tiny_by_jacobians, tiny_with_gradients_of_t_for_each_element],
}
