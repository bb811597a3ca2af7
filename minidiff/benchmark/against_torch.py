"""The same U-Net in PyTorch: agreement of outputs and gradients, and a comparison of speed.

`torch_unet.py` is the U-Net as it is usually written in PyTorch, with the same weights. `agreement` compares outputs
and gradients. `race` times the training step and the sampling of both in turns, with the same number of threads.
PyTorch is timed in several modes, contiguous or channels_last, eager or compiled, and the fastest one counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from minidiff.benchmark import torch_unet
from minidiff.benchmark.network import random_images, sampling_step, training_step
from minidiff.benchmark.timing import take_turns
from minidiff.errors import MinidiffError
from minidiff.gradient_check import relative_error
from minidiff.layers import shapes_of
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from minidiff.runs.torch_layout import from_torch, to_torch, torch_name
from minidiff.unet import UNet, UNetConfig


def build(config: UNetConfig, parameters: Parameters) -> torch_unet.UNet:
    """Creates the PyTorch network with minidiff's weights, in their dtype."""
    weights = {name: torch.from_numpy(value) for name, value in to_torch(parameters).items()}
    module = torch_unet.UNet(**config.as_dict()).to(torch.from_numpy(parameters.vector).dtype)
    expected = {name: weight.shape for name, weight in module.state_dict().items()}
    if {name: weight.shape for name, weight in weights.items()} != expected:
        raise MinidiffError("the parameters belong to another network; create them with UNet(config)")
    module.load_state_dict(weights)
    return module


def gradients(module: torch_unet.UNet, config: UNetConfig) -> np.ndarray:
    """The gradients that `loss.backward()` left in a network from `build`, flat (size,), in minidiff's order.

    Those of entries and exits that the images did not take are zero.
    """
    shapes, weights = shapes_of(UNet(config).children), dict(module.named_parameters())
    tensors = {}
    for name in map(torch_name, shapes):
        gradient = weights[name].grad
        tensors[name] = (torch.zeros_like(weights[name]) if gradient is None else gradient).detach().numpy()
    return from_torch(shapes, tensors)


def agreement(config: UNetConfig) -> tuple[float, float]:
    """The `relative_error` of the outputs of both programs for the same parameters, inputs and upstream gradient, and
    that of their gradients with respect to all parameters.
    """
    rng, batch = np.random.default_rng(0), 2
    network = UNet(config)
    p = network.create_parameters()
    p.vector += 0.02 * rng.standard_normal(p.size, np.float32)  # no parameter stays zero
    z, upstream = rng.standard_normal((2, batch, *config.example_shape), np.float32)
    log_sigma = rng.standard_normal(batch)
    labels = rng.integers(0, config.num_classes + 1, batch) if config.num_classes else None
    prediction, caches = network.forward(p, z, log_sigma, labels)
    g = p.zeros_like()
    network.backward(p, g, caches, upstream)

    module = build(config, p)
    torch_labels = None if labels is None else torch.from_numpy(labels)
    torch_prediction = module(_channels_first(z), torch.from_numpy(log_sigma), torch_labels)
    torch_prediction.backward(_channels_first(upstream))
    outputs = torch_prediction.detach().permute(0, 2, 3, 1).numpy()
    return relative_error(prediction, outputs), relative_error(g.vector, gradients(module, config))


@dataclass(frozen=True)
class Mode:
    """How PyTorch runs the network.

    Attributes:
        channels_last: whether channels are last in memory.
        compiled: by torch.compile (Inductor), or eager.
        frozen: whether the compiled network has its weights as constants, in a layout for them; not for training.
    """

    channels_last: bool = True
    compiled: bool = False
    frozen: bool = False

    def __str__(self) -> str:
        layout, way = "channels_last" if self.channels_last else "contiguous", "compiled" if self.compiled else "eager"
        return f"{layout}, {way}" + (", frozen" if self.frozen else "")


