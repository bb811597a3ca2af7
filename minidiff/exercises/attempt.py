"""Runs code of students: every error is caught and kept, except Ctrl-C.

with Attempt() as attempt:
    answer(x)
if attempt.error is not None: ...
"""

LONGEST_MESSAGE = 300  # characters of an error in one line, with its type and the line of its cell
CUT = " ..."


class Attempt:
    """A context manager whose block may raise anything, even SystemExit: `error` is what it raised, or None."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        self.error = error
        return error is not None and not isinstance(error, KeyboardInterrupt)


def describe(error: BaseException, file: str | None = None) -> str:
    """An error in one line: "ValueError: too many values to unpack (line 3 of its cell)", by its lines in `file`.

    It has at most `LONGEST_MESSAGE` characters, so nothing is cut when the grader describes an error that the worker
    has described before.
    """
    with Attempt() as attempt:  # str(error) is code of a student, too
        message = " ".join(str(error).split())
    if attempt.error is not None:
        message = "(its message cannot be read)"
    lines, traceback = [], error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    where = f" (line {lines[-1]} of its cell)" if lines else ""
    text = type(error).__name__ + (f": {message}" if message else "")
    if len(text) + len(where) > LONGEST_MESSAGE:
        text = text[: LONGEST_MESSAGE - len(where) - len(CUT)] + CUT
    return text + where
