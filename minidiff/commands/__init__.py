"""The commands of `minidiff`, one module each: `add_command` adds the parser, `run` executes the command.

`run` imports what it needs itself, so that `minidiff --help` does not wait for it.
"""
