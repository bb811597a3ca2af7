"""minidiff: a diffusion model you can read.

Pure NumPy and Numba, every gradient by hand. The whole path from data to new images:

    from minidiff import Trainer, TrainingConfig, UNet, UNetConfig, Workers, data, generate, plotting

The modules, in the order in which to read them: `schedule` (the process), `sampling` (from noise to image),
`training`, `unet`, `layers`, `kernels`. Importing this package compiles and draws nothing.
"""

from minidiff import data, editing, plotting, points
from minidiff.denoiser import Guided, NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from minidiff.sampling import generate, sample
from minidiff.schedule import Schedule
from minidiff.training import Trainer, TrainingConfig
from minidiff.unet import UNet, UNetConfig
from minidiff.version import __version__

__all__ = [
    "GaussianDenoiser",
    "Guided",
    "IdealDenoiser",
    "MinidiffError",
    "MixtureDenoiser",
    "NetworkDenoiser",
    "Parameters",
    "Schedule",
    "Trainer",
    "TrainingConfig",
    "UNet",
    "UNetConfig",
    "Workers",
    "__version__",
    "data",
    "editing",
    "generate",
    "plotting",
    "points",
    "sample",
]
