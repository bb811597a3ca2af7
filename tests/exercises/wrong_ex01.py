"""Typical wrong answers to the exercises of notebook 01, each with words of its hint."""

import numpy as np


def distances(x, y):
    return np.hypot(x, y) - 0.6, np.hypot(x - 0.3, y + 0.1) - 0.5


def crescent(change):
    return lambda x, y: change(*distances(x, y))


def box(change):
    return lambda x, y, w, h: change(np.abs(x) - w, np.abs(y) - h)


def paint(change):
    return lambda canvas, coverage, color: change(canvas, coverage[:, :, None], color)


def paint_in_place(canvas, coverage, color):
    canvas += coverage[:, :, None] * (color - canvas)
    return canvas


def square(top_of, left_of):
    def middle(image):
        height, width, _ = image.shape
        side = min(height, width)
        top, left = top_of(height - side), left_of(width - side)
        return image[top : top + side, left : left + side]

    return middle


WRONG = {
    "ex01_1": [
        (lambda p: (2 * p.reshape(2, 5, 4, 3) - 1).astype(np.float32), "order of the elements"),
        (lambda p: p.reshape(2, 5, 4, 3), "order of the elements"),
        (lambda p: 2 * p - 1, "before the rows"),
        (lambda p: 2 * p.T - 1, "shape"),
        (lambda p: 2 * p.transpose(0, 3, 2, 1) - 1, "swapped: (N, C, H, W)"),
        (lambda p: p.transpose(0, 2, 3, 1), "from 0 to 1"),
        (lambda p: 2 * p.transpose(0, 2, 3, 1), "from 0 to 2"),
        (lambda p: p.transpose(0, 2, 3, 1) - 0.5, "half the range"),
        (lambda p: p.transpose(0, 2, 3, 1) / 127.5 - 1, "bytes"),
        (lambda p: 1 - 2 * p.transpose(0, 2, 3, 1), "black and white"),
        (lambda p: 2 * p.transpose(0, 2, 3, 1) - 1, "float32"),
        (lambda p: None, "return"),
    ],
    "ex01_2": [
        (crescent(lambda a, b: a), "nothing is cut"),
        (crescent(np.maximum), "intersection"),
        (crescent(np.minimum), "union"),
        (crescent(lambda a, b: np.maximum(-a, b)), "wrong disc"),
        (crescent(lambda a, b: a - b), "not a distance"),
        (crescent(lambda a, b: -np.maximum(a, -b)), "negative"),
        (crescent(lambda a, b: np.maximum(a, -b) < 0), "how far"),
        (lambda x, y: np.maximum(np.hypot(x, y) - 0.6, 0.5 - np.hypot(x - 0.3, y - 0.1)), "(0.3, 0.1)"),
        (lambda x, y: np.maximum(np.hypot(x, y) - 0.6, 0.5 - np.hypot(x + 0.3, y - 0.1)), "wrong side"),
    ],
    "ex01_3": [
        (box(np.maximum), "slanted"),
        (box(lambda u, v: np.hypot(np.maximum(u, 0), np.maximum(v, 0))), "right outside"),
        (box(np.hypot), "beyond a corner"),
        (box(lambda u, v: np.minimum(np.maximum(u, v), 0)), "zero outside"),
        (box(lambda u, v: -np.hypot(np.maximum(u, 0), np.maximum(v, 0)) - np.minimum(np.maximum(u, v), 0)), "sign"),
        (lambda x, y, w, h: np.maximum(x - w, y - h), "four sides"),
        (lambda x, y, w, h: np.maximum(np.abs(x) - w / 2, np.abs(y) - h / 2), "half of the width"),
    ],
    "ex01_4": [
        (paint(lambda canvas, amount, color: canvas + amount * color), "paint hides"),
        (paint(lambda canvas, amount, color: amount * color), "black"),
        (paint(lambda canvas, amount, color: amount * canvas + (1 - amount) * color), "swapped"),
        (paint(lambda canvas, amount, color: np.where(amount > 0.5, color, canvas)), "stairs"),
        (paint(lambda canvas, amount, color: (canvas + color) / 2), "not used"),
        (paint(lambda canvas, amount, color: canvas + amount * (canvas - color)), "check its sign"),
        (paint(lambda canvas, amount, color: canvas * (1 - amount) + color), "weighted"),
        (paint_in_place, "in place"),
    ],
    "ex01_5": [
        (lambda image: image, "nothing was cut"),
        (lambda image: image[: min(image.shape[:2]), : min(image.shape[:2])], "upper left"),
        (lambda image: image[-min(image.shape[:2]) :, -min(image.shape[:2]) :], "lower right"),
        (square(lambda rest: rest // 2, lambda rest: 0), "upper left"),
        (square(lambda rest: rest // 2, lambda rest: (rest + 1) // 2), "too far"),
        (lambda image: square(lambda rest: rest // 2, lambda rest: rest // 2)(image).transpose(1, 0, 2), "diagonal"),
        (lambda image: image[1:-1, 1:-1], "shape"),
    ],
}
