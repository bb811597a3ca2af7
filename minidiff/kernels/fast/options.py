"""The options with which every kernel is compiled.

* `nogil`: a kernel releases the GIL, so threads run in parallel. `cache`: it is compiled once per machine, not once per
  process.
* `fastmath`: the flags that let the compiler fuse, reorder and vectorize sums, but not those that assume that NaN and
  infinity never occur: if training diverges, the loss must show it.
* `error_model`: a division by zero gives infinity, as in NumPy. By default it raises an exception, and the check for
  that in every iteration prevents vectorization (four times slower, measured on SiLU).
"""

from typing import Any

KERNEL_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
    "error_model": "numpy",
}
