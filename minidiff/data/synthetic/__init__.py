"""Synthetic data: cats, shapes and landscapes drawn from random attributes."""
