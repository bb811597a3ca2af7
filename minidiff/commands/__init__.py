"""The commands of `minidiff`, a file each: `add_command` describes the options, `run` does what was asked."""
