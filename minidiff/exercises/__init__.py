"""The helpers of the notebooks in `tutorials/`: show the library's source and images, and check exercises.

    show(Linear.backward)                         # the source of a function, from its file
    show_images(images, "sixteen shapes")         # images in [-1, 1] side by side
    check("ex05_1", loss_backward)                # right, or a hint
    solution("ex05_1")                            # one solution

`course.py` is the table of notebooks. Each notebook has a module of exercises, such as `ex05_backpropagation.py`, and a
module of solutions in `solutions/`. `grading/` marks folders of notebooks that students hand in.

Read more: `tutorials/README.md`.
"""

from minidiff.exercises.checking import check, solution
from minidiff.exercises.figures import show_figure, show_images
from minidiff.exercises.source import show

__all__ = ["check", "show", "show_figure", "show_images", "solution"]
