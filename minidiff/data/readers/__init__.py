"""Readers for everything on disk: folders and archives of images, IDX, NumPy and CIFAR files."""
