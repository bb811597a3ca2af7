"""minidiff: a diffusion model in NumPy and Numba, with hand-written gradients.

The public interface, from data to generated images:

    from minidiff import Trainer, TrainingConfig, UNet, UNetConfig, Workers, data, generate, plotting

Modules in reading order: `schedule` (the forward process), `sampling` (from noise to images), `training`, `unet`,
`layers`, `kernels`. Importing the package neither compiles kernels nor loads matplotlib.
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
