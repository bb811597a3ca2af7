"""minidiff beside a deep-learning framework: the same network, the same numbers, and how long each takes.

PyTorch is needed by `torch_unet` and `against_torch` alone, and is imported only when a comparison is asked for.
"""
