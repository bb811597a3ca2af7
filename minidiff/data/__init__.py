"""Pictures to learn from: sets drawn by code, and readers for what people have on disk.

    from minidiff.data import load
    cats = load("cats")                     # 1000 pictures (1000, 64, 64, 3)
    mine = load("photos/", size=32)         # your own

`dataset.py` says what a data set is; `drawing.py`, `cats.py`, `shapes.py` and `landscapes.py` draw; `idx.py` and
`folder.py` read.
"""

from minidiff.data.dataset import Dataset, to_bytes, to_pixels
from minidiff.data.idx import load_idx, read_idx
from minidiff.data.loading import load
from minidiff.data.procedural import DRAWN_SETS, draw

__all__ = ["DRAWN_SETS", "Dataset", "draw", "load", "load_idx", "read_idx", "to_bytes", "to_pixels"]
