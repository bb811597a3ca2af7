"""A hand-in cannot read the checks and solutions by the plain ways, even if it changes the guard."""

import subprocess
import sys

PROGRAM = """
import os, re
from minidiff.exercises.grading import guard

old_folder = guard.FOLDER
guard.forbid_checks()
for name in ("SECRET_FILE", "SECRET_MODULE"):
    setattr(guard, name, re.compile("(?!)"))
guard.FOLDER, os.path.realpath = "/nowhere/", lambda path: "/nowhere"
for name in ("ex05_backpropagation.py", "solutions/ex05_backpropagation.py"):
    try:
        open(old_folder + name)
    except PermissionError:
        print("refused")
for name in ("ex05_backpropagation", "solutions"):
    try:
        __import__(f"minidiff.exercises.{name}")
    except ModuleNotFoundError:
        print("refused")
"""


def test_the_guard_does_not_depend_on_names_that_a_hand_in_can_replace():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.split() == ["refused"] * 4
