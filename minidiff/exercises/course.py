"""The table of the notebooks, with the modules that each of them explains.

The docstring of a module ends with "Read more: `tutorials/05_backpropagation.ipynb`". The first cell of the notebook
links to the module. Tests compare both with this table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course.

    Attributes:
        name: of its file without `.ipynb`; with the prefix "ex", of its module of exercises.
        title: its heading without the number.
        modules: files of the library that link to it, and to which it links.
    """

    name: str
    title: str
    modules: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """The prefix of its exercises' names: "ex05"."""
        return f"ex{self.name[:2]}"

    @property
    def link(self) -> str:
        """The text that links a module to it."""
        return f"Read more: `tutorials/{self.name}.ipynb`"


NOTEBOOKS = (
    Notebook("00_tour", "Ten-minute tour", ("minidiff/cli.py",)),
    Notebook("01_data", "Data", ("minidiff/data/__init__.py", "minidiff/data/synthetic/drawing.py")),
    Notebook("02_noise", "Noise", ("minidiff/schedule.py", "minidiff/curves.py")),
    Notebook("03_without_a_network", "Diffusion without a network", ("minidiff/denoiser.py", "minidiff/oracles.py")),
    Notebook("04_points", "Points in the plane", ("minidiff/points.py",)),
    Notebook(
        "05_backpropagation",
        "Backpropagation by hand",
        (
            "minidiff/layers/__init__.py",
            "minidiff/layers/linear.py",
            "minidiff/layers/norm.py",
            "minidiff/layers/attention.py",
            "minidiff/kernels/norm.py",
            "minidiff/kernels/softmax.py",
            "minidiff/kernels/attention.py",
            "minidiff/gradient_check.py",
        ),
    ),
    Notebook(
        "06_convolution",
        "Convolution, slow then fast",
        (
            "minidiff/kernels/__init__.py",
            "minidiff/kernels/convolution.py",
            "minidiff/kernels/winograd.py",
            "minidiff/kernels/winograd_convolution.py",
            "minidiff/layers/convolution.py",
        ),
    ),
    Notebook("07_unet", "The U-Net", ("minidiff/unet.py",)),
    Notebook(
        "08_training",
        "Training",
        ("minidiff/training.py", "minidiff/optim.py", "minidiff/kernels/muon.py", "minidiff/parallel.py"),
    ),
    Notebook("09_sampling", "Sampling", ("minidiff/sampling.py", "minidiff/samplers.py")),
    Notebook("10_editing", "Editing", ("minidiff/editing.py",)),
    Notebook("11_what_goes_wrong", "What goes wrong", ("minidiff/divergence.py",)),
)
