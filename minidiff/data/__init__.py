"""Data sets: synthetic ones, and readers for files.

    from minidiff.data import load
    cats = load("cats")                     # 1000 images (1000, 64, 64, 3)
    mine = load("photos/", size=32)         # your own
    train, held_out = mine.split(0.1)

    dataset.py      what a data set is: images as bytes, labels, notes; splitting, subsets
    loading.py      loads any data set by its name or path
    describe.py     describes a data set in text and by a contact sheet
    synthetic/      draws cats, shapes and landscapes
    readers/        reads files: folders and archives of images, MNIST, NumPy, CIFAR, STL, emoji

In `synthetic/`, `generate.py` draws data sets; `cats.py`, `shapes.py` and `landscapes.py` draw one image, with the
figures of `drawing.py` and the colors of `backgrounds.py`.

In `readers/`, one module reads each kind of files: `folder.py` and `image_file.py` (images), `emoji.py`, `idx.py`
(MNIST), `npz.py` and `npy.py` (NumPy), `cifar.py` and `safe_pickle.py` (CIFAR, STL), `saved.py` (minidiff's own). All
read through `files.py`, the interface of a folder (`tree.py`), a .zip and a .tgz (`archives.py`), with `names.py` and
`signatures.py`. `layouts.py`, `labels.py` and `sizing.py` convert arrays; `options.py` and `limits.py` contain options
and memory limits; `cache.py` caches decoded images. `mask.py` reads masks for inpainting.

Nothing below the given path is left out, chosen or reinterpreted without a note: a reader claims the files that it
accounts for, and `loading.py` reports all others.

Read more: `tutorials/01_data.ipynb`.
"""

from minidiff.data.dataset import Dataset, to_bytes, to_pixels
from minidiff.data.describe import contact_sheet, describe
from minidiff.data.loading import load
from minidiff.data.readers.idx import read_idx
from minidiff.data.readers.saved import save
from minidiff.data.synthetic.generate import SYNTHETIC_SETS, draw

__all__ = [
    "SYNTHETIC_SETS",
    "Dataset",
    "contact_sheet",
    "describe",
    "draw",
    "load",
    "read_idx",
    "save",
    "to_bytes",
    "to_pixels",
]
