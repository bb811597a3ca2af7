"""The plain kernels, the reference implementation: every function reads as its formula. It imports nothing of `fast`."""
