"""The loops: Numba functions over plain arrays, each on one thread and without Python's lock.

A fast kernel has a plain twin that reads as the formula: naive loops of the same arguments beside it, or NumPy in its
test, which holds the two together. They take float32, for speed, and float64, for checking gradients.

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""
