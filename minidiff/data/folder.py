"""A folder of pictures: photographs, drawings, scans, of any size and format that Pillow opens.

    photos/a.jpg, photos/b.png ...                     a set without labels
    photos/cats/a.jpg, photos/dogs/b.jpg ...           one class for each sub-folder, in the order of their names

Every picture is turned upright (EXIF), laid on white where it is transparent, cut to the largest square in its middle,
and resized with a Lanczos filter. Transparency goes before resizing: afterwards the invisible colours of transparent
pixels would have leaked into the rim of the visible ones. Files that cannot be read are left out, counted and named.
"""

import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from minidiff.data.dataset import Dataset
from minidiff.errors import MinidiffError

MAX_PIXELS = 80_000_000  # in one picture
MAX_BYTES = 2**31  # of the whole set, once resized
IGNORED = {"thumbs.db", "desktop.ini"}
SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
GREY = ("1", "L", *SIXTEEN_BIT)
# What Pillow's decoders raise on damaged files.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def load_folder(path, size=64, num_images=None, seed=0, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES):
    """A data set from a folder of pictures.

    Links to places outside the folder, and linked sub-folders, are not followed. Files whose names begin with a dot are
    ignored.

    Args:
        path: the folder; with sub-folders, each of them is a class.
        size: height and width to resize to, in pixels.
        num_images: take this many files, chosen at random; all of them by default.
        seed: of that choice.
        max_pixels: larger pictures are left out.
        max_bytes: limit on the size of the whole set in memory.

    Returns:
        Dataset with images (N, size, size, 3), or (N, size, size, 1) if every picture is grey.

    Raises:
        MinidiffError: no such folder, nothing in it, not one readable picture, or more than max_bytes.
    """
    root = Path(path)
    if not root.is_dir():
        raise MinidiffError(f"{root}: no such folder; check the path")
    if size < 1:
        raise MinidiffError(f"{root}: size is {size}; give at least 1 pixel")
    files, notes = list_files(root)
    if not files:
        raise MinidiffError(f"{root}: the folder holds no files; give one with pictures, or with one folder per class")
    if num_images is not None:
        if not 1 <= num_images <= len(files):
            raise MinidiffError(f"{root}: {num_images} pictures asked for; give a number from 1 to {len(files)}")
        chosen = np.sort(np.random.default_rng(seed).permutation(len(files))[:num_images])
        notes.append(f"{num_images} of {len(files)} files chosen at random, seed {seed}")
        files = [files[i] for i in chosen]
    if len(files) * size * size * 3 > max_bytes:
        raise MinidiffError(
            f"{root}: {len(files)} pictures of {size} x {size} take more than {max_bytes:,} bytes; "
            "give a smaller size or num_images"
        )

    images = np.empty((len(files), size, size, 3), np.uint8)
    kept, skipped, cropped, enlarged, all_grey = [], [], 0, 0, True
    for file in files:
        try:
            picture = open_picture(file, size, max_pixels)
        except UNREADABLE as error:
            skipped.append(f"{file.relative_to(root)} ({str(error).splitlines()[0] if str(error) else 'damaged'})")
            continue
        cropped += picture.width != picture.height
        enlarged += min(picture.size) < size
        all_grey &= picture.mode == "L"
        images[len(kept)] = np.asarray(square(picture, size)).reshape(size, size, -1)  # grey fills all three channels
        kept.append(file)
    if not kept:
        raise MinidiffError(f"{root}: none of {len(files)} files is a readable picture; the first is {skipped[0]}")
    images = images[: len(kept), :, :, :1].copy() if all_grey else images[: len(kept)]

    notes.append(f"resized to {size} x {size}")
    if cropped:
        notes.append(f"{cropped} pictures cropped to the square in their middle")
    if enlarged:
        notes.append(f"{enlarged} pictures were smaller than {size} pixels and have been enlarged")
    if all_grey:
        notes.append("every picture is grey: one channel")
    if skipped:
        named = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        notes.append(f"{len(skipped)} files left out: {named}")
    labels, class_names = classes(root, kept)
    return Dataset(images, labels, class_names, root.resolve().name, str(root), "that of the pictures", tuple(notes))


def list_files(root):
    """The files that may be pictures, sorted, and notes on those passed over.

    Returns:
        list of Path: all files in sub-folders if there are any, otherwise the files in `root` itself.
        list of str.
    """
    inside = root.resolve()
    files, links = [], 0
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            if name.startswith(".") or name.lower() in IGNORED:
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(inside):
                links += 1
                continue
            files.append(file)
    notes = [f"{links} links out of the folder ignored"] if links else []
    in_classes = [file for file in files if file.parent != root]
    if in_classes and len(in_classes) < len(files):
        notes.append(f"{len(files) - len(in_classes)} files beside the class folders ignored")
    return sorted(in_classes or files), notes


def classes(root, files):
    """Labels (N,) and class names from the first folder below `root`, or (None, ()) for a flat folder."""
    if files[0].parent == root:
        return None, ()
    names = [file.relative_to(root).parts[0] for file in files]
    class_names = sorted(set(names))
    return np.array([class_names.index(name) for name in names]), tuple(class_names)


def open_picture(path, size, max_pixels=MAX_PIXELS):
    """One picture, upright, opaque, 8 bits a channel.

    Args:
        path: the file.
        size: a JPEG may be decoded at reduced scale, but not below twice this size.
        max_pixels: a larger picture is refused before it is decoded.

    Returns:
        PIL.Image.Image of mode "L" or "RGB".

    Raises:
        OSError, ValueError and others (see UNREADABLE): the file is no picture, damaged, or too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
        image = Image.open(path)
    with image:
        if image.width * image.height > max_pixels:
            raise ValueError(f"{image.width} x {image.height} is more than {max_pixels:,} pixels")
        image.draft(None, (2 * size, 2 * size))
        image.load()
        return opaque(ImageOps.exif_transpose(image))


def opaque(image):
    """Any mode to "L" or "RGB": 16 bits become 8, palettes become colours, transparency becomes white."""
    if image.mode in SIXTEEN_BIT:
        values = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 / 255 = 257
    if image.mode == "F":
        raise ValueError("floating-point picture, its range is not known")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L" if image.mode in GREY else "RGB")


def square(image, size):
    """The largest square in the middle, resized to size x size."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
