"""Typical wrong answers to the exercises of notebook 07, each with words of its hint."""

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
    ],
    "ex07_2": [
        (walk(lambda size, stride, jump: size - 1), "strides matter"),
        (walk(lambda size, stride, jump: (size - 1) * jump, early=True), "own stride"),
        (walk(lambda size, stride, jump: (size - 1) * jump, start=0), "pixel itself"),
        (walk(lambda size, stride, jump: size * jump), "not k"),
        (walk(lambda size, stride, jump: size // 2 * jump), "both sides"),
        (lambda layers: int(np.prod([size for size, _ in layers])), "widths do not multiply"),
        (adds_strides, "do not add up"),
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
    ],
}
