"""The version of minidiff; setup.cfg reads it from here."""

__version__ = "1.0.0"
