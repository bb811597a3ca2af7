"""The loops: Numba functions over plain arrays, each on one thread and without Python's lock.

Kernels come in twins, a naive loop that reads as the formula, and a fast one of the same arguments beside it; a test
holds them together. They take float32, for speed, and float64, for checking gradients.

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""
