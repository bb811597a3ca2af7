"""The commands of `minidiff`, one module each: `add_options` describes the options, `run` executes the command.

The docstring of the module is the help text, its first line the one-line help. `run` imports what it needs itself, so
that `minidiff --help` does not wait for it.
"""