def torch_training_step(config: UNetConfig, batch: int, threads: int, mode: Mode) -> Callable[[], None]:
    """A function that does one training step of the U-Net with AdamW in PyTorch, as `training.py` does."""
    module, memory_format = _module(config, threads, mode)
    # PyTorch's fastest AdamW: one fused pass over the parameters, as in minidiff
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    images = random_images(config, batch)
    x0 = _channels_first(images.pixels(np.arange(batch))).contiguous(memory_format=memory_format)
    labels = None if images.labels is None else torch.from_numpy(images.labels)

    def step() -> None:
        eps = torch.randn_like(x0)
        log_sigma = 1.2 * torch.randn(batch, dtype=torch.float64)
        noise = torch.sigmoid(log_sigma).to(x0.dtype)[:, None, None, None]  # flow matching: signal = 1 - noise
        z = (1 - noise) * x0 + noise * eps
        loss = torch.nn.functional.mse_loss(module(z, log_sigma, labels), eps - x0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def torch_sampling_step(config: UNetConfig, batch: int, threads: int, mode: Mode) -> Callable[[], None]:
    """A function that evaluates PyTorch's network once for a batch, as one sampler step does."""
    module, memory_format = _module(config, threads, mode)
    shape = (batch, config.image_channels, config.height, config.width)
    z = torch.randn(shape).contiguous(memory_format=memory_format)
    labels = torch.arange(batch) % config.num_classes if config.num_classes else None
    log_sigma = torch.zeros(batch, dtype=torch.float64)

    def step() -> None:
        with torch.inference_mode():
            module(z, log_sigma, labels)

    return step


def torch_convolution(channels_last: bool, threads: int) -> Callable[..., Callable[[], None]]:
    """The `kernels.Rival` that runs forward and backward of a 3x3 convolution in PyTorch."""
    memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def make(x: np.ndarray, weight: np.ndarray, dy: np.ndarray) -> Callable[[], None]:
        torch.set_num_threads(threads)
        inputs = [
            _channels_first(x).contiguous(memory_format=memory_format),
            torch.from_numpy(weight).permute(3, 2, 0, 1).contiguous(memory_format=memory_format),
            torch.zeros(weight.shape[3]),  # bias
        ]
        upstream = _channels_first(dy).contiguous(memory_format=memory_format)
        for tensor in inputs:
            tensor.requires_grad_(True)

        def run() -> None:
            torch.autograd.grad(torch.nn.functional.conv2d(*inputs, padding=1), inputs, upstream)

        return run

    return make


def race(config: UNetConfig, workers: Workers, rounds: int = 7, compiled: bool = True) -> Iterator[list]:
    """Times the training step and the sampling of minidiff and PyTorch in turns, with the same number of threads.

    `compiled` includes torch.compile, which compiles for minutes. Yields rows [task, ms per image of minidiff, of
    PyTorch in its fastest mode, that mode, ratio].
    """
    modes = [Mode(channels_last=False), Mode()]
    if compiled:
        modes.append(Mode(compiled=True))  # the contiguous layout was never the fastest when compiled
    for task, batch in (("training step", 16), ("training step", 4), ("sampling", 16)):
        steps: dict[str, Callable[[], object]] = {
            "minidiff": sampling_step(config, batch, workers)
            if task == "sampling"
            else training_step(config, batch, "adamw", workers)[0]
        }
        torch_step = torch_sampling_step if task == "sampling" else torch_training_step
        frozen = [Mode(compiled=True, frozen=True)] if compiled and task == "sampling" else []
        steps |= {str(mode): torch_step(config, batch, workers.threads, mode) for mode in [*modes, *frozen]}
        times = {name: 1e3 * seconds / batch for name, seconds in take_turns(steps, rounds).items()}
        milliseconds = times.pop("minidiff")
        fastest = min(times, key=times.__getitem__)
        yield [f"{task}, batch {batch}", milliseconds, times[fastest], fastest, times[fastest] / milliseconds]


def _module(config: UNetConfig, threads: int, mode: Mode) -> tuple[torch.nn.Module, torch.memory_format]:
    torch.set_num_threads(threads)
    memory_format = torch.channels_last if mode.channels_last else torch.contiguous_format
    module = build(config, UNet(config).create_parameters()).to(memory_format=memory_format)
    if mode.frozen:
        return torch.compile(module.eval().requires_grad_(False), options={"freezing": True}), memory_format
    return torch.compile(module) if mode.compiled else module, memory_format


def _channels_first(images: np.ndarray) -> torch.Tensor:
    """(N, H, W, C) to PyTorch's (N, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
