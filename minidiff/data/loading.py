"""Loads any data set: synthetic data by its name, everything else by its path.

The kind of a file is recognized by its content if possible (IDX, .npy, .zip, .tgz, gzip), otherwise by its name (the
binary versions of CIFAR and STL have no signature).
"""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from minidiff.data.dataset import Dataset
from minidiff.data.readers.archives import open_files
from minidiff.data.readers.cifar import find_version, load_cifar
from minidiff.data.readers.emoji import is_emoji, load_emoji
from minidiff.data.readers.files import GZIP_MAGIC, Files
from minidiff.data.readers.folder import load_folder
from minidiff.data.readers.idx import find_idx_images, load_idx
from minidiff.data.readers.names import IMAGE_NAME, listed
from minidiff.data.readers.npy import MAGIC
from minidiff.data.readers.npz import load_arrays
from minidiff.data.readers.options import ReadingOptions
from minidiff.data.readers.saved import is_saved, load_saved
from minidiff.data.readers.signatures import is_image
from minidiff.data.readers.sizing import Size, check_output, height_and_width
from minidiff.data.synthetic.generate import SYNTHETIC_SETS, draw
from minidiff.errors import MinidiffError
from minidiff.regular import check_regular

DEFAULT_NUM_IMAGES, DEFAULT_SIZE = 1000, 64

# kind of files: (function that loads them, options that apply to them besides those that apply to all)
KINDS: dict[str, tuple[Callable[[Files, ReadingOptions], Dataset], tuple[str, ...]]] = {
    "saved": (load_saved, ()),
    "idx": (load_idx, ("layout", "part", "images_key")),
    "cifar": (load_cifar, ("part", "labels_key")),
    "arrays": (load_arrays, ("layout", "value_range", "part", "images_key", "labels_key")),
    "folder": (load_folder, ("part", "max_pixels")),
    "emoji": (load_emoji, ("subset", "max_pixels")),
}
GENERAL_OPTIONS = {"distinct", "max_bytes", "cache_folder"}


def load(
    spec: str | Path, size: Size | None = None, num_images: int | None = None, seed: int = 0, **options: Any
) -> Dataset:
    """Loads a data set.

    Args:
        spec: "cats", "shapes" or "landscapes"; or a path: an IDX images file (.gz or not), .npy, .npz, a binary or
            Python batch of CIFAR or STL, an image archive (.zip, .tgz), a package of emoji as downloaded, or a folder
            with any of these. A folder named cats is "./cats".
        size: height and width in pixels, as a pair or, if they are equal, as one number. Default: 64 for synthetic
            data and image files; arrays keep their size, padded to a multiple of 8.
        num_images: number of images, chosen at random. Default: all of them; 1000 synthetic ones.
        seed: of the synthetic data or of the random choice.
        options: other fields of `ReadingOptions`, such as part="test" or distinct=True; None means the default.

    Raises:
        MinidiffError: no such data set, unreadable files, a value out of range, or an option that does not apply.
    """
    if isinstance(size, list):  # in config.json
        size = height_and_width(size)
    given = {name: value for name, value in options.items() if value is not None or name == "cache_folder"}
    reading = ReadingOptions(size, num_images, seed, **given)
    specific = given.keys() - GENERAL_OPTIONS
    if str(spec) in SYNTHETIC_SETS:
        check_options(str(spec), "synthetic data", (), specific)
        count = DEFAULT_NUM_IMAGES if num_images is None else num_images
        size = DEFAULT_SIZE if size is None else size
        check_output(size, (count, *height_and_width(size), 3), reading.max_bytes, str(spec))
        dataset = draw(str(spec), count, size, seed)
        return dataset.distinct() if reading.distinct else dataset
    dataset = read_path(Path(spec), reading, specific)
    dataset = dataset.distinct() if reading.distinct else dataset
    if empty := dataset.empty_classes():
        dataset = dataset.noted(f"{len(empty)} of {dataset.num_classes} classes have no image here: {listed(empty)}")
    return dataset


def read_path(path: Path, options: ReadingOptions, specific: Iterable[str]) -> Dataset:
    """Reads the files at a path; `specific` are the options that were given and do not apply to all kinds."""
    try:
        check_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        names = ", ".join(SYNTHETIC_SETS)
        raise MinidiffError(f"no data at '{path}'; give {names}, or the path of a file or folder") from error
    except OSError as error:
        raise MinidiffError(f"cannot read {path} ({error.strerror}); give a file or folder that can be read") from error
    with open_files(path) as files:
        kind = find_kind(files)
        if kind == "npz":
            return read_path(path / find_npz(files), options, specific).noted(*files.notes, *files.not_read())
        load_kind, applicable = KINDS[kind]
        check_options(files.source, kind, applicable, specific)
        if files.only and options.part is not None and kind != "cifar":
            raise MinidiffError(f"{files.source}: a single file has no parts; leave out part, or give its folder")
        dataset = load_kind(files, options)
        return dataset if files.only else dataset.noted(*files.not_read())


def find_kind(files: Files) -> str:
    """The kind of the files, one of KINDS, or "npz" for a folder with such a file; `MinidiffError` if it is none.

    Images beside arrays are the data, not the arrays: those may be features, predictions or labels.
    """
    is_cifar = find_version(files) is not None
    if files.only:
        return "cifar" if is_cifar else find_kind_of_file(files, files.only)
    if is_saved(files):
        return "saved"
    is_idx = bool(find_idx_images(files))
    if is_cifar and is_idx:
        raise MinidiffError(f"{files.source}: several data sets, of IDX files and of CIFAR or STL; give one of them")
    if is_cifar or is_idx:
        return "cifar" if is_cifar else "idx"
    if any(map(IMAGE_NAME.search, files.names)):
        return "emoji" if is_emoji(files) else "folder"
    if any(name.endswith(".npy") for name in files.names):
        return "arrays"
    return "npz" if not files.is_packed and find_npz(files) else "folder"


def find_npz(files: Files) -> str:
    """The name of the only .npz file, or ""; `MinidiffError` if there are several."""
    found = [name for name in files.names if name.endswith(".npz")]
    if len(found) > 1:
        raise MinidiffError(f"{files.source}: several data sets, {listed(found)}; give one of them")
    files.claim(found)
    return found[0] if found else ""


def find_kind_of_file(files: Files, name: str) -> str:
    """The kind of a single file that is not an archive, from its first bytes."""
    where = files.where(name)
    with files.reading(name) as stream:
        head = stream.read(8)
    if head.startswith(MAGIC):
        return "arrays"
    if is_image(head):
        raise MinidiffError(f"{where}: a single image; give the folder of all images")
    if head.startswith(b"\x80") or name.endswith(".bin"):
        raise MinidiffError(f"{where}: CIFAR and STL are recognized by name; rename it, such as to data_batch_1.bin")
    if head.startswith((b"\0\0", GZIP_MAGIC)) or "idx" in name:
        return "idx"
    begins = head[:4].hex(" ") or "nothing"
    raise MinidiffError(
        f"{where}: unknown kind of file, begins with {begins}; give IDX, .npy, .npz, .zip, .tgz or a folder"
    )


def check_options(source: str, kind: str, names: Collection[str], specific: Iterable[str]) -> None:
    """Rejects options that would be ignored."""
    for name in specific:
        if name not in names:
            kinds = ", ".join(kind for kind, (_, names) in KINDS.items() if name in names)
            raise MinidiffError(f"{source}: {name} does not apply to {kind}, only to {kinds}; leave it out")
