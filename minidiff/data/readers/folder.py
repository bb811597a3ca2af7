"""A folder, .zip or .tgz of image files: photographs, drawings, scans, of any size.

    photos/a.jpg, photos/b.png ...                     no labels
    photos/cats/a.jpg, photos/dogs/b.jpg ...           one class per subfolder, in alphabetical order
    photos/train/cats/a.jpg, photos/val/cats/b.jpg ... the same, divided into parts

`image_file.py` decodes each image. Unreadable files are left out, counted and listed in a note.
"""

import io
import re

import numpy as np

from minidiff.data.dataset import Dataset, Notes, choose
from minidiff.data.readers import cache
from minidiff.data.readers.archives import Files, printable
from minidiff.data.readers.limits import CHUNK
from minidiff.data.readers.options import PART_WORDS, ReadingOptions, choose_part
from minidiff.data.readers.sizing import check_output
from minidiff.errors import MinidiffError

DEFAULT_SIZE = 64
IMAGE_NAME = re.compile(r"\.(png|jpe?g|jfif|gif|bmp|webp|avif|tiff?|p[bgpn]m)$", re.IGNORECASE)


def load_folder(files: Files, options: ReadingOptions) -> Dataset:
    """Loads image files: (N, size, size, 3), or (N, size, size, 1) if every image is gray."""
    names, labels, class_names, notes = sort_files(files, options.part)
    chosen, choice = choose(len(names), options.num_images, options.seed, files.path, "files")
    names = np.array(names, dtype=object)[chosen].tolist()
    images, positions, image_notes = read_images(files, names, options)
    return Dataset(
        images,
        None if labels is None else labels[chosen][positions],
        class_names,
        name=files.title,
        source=files.source,
        license="that of the images",
        notes=(*files.notes, *notes, *choice, *image_notes),
    )


def sort_files(files: Files, part: str | None) -> tuple[list[str], np.ndarray | None, tuple[str, ...], Notes]:
    """Finds the image files of a part and their classes: names, labels (N,) or None, class names, and notes."""
    names, notes = list(files.names), []
    if files.is_packed:  # archives contain other files too; in a folder, those are left out and listed one by one
        names = [name for name in names if IMAGE_NAME.search(name)]
    if not names:
        raise MinidiffError(f"{files.path}: contains no images; give a folder or archive of images")
    paths = {name: tuple(name.split("/")) for name in names}
    in_folders = [name for name in names if len(paths[name]) > 1]
    if in_folders and len(in_folders) < len(names):
        notes.append(f"{len(names) - len(in_folders)} files beside the class folders ignored")
        names = in_folders
    shared = common_folders([paths[name] for name in names])
    if shared and not files.is_packed:
        notes.append(f"all images are in {'/'.join(shared)}")
    paths = {name: paths[name][len(shared) :] for name in names}

    parts = {PART_WORDS.get(path[0].lower(), "") if len(path) > 1 else "" for path in paths.values()}
    is_divided = "" not in parts
    wanted = choose_part(part, sorted(parts) if is_divided else [], files.path)
    if is_divided:
        notes.append(f"{wanted} part of {', '.join(sorted(parts))}")
        names = [name for name in names if PART_WORDS[paths[name][0].lower()] == wanted]
        paths = {name: paths[name][1:] for name in names}

    classes = {name: paths[name][0] for name in names if len(paths[name]) > 1}
    if not classes:
        return names, None, (), tuple(notes)
    if len(classes) < len(names):
        notes.append(f"{len(names) - len(classes)} files beside the class folders ignored")
    label_of = {name: label for label, name in enumerate(sorted(set(classes.values())))}
    labels = np.array([label_of[folder] for folder in classes.values()])
    return list(classes), labels, tuple(printable(name) for name in label_of), tuple(notes)


def common_folders(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The folders that all paths begin with, up to one that is named after a part."""
    shared = []
    for level in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(level)) > 1 or level[0].lower() in PART_WORDS:
            break
        shared.append(level[0])
    return tuple(shared)


def read_images(files: Files, names: list[str], options: ReadingOptions) -> tuple[np.ndarray, np.ndarray, Notes]:
    """Decodes image files, or finds them in the cache.

    Returns:
        uint8 (N, size, size, C); the positions in `names` of the readable ones (N,); notes.
    """
    from PIL import __version__ as pillow_version  # import takes time, and other kinds of files do not need Pillow

    size = DEFAULT_SIZE if options.size is None else options.size
    max_pixels, max_bytes = options.max_pixels, options.max_bytes
    check_output(size, (len(names), size, size, 3), max_bytes, files.path)
    folder = cache.default_cache_folder() if options.cache_folder == "default" else options.cache_folder
    if not folder:
        return decode(files, names, size, max_pixels, max_bytes)
    try:
        entry = cache.entry_path(folder, files, names, size, max_pixels, max_bytes, pillow_version)
    except OSError as error:  # a file that cannot be opened; `decode` will list it
        images, positions, notes = decode(files, names, size, max_pixels, max_bytes)
        return images, positions, (*notes, f"not cached: {error}")
    if found := cache.find(entry, max_bytes + 2**20 * len(names)):
        return found
    images, positions, notes = decode(files, names, size, max_pixels, max_bytes)
    return images, positions, notes + cache.keep(entry, images, positions, notes)


def decode(
    files: Files, names: list[str], size: int, max_pixels: int, max_bytes: int
) -> tuple[np.ndarray, np.ndarray, Notes]:
    """`read_images` without the cache."""
    from minidiff.data.readers.image_file import UNREADABLE, open_image, square  # imports Pillow, as above

    images = np.empty((len(names), size, size, 3), np.uint8)
    positions: list[int] = []
    skipped = []
    num_cropped, num_enlarged, all_gray = 0, 0, True
    for i, name in enumerate(names):
        try:
            if files.size(name) > max_bytes:
                raise ValueError(f"larger than {max_bytes:,} bytes")
            # In chunks: `stream.read(n)` allocates n bytes, and Pillow would pass it lengths found in the file.
            with files.open(name) as stream:
                content = b"".join(iter(lambda: stream.read(CHUNK), b""))
            image = open_image(io.BytesIO(content), size, max_pixels)
        except UNREADABLE as error:
            skipped.append(f"{printable(name)} ({str(error).splitlines()[0][:100] if str(error) else 'damaged'})")
            continue
        num_cropped += image.width != image.height
        num_enlarged += min(image.size) < size
        all_gray &= image.mode == "L"
        images[len(positions)] = np.asarray(square(image, size)).reshape(size, size, -1)  # gray fills all channels
        positions.append(i)
    if not positions:
        raise MinidiffError(
            f"{files.path}: none of {len(names)} files is a readable image, the first is {skipped[0]}; "
            "give a folder or archive of images"
        )
    images = images[: len(positions), :, :, :1].copy() if all_gray else images[: len(positions)]

    notes = [f"resized to {size} x {size}"]
    if num_cropped:
        notes.append(f"{num_cropped} images cropped to the central square")
    if num_enlarged:
        notes.append(f"{num_enlarged} images smaller than {size} pixels enlarged")
    if all_gray:
        notes.append("every image is gray: one channel")
    if skipped:
        listed = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        notes.append(f"{len(skipped)} files left out: {listed}")
    return images, np.array(positions), tuple(notes)
