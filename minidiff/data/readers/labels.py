"""From the numbers in a labels file to labels 0, 1, 2 ... and the names of the classes."""

import numpy as np

from minidiff.errors import MinidiffError

MAX_CLASSES = 10_000


def to_labels(array, num_images, where):
    """Labels of any common form.

    Args:
        array: (N,) or (N, 1) whole numbers of any type, or (N, K) with a single 1 in each row (one-hot).
        num_images: N.
        where: names the file in messages.

    Returns:
        int64 (N,) or None, class names (the numbers as text), and notes: None where the numbers are measurements or
        several labels an image, which the notes then say.

    Raises:
        MinidiffError: not as many labels as images, or negative ones.
    """
    if array.shape[:1] != (num_images,):
        raise MinidiffError(
            f"{where}: {array.dtype} {array.shape} cannot be the labels of {num_images} images; "
            "give the labels that belong to these images"
        )
    notes = ()
    if array.ndim > 2 or array.dtype.kind not in "buif":
        return None, (), (f"{array.dtype} {array.shape} in {where.name} cannot be labels: left out",)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            return None, (), (f"{where.name} holds {array.shape[1]} numbers an image, not one class: left out",)
        notes = (f"labels are one-hot: column 0 to {array.shape[1] - 1} became class 0 to {array.shape[1] - 1}",)
        return array.argmax(axis=1), tuple(str(label) for label in range(array.shape[1])), notes
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        return None, (), (f"{where.name} holds measurements, not classes: left out",)
    values, labels = np.unique(array, return_inverse=True)
    if values[0] < 0:
        raise MinidiffError(
            f"{where}: labels run from {values[0]} to {values[-1]}; number the classes from 0, or give no labels"
        )
    largest = int(values[-1])
    if len(values) > MAX_CLASSES:
        return None, (), (f"{where.name} holds {len(values)} different numbers, too many for classes: left out",)
    if largest < MAX_CLASSES and largest + 1 - len(values) <= len(values):  # some classes may have no image
        return array.astype(np.int64), tuple(str(label) for label in range(largest + 1)), notes
    return labels.astype(np.int64), tuple(str(int(value)) for value in values), notes
