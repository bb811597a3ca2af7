"""The options with which every kernel is compiled.

* `nogil`: a kernel releases the GIL, so threads run in parallel. `cache`: it is compiled once per machine, not once per
  process.
* `fastmath`: the flags that let the compiler fuse, reorder and vectorize sums, but not those that assume that NaN and
  infinity never occur: if training diverges, the loss must show it.
* `error_model`: a division by zero gives infinity, as in NumPy. By default it raises an exception, and the check for
  that in every iteration prevents vectorization (four times slower, measured on SiLU).
* `forceinline`: whether a function is always inlined where a kernel calls it. There are two sets of options:
  KERNEL_OPTIONS for functions that Python calls, HELPER_OPTIONS for those that kernels call. The reason is that every
  kernel holds its own copy of the functions that it calls and that are not inlined, optimized together with the kernel,
  so the copies may round differently. They have the same name, and a process uses the copy that was loaded first for
  all kernels. So the result would depend on the order in which kernels are compiled or loaded, and a first run, which
  compiles, would differ from the next one, which loads. For the same reason, kernels calculate with loops, not with
  functions on whole arrays such as `sum`, which are not inlined either.
* `no_cfunc_wrapper`: the function is not called from C. Numba would compile it a second time for that.
"""

from typing import Any

KERNEL_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
    "error_model": "numpy",
    "forceinline": False,
    "no_cfunc_wrapper": True,
}

HELPER_OPTIONS: dict[str, Any] = KERNEL_OPTIONS | {"forceinline": True}
