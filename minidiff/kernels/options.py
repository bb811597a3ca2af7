"""How every kernel is compiled.

* `nogil`: a kernel runs beside other threads. `cache`: it is compiled once per machine, not once per process.
* `fastmath`: the flags that let the compiler fuse, reorder and vectorize sums, but not those that assume NaN and
  infinity never occur: a run that diverges must show it.
* `error_model`: a division by zero gives infinity, as in NumPy. The default raises an exception, and the test for it
  in every turn of a loop keeps the loop from being vectorized (four times slower, measured on SiLU).
"""

KERNEL_OPTIONS = {
    "nogil": True,
    "cache": True,
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
    "error_model": "numpy",
}
