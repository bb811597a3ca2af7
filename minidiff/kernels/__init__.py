"""The kernels: Numba functions on plain arrays, each on one thread and without the GIL.

Each fast kernel is tested against a plain version that reads like the formula: naive loops with the same arguments
beside it, or NumPy in its test. Kernels accept float32, for speed, and float64, for gradient checks.

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""
