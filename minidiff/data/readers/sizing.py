"""Images in an array to the size a network wants: padded, or cut square and shrunk."""

import math

import numpy as np

from minidiff.errors import MinidiffError

SIZE_MULTIPLE = 8  # so that a network can halve the images three times
MAX_SIZE = 4096


def fit(images, size, max_bytes, where, fill=None):
    """Bring images to a size.

    Args:
        images: uint8 (N, H, W, C).
        size: height and width to come out. By default each grows to the next multiple of 8 (28 becomes 32). Smaller
            images are padded; larger ones are cut to the square in their middle and shrunk.
        max_bytes: limit on the outcome.
        where: names the file in messages.
        fill: what to pad with. By default the background, if most pixels of the rim have one value; otherwise each
            pixel of the rim is continued.

    Returns:
        uint8 (N, height, width, C) and notes.

    Raises:
        MinidiffError: size out of range, or more than max_bytes.
    """
    N, H, W, C = images.shape
    if size is not None and not 1 <= size <= MAX_SIZE:
        raise MinidiffError(f"{where}: size is {size}; give a size from 1 to {MAX_SIZE} pixels")
    target = tuple(math.ceil(side / SIZE_MULTIPLE) * SIZE_MULTIPLE for side in (H, W)) if size is None else (size, size)
    if N * target[0] * target[1] * C > max_bytes:
        raise MinidiffError(
            f"{where}: {N} images of {target[0]} x {target[1]} take more than {max_bytes:,} bytes; "
            "give a smaller size or num_images, or raise max_bytes"
        )
    if target == (H, W):
        return images, ()
    if target[0] < H or target[1] < W:
        return shrink(images, size)
    return pad(images, target, fill)


def pad(images, target, fill=None):
    """Pad (N, H, W, C) evenly on all sides to the target (height, width); returns the images and a note."""
    H, W = images.shape[1:3]
    top, left = (target[0] - H) // 2, (target[1] - W) // 2
    margins = ((0, 0), (top, target[0] - H - top), (left, target[1] - W - left), (0, 0))
    fill = background(images) if fill is None else fill
    how = "the pixels of their rim" if fill is None else f"{fill}"
    options = {"mode": "edge"} if fill is None else {"constant_values": fill}
    return np.pad(images, margins, **options), (f"padded with {how} from {H} x {W} to {target[0]} x {target[1]}",)


def background(images):
    """The value that more than half of the numbers in the outermost rows and columns have, or None."""
    rim = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    counts = sum(np.bincount(side.ravel(), minlength=256) for side in rim)
    return int(counts.argmax()) if 2 * counts.max() > counts.sum() else None


def shrink(images, size):
    """Cut (N, H, W, C) to the square in the middle and resize it with a Lanczos filter; returns images and notes."""
    from PIL import Image

    N, H, W, C = images.shape
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    shrunk = np.empty((N, size, size, C), np.uint8)
    for i in range(N):
        cut = images[i, top : top + side, left : left + side]
        image = Image.fromarray(np.ascontiguousarray(cut[..., 0] if C == 1 else cut))
        shrunk[i] = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS)).reshape(size, size, C)
    notes = (f"cropped from {H} x {W} to the square in the middle",) if H != W else ()
    return shrunk, (*notes, f"resized from {side} x {side} to {size} x {size}")
