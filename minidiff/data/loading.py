"""One function that opens everything: a drawn set by its name, anything else by its path."""

from pathlib import Path

import numpy as np

from minidiff.data.idx import find_idx_images, load_idx
from minidiff.data.procedural import DRAWN_SETS, draw
from minidiff.errors import MinidiffError

DEFAULT_NUM_IMAGES, DEFAULT_SIZE = 1000, 64


def load(spec, size=None, num_images=None, seed=0):
    """A data set from its name or path.

    Args:
        spec: "cats", "shapes" or "landscapes"; or a path: an IDX images file (.gz or not), a folder with such a file,
            or a folder of pictures. A folder that is called cats is "./cats".
        size: height and width in pixels. By default 64; IDX pictures keep theirs, padded to a multiple of 8.
        num_images: how many. By default 1000 drawn ones, or all that are there; fewer are chosen at random.
        seed: of the drawing, or of that choice.

    Returns:
        Dataset.

    Raises:
        MinidiffError: nothing of that name, unreadable, or a number out of range.
    """
    if str(spec) in DRAWN_SETS:
        count = DEFAULT_NUM_IMAGES if num_images is None else num_images
        return draw(str(spec), count, DEFAULT_SIZE if size is None else size, seed)
    path = Path(spec).expanduser()
    if not path.exists():
        raise MinidiffError(f"no data at {str(spec)!r}: give {', '.join(DRAWN_SETS)}, or the path of a file or folder")
    if path.is_file() or find_idx_images(path):
        return choose(load_idx(path, size), num_images, seed)
    from minidiff.data.folder import load_folder  # brings in Pillow, which the other sets do without

    return load_folder(path, DEFAULT_SIZE if size is None else size, num_images, seed)


def choose(dataset, num_images, seed):
    """`num_images` pictures chosen at random, in their old order; all of them if it is None."""
    if num_images is None:
        return dataset
    if not 1 <= num_images <= len(dataset):
        raise MinidiffError(f"{dataset.source}: {num_images} asked for; give a number from 1 to {len(dataset)}")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:num_images])
    return dataset.subset(chosen).noted(f"{num_images} of {len(dataset)} pictures chosen at random, seed {seed}")
