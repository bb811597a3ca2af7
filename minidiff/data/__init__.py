"""Images to learn from: sets drawn by code, and readers for what people have on disk.

    from minidiff.data import load
    cats = load("cats")                     # 1000 images (1000, 64, 64, 3)
    mine = load("photos/", size=32)         # your own
    train, held_out = mine.split(0.1)

`dataset.py` says what a data set is, and `loading.py` opens any. `drawing.py`, `cats.py`, `shapes.py` and
`landscapes.py` draw. `idx.py` (MNIST), `npy.py` and `npz.py` (NumPy), `cifar.py` and `opcodes.py` (CIFAR, STL),
`folder.py` and `images.py` (your own) and `emoji.py` read, all of them from `files.py`: a folder or an archive. What
arrays leave open is settled in `arrays.py`, `labels.py` and `sizing.py`. `saved.py` and `cache.py` keep, and
`describe.py` tells what is there.

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
