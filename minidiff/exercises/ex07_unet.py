"""The exercises of `tutorials/07_unet.ipynb`: a count, what a chain of layers sees, a join, and a U-Net's backward.

Truth is a layer built and counted, a gradient of ones pushed through strides, and central differences.
"""

import numpy as np

from minidiff.exercises.exercise import Exercise
from minidiff.exercises.expecting import as_numbers, call, expect, unpack
from minidiff.gradient_check import numerical_gradient
from minidiff.layers import Conv2d


def _examine_bottleneck(answer):
    for H, W, C in ((6, 10, 32), (9, 5, 24)):
        B = C // 4
        layers = [Conv2d("a", C, B, 1), Conv2d("b", B, B, 3), Conv2d("c", B, C, 1)]
        parameters = sum(int(np.prod(shape)) for layer in layers for shape in layer.shapes().values())
        flops = sum(layer.cost((1, H, W, layer.in_channels))[1] for layer in layers)
        weights, biases = 2 * C * B + 9 * B * B, 2 * B + C
        found = unpack(call(answer, H, W, C), "parameters, flops")
        expect(
            "parameters", found[0], parameters,
            [
                (weights, "each convolution has a bias, too: one number for each channel that comes out"),
                (weights + 2 * C + B, "a bias has one number for each channel that comes out, not that goes in"),
                (2 * C * B + 3 * B * B + biases, "a 3x3 kernel has nine pixels"),
                (9 * (2 * C * B + B * B) + biases, "only the middle convolution is 3x3, the others are 1x1"),
                (9 * C * C + C, "this is one 3x3 convolution on all C channels: the middle has C / 4 only"),
                (parameters * H * W, "parameters do not grow with the image: every pixel uses the same ones"),
                (C * B + 9 * B * B + 2 * B, "there is a third convolution, back to C channels"),
            ],
        )  # fmt: skip
        expect(
            "flops", found[1], flops,
            [
                (flops // 2, "a product and the addition are two operations"),
                (2 * parameters * H * W, "biases are left out of the count (as in `cost`): weights only"),
                (2 * weights, "this is for one pixel; every weight is used once at each of the H W pixels"),
                (weights, "this is the number of weights; each is used at every pixel, for a product and an addition"),
                (2 * H * W * 9 * C * C, "this is one 3x3 convolution on all C channels: the middle has C / 4 only"),
                (2 * H * W * 9 * (2 * C * B + B * B), "only the middle convolution is 3x3, the others are 1x1"),
            ],
        )  # fmt: skip


def _examine_receptive_field(answer):
    for layers in ([(5, 1), (3, 1)], [(3, 2), (3, 1)], [(3, 1), (5, 2), (3, 2), (3, 1), (7, 1)], [(1, 1)]):
        expect("the width", call(answer, layers), _seen(layers), _width_mistakes(layers))


def _seen(layers):
    """How many inputs a number far from the borders depends on: an interval of outputs, walked back to the input."""
    low = high = 0
    for kernel, stride in reversed(layers):
        low, high = low * stride - kernel // 2, high * stride + kernel // 2
    return high - low + 1


def _width_mistakes(layers):
    kernels, strides = np.array(layers).T
    jumps = np.cumprod(np.concatenate([[1], strides]))
    sums = np.concatenate([[0], np.cumsum(strides)])
    return [
        (1 + np.sum(kernels - 1), "strides matter: after a stride of 2, a step to the next pixel is two steps wide"),
        (1 + np.sum((kernels - 1) * jumps[1:]), "a layer's own stride widens the layers after it, not itself"),
        (1 + np.sum((kernels - 1) * strides), "strides multiply: each layer inherits the jump of all those before it"),
        (1 + np.sum((kernels - 1) * np.maximum(sums[:-1], 1)), "strides multiply, they do not add up"),
        (np.sum((kernels - 1) * jumps[:-1]), "the pixel itself is missing: without layers the width is 1"),
        (1 + np.sum(kernels * jumps[:-1]), "a kernel of k reaches k - 1 pixels further than its middle, not k"),
        (1 + np.sum(kernels // 2 * jumps[:-1]), "this is one side only: a kernel reaches out to both sides"),
        (np.prod(kernels), "widths do not multiply: two 3x3 convolutions see 5 pixels, not 9"),
    ]


def _examine_gated_join(answer):
    rng = np.random.default_rng(0)
    N, H, W, K = 2, 3, 4, 5
    x, skip, gate = rng.normal(size=(N, H, W, K)), rng.normal(size=(N, 2 * H, 2 * W, K)), rng.uniform(0.5, 2, K)
    dy = rng.normal(size=skip.shape)

    def loss():
        return np.sum(dy * (x.repeat(2, axis=1).repeat(2, axis=2) + gate * skip))

    found = unpack(call(answer, skip, gate, dy), "dx, dskip, dgate")
    blocks = dy.reshape(N, H, 2, W, 2, K)
    dx, dgate = numerical_gradient(loss, x), numerical_gradient(loss, gate)
    expect(
        "dx", found[0], dx,
        [
            (blocks.mean(axis=(2, 4)), "a number that was repeated four times collects the sum of four gradients"),
            (dy[:, ::2, ::2], "these are the gradients of the upper left pixels only: each number went to four"),
            (dy, "dx has the shape of x: it is half as high and half as wide as dy"),
            (blocks.sum(axis=2).sum(axis=3) * gate, "the gate is on the skip alone"),
            (blocks.sum(axis=2)[..., 0, :], "two of the four pixels are missing: the repeat went both ways"),
            (dy[:, :H, :W] + dy[:, H:, :W] + dy[:, :H, W:] + dy[:, H:, W:],
             "the four pixels of a number are neighbors, 2h and 2h + 1, and not half an image apart"),
        ],
    )  # fmt: skip
    expect(
        "dskip", found[1], dy * gate,
        [
            (dy, "on its way the skip was multiplied by gate, and so is its gradient"),
            (dy / gate, "forward multiplies by gate, and so does backward: it is transposed, not inverted"),
            (dy * skip, "this is the gradient by gate, before it is summed"),
            (dy * gate + dy, "a skip is joined once: only the way through the gate leads to it"),
        ],
    )  # fmt: skip
    expect(
        "dgate", found[2], dgate,
        [
            (dy * skip, "one gate for each channel, used at every pixel of every image: sum over all of these"),
            (np.sum(dy * skip, axis=(1, 2)), "the gate is the same for all images: sum over the first axis, too"),
            (np.mean(dy * skip, axis=(0, 1, 2)), "a sum over the pixels, not a mean"),
            (np.sum(dy, axis=(0, 1, 2)), "gate is multiplied by skip, so skip is a factor in its gradient"),
            (np.sum(dy * skip), "one gate for each channel: the last axis is not summed"),
        ],
    )  # fmt: skip


def _examine_tiny_unet(answer):
    rng = np.random.default_rng(1)
    z, dy, t = rng.normal(size=10), rng.normal(size=10), np.array([1.3])

    def loss():
        a = np.sin(z) + t
        m = np.sin(a[::2] + a[1::2]) * t
        return np.sum(dy * np.repeat(m, 2) * a)

    found = unpack(call(answer, z, 1.3, dy), "dz, dt")
    dz, dt = numerical_gradient(loss, z), numerical_gradient(loss, t)[0]
    a = np.sin(z) + 1.3
    s = a[::2] + a[1::2]
    skip = dy * np.repeat(np.sin(s) * 1.3, 2)  # da by the way across
    dm = (dy * a)[::2] + (dy * a)[1::2]
    below = np.repeat(dm * np.cos(s) * 1.3, 2)  # da by the way through the middle
    middle = np.sum(dm * np.sin(s))
    half = np.repeat((dy * a)[::2] * np.cos(s) * 1.3, 2)
    expect(
        "dz", found[0], dz,
        [
            (below * np.cos(z), "the way across is missing: a is used twice, by the pairs and by the join"),
            (skip * np.cos(z), "the way through the middle is missing: a is used twice"),
            (skip + below, "the slope of the first sine is missing"),
            ((skip + below / 1.3) * np.cos(z), "in the middle the sine is multiplied by t, so its gradient is, too"),
            ((skip + half) * np.cos(z), "m was repeated: each number collects the sum of two gradients"),
            ((skip + below / 2) * np.cos(z), "m was repeated: it collects a sum of two gradients, not a mean"),
            ((skip - below) * np.cos(z), "where ways meet, gradients are added"),
        ],
    )  # fmt: skip
    dt_right = as_numbers("dt", found[1])
    expect(
        "dt", dt_right.reshape(()) if dt_right.size == 1 else dt_right, dt,
        [
            (middle, "t is used twice: its gradient in the first line is missing"),
            (np.sum(skip + below), "t is used twice: its gradient in the middle is missing"),
            (np.sum(skip) + middle, "the t of the first line is in every way that a takes: take the whole of da"),
            (np.sum(below) + middle, "the t of the first line is in every way that a takes: take the whole of da"),
            (skip + below, "t is one number, added at every place: its gradient is a sum"),
        ],
    )  # fmt: skip


EXERCISES = (
    Exercise("ex07_1", "a bottleneck, counted", 2, "bottleneck_cost", _examine_bottleneck),
    Exercise("ex07_2", "what a chain of layers sees", 2, "receptive_field", _examine_receptive_field),
    Exercise("ex07_3", "another join", 2, "gated_join_backward", _examine_gated_join),
    Exercise("ex07_4", "a U-Net of four lines, read upwards", 3, "tiny_backward", _examine_tiny_unet),
)
