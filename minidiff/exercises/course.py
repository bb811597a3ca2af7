"""The table of the notebooks.

The docstring of a module that a notebook explains ends with "Read more: `tutorials/05_backpropagation.ipynb`", and the
first cell of the notebook links to the module. Tests check both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course: the name of its file without `.ipynb`, and its heading without the number."""

    name: str
    title: str

    @property
    def prefix(self) -> str:
        """The prefix of its exercises' names: "ex05"."""
        return f"ex{self.name[:2]}"


NOTEBOOKS = (
    Notebook("00_tour", "A first tour"),
    Notebook("01_data", "Data"),
    Notebook("02_noise", "Noise"),
    Notebook("03_without_a_network", "Diffusion without a network"),
    Notebook("04_points", "Points in the plane"),
    Notebook("05_backpropagation", "Backpropagation by hand"),
    Notebook("06_convolution", "Convolution, slow then fast"),
    Notebook("07_unet", "The U-Net"),
    Notebook("08_training", "Training"),
    Notebook("09_sampling", "Sampling"),
    Notebook("10_editing", "Editing"),
    Notebook("11_what_goes_wrong", "What goes wrong"),
    Notebook("12_why_it_works", "Why it works"),
    Notebook("13_likelihood_and_guidance", "Likelihood and guidance"),
    Notebook("14_measuring", "Measuring"),
    Notebook("15_fewer_steps", "Fewer steps"),
)
