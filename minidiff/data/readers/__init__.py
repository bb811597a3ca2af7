"""Readers for files: folders and archives of images, IDX, NumPy and CIFAR files."""
