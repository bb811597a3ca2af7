"""A folder of images, or a .zip or .tgz of them: photographs, drawings, scans, of any size.

    photos/a.jpg, photos/b.png ...                     a set without labels
    photos/cats/a.jpg, photos/dogs/b.jpg ...           one class for each sub-folder, in the order of their names
    photos/train/cats/a.jpg, photos/val/cats/b.jpg ... the same, cut into parts

What is done to each image stands in `images.py`. Files that cannot be read are left out, counted and named.
"""

import io
import re

import numpy as np
from PIL import __version__ as PILLOW_VERSION

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers import cache
from minidiff.data.readers.archives import printable
from minidiff.data.readers.image_file import UNREADABLE, open_image, square
from minidiff.data.readers.limits import MAX_BYTES, MAX_PIXELS, read_all
from minidiff.data.readers.sizing import MAX_SIZE
from minidiff.errors import MinidiffError

DEFAULT_SIZE = 64
PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
IMAGE_NAME = re.compile(r"\.(png|jpe?g|jfif|gif|bmp|webp|avif|tiff?|p[bgpn]m)$", re.IGNORECASE)


def load_folder(
    files,
    size=None,
    num_images=None,
    seed=0,
    part=None,
    max_pixels=MAX_PIXELS,
    max_bytes=MAX_BYTES,
    cache_folder=None,
):
    """A data set from image files.

    Args:
        files: `Files` of a folder or archive.
        size: height and width to resize to, in pixels; 64 by default.
        num_images: take this many files, chosen at random; all of them by default.
        seed: of that choice.
        part: "train", "val" or "test", if there are folders of these names; by default "train".
        max_pixels: larger images are left out.
        max_bytes: limit on the size of the whole set in memory.
        cache_folder: where decoded images are kept for the next time; nowhere by default.

    Returns:
        Dataset with images (N, size, size, 3), or (N, size, size, 1) if every image is gray.

    Raises:
        MinidiffError: no images, not one of them readable, or more than max_bytes.
    """
    names, labels, class_names, notes = sort_files(files, part)
    chosen, choice = choose(len(names), num_images, seed, files.path, "files")
    names = np.array(names, dtype=object)[chosen].tolist()
    images, kept, image_notes = read_images(files, names, size, max_pixels, max_bytes, cache_folder)
    if labels is not None:
        labels = labels[chosen][kept]
    notes = (*files.notes, *notes, *choice, *image_notes)
    return Dataset(images, labels, class_names, files.title, files.source, "that of the images", notes)


def sort_files(files, part):
    """Which files are images of the part that is wanted, and of which class each is.

    Returns:
        Names, labels (N,) or None, class names, and notes.

    Raises:
        MinidiffError: no files at all, or no such part.
    """
    names, notes = list(files.names), []
    if files.is_packed:  # packages bring other files along; in a folder those are left out by name, one by one
        names = [name for name in names if IMAGE_NAME.search(name)]
    if not names:
        raise MinidiffError(
            f"{files.path}: holds no images; give a folder or archive with images, or with one folder per class"
        )
    paths = {name: tuple(name.split("/")) for name in names}
    in_folders = [name for name in names if len(paths[name]) > 1]
    if in_folders and len(in_folders) < len(names):
        notes.append(f"{len(names) - len(in_folders)} files beside the class folders ignored")
        names = in_folders
    shared = common_folders([paths[name] for name in names])
    if shared and not files.is_packed:
        notes.append(f"all images lie in {'/'.join(shared)}")
    paths = {name: paths[name][len(shared) :] for name in names}

    parts = {PARTS.get(path[0].lower()) if len(path) > 1 else None for path in paths.values()}
    if parts and None not in parts:
        wanted = part or ("train" if "train" in parts else min(parts))
        if wanted not in parts:
            raise MinidiffError(f"{files.path}: there is no part called {part!r}; it has {', '.join(sorted(parts))}")
        notes.append(f"the {wanted} part was taken of {', '.join(sorted(parts))}")
        names = [name for name in names if PARTS[paths[name][0].lower()] == wanted]
        paths = {name: paths[name][1:] for name in names}
    elif part is not None:
        raise MinidiffError(f"{files.path}: is not divided into parts; leave out part, which is {part!r}")

    folders = [paths[name][0] if len(paths[name]) > 1 else None for name in names]
    class_names = tuple(sorted({folder for folder in folders if folder is not None}))
    if not class_names:
        return names, None, (), tuple(notes)
    if None in folders:
        notes.append(f"{folders.count(None)} files beside the class folders ignored")
        names = [name for name, folder in zip(names, folders, strict=True) if folder is not None]
    number = {name: label for label, name in enumerate(class_names)}
    labels = np.array([number[folder] for folder in folders if folder is not None])
    return names, labels, tuple(printable(name) for name in class_names), tuple(notes)


