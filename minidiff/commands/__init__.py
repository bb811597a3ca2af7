"""The commands of `minidiff`, one module each: `add_options` describes the options, `run` executes the command.

The docstring of the module is the help text, and its first line the one-line help.
"""
