"""The plain kernels, the reference implementation: every function reads as its formula."""
