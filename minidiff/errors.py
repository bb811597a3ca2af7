"""The exception for mistakes in the user's input.

A wrong file, argument or combination of options raises `MinidiffError`. The command line prints its message and
exits. Any other exception is a bug in minidiff, and its traceback is shown.
"""

from minidiff.text import clean


class MinidiffError(Exception):
    """A mistake in the user's input; the message is one line: the problem, then the remedy."""

    def __str__(self) -> str:
        return clean(super().__str__())  # it may quote what a file contains
