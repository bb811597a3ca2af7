"""What the notebooks of `tutorials/` are made with: the library's own source to read, images, and exercises.

    show(Linear.backward)                         # the function as it stands in the library
    show_images(images, "sixteen shapes")         # pixels in [-1, 1] as a sheet
    check("ex05_1", loss_backward)                # right, or what is wrong and a hint
    solution("ex05_1")                            # one way to write it

`course.py` is the table of the notebooks and `ex05_backpropagation.py` and its neighbors hold their exercises, each a
plain function that looks at an answer (`exercise.py`, `expecting.py`). `grading.py` marks whole folders of hand-ins.

Read more: `tutorials/README.md`.
"""

from minidiff.exercises.checking import check, solution
from minidiff.exercises.figures import show_figure, show_images
from minidiff.exercises.source import show

__all__ = ["check", "show", "show_figure", "show_images", "solution"]
