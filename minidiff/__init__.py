"""minidiff: a diffusion model in NumPy and Numba, with hand-written gradients.

The public interface, from data to generated images:

    from minidiff import Trainer, TrainingConfig, UNet, UNetConfig, Workers, data, generate, plotting

Modules in reading order: `schedule` (the forward process), `sampling` (from noise to images), `training`, `unet`,
`layers`, `kernels`. Importing the package is immediate: a name is imported from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minidiff.version import __version__

if TYPE_CHECKING:
    from minidiff import data, editing, plotting, points
    from minidiff.denoiser import Guided, NetworkDenoiser
    from minidiff.errors import MinidiffError
    from minidiff.live import train_live
    from minidiff.oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
    from minidiff.parallel import Workers
    from minidiff.parameters import Parameters
    from minidiff.pretrained import load_pretrained
    from minidiff.sampling import generate, sample
    from minidiff.schedule import Schedule
    from minidiff.training import Trainer, TrainingConfig
    from minidiff.unet import UNet, UNetConfig

MODULES = {
    "Guided": "denoiser",
    "NetworkDenoiser": "denoiser",
    "MinidiffError": "errors",
    "GaussianDenoiser": "oracles",
    "IdealDenoiser": "oracles",
    "MixtureDenoiser": "oracles",
    "Workers": "parallel",
    "Parameters": "parameters",
    "generate": "sampling",
    "load_pretrained": "pretrained",
    "sample": "sampling",
    "Schedule": "schedule",
    "Trainer": "training",
    "TrainingConfig": "training",
    "UNet": "unet",
    "UNetConfig": "unet",
    "train_live": "live",
}

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
    "load_pretrained",
    "plotting",
    "points",
    "sample",
    "train_live",
]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(import_module(f"minidiff.{MODULES[name]}"), name)
    if name in __all__:
        return import_module(f"minidiff.{name}")
    raise AttributeError(f"module 'minidiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
