"""Answers to the exercises of notebook 01: wrong ones, each with words of its hint, and right ones in other styles."""

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


def box_of_half_a_unit(x, y):
    u, v = np.abs(x) - 0.5, np.abs(y) - 0.3
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0)


def channel_by_channel(p):
    N, C, H, W = p.shape
    out = np.empty((N, H, W, C), np.float32)
    for n in range(N):
        for c in range(C):
            out[n, ..., c] = p[n, c] * 2 - 1
    return out


def crescent_of_points(x, y):
    found = []
    for px, py in zip(np.ravel(x), np.ravel(y), strict=True):
        a = (px**2 + py**2) ** 0.5 - 0.6
        b = ((px - 0.3) ** 2 + (py + 0.1) ** 2) ** 0.5 - 0.5
        found.append(a if a > -b else -b)
    return np.reshape(found, np.shape(x))


def box_by_cases(x, y, w, h):
    u, v = abs(x) - w, abs(y) - h
    return np.where((u > 0) & (v > 0), np.sqrt(u * u + v * v), np.where(u > v, u, v))


def box_by_nearest_point(x, y, w, h):
    outside = np.sqrt((x - np.clip(x, -w, w)) ** 2 + (y - np.clip(y, -h, h)) ** 2)
    inside = np.min(np.stack([w - x, x + w, h - y, y + h]), axis=0)
    return outside - np.maximum(inside, 0)


def paint_in_a_loop(canvas, coverage, color):
    new = canvas.copy()
    for h in range(canvas.shape[0]):
        for w in range(canvas.shape[1]):
            new[h, w] = (1 - coverage[h, w]) * canvas[h, w] + coverage[h, w] * color
    return new


def crop_longer_side(image):
    extra = image.shape[0] - image.shape[1]
    if extra > 0:
        image = image[extra // 2 :]
        return image[: image.shape[1]]
    image = image[:, -extra // 2 if extra % 2 == 0 else (-extra - 1) // 2 :]
    return image[:, : image.shape[0]]


def crop_pixel_by_pixel(image):
    while image.shape[0] != image.shape[1]:
        rows, columns = image.shape[:2]
        last = (max(rows, columns) - min(rows, columns)) % 2 == 1
        image = np.delete(image, -1 if last else 0, axis=int(rows < columns))
    return image


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
        (lambda p: (2 * (p - p.min()) / np.ptp(p) - 1).transpose(0, 2, 3, 1), "stretched"),
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
        (crescent(lambda a, b: np.maximum(a + 0.6, -b)), "no radius"),
        (lambda x, y: np.zeros((6, 9)), "zero everywhere"),
    ],
    "ex01_3": [
        (box(np.maximum), "slanted"),
        (box(lambda u, v: np.hypot(np.maximum(u, 0), np.maximum(v, 0))), "right outside"),
        (box(np.hypot), "beyond a corner"),
        (box(lambda u, v: np.minimum(np.maximum(u, v), 0)), "zero outside"),
        (box(lambda u, v: -np.hypot(np.maximum(u, 0), np.maximum(v, 0)) - np.minimum(np.maximum(u, v), 0)), "sign"),
        (lambda x, y, w, h: np.maximum(x - w, y - h), "four sides"),
        (lambda x, y, w, h: np.maximum(np.abs(x) - w / 2, np.abs(y) - h / 2), "half the width"),
        (
            box(lambda u, v: np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.minimum(u, v), 0)),
            "larger of the",
        ),
        (lambda x, y, w, h: box_of_half_a_unit(x, y), "not right"),
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
        (paint(lambda canvas, amount, color: np.clip(canvas + amount * (color - canvas), 0, 1)), "clipped"),
        (
            lambda canvas, coverage, color: canvas + coverage[:, :, None] * (np.array([0.9, 0.5, 0.2]) - canvas),
            "not right",
        ),
    ],
    "ex01_5": [
        (lambda image: image, "nothing was cut"),
        (lambda image: image[: min(image.shape[:2]), : min(image.shape[:2])], "upper left"),
        (lambda image: image[-min(image.shape[:2]) :, -min(image.shape[:2]) :], "lower right"),
        (square(lambda rest: rest // 2, lambda rest: 0), "upper left"),
        (square(lambda rest: rest // 2, lambda rest: (rest + 1) // 2), "too far"),
        (lambda image: square(lambda rest: rest // 2, lambda rest: rest // 2)(image).transpose(1, 0, 2), "diagonal"),
        (lambda image: image[1:-1, 1:-1], "shape"),
        (lambda image: image[:, 2:9], "shape"),
        (lambda image: np.zeros((min(image.shape[:2]),) * 2 + image.shape[2:]), "zero everywhere"),
    ],
}


RIGHT = {
    "ex01_1": [
        channel_by_channel,
        lambda p: np.moveaxis(p, 1, -1).astype("float32") * np.float32(2) - np.float32(1),
        lambda p: (np.einsum("nchw->nhwc", p) / 0.5 - 1).astype(np.float32),
        lambda p: np.float32(np.stack([p[:, c] for c in range(p.shape[1])], axis=3) * 2 - 1),
    ],
    "ex01_2": [
        crescent_of_points,
        lambda x, y: np.where(distances(x, y)[0] > -distances(x, y)[1], distances(x, y)[0], -distances(x, y)[1]),
        lambda x, y: (-np.minimum(0.6 - np.hypot(x, y), np.hypot(x - 0.3, y + 0.1) - 0.5)).tolist(),
        lambda x, y: np.max([np.hypot(x, y) - 0.6, 0.5 - np.hypot(x - 0.3, y + 0.1)], axis=0),
    ],
    "ex01_3": [
        box_by_cases,
        box_by_nearest_point,
        lambda x, y, w, h: np.vectorize(lambda a, b: float(box_by_cases(a, b, w, h)))(x, y),
    ],
    "ex01_4": [
        paint_in_a_loop,
        lambda canvas, coverage, color: (1 - coverage[..., None]) * canvas + coverage[..., None] * color,
        lambda canvas, coverage, color: np.dstack(
            [canvas[:, :, c] + coverage * (color[c] - canvas[:, :, c]) for c in range(3)]
        ),
        lambda canvas, coverage, color: canvas - np.einsum("hw,hwc->hwc", coverage, canvas - color),
    ],
    "ex01_5": [
        crop_longer_side,
        crop_pixel_by_pixel,
        lambda image: square(lambda rest: int(rest / 2), lambda rest: int(rest / 2))(image).tolist(),
        lambda image: np.array(square(lambda rest: rest >> 1, lambda rest: rest >> 1)(image), np.float32),
    ],
}
