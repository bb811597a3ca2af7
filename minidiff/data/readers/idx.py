"""IDX files: the format of MNIST, Fashion-MNIST, KMNIST and similar data sets.

The format, all integers big-endian (Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database"):

    2 bytes    zero
    1 byte     type of the elements: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    1 byte     number of dimensions d
    d x 4      the length of each dimension, unsigned
    the rest   the elements in C order

A data set is a pair: a file of images (N, H, W) and a file of labels (N,). Debian's package `dataset-fashion-mnist`
installs two such pairs in /usr/share/datasets/fashion-mnist.
"""

import gzip
import math
import re
import struct
from pathlib import Path

import numpy as np

from minidiff.data.dataset import Dataset, Notes, choose
from minidiff.data.readers.archives import open_files
from minidiff.data.readers.files import Files, decompressed
from minidiff.data.readers.labels import ClassLabels, to_labels
from minidiff.data.readers.layouts import arrange
from minidiff.data.readers.limits import DEFLATE_LIMIT, MAX_BYTES, check_size, read_exactly
from minidiff.data.readers.names import beside, listed
from minidiff.data.readers.options import ReadingOptions, choose_part
from minidiff.data.readers.sizing import fit
from minidiff.errors import MinidiffError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IMAGES_NAME = re.compile(r"images?[-.]idx3-ubyte(\.gz)?$")
PARTS = {"train": "train", "t10k": "test", "test": "test"}  # word in the file name -> part

FASHION_CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def read_idx(path: str | Path, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """Reads one IDX file as an array in native byte order; gzip compression is recognized by the content.

    Raises:
        MinidiffError: not a readable IDX file, shorter or longer than its header announces, or larger than max_bytes.
    """
    with open_files(path) as files:
        if files.only is None:
            raise MinidiffError(f"{path}: a folder or archive; give an IDX file, or use minidiff.data.load")
        return _read(files, files.only, max_bytes)


def _read(files: Files, name: str, max_bytes: int) -> np.ndarray:
    """Reads the header, checks the size it announces, and reads the elements."""
    where, most_bytes = files.where(name), files.most_bytes(name)
    with files.reading(name) as raw:
        stream = decompressed(raw)
        most_bytes *= DEFLATE_LIMIT if isinstance(stream, gzip.GzipFile) else 1
        magic = stream.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
            raise MinidiffError(f"{where}: not an IDX file, begins with {magic.hex(' ') or 'nothing'}; check the path")
        dtype, num_dims = np.dtype(DTYPES[magic[2]]), magic[3]
        header = stream.read(4 * num_dims)
        if len(header) < 4 * num_dims:
            raise MinidiffError(f"{where}: ends within its header; download the file again")
        shape = struct.unpack(f">{num_dims}I", header)
        num_bytes = math.prod(shape) * dtype.itemsize
        check_size(num_bytes, most_bytes, max_bytes, where)
        if num_dims > 32:
            raise MinidiffError(f"{where}: has {num_dims} dimensions, at most 32 are supported; check the file")
        content = read_exactly(stream, num_bytes, where)
    return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def find_idx_images(files: Files) -> dict[str, list[str]]:
    """Finds IDX image files: part ("train", "test", or "" if the name does not tell) -> names."""
    found: dict[str, list[str]] = {}
    for name in files.names:
        file = name.rsplit("/", 1)[-1]
        if IMAGES_NAME.search(file):
            parts = [PARTS[word] for word in re.split(r"[-_.]", file) if word in PARTS]
            found.setdefault(parts[0] if parts else "", []).append(name)
    return found


def choose_images(files: Files, options: ReadingOptions) -> tuple[str, Notes]:
    """The IDX file of images to read, and a note on the choice; `MinidiffError` if there are several data sets."""
    key = options.images_key or ""
    parts = {part: [name for name in names if key in name] for part, names in find_idx_images(files).items()}
    parts = {part: names for part, names in parts.items() if names}
    if not parts:
        raise MinidiffError(f"{files.path}: no IDX images with {key!r} in their name; give another images_key")
    part, notes = choose_part(options.part, parts, files.path)
    # a file and its .gz are two copies of the same images
    names = [name for name in parts[part] if name.removesuffix(".gz") == name or name[:-3] not in parts[part]]
    if len(names) > 1:
        raise MinidiffError(
            f"{files.path}: {len(names)} data sets, {listed(names)}; choose one with images_key, a part of its name"
        )
    return names[0], notes


def load_idx(files: Files, options: ReadingOptions) -> Dataset:
    """Loads a pair of IDX files: gray images (N, H, W, 1), padded with 0 (their background), and labels if found.

    The labels file is searched beside the images file: "images" and "idx3" in the name become "labels" and "idx1", or
    "idx2" in QMNIST.
    Layout "NWH" is for data sets whose images are stored transposed, such as EMNIST.
    """
    images_name, part_notes = (files.only, ()) if files.only else choose_images(files, options)
    images_path = files.where(images_name)
    images = _read(files, images_name, options.max_bytes)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        raise MinidiffError(
            f"{images_path}: {images.dtype} {images.shape} are not images; give the images file of the pair"
        )
    images, _ = arrange(images, options.layout or "NHW", images_path)
    labels_name = _find_labels(files, images_name)
    labels, class_names, notes = ClassLabels(notes=("no labels file beside the images",))
    if labels_name is not None:
        array = _read(files, labels_name, options.max_bytes)
        if "idx2" in labels_name and array.ndim == 2:  # QMNIST: the class, then the writer and other facts
            array = array[:, 0]
        labels, class_names, notes = to_labels(array, len(images), files.where(labels_name))
    folder = images_path.resolve().parent.name
    is_fashion = len(class_names) == 10 and "fashion" in str(files.path.resolve().name).lower() + folder.lower()
    chosen, choice = choose(len(images), options.num_images, options.seed, images_path)
    images, size_notes = fit(images[chosen], options.size, options.max_bytes, images_path, fill=0)
    return Dataset(
        images,
        None if labels is None else labels[chosen],
        FASHION_CLASSES if is_fashion else class_names,
        name=folder if not files.is_packed and folder else files.title,
        source=str(images_path),
        license="MIT, (c) 2017 Zalando SE" if is_fashion else "unknown",
        notes=(*files.notes, *part_notes, *size_notes, *notes, *choice),
    )


def _find_labels(files: Files, images_name: str) -> str | None:
    """The labels file of an images file, in either spelling, with or without .gz."""
    stem = images_name.rsplit("/", 1)[-1].removesuffix(".gz")
    if "images" not in stem:
        return None
    stem = stem.replace("images", "labels").replace("idx3", "idx1")
    spellings = (stem, stem.replace("-idx1", ".idx1"), stem.replace(".idx1", "-idx1"))
    for spelling in (*spellings, stem.replace("idx1-ubyte", "idx2-int")):
        for name in (beside(images_name, spelling), beside(images_name, spelling + ".gz")):
            if name in files.names:
                return name
    return None
