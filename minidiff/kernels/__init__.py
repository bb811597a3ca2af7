"""The kernels: functions on plain arrays that the layers and the optimizers are made of, in two complete sets.

`plain/` is the reference implementation, `fast/` computes the same in less time, and `sets.py` lists the functions of
both. Kernels run on one thread and accept float32, for speed, and float64, for gradient checks.

Read more: `tutorials/06_convolution.ipynb`; `tutorials/speed.md`.
"""

from minidiff.kernels.cache import find_cache

CACHE = find_cache()
