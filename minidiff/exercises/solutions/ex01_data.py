"""Solutions of the exercises of `tutorials/01_data.ipynb`."""

import numpy as np


# Transposing permutes the axes, which reshape does not; then 0 becomes -1 and 1 remains 1.
def to_network(images):
    return (2 * images.transpose(0, 2, 3, 1) - 1).astype(np.float32)


# Inside of the first disc (a is negative) and outside of the second (-b is negative): both together are a maximum.
def crescent(x, y):
    a = np.hypot(x, y) - 0.6
    b = np.hypot(x - 0.3, y + 0.1) - 0.5
    return np.maximum(a, -b)


# By symmetry one quarter is enough: |x| and |y|. u and v are the distances beyond the right and the upper side. Beyond
# both, the corner is nearest; beyond one, that side; beyond none, the nearer side, with a minus.
def box(x, y, half_width, half_height):
    u, v = np.abs(x) - half_width, np.abs(y) - half_height
    outside = np.hypot(np.maximum(u, 0), np.maximum(v, 0))
    inside = np.minimum(np.maximum(u, v), 0)
    return outside + inside


# The covered part of a pixel has the color, the rest remains.
def paint(canvas, coverage, color):
    amount = coverage[:, :, None]
    return canvas + amount * (color - canvas)


# The smaller half of the margin is left out at the beginning, and the rest at the end.
def middle_square(image):
    height, width, _ = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
