"""Text from outside: names of files and classes, versions, metadata, messages of other libraries.

Such text may contain line breaks, terminal escape sequences, marks that reverse the direction of writing, or bytes that
are not UTF-8. It is cleaned where it is read. What is printed, but not in the encoding of the output, falls back.
"""

import codecs
import sys
from typing import Any

FALLBACKS = {"█": "#"}  # for encodings that lack the character on the left


def clean(text: object) -> str:
    """A text as one line: every character that is not printable becomes an escape, such as \\x1b or \\n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def clean_all(value: Any) -> Any:
    """A JSON value with all texts in it cleaned, keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_all(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean_all(item) for key, item in value.items()}
    return value


def fall_back(error: UnicodeError) -> tuple[str, int]:
    """An error handler for encodings: replaces what cannot be encoded, by FALLBACKS or by an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(FALLBACKS.get(c) or c.encode("ascii", "backslashreplace").decode() for c in missing), error.end


codecs.register_error("minidiff", fall_back)


def print_in_any_encoding() -> None:
    """Lets standard output and standard error print every text, whatever their encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not in a notebook, and not if it is closed
            stream.reconfigure(errors="minidiff")
