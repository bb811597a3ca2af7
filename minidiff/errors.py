"""The one error a user can cause.

Every mistake in a file, an argument or a combination of options raises `MinidiffError`. Its message is one line that
says what is wrong and what to do; the command line prints that line and nothing else. Anything else that is raised is
a bug in minidiff and deserves its traceback.
"""


class MinidiffError(Exception):
    """A mistake in the user's input: the message says what is wrong and what to do about it."""
