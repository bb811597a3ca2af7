"""The first bytes of image files: whether a file is an image at all, and whether minidiff has written it.

Sheets and figures of minidiff are marked, because they are often written beside the images that a network learns from,
and are no images to learn from.
"""

HEAD = 4096  # bytes that contain the signature and the mark
SIGNATURES = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    *(b"P%d" % kind for kind in range(1, 8)), b"Pf", b"PF",
)  # fmt: skip
MARK = b"written by minidiff"  # in the metadata of a PNG, in the comment of a GIF


def is_image(head: bytes) -> bool:
    """Whether a file begins like an image of one of the formats that `image_file.py` decodes."""
    return head.startswith(SIGNATURES) or head[4:8] == b"ftyp"  # AVIF
