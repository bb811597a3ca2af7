"""What the commands say in the same words: memory taken, warnings, lines that hold names from files."""

import sys

from minidiff.benchmark.memory import peak_memory


def memory_taken():
    """ ", at most 512 MB of memory", or nothing where that is not known."""
    peak = peak_memory()
    return "" if peak is None else f", at most {peak:.0f} MB of memory"


def warn(line):
    """Says something on standard error that does not stop the command."""
    print(f"minidiff: {one_line(line)}", file=sys.stderr)


def one_line(message):
    """A message without line breaks and control characters, whatever is in the names of files and classes it quotes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(message))