def common_folders(paths):
    """The folders that all paths begin with, unless one of them is the name of a part."""
    shared = []
    for level in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(level)) > 1 or level[0].lower() in PARTS:
            break
        shared.append(level[0])
    return tuple(shared)


def read_images(files, names, size, max_pixels, max_bytes, cache_folder):
    """Decode image files, or find them decoded in the cache.

    Args:
        files: `Files` they are among.
        names: of the images.
        size, max_pixels, max_bytes, cache_folder: as in `load_folder`.

    Returns:
        uint8 (N, size, size, C); the positions in `names` of the readable ones (N,); notes.

    Raises:
        MinidiffError: not one can be read, or they are too many.
    """
    size = DEFAULT_SIZE if size is None else size
    if not 1 <= size <= MAX_SIZE:
        raise MinidiffError(f"{files.path}: size is {size}; give a size from 1 to {MAX_SIZE} pixels")
    if len(names) * size * size * 3 > max_bytes:
        raise MinidiffError(
            f"{files.path}: {len(names)} images of {size} x {size} take more than {max_bytes:,} bytes; "
            "give a smaller size or num_images, or raise max_bytes"
        )
    if cache_folder is None:
        return decode(files, names, size, max_pixels, max_bytes)
    try:
        entry = cache.entry_path(cache_folder, files, names, size, max_pixels, max_bytes, PILLOW_VERSION)
    except OSError as error:  # a file that cannot even be opened: decoding names it
        images, positions, notes = decode(files, names, size, max_pixels, max_bytes)
        return images, positions, (*notes, f"not kept for the next time: {error}")
    if found := cache.find(entry, max_bytes + 2**20 * len(names)):
        return found
    images, positions, notes = decode(files, names, size, max_pixels, max_bytes)
    return images, positions, notes + cache.keep(entry, images, positions, notes)


def decode(files, names, size, max_pixels, max_bytes):
    """What `read_images` does, without the cache."""
    images, kept, skipped = np.empty((len(names), size, size, 3), np.uint8), [], []
    cropped, enlarged, all_gray = 0, 0, True
    for i, name in enumerate(names):
        try:
            if files.size(name) > max_bytes:
                raise ValueError(f"larger than {max_bytes:,} bytes")
            with files.open(name) as stream:  # Pillow would believe the lengths it reads there, and ask for gigabytes
                content = read_all(stream)
            image = open_image(io.BytesIO(content), size, max_pixels)
        except UNREADABLE as error:
            skipped.append(f"{printable(name)} ({str(error).splitlines()[0][:100] if str(error) else 'damaged'})")
            continue
        cropped += image.width != image.height
        enlarged += min(image.size) < size
        all_gray &= image.mode == "L"
        images[len(kept)] = np.asarray(square(image, size)).reshape(size, size, -1)  # gray fills all three channels
        kept.append(i)
    if not kept:
        raise MinidiffError(f"{files.path}: none of {len(names)} files is a readable image; the first is {skipped[0]}")
    images = images[: len(kept), :, :, :1].copy() if all_gray else images[: len(kept)]

    notes = [f"resized to {size} x {size}"]
    if cropped:
        notes.append(f"{cropped} images cropped to the square in their middle")
    if enlarged:
        notes.append(f"{enlarged} images were smaller than {size} pixels and have been enlarged")
    if all_gray:
        notes.append("every image is gray: one channel")
    if skipped:
        named = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        notes.append(f"{len(skipped)} files left out: {named}")
    return images, np.array(kept), tuple(notes)
