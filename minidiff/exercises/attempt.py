"""To run what somebody else wrote: whatever it raises is kept and looked at, and stops nothing.

    with Attempt() as attempt:
        answer(x)
    if attempt.error is not None: ...

A student's function may raise anything, even SystemExit. Only Ctrl-C passes, since it is meant for whoever is waiting.
"""

LONGEST_MESSAGE = 200  # characters of somebody else's message that are passed on


class Attempt:
    """A block whose error is kept: `error` is what it raised, or None."""

    def __init__(self):
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.error = error
        return error is not None and not isinstance(error, KeyboardInterrupt)


def describe(error, file=None):
    """An error in one line: "ValueError: too many values to unpack (line 3 of its cell)".

    Args:
        error: an exception.
        file: name of the file or cell whose line is to be named, if the error passed through it.

    Returns:
        string.
    """
    with Attempt() as attempt:  # even the message is somebody else's code
        message = " ".join(str(error).split())
    if attempt.error is not None:
        message = "(its message cannot be read)"
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + " ..."
    lines, traceback = [], error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    where = f" (line {lines[-1]} of its cell)" if lines else ""
    return type(error).__name__ + (f": {message}" if message else "") + where
