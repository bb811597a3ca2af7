"""The exercises of `tutorials/01_data.ipynb`: images as arrays, and drawing with signed distances.

Distances are held to the geometry of the figure, and images to what plain indexing gives.
"""

import numpy as np

from minidiff.exercises.exercise import Exercise, Wrong
from minidiff.exercises.expecting import call, expect


def _examine_to_network(answer):
    images = np.random.default_rng(0).uniform(0, 1, (2, 3, 5, 4))  # (N, C, H, W)
    right = 2 * np.stack([images[:, c] for c in range(3)], axis=-1) - 1
    ordered = (right + 1) / 2
    found = call(answer, images)
    counted_anew = (
        "reshape keeps the numbers where they are and counts them off anew: the colors of a pixel end up in different "
        "places. Swap the axes instead"
    )
    mistakes = [
        (2 * images.reshape(2, 5, 4, 3) - 1, counted_anew),
        (images.reshape(2, 5, 4, 3), counted_anew),
        (2 * images - 1, "the channels still stand before the rows"),
        (2 * images.transpose(0, 3, 2, 1) - 1, "rows and columns are swapped: (N, C, H, W) became (N, W, H, C)"),
        (ordered, "the axes are right, and the numbers still run from 0 to 1"),
        (2 * ordered, "black should be -1, and here the numbers run from 0 to 2"),
        (ordered - 0.5, "these run from -0.5 to 0.5: only half as far as they should"),
        (ordered / 127.5 - 1, "127.5 is for bytes; white is 1 here, and not 255"),
        (1 - 2 * ordered, "black and white are swapped: 0 should become -1"),
    ]
    expect("the images", found, right, mistakes, tolerance=1e-5)
    if np.asarray(found).dtype != np.float32:
        raise Wrong(f"the numbers are right, and of type {np.asarray(found).dtype}: the network computes in float32")


def _examine_crescent(answer):
    x, y = np.random.default_rng(1).uniform(-1, 1, (2, 6, 9))
    a, b = np.hypot(x, y) - 0.6, np.hypot(x - 0.3, y + 0.1) - 0.5
    mistakes = [
        (a, "this is the first disc, and nothing is cut out of it"),
        (np.maximum(a, b), "this is where both discs are: the larger of the distances is their intersection"),
        (np.minimum(a, b), "this is both discs together: the smaller of the distances is their union"),
        (np.maximum(-a, b), "the wrong disc is cut out: what is left should lie in the first one"),
        (a - b, "a difference of distances is no distance; think of the inside of one and the outside of the other"),
        (np.maximum(a, -b) * -1, "the sign: inside of the figure the distance is negative"),
        (np.maximum(a, 0.5 - np.hypot(x - 0.3, y - 0.1)), "the second disc is at (0.3, -0.1), and here at (0.3, 0.1)"),
        (np.maximum(a, 0.5 - np.hypot(x + 0.3, y - 0.1)), "the second disc is on the wrong side: subtract its center"),
        (np.maximum(a, -b) < 0, "this says inside or outside, and not how far from the edge"),
    ]
    expect("the distance", call(answer, x, y), np.maximum(a, -b), mistakes)


def _examine_box(answer):
    x, y = np.random.default_rng(2).uniform(-1, 1, (2, 7, 8))
    w, h = 0.5, 0.3
    to_nearest = np.hypot(x - np.clip(x, -w, w), y - np.clip(y, -h, h))  # 0 inside
    to_sides = np.min([w - x, w + x, h - y, h + y], axis=0)  # negative outside
    right = np.where(to_sides > 0, -to_sides, to_nearest)
    u, v = np.abs(x) - w, np.abs(y) - h
    half = np.abs(x) - w / 2, np.abs(y) - h / 2
    mistakes = [
        (np.maximum(u, v), "right inside and beside the sides, but not beyond a corner: there the nearest point is the "
                           "corner itself, and the way to it is slanted"),
        (to_nearest, "right outside; inside, the distance to the nearest side should come out, negative"),
        (np.hypot(u, v), "the way to the corner is the answer only beyond a corner; elsewhere a side is nearer"),
        (np.where(to_sides > 0, -to_sides, 0), "right inside, and zero outside"),
        (np.maximum(x - w, y - h), "only two of the four sides count: use that left and right are mirror images"),
        (np.maximum(*half), "the arguments are half of the width and of the height already"),
    ]  # fmt: skip
    expect("the distance", call(answer, x, y, w, h), right, mistakes)


def _examine_paint(answer):
    rng = np.random.default_rng(3)
    canvas, coverage, color = rng.uniform(0, 1, (4, 5, 3)), rng.uniform(0, 1, (4, 5)), np.array([0.9, 0.5, 0.2])
    amount = coverage[:, :, None]
    right = np.stack([(1 - coverage) * canvas[:, :, c] + coverage * color[c] for c in range(3)], axis=-1)
    mistakes = [
        (
            canvas + amount * color,
            "the color is added to what is there; paint hides, so take that away in proportion",
        ),
        (amount * color, "where the figure does not cover, the canvas should stay; it became black"),
        (
            amount * canvas + (1 - amount) * color,
            "canvas and color are swapped: a coverage of 1 should give the color",
        ),
        (np.where(amount > 0.5, color, canvas), "all or nothing gives stairs; mix, in proportion to the coverage"),
        (np.where(amount > 0, color, canvas), "all or nothing gives stairs; mix, in proportion to the coverage"),
        ((canvas + color) / 2, "the coverage is not used: half of each, everywhere"),
        (canvas + amount * (canvas - color), "the step goes away from the color: check its sign"),
        (canvas * (1 - amount) + color, "the canvas fades as it should, but the color has to be weighted, too"),
    ]
    expect("the canvas", call(answer, canvas, coverage, color), right, mistakes)


def _examine_middle_square(answer):
    rng = np.random.default_rng(4)
    for shape, rows, columns in (((7, 12, 3), slice(0, 7), slice(2, 9)), ((13, 6, 1), slice(3, 9), slice(0, 6))):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        side = min(shape[:2])
        found = call(answer, image)
        given = f"of an image {shape} "
        mistakes = [
            (image, given + "nothing was cut away"),
            (image[:side, :side], given + "the upper left corner was taken, and not the middle"),
            (image[-side:, -side:], given + "the lower right corner was taken, and not the middle"),
            (image[rows, columns].transpose(1, 0, 2), given + "the square is mirrored at its diagonal: rows are first"),
            (np.roll(image, -1, axis=int(shape[1] > shape[0]))[rows, columns],
             given + "the square lies a pixel too far on: the smaller half of an odd margin is the first one"),
        ]  # fmt: skip
        expect("the square", found, image[rows, columns], mistakes)


EXERCISES = (
    Exercise("ex01_1", "images from a framework", 1, "to_network", _examine_to_network),
    Exercise("ex01_2", "a crescent", 2, "crescent", _examine_crescent),
    Exercise("ex01_3", "the distance from a rectangle", 3, "box", _examine_box),
    Exercise("ex01_4", "one layer of paint", 2, "paint", _examine_paint),
    Exercise("ex01_5", "the square in the middle", 1, "middle_square", _examine_middle_square),
)
