"""IDX files: how MNIST, Fashion-MNIST, KMNIST and their relatives are stored.

The format, all integers big-endian (Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database"):

    2 bytes    zero
    1 byte     type of the numbers: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    1 byte     number of dimensions d
    d x 4      the length of each dimension, unsigned
    the rest   the numbers in C order

A picture set is a pair: a file of images (N, H, W) and a file of labels (N,). Debian's package
`dataset-fashion-mnist` installs two such pairs in /usr/share/datasets/fashion-mnist.

The header is read first and judged before anything is allocated: a few bytes can promise terabytes.
"""

import gzip
import math
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from minidiff.data.dataset import Dataset
from minidiff.errors import MinidiffError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_BYTES = 2**30
CHUNK = 2**20
DEFLATE_LIMIT = 1032  # gzip cannot pack more bytes than this into one (zlib, "Technical details")
SIZE_MULTIPLE = 8  # pictures are padded to this, so that a network can halve them three times

FASHION_CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def read_idx(path, max_bytes=MAX_BYTES):
    """Read one IDX file, gzip-compressed or not (seen from its first bytes, whatever its name).

    Args:
        path: the file.
        max_bytes: largest array that is accepted, in bytes.

    Returns:
        array of the shape and type the header gives, in the machine's byte order.

    Raises:
        MinidiffError: the file cannot be read, is no IDX file, is shorter or longer than its header says, or too big.
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw:
            stored_bytes = os.fstat(raw.fileno()).st_size
            if raw.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=raw) as stream:
                    return _read_stream(stream, path, stored_bytes * DEFLATE_LIMIT, max_bytes)
            return _read_stream(raw, path, stored_bytes, max_bytes)
    except (OSError, EOFError, zlib.error) as error:
        raise MinidiffError(f"{path}: cannot be read ({error}); fetch or unpack the file again") from error


def _read_stream(stream, path, most_bytes, max_bytes):
    """Header, then numbers; `most_bytes` is what the file could hold at the very most."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise MinidiffError(f"{path}: not an IDX file, it begins with {magic.hex(' ') or 'nothing'}; check the path")
    dtype, num_dims = np.dtype(DTYPES[magic[2]]), magic[3]
    header = stream.read(4 * num_dims)
    if len(header) < 4 * num_dims:
        raise MinidiffError(f"{path}: ends inside its header; fetch the file again")
    shape = struct.unpack(f">{num_dims}I", header)
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > max_bytes:
        raise MinidiffError(
            f"{path}: holds {num_bytes:,} bytes of numbers, more than {max_bytes:,}; raise max_bytes if that is right"
        )
    if num_bytes > most_bytes:
        raise MinidiffError(f"{path}: truncated, its header promises {num_bytes:,} bytes; fetch the file again")
    if num_dims > 32:
        raise MinidiffError(f"{path}: has {num_dims} dimensions, at most 32 can be read; check the file")
    content = np.empty(num_bytes, np.uint8)
    filled = 0
    while filled < num_bytes:
        chunk = stream.read(min(CHUNK, num_bytes - filled))
        if not chunk:
            raise MinidiffError(f"{path}: truncated, {filled:,} of {num_bytes:,} bytes are there; fetch the file again")
        content[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    if stream.read(1):
        raise MinidiffError(f"{path}: goes on after the {num_bytes:,} bytes its header gives; fetch the file again")
    return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def load_idx(path, size=None, max_bytes=MAX_BYTES):
    """A data set from a pair of IDX files.

    Args:
        path: the images file, or a folder that holds it (of several the training images are taken). The labels file
            is looked for beside it: the same name with "images" and "idx3" replaced by "labels" and "idx1".
        size: pictures are padded to this height and width; by default to the next multiple of 8 (28 becomes 32).
        max_bytes: largest file that is accepted, in bytes after unpacking.

    Returns:
        Dataset with grey images (N, H, W, 1), and labels if there is a labels file.

    Raises:
        MinidiffError: no such files, they cannot be read (see `read_idx`), or they do not belong together.
    """
    images_path = _find_images(Path(path))
    images = read_idx(images_path, max_bytes)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        raise MinidiffError(
            f"{images_path}: pictures should be bytes (N, H, W), these are {images.dtype} {images.shape}; "
            "give the images file of the pair"
        )
    images, notes = pad(images, size, images_path)
    labels, class_names = None, ()
    labels_path = _find_labels(images_path)
    if labels_path is None:
        notes += ("no labels file lies beside the images",)
    else:
        labels = read_idx(labels_path, max_bytes)
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise MinidiffError(
                f"{labels_path}: {labels.dtype} {labels.shape} cannot be the labels of {len(images)} pictures; "
                "put the two files of one pair into the folder"
            )
        class_names = _class_names(images_path, int(labels.max()) + 1)
    name = images_path.resolve().parent.name or "idx"
    licence = "MIT, (c) 2017 Zalando SE" if class_names == FASHION_CLASSES else "unknown"
    return Dataset(images[..., None], labels, class_names, name, str(images_path), licence, notes)


def find_idx_images(folder):
    """The IDX image files in a folder, training sets first; an empty list if there are none."""
    names = [path for path in sorted(folder.iterdir()) if re.search(r"images.idx3-ubyte(\.gz)?$", path.name)]
    return sorted(names, key=lambda path: not path.name.startswith("train"))


def pad(images, size, path):
    """Pad (N, H, W) with 0, the background of these sets, evenly on all sides; returns the images and the notes."""
    height, width = images.shape[1:]
    if size is None:
        target = tuple(math.ceil(side / SIZE_MULTIPLE) * SIZE_MULTIPLE for side in (height, width))
    else:
        target = (size, size)
    if target == (height, width):
        return images, ()
    if target[0] < height or target[1] < width:
        raise MinidiffError(f"{path}: pictures are {height} x {width} and only padded; give a size of at least that")
    padded = np.zeros((len(images), *target), np.uint8)
    top, left = (target[0] - height) // 2, (target[1] - width) // 2
    padded[:, top : top + height, left : left + width] = images
    return padded, (f"padded with 0 from {height} x {width} to {target[0]} x {target[1]}",)


def _find_images(path):
    if not path.is_dir():
        return path
    found = find_idx_images(path)
    if not found:
        raise MinidiffError(f"{path}: no IDX images here (such as train-images-idx3-ubyte.gz); give another folder")
    return found[0]


def _find_labels(images_path):
    """Either spelling, packed or not, whichever the images have."""
    stem = images_path.name.removesuffix(".gz")
    if "images" not in stem:
        return None
    stem = stem.replace("images", "labels").replace("idx3", "idx1")
    for spelling in (stem, stem.replace("-idx1", ".idx1"), stem.replace(".idx1", "-idx1")):
        for name in (spelling, spelling + ".gz"):
            if (images_path.parent / name).is_file():
                return images_path.parent / name
    return None


def _class_names(images_path, num_classes):
    if num_classes == 10 and "fashion" in images_path.resolve().parent.name.lower():
        return FASHION_CLASSES
    return tuple(str(label) for label in range(num_classes))
