"""The exercises of `tutorials/01_data.ipynb`: images as arrays, and drawing with signed distances.

Distances are compared with the geometry of the figure, images with what indexing gives.
"""

from typing import Any

import numpy as np

from minidiff.exercises.exercise import Wrong, exercise
from minidiff.exercises.expecting import call, expect


@exercise("ex01_1", "images from a framework", points=1)
def _check_to_network(answer: Any) -> None:
    for shape in ((2, 3, 5, 4), (3, 1, 4, 4), (1, 3, 2, 6)):
        N, C, H, W = shape
        images = np.random.default_rng(0).uniform(0.1, 0.8, shape)
        ordered = np.stack([images[:, c] for c in range(C)], axis=-1)
        right = 2 * ordered - 1
        found = call(answer, images)
        reshaped = images.reshape(N, H, W, C)
        mistakes = [
            (2 * reshaped - 1, reshaped, "reshape keeps the order of the elements, so it mixes the colors: transpose"),
            (2 * images - 1, "the channels are still before the rows"),
            (2 * images.transpose(0, 3, 2, 1) - 1, "rows and columns are swapped: (N, C, H, W) became (N, W, H, C)"),
            (ordered, "the axes are right, and the values are still from 0 to 1"),
            (2 * ordered, "black should be -1, and here the values are from 0 to 2"),
            (ordered - 0.5, "the values are from -0.5 to 0.5: half the range"),
            (ordered / 127.5 - 1, "127.5 is for bytes; white is 1 here, and not 255"),
            (1 - 2 * ordered, "black and white are swapped: 0 should become -1"),
            (2 * (ordered - ordered.min()) / np.ptp(ordered) - 1, "stretched to the range of the data: 0 is black"),
        ]
        expect("the images", found, right, mistakes)
        if np.asarray(found).dtype != np.float32:
            kind = np.asarray(found).dtype
            raise Wrong(f"the values are right, but of type {kind}: the network computes with arrays of float32")


@exercise("ex01_2", "a crescent", points=2)
def _check_crescent(answer: Any) -> None:
    for shape, largest in (((6, 9), 1.0), ((40,), 2.0), ((3, 2, 5), 0.6)):
        x, y = np.random.default_rng(1).uniform(-largest, largest, (2, *shape))
        a, b = np.hypot(x, y) - 0.6, np.hypot(x - 0.3, y + 0.1) - 0.5
        elsewhere, opposite = np.hypot(x - 0.3, y - 0.1) - 0.5, np.hypot(x + 0.3, y - 0.1) - 0.5
        mistakes = [
            (a, "this is the first disc, and nothing is cut out of it"),
            (np.maximum(a, b), "this is the intersection of the discs: the larger of the distances"),
            (np.minimum(a, b), "this is the union of the discs: the smaller of the distances"),
            (np.maximum(-a, b), "the wrong disc is cut out: the result should be a part of the first one"),
            (a - b, "a difference of distances is not a distance: combine the inside of one, the outside of the other"),
            (np.maximum(a, -b) * -1, "the sign: inside of the figure the distance is negative"),
            (np.maximum(a, -elsewhere), "the second disc is at (0.3, -0.1), and here at (0.3, 0.1)"),
            (np.maximum(a, -opposite), "the second disc is on the wrong side: subtract its center"),
            (np.maximum(a, -b) < 0, "this is inside or outside, and not how far from the edge"),
            (np.maximum(a + 0.6, -b), "the first disc has no radius: subtract 0.6"),
        ]
        expect("the distance", call(answer, x, y), np.maximum(a, -b), mistakes)


