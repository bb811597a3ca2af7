"""IDX files: how MNIST, Fashion-MNIST, KMNIST and their relatives are stored.

The format, all integers big-endian (Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database"):

    2 bytes    zero
    1 byte     type of the numbers: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    1 byte     number of dimensions d
    d x 4      the length of each dimension, unsigned
    the rest   the numbers in C order

An image set is a pair: a file of images (N, H, W) and a file of labels (N,). Debian's package
`dataset-fashion-mnist` installs two such pairs in /usr/share/datasets/fashion-mnist.

The header is read first and judged before anything is allocated: a few bytes can promise terabytes.
"""

import gzip
import math
import os
import re
import struct

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.archives import beside
from minidiff.data.readers.labels import to_labels
from minidiff.data.readers.layouts import arrange
from minidiff.data.readers.limits import DAMAGED, DEFLATE_LIMIT, MAX_BYTES, check_promise, read_exactly
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IMAGES_NAME = re.compile(r"images?[-.]idx3-ubyte(\.gz)?$")
PARTS = {"train": "train", "t10k": "test", "test": "test"}  # how the names begin

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
    try:
        with open(path, "rb") as raw:
            return _read(raw, path, os.fstat(raw.fileno()).st_size, max_bytes)
    except DAMAGED as error:
        raise MinidiffError(f"{path}: cannot be read ({error}); fetch or unpack the file again") from error


def _read_among(files, name, max_bytes):
    """The same for a file among `Files`, which may be an archive."""
    try:
        with files.open(name) as raw:
            return _read(raw, files.where(name), files.most_bytes(name), max_bytes)
    except DAMAGED as error:
        raise MinidiffError(f"{files.where(name)}: cannot be read ({error}); fetch the file again") from error


def _read(raw, where, most_bytes, max_bytes):
    if raw.peek(2)[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=raw) as stream:
            return _read_stream(stream, where, most_bytes * DEFLATE_LIMIT, max_bytes)
    return _read_stream(raw, where, most_bytes, max_bytes)


def _read_stream(stream, where, most_bytes, max_bytes):
    """Header, then numbers; `most_bytes` is what the file could hold at the very most."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise MinidiffError(f"{where}: not an IDX file, it begins with {magic.hex(' ') or 'nothing'}; check the path")
    dtype, num_dims = np.dtype(DTYPES[magic[2]]), magic[3]
    header = stream.read(4 * num_dims)
    if len(header) < 4 * num_dims:
        raise MinidiffError(f"{where}: ends inside its header; fetch the file again")
    shape = struct.unpack(f">{num_dims}I", header)
    num_bytes = math.prod(shape) * dtype.itemsize
    check_promise(num_bytes, most_bytes, max_bytes, where)
    if num_dims > 32:
        raise MinidiffError(f"{where}: has {num_dims} dimensions, at most 32 can be read; check the file")
    content = read_exactly(stream, num_bytes, where)
    return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def find_idx_images(files):
    """The names of IDX image files, by the part of the set: "train", "test" or (told by nothing) ""."""
    found = {}
    for name in files.names:
        file = name.rsplit("/", 1)[-1]
        if IMAGES_NAME.search(file):
            found.setdefault(PARTS.get(re.split(r"[-_.]", file)[0], ""), name)
    return found


def load_idx(files, size=None, num_images=None, seed=0, layout=None, part=None, max_bytes=MAX_BYTES):
    """A data set from a pair of IDX files.

    The labels file is looked for beside the images: the same name with "images" and "idx3" replaced by "labels" and
    "idx1".

    Args:
        files: `Files` that hold the pair, or of which the images file was asked for.
        size: see `sizing.fit`; these images are padded with 0, their background.
        num_images: take this many, chosen at random; all of them by default.
        seed: of that choice.
        layout: "NWH" for sets whose images are stored lying on their side, as those of EMNIST are.
        part: "train" or "test", where both are there; by default "train".
        max_bytes: largest array that is accepted, in bytes after unpacking.

    Returns:
        Dataset with gray images (N, H, W, 1), and labels if there is a labels file.

    Raises:
        MinidiffError: no such files, they cannot be read (see `read_idx`), or they do not belong together.
    """
    images_name, notes = files.only or _choose_part(files, part), ()
    images_path = files.where(images_name)
    images = _read_among(files, images_name, max_bytes)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        raise MinidiffError(
            f"{images_path}: images should be bytes (N, H, W), these are {images.dtype} {images.shape}; "
            "give the images file of the pair"
        )
    images, _ = arrange(images, layout or "NHW", images_path)
    labels, class_names = None, ()
    labels_name = _find_labels(files, images_name)
    if labels_name is None:
        notes += ("no labels file lies beside the images",)
    else:
        numbers = _read_among(files, labels_name, max_bytes)
        labels, class_names, notes = to_labels(numbers, len(images), files.where(labels_name))
    folder = images_path.resolve().parent.name
    is_fashion = len(class_names) == 10 and "fashion" in str(files.path.resolve().name).lower() + folder.lower()
    chosen, choice = choose(len(images), num_images, seed, images_path)
    images, size_notes = fit(images[chosen], size, max_bytes, images_path, fill=0)
    return Dataset(
        images,
        None if labels is None else labels[chosen],
        FASHION_CLASSES if is_fashion else class_names,
        folder if not files.is_packed and folder else files.title,
        str(images_path),
        "MIT, (c) 2017 Zalando SE" if is_fashion else "unknown",
        (*files.notes, *size_notes, *notes, *choice),
    )


def _choose_part(files, part):
    found = find_idx_images(files)
    if part is None:
        return found.get("train") or next(iter(found.values()))
    if part not in found:
        raise MinidiffError(f"{files.path}: there is no part called {part!r}; it has {', '.join(filter(None, found))}")
    return found[part]


def _find_labels(files, images_name):
    """Either spelling, packed or not, whichever the images have."""
    stem = images_name.rsplit("/", 1)[-1].removesuffix(".gz")
    if "images" not in stem:
        return None
    stem = stem.replace("images", "labels").replace("idx3", "idx1")
    for spelling in (stem, stem.replace("-idx1", ".idx1"), stem.replace(".idx1", "-idx1")):
        for name in (beside(images_name, spelling), beside(images_name, spelling + ".gz")):
            if name in files.names:
                return name
    return None
