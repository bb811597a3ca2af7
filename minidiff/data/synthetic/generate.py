"""The sets that come with minidiff: drawn by code, at any size, as many as you like, free of anybody's rights.

Picture i of a set depends on (seed, i) alone, and its class is i modulo the number of classes. So the first hundred of
a thousand are the same as a set of one hundred, classes are balanced, and pictures for a fair test are drawn with
another seed.
"""

import numpy as np

from minidiff.data.cats import COAT_NAMES, draw_cat
from minidiff.data.dataset import Dataset
from minidiff.data.landscapes import TIME_NAMES, draw_landscape
from minidiff.data.shapes import KIND_NAMES, draw_shape
from minidiff.errors import MinidiffError

DRAWN_SETS = {  # name: (function (rng, class name, size) -> picture, class names)
    "cats": (draw_cat, COAT_NAMES),
    "shapes": (draw_shape, KIND_NAMES),
    "landscapes": (draw_landscape, TIME_NAMES),
}
MIN_SIZE, MAX_SIZE = 8, 1024


def draw(name, num_images=1000, size=64, seed=0):
    """Draw a set.

    Args:
        name: one of DRAWN_SETS.
        num_images: how many pictures.
        size: height and width in pixels.
        seed: any whole number from 0 up; another seed gives other pictures.

    Returns:
        Dataset with images (num_images, size, size, 3).

    Raises:
        MinidiffError: unknown name, or a number out of range.
    """
    if name not in DRAWN_SETS:
        raise MinidiffError(f"no drawn set is called {name!r}; choose from {', '.join(DRAWN_SETS)}")
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise MinidiffError(f"{name}: size is {size}; give a size from {MIN_SIZE} to {MAX_SIZE} pixels")
    if num_images < 1 or seed < 0:
        raise MinidiffError(f"{name}: {num_images} pictures, seed {seed}; give at least 1 picture and a seed from 0 up")
    draw_one, class_names = DRAWN_SETS[name]
    images = np.empty((num_images, size, size, 3), np.uint8)
    labels = np.arange(num_images) % len(class_names)
    for i in range(num_images):
        picture = draw_one(np.random.default_rng([seed, i]), class_names[labels[i]], size)
        images[i] = np.rint(picture * 255)
    return Dataset(
        images, labels, class_names, name, f"drawn by minidiff, seed {seed}", "free to use, as minidiff itself (MIT)"
    )
