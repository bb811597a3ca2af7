"""A folder, .zip or .tgz of image files: photographs, drawings, scans, of any size.

    photos/a.jpg, photos/b.png ...                     no labels
    photos/cats/a.jpg, photos/dogs/b.jpg ...           one class per subfolder, in alphabetical order
    photos/train/cats/a.jpg, photos/val/cats/b.jpg ... the same, divided into parts

`image_file.py` decodes each image. Unreadable files are left out, counted and listed in a note.
"""

import contextlib
import io
from collections.abc import Collection

import numpy as np

from minidiff.data.dataset import Dataset, Notes, choose
from minidiff.data.readers import cache
from minidiff.data.readers.files import Files
from minidiff.data.readers.limits import CHUNK, MAX_IMAGE_BYTES
from minidiff.data.readers.names import IMAGE_NAME, counted, listed
from minidiff.data.readers.options import PART_WORDS, ReadingOptions, choose_part
from minidiff.data.readers.signatures import HEAD, MARK, is_image
from minidiff.data.readers.sizing import Size, check_output, height_and_width
from minidiff.errors import MinidiffError
from minidiff.text import clean

DEFAULT_SIZE = 64
Paths = dict[str, tuple[str, ...]]  # name of a file -> its folders, as far as they matter, and its own name


def load_folder(files: Files, options: ReadingOptions) -> Dataset:
    """Loads image files: (N, H, W, 3), or (N, H, W, 1) if every image is gray."""
    names, labels, class_names, notes = sort_files(files, options.part)
    chosen, choice = choose(len(names), options.num_images, options.seed, files.path, "files")
    names = np.array(names, dtype=object)[chosen].tolist()
    images, positions, image_notes = read_images(files, names, options)
    dataset = Dataset(
        images,
        None if labels is None else labels[chosen][positions],
        class_names,
        name=files.title,
        source=files.source,
        license="that of the images",
        notes=(*files.notes, *notes, *choice, *image_notes),
    )
    return dataset.without_empty_classes() if options.num_images is None else dataset  # no readable file in them


def sort_files(files: Files, part: str | None) -> tuple[list[str], np.ndarray | None, tuple[str, ...], Notes]:
    """Finds the image files of a part and their classes: names, labels (N,) or None, class names, and notes."""
    names = [name for name in files.names if IMAGE_NAME.search(name)]
    if not names and not files.is_packed:
        names = files.names  # their names may lack a suffix
    if not names:
        found = "; ".join((*files.not_read(), *files.notes))
        raise MinidiffError(
            f"{files.path}: contains no images{f' ({found})' if found else ''}; give a folder or archive of images"
        )
    files.claim(names)
    names, own_notes = without_own(files, names)
    paths, notes = top_or_subfolders({name: tuple(name.split("/")) for name in names})
    shared = common_folders(paths.values())
    if shared:
        notes += (f"all images are in {clean('/'.join(shared))}",)
    paths, more = top_or_subfolders({name: path[len(shared) :] for name, path in paths.items()})
    paths, part_notes = only_part(paths, part, files)
    notes = own_notes + notes + more + part_notes

    names = list(paths)
    if all(len(path) == 1 for path in paths.values()):
        return names, None, (), notes
    deep = sum(len(path) > 2 for path in paths.values())
    if deep:
        notes += (f"{deep} images in deeper folders belong to the class of the uppermost",)
    folders = sorted({path[0] for path in paths.values()})
    label_of = {folder: label for label, folder in enumerate(folders)}
    labels = np.array([label_of[path[0]] for path in paths.values()])
    return names, labels, tuple(map(clean, folders)), notes


def without_own(files: Files, names: list[str]) -> tuple[list[str], Notes]:
    """The names without those of sheets and figures that minidiff has written into a folder of images.

    They are left out before images are chosen at random: a sheet of samples does not change what a run is trained on.
    """
    own = []
    for name in [] if files.is_packed else names:
        if name.lower().endswith((".png", ".gif")):
            with contextlib.suppress(OSError), files.open(name) as stream:  # `decode` lists what cannot be read
                own += [name] if MARK in stream.read(HEAD) else []
    if len(own) == len(names):
        raise MinidiffError(f"{files.path}: contains only images that minidiff has written; give other images")
    ignored = set(own)
    return [name for name in names if name not in ignored], counted(own, "sheets or figures of minidiff ignored")


def top_or_subfolders(paths: Paths) -> tuple[Paths, Notes]:
    """If there are images beside the folders of images, those of the two that are more; the others are noted."""
    top: Paths = {name: path for name, path in paths.items() if len(path) == 1}
    inside = {name: path for name, path in paths.items() if len(path) > 1}
    if not top or not inside:
        return paths, ()
    if len(inside) > len(top):
        return inside, counted(list(top), "files beside the subfolders ignored")
    folders = listed(sorted({path[0] for path in inside.values()}))
    note = f"{len(inside)} images in subfolders ignored ({folders}), because more are beside them"
    return top, (note,)


