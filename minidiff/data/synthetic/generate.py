"""Draws synthetic data sets, at any size and in any number.

Image i depends on (seed, i) alone, and its class is i modulo the number of classes. So the first hundred of a thousand
images are the same as a data set of one hundred, classes are balanced, and another seed gives held-out images.
"""

import numpy as np
from tqdm import tqdm

from minidiff.data.dataset import Dataset
from minidiff.data.readers.sizing import Size, height_and_width
from minidiff.data.synthetic.cats import COAT_NAMES, draw_cat
from minidiff.data.synthetic.landscapes import TIME_NAMES, draw_landscape
from minidiff.data.synthetic.shapes import KIND_NAMES, draw_shape
from minidiff.errors import MinidiffError
from minidiff.randomness import image_stream

SYNTHETIC_SETS = {  # name: (function (rng, class name, size) -> image, class names)
    "cats": (draw_cat, COAT_NAMES),
    "shapes": (draw_shape, KIND_NAMES),
    "landscapes": (draw_landscape, TIME_NAMES),
}
MIN_SIZE, MAX_SIZE = 8, 1024


def draw(name: str, num_images: int = 1000, size: Size = 64, seed: int = 0) -> Dataset:
    """Draws one of SYNTHETIC_SETS: images (num_images, H, W, 3).

    Raises:
        MinidiffError: unknown name, or a value out of range.
    """
    if name not in SYNTHETIC_SETS:
        raise MinidiffError(f"unknown synthetic data {name!r}; choose from {', '.join(SYNTHETIC_SETS)}")
    height, width = height_and_width(size)
    if not MIN_SIZE <= min(height, width) <= max(height, width) <= MAX_SIZE:
        shown = height if height == width else f"{height} x {width}"
        raise MinidiffError(f"{name}: size is {shown}; give a size from {MIN_SIZE} to {MAX_SIZE} pixels")
    if num_images < 1 or seed < 0:
        raise MinidiffError(f"{name}: {num_images} images, seed {seed}; give at least 1 image and a seed from 0 up")
    draw_one, class_names = SYNTHETIC_SETS[name]
    images = np.empty((num_images, height, width, 3), np.uint8)
    labels = np.arange(num_images) % len(class_names)
    for i in tqdm(range(num_images), desc=f"   drawing {name}", unit="img", delay=2, leave=False, disable=None):
        image = draw_one(image_stream(seed, i), class_names[labels[i]], size)
        images[i] = np.rint(image * 255)
    return Dataset(
        images,
        labels,
        class_names,
        name=name,
        source=f"drawn by minidiff, seed {seed}",
        license="free to use, as minidiff itself (MIT)",
    )