@exercise("ex01_3", "the distance from a rectangle", points=3)
def _check_box(answer: Any) -> None:
    for shape, w, h in (((7, 8), 0.5, 0.3), ((60,), 0.2, 0.7), ((2, 5, 6), 0.8, 0.1), ((1, 30), 0.4, 0.4)):
        x, y = np.random.default_rng(2).uniform(-1, 1, (2, *shape))
        to_nearest = np.hypot(x - np.clip(x, -w, w), y - np.clip(y, -h, h))  # 0 inside
        to_sides = np.min([w - x, w + x, h - y, h + y], axis=0)  # negative outside
        right = np.where(to_sides > 0, -to_sides, to_nearest)
        u, v = np.abs(x) - w, np.abs(y) - h
        mistakes = [
            (np.maximum(u, v), "right but beyond a corner: there the corner is nearest, at a slanted distance"),
            (to_nearest, "right outside; inside, return the negative distance to the nearest side"),
            (np.hypot(u, v), "the corner is nearest only beyond a corner; elsewhere a side is nearer"),
            (np.where(to_sides > 0, -to_sides, 0), "right inside, and zero outside"),
            (np.maximum(x - w, y - h), "only two of the four sides count: use the symmetry of left and right"),
            (np.maximum(np.abs(x) - w / 2, np.abs(y) - h / 2), "the arguments are half the width and height already"),
            (to_nearest + np.minimum(np.minimum(u, v), 0), "inside, the nearer side counts: the larger of the two"),
        ]
        expect("the distance", call(answer, x, y, w, h), right, mistakes)


@exercise("ex01_4", "one layer of paint", points=2)
def _check_paint(answer: Any) -> None:
    rng = np.random.default_rng(3)
    for (H, W), values in (((4, 5), (0.9, 0.5, 0.2)), ((3, 3), (-1.0, 0.3, 1.0)), ((6, 2), (0.0, 0.0, 0.0))):
        canvas, coverage, color = rng.uniform(0, 1, (H, W, 3)), rng.uniform(0, 1, (H, W)), np.array(values)
        coverage[0, :2] = 0, 1
        amount = coverage[:, :, None]
        right = np.stack([(1 - coverage) * canvas[:, :, c] + coverage * color[c] for c in range(3)], axis=-1)
        stairs = [np.where(amount > threshold, color, canvas) for threshold in (0, 0.5)]
        mistakes = [
            (canvas + amount * color, "paint hides the canvas: reduce the canvas in proportion to the coverage"),
            (amount * color, "where the coverage is 0 the canvas should remain; it became black"),
            (amount * canvas + (1 - amount) * color, "canvas and color are swapped: a coverage of 1 gives the color"),
            (*stairs, "a threshold gives stairs; mix in proportion to the coverage"),
            ((canvas + color) / 2, "the coverage is not used: half of each, everywhere"),
            (canvas + amount * (canvas - color), "the change is away from the color: check its sign"),
            (canvas * (1 - amount) + color, "the canvas is weighted correctly, but the color has to be weighted, too"),
            (np.clip(right, 0, 1), "the values are clipped: a color may be below 0, where pixels lie in [-1, 1]"),
        ]
        expect("the canvas", call(answer, canvas, coverage, color), right, mistakes)


@exercise("ex01_5", "the square in the middle", points=1)
def _check_middle_square(answer: Any) -> None:
    rng = np.random.default_rng(4)
    for shape, top, left in (
        ((7, 12, 3), 0, 2), ((13, 6, 1), 3, 0), ((5, 5, 3), 0, 0), ((4, 10, 2), 0, 3), ((2, 1, 3), 0, 0),
    ):  # fmt: skip
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        side = min(shape[:2])
        rows, columns = slice(top, top + side), slice(left, left + side)
        given = f"of an image {shape} "
        shifted = np.roll(image, -1, axis=int(shape[1] > shape[0]))[rows, columns]
        mistakes = [
            (image, given + "nothing was cut away"),
            (image[:side, :side], given + "the upper left corner was taken, and not the middle"),
            (image[-side:, -side:], given + "the lower right corner was taken, and not the middle"),
            (image[rows, columns].transpose(1, 0, 2), given + "the square is mirrored at its diagonal: rows are first"),
            (shifted, given + "the square is a pixel too far on: the smaller half of an odd margin is the first one"),
        ]
        expect("the square", call(answer, image), image[rows, columns], mistakes)