def common_folders(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The folders that all paths begin with, up to one that is named after a part."""
    shared = []
    for level in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(level)) > 1 or level[0].lower() in PART_WORDS:
            break
        shared.append(level[0])
    return tuple(shared)


def only_part(paths: Paths, part: str | None, files: Files) -> tuple[Paths, Notes]:
    """The images of one part, without the name of its folder, if the folders are named after parts.

    One such name among others is that of a class.
    """
    folders = {path[0] for path in paths.values() if len(path) > 1}
    parts = {PART_WORDS[folder.lower()] for folder in folders if folder.lower() in PART_WORDS}
    others = sorted(folder for folder in folders if folder.lower() not in PART_WORDS)
    is_divided = bool(parts) and (not others or len(parts) > 1)
    wanted, notes = choose_part(part, sorted(parts) if is_divided else [], files.path)
    if not is_divided:
        return paths, tuple(f"the folder named {part} taken as a class" for part in sorted(parts))
    inside = {name: path for name, path in paths.items() if path[0].lower() in PART_WORDS}
    ignored = [name for name in paths if name not in inside]
    shared = common_folders([path[1:] for path in inside.values()])
    of_part = {name: path[1 + len(shared) :] for name, path in inside.items() if PART_WORDS[path[0].lower()] == wanted}
    if of_other := len(inside) - len(of_part):
        notes += (f"{of_other} images of other parts not read",)
    of_part, more = top_or_subfolders(of_part)
    same = sorted(folder for folder in folders if PART_WORDS.get(folder.lower()) == wanted)
    if len(same) > 1:
        notes += (f"{' and '.join(map(clean, same))} read as one part",)
    return of_part, (*notes, *counted(ignored, "images beside the parts ignored"), *more)


def read_images(files: Files, names: list[str], options: ReadingOptions) -> tuple[np.ndarray, np.ndarray, Notes]:
    """Decodes image files, or finds them in the cache.

    Returns:
        uint8 (N, H, W, C); the positions in `names` of the readable ones (N,); notes.
    """
    from PIL import __version__ as pillow_version  # import takes time, and other kinds of files do not need Pillow

    size: Size = DEFAULT_SIZE if options.size is None else options.size
    max_pixels, max_bytes = options.max_pixels, options.max_bytes
    check_output(size, (len(names), *height_and_width(size), 3), max_bytes, files.path)
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
    files: Files, names: list[str], size: Size, max_pixels: int, max_bytes: int
) -> tuple[np.ndarray, np.ndarray, Notes]:
    """`read_images` without the cache."""
    from minidiff.data.readers.image_file import (  # imports Pillow, as above
        UNREADABLE,
        central_part,
        crop,
        decode_image,
        is_animated,
        is_transparent,
        opaque,
    )  # fmt: skip

    height, width = height_and_width(size)
    images = np.empty((len(names), height, width, 3), np.uint8)
    positions: list[int] = []
    skipped = []
    num_cropped, num_enlarged, num_transparent, num_animated, all_gray = 0, 0, 0, 0, True
    for i, name in enumerate(names):
        try:
            content = read_image_file(files, name, min(max_bytes, MAX_IMAGE_BYTES))
            stored = decode_image(content, max(height, width), max_pixels)
            image = opaque(stored)
        except UNREADABLE as error:
            skipped.append(f"{clean(name)} ({str(error).splitlines()[0][:100] if str(error) else 'damaged'})")
            continue
        num_transparent += is_transparent(stored)
        num_animated += is_animated(stored)
        num_cropped += central_part(image, height, width) != (0, 0, image.width, image.height)
        num_enlarged += image.width < width or image.height < height
        all_gray &= image.mode == "L"
        images[len(positions)] = np.asarray(crop(image, height, width)).reshape(
            height, width, -1
        )  # gray fills all channels
        positions.append(i)
    if not positions:
        raise MinidiffError(
            f"{files.path}: none of {len(names)} files is a readable image, the first is {skipped[0]}; "
            "give a folder or archive of images"
        )
    images = images[: len(positions), :, :, :1].copy() if all_gray else images[: len(positions)]

    notes = [f"resized to {height} x {width}"]
    if num_cropped:
        part = "the central square" if height == width else f"the proportions {height} : {width} at the center"
        notes.append(f"{num_cropped} images cropped to {part}")
    if num_enlarged:
        limit = f"{height} pixels" if height == width else f"{height} x {width} pixels"
        notes.append(f"{num_enlarged} images smaller than {limit} enlarged")
    if num_transparent:
        notes.append(f"{num_transparent} images with transparency: transparent pixels became white")
    if num_animated:
        notes.append(f"{num_animated} files with several images: the first is used")
    if all_gray:
        notes.append("every image is gray: one channel")
    if skipped:
        listed = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        notes.append(f"{len(skipped)} files left out: {listed}")
    return images, np.array(positions), tuple(notes)


def read_image_file(files: Files, name: str, max_bytes: int) -> io.BytesIO:
    """The content of an image file; raises one of UNREADABLE if it is none, larger, or written by minidiff.

    It is read in chunks: `stream.read(n)` allocates n bytes, and Pillow would pass it lengths found in the file.
    """
    if files.size(name) > max_bytes:
        raise ValueError(f"larger than {max_bytes:,} bytes")
    content = io.BytesIO()
    with files.open(name) as stream:
        head = stream.read(HEAD)
        if not is_image(head):
            raise ValueError("not an image of a supported format")
        if MARK in head:
            raise ValueError("a sheet or figure that minidiff has written")
        content.write(head)
        while chunk := stream.read(CHUNK):
            content.write(chunk)
    content.seek(0)
    return content
