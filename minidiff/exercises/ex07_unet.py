"""The exercises of `tutorials/07_unet.ipynb`: counting, the receptive field, a join, the backward pass of a U-Net.

They are compared with the library's layers, with intervals of pixels, and with central differences.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import exercise
from minidiff.exercises.expecting import Mistakes, call, expect, unpack
from minidiff.gradient_check import numerical_gradient
from minidiff.layers import Conv2d


@exercise("ex07_1", "the cost of a bottleneck", points=2)
def _check_bottleneck_cost(answer: Any) -> None:
    for H, W, C in ((6, 10, 32), (9, 5, 24), (1, 1, 8), (16, 2, 64)):
        B = C // 4
        layers = [Conv2d("a", C, B, 1), Conv2d("b", B, B, 3), Conv2d("c", B, C, 1)]
        parameters = sum(int(np.prod(shape)) for layer in layers for shape in layer.shapes().values())
        flops = sum(layer.cost((1, H, W, layer.in_channels))[1] for layer in layers)
        weights, biases = 2 * C * B + 9 * B * B, 2 * B + C
        found = unpack(call(answer, H, W, C), "parameters, flops")
        one_convolution = "this is one 3x3 convolution on all C channels: the middle has C / 4 only"
        mistakes = [
            (weights, "each convolution has a bias, too: one value for each output channel"),
            (weights + 2 * C + B, "a bias has one value for each output channel, not for each input channel"),
            (2 * C * B + 3 * B * B + biases, "a 3x3 filter has nine pixels"),
            (9 * (2 * C * B + B * B) + biases, "only the middle convolution is 3x3, the others are 1x1"),
            (9 * C * C + C, one_convolution),
            (parameters * H * W, "parameters do not grow with the image: every pixel uses the same ones"),
            (C * B + 9 * B * B + 2 * B, "there is a third convolution, back to C channels"),
            (flops, "these are the operations: return them in the order parameters, flops"),
        ]
        expect("parameters", found[0], parameters, mistakes)
        mistakes = [
            (flops // 2, "a product and the addition are two operations"),
            (2 * parameters * H * W, "biases are left out of the count (as in `cost`): weights only"),
            (2 * weights, "this is for one pixel; every weight is used once at each of the H W pixels"),
            (weights, "this is the number of weights; each is used at every pixel, for a product and an addition"),
            (2 * H * W * 9 * C * C, one_convolution),
            (2 * H * W * 9 * (2 * C * B + B * B), "only the middle convolution is 3x3, the others are 1x1"),
        ]
        expect("flops", found[1], flops, mistakes)


@exercise("ex07_2", "the receptive field of a chain of layers", points=2)
def _check_receptive_field(answer: Any) -> None:
    for layers in (
        [(5, 1), (3, 1)], [(3, 2), (3, 1)], [(3, 1), (5, 2), (3, 2), (3, 1), (7, 1)], [(1, 1)],
        [(3, 3), (1, 2), (5, 1)], [(4, 2), (2, 2), (3, 1)], [(7, 4)],
    ):  # fmt: skip
        low = high = 0  # the first and the last pixel on which output pixel 0 depends
        for kernel_size, stride in reversed(layers):
            low, high = low * stride - (kernel_size - 1) // 2, high * stride + kernel_size // 2
        sizes, strides = np.array(layers).T
        more, jumps = sizes - 1, np.cumprod(np.concatenate([[1], strides]))
        sums = np.concatenate([[0], np.cumsum(strides)])
        mistakes = [
            (1 + np.sum(more), "strides matter: after a stride of 2, neighboring pixels are two input pixels apart"),
            (1 + np.sum(more * jumps[1:]), "a layer's own stride affects the layers after it, not itself"),
            (1 + np.sum(more * strides), "strides multiply: use the product of the strides of all layers before"),
            (1 + np.sum(more * np.maximum(sums[:-1], 1)), "strides multiply, they do not add up"),
            (np.sum(more * jumps[:-1]), "the pixel itself is missing: without layers the width is 1"),
            (1 + np.sum(sizes * jumps[:-1]), "a filter of size k adds k - 1 pixels to the width, not k"),
            (1 + np.sum(sizes // 2 * jumps[:-1]), "this is one side only: a filter extends to both sides"),
            (np.prod(sizes), "widths do not multiply: two 3x3 convolutions have a receptive field of 5 pixels, not 9"),
        ]
        expect("the width", call(answer, layers), high - low + 1, mistakes)


@exercise("ex07_3", "a join with a gate", points=2)
def _check_gated_join_backward(answer: Any) -> None:
    rng = np.random.default_rng(0)
    for N, H, W, K in ((2, 3, 4, 5), (1, 2, 1, 3), (4, 1, 2, 1)):
        x, skip, gate = rng.normal(size=(N, H, W, K)), rng.normal(size=(N, 2 * H, 2 * W, K)), rng.normal(0, 2, K)
        dy = rng.normal(size=skip.shape)

        def loss(x: np.ndarray = x, skip: np.ndarray = skip, gate: np.ndarray = gate, dy: np.ndarray = dy) -> float:
            return np.sum(dy * (x.repeat(2, axis=1).repeat(2, axis=2) + gate * skip))

        found = unpack(call(answer, skip, gate, dy), "dx, dskip, dgate")
        blocks = dy.reshape(N, H, 2, W, 2, K)
        far = dy.reshape(N, 2, H, 2, W, K).sum(axis=(1, 3))
        mistakes = [
            (blocks.mean(axis=(2, 4)), "an element that was repeated four times has the sum of four gradients"),
            (dy[:, ::2, ::2], "these are the gradients of the upper left pixels only: each element has four copies"),
            (dy, "dx has the shape of x: it is half as high and half as wide as dy"),
            (blocks.sum(axis=2).sum(axis=3) * gate, "the gate multiplies the skip alone"),
            (blocks.sum(axis=2)[..., 0, :], "two of the four pixels are missing: the repeat is along both axes"),
            (far, "the four copies of an element are neighbors, 2h and 2h + 1, and not half an image apart"),
        ]
        expect("dx", found[0], numerical_gradient(loss, x), mistakes)
        mistakes = [
            (dy, "the skip was multiplied by gate, and so is its gradient"),
            (dy / gate, "forward multiplies by gate, and so does backward: the transpose, not the inverse"),
            (dy * skip, "this is the gradient with respect to gate, before it is summed"),
            (dy * gate + dy, "y depends on the skip only through the gate"),
            (dy * np.abs(gate), "a gate may be negative: do not take its absolute value"),
        ]
        expect("dskip", found[1], dy * gate, mistakes)
        mistakes = [
            (dy * skip, "one gate for each channel, used at every pixel of every image: sum over all of these"),
            (np.sum(dy * skip, axis=(1, 2)), "the gate is the same for all images: sum over the first axis, too"),
            (np.mean(dy * skip, axis=(0, 1, 2)), "a sum over the pixels, not a mean"),
            (np.sum(dy, axis=(0, 1, 2)), "gate is multiplied by skip, so skip is a factor in its gradient"),
            (np.sum(dy * skip), "one gate for each channel: the last axis is not summed"),
        ]
        expect("dgate", found[2], numerical_gradient(loss, gate), mistakes)


@exercise("ex07_4", "the backward pass of a U-Net of four lines", points=3)
def _check_tiny_backward(answer: Any) -> None:
    rng = np.random.default_rng(1)
    for size, value in ((10, 1.3), (4, -0.6), (2, 2.1), (30, 0.2)):
        z, dy, t = rng.normal(size=size), rng.normal(size=size), np.array([value])

        def loss(z: np.ndarray = z, dy: np.ndarray = dy, t: np.ndarray = t) -> float:
            a = np.sin(z) + t
            m = np.sin(a[::2] + a[1::2]) * t
            return np.sum(dy * np.repeat(m, 2) * a)

        found = unpack(call(answer, z, value, dy), "dz, dt")
        a = np.sin(z) + value
        s = a[::2] + a[1::2]
        skip = dy * np.repeat(np.sin(s) * value, 2)  # da through the skip connection
        dm = (dy * a)[::2] + (dy * a)[1::2]
        below = np.repeat(dm * np.cos(s) * value, 2)  # da through the middle
        middle = np.sum(dm * np.sin(s))
        half = np.repeat((dy * a)[::2] * np.cos(s) * value, 2)
        mistakes: Mistakes = [
            (below * np.cos(z), "the skip connection is missing: a is used twice, in s and in y"),
            (skip * np.cos(z), "the path through the middle is missing: a is used twice"),
            (skip + below, "the slope of the first sine is missing"),
            ((skip + below / value) * np.cos(z), "in the middle the sine is multiplied by t, and so is its gradient"),
            ((skip + half) * np.cos(z), "m was repeated: each element has the sum of two gradients"),
            ((skip + below / 2) * np.cos(z), "m was repeated: take the sum of two gradients, not a mean"),
            ((skip - below) * np.cos(z), "the gradients of all paths are added"),
        ]
        expect("dz", found[0], numerical_gradient(loss, z), mistakes)
        part, other = np.sum(skip) + middle, np.sum(below) + middle
        mistakes = [
            (middle, "t is used twice: its gradient in the first line is missing"),
            (np.sum(skip + below), "t is used twice: its gradient in the middle is missing"),
            (part, other, "the t of the first line affects every path through a: use the whole of da"),
            (skip + below, "t is one value, added to every element: its gradient is a sum"),
        ]
        expect("dt", found[1], numerical_gradient(loss, t)[0], mistakes)
