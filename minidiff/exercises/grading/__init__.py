"""Grading: runs the answers of a folder of notebooks in separate processes and awards points."""
