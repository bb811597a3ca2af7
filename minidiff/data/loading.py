"""One function that opens everything: a drawn set by its name, anything else by its path.

What a path holds is told by contents where that is possible (IDX, .npy, .zip, .tgz, gzip) and by the names of the files
where it is not (the binary versions of CIFAR and STL have no sign of their own).
"""

from pathlib import Path

from minidiff.data.readers.archives import open_files
from minidiff.data.readers.cache import default_cache_folder
from minidiff.data.readers.cifar import find_version, load_cifar
from minidiff.data.readers.idx import find_idx_images, load_idx
from minidiff.data.readers.limits import DAMAGED, MAX_BYTES
from minidiff.data.readers.npy import MAGIC
from minidiff.data.readers.npz import load_arrays
from minidiff.data.readers.saved import is_saved, load_saved
from minidiff.data.synthetic.generate import SYNTHETIC_SETS, draw
from minidiff.errors import MinidiffError

DEFAULT_NUM_IMAGES, DEFAULT_SIZE = 1000, 64

# The options that mean something to each kind of source, beside size, num_images, seed and max_bytes.
OPTIONS = {
    "drawn": (),
    "saved": (),
    "idx": ("layout", "part"),
    "cifar": ("part", "labels_key"),
    "arrays": ("layout", "value_range", "part", "images_key", "labels_key"),
    "folder": ("part", "max_pixels", "cache_folder"),
    "emoji": ("subset", "max_pixels", "cache_folder"),
}


def load(
    spec,
    size=None,
    num_images=None,
    seed=0,
    layout=None,
    value_range=None,
    part=None,
    subset=None,
    images_key=None,
    labels_key=None,
    distinct=False,
    max_bytes=MAX_BYTES,
    max_pixels=None,
    cache_folder="default",
):
    """A data set from its name or path.

    Args:
        spec: "cats", "shapes" or "landscapes"; or a path: an IDX images file (.gz or not), .npy, .npz, a binary or
            Python batch of CIFAR or STL, an image archive (.zip, .tgz), a package of emoji as downloaded, or a folder
            with any of these. A folder that is called cats is "./cats".
        size: height and width in pixels. By default 64 for drawn sets and image files; what comes as arrays keeps its
            size, padded to a multiple of 8.
        num_images: how many. By default 1000 drawn ones, or all that are there; fewer are chosen at random.
        seed: of the drawing, or of that choice.
        layout: of arrays: their axes, such as "NHWC" or "NCHW".
        value_range: of arrays: the numbers for black and for white, such as (0, 1).
        part: "train", "val" or "test", of sets that are so divided.
        subset: of emoji: "people" (by default), "faces" or "all".
        images_key, labels_key: of arrays: their names in an .npz or folder; labels_key "none" for no labels. Of
            CIFAR-100: labels_key is "fine" or "coarse".
        distinct: leave out exact copies.
        max_bytes: limit on every array and on the whole set, in memory.
        max_pixels: of image files: larger ones are left out; 80 million by default.
        cache_folder: of image files: where decoded ones are kept; "default" is the platform's place for such files,
            None or "" is nowhere.

    Returns:
        Dataset.

    Raises:
        MinidiffError: nothing of that name, unreadable, a number out of range, or an option that means nothing here.
    """
    given = {
        "layout": layout,
        "value_range": None if value_range is None else tuple(value_range),
        "part": part,
        "subset": subset,
        "images_key": images_key,
        "labels_key": labels_key,
        "max_pixels": max_pixels,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if str(spec) in SYNTHETIC_SETS:
        check_options(str(spec), "drawn", given)
        count = DEFAULT_NUM_IMAGES if num_images is None else num_images
        dataset = draw(str(spec), count, DEFAULT_SIZE if size is None else size, seed)
        return dataset.distinct() if distinct else dataset

    path = Path(spec).expanduser()
    if not path.exists():
        raise MinidiffError(
            f"no data at {str(spec)!r}: give {', '.join(SYNTHETIC_SETS)}, or the path of a file or folder"
        )
    with open_files(path) as files:
        kind = find_kind(files)
        check_options(files.source, kind, given)
        if files.only and part is not None and kind != "cifar":
            raise MinidiffError(f"{files.source}: is one file, without parts; leave out part, or give its folder")
        if "cache_folder" in OPTIONS[kind]:
            given["cache_folder"] = default_cache_folder() if cache_folder == "default" else cache_folder or None
        dataset = reader(kind)(files, size=size, num_images=num_images, seed=seed, max_bytes=max_bytes, **given)
    return dataset.distinct() if distinct else dataset


def find_kind(files):
    """What some files are: one of OPTIONS.

    Raises:
        MinidiffError: nothing that can be read.
    """
    if find_version(files):
        return "cifar"
    if files.only:
        return find_kind_of_file(files)
    if is_saved(files):
        return "saved"
    if find_idx_images(files):
        return "idx"
    if any(name.endswith(".npy") for name in files.names):
        return "arrays"
    from minidiff.data.readers.emoji import is_emoji  # brings in Pillow, which the other sets do without

    return "emoji" if is_emoji(files) else "folder"


def find_kind_of_file(files):
    """The same for a single file that is no archive, from its first bytes."""
    where = files.where(files.only)
    try:
        with files.open(files.only) as stream:
            head = stream.read(8)
    except DAMAGED as error:
        raise MinidiffError(f"{where}: cannot be read ({error}); check the path") from error
    if head.startswith(MAGIC):
        return "arrays"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")):
        raise MinidiffError(f"{where}: a single image; give the folder with all of them")
    if head.startswith(b"\x80") or files.only.endswith(".bin"):
        raise MinidiffError(
            f"{where}: a batch of CIFAR or STL is known by its name, such as data_batch_1.bin or train_X.bin; "
            "rename the file, or give its folder"
        )
    if head.startswith((b"\0\0", b"\x1f\x8b")) or "idx" in files.only:
        return "idx"
    raise MinidiffError(
        f"{where}: begins with {head[:4].hex(' ') or 'nothing'}, as no file of images does; give an IDX, .npy, .npz, "
        ".zip or .tgz file, or a folder"
    )


def check_options(source, kind, given):
    """Refuse what would be passed over in silence."""
    for name in given:
        if name not in OPTIONS[kind]:
            kinds = ", ".join(kind for kind, names in OPTIONS.items() if name in names)
            raise MinidiffError(f"{source}: {name} means nothing here ({kind}), only to: {kinds}; leave it out")


def reader(kind):
    """The function that reads a kind of files."""
    if kind in ("folder", "emoji"):
        from minidiff.data.readers.emoji import load_emoji
        from minidiff.data.readers.folder import load_folder

        return load_emoji if kind == "emoji" else load_folder
    return {"saved": load_saved, "idx": load_idx, "cifar": load_cifar, "arrays": load_arrays}[kind]
