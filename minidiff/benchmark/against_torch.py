"""The same work in PyTorch, as a rival and as a witness.

`torch_unet.py` holds the very same U-Net, written as a PyTorch user would, with the same weights. Here it is first a
witness, that outputs and gradients agree, and then a rival: its training step and its sampling take turns with ours in
one run, at the best of its ways: contiguous or channels_last, eager or compiled, with as many threads as we have.
"""

import numpy as np

from minidiff.benchmark.network import random_images, sampling_step, training_step
from minidiff.benchmark.timing import take_turns
from minidiff.errors import MinidiffError
from minidiff.unet import UNet


def import_torch():
    """The torch module.

    Raises:
        MinidiffError: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MinidiffError("PyTorch is not installed here; pip install torch, or leave out --against torch") from error
    return torch


def agreement(config, batch=2):
    """How far the two programs differ on the same weights, inputs and upstream gradient.

    Args:
        config: `UNetConfig`.
        batch: images.

    Returns:
        Largest difference relative to the largest number, of the outputs and of the gradients by all parameters.
    """
    torch = import_torch()
    from minidiff.benchmark import torch_unet

    rng = np.random.default_rng(0)
    network = UNet(config)
    p = network.create_parameters()
    p.vector += 0.02 * rng.standard_normal(p.size, np.float32)  # so that nothing is zero
    shape = (batch, config.height, config.width, config.image_channels)
    z, upstream = rng.standard_normal((2, *shape), np.float32)
    log_sigma = rng.standard_normal(batch)
    labels = rng.integers(0, config.num_classes + 1, batch) if config.num_classes else None
    prediction, caches = network.forward(p, z, log_sigma, labels)
    g = p.zeros_like()
    network.backward(p, g, caches, upstream)

    module = torch_unet.build(config, p)
    theirs = module(
        _to_torch(torch, z), torch.from_numpy(log_sigma), None if labels is None else torch.from_numpy(labels)
    )
    theirs.backward(_to_torch(torch, upstream))
    their_gradient = torch_unet.gradients(module, config)
    their_prediction = theirs.detach().permute(0, 2, 3, 1).numpy()
    return _relative(prediction, their_prediction), _relative(g.vector, np.asarray(their_gradient))


def torch_training_step(config, batch, threads, channels_last=True, compiled=False):
    """A function that makes one training step of the U-Net with AdamW in PyTorch, as `training.py` does.

    Args:
        config: `UNetConfig`.
        batch: images.
        threads: that PyTorch may use.
        channels_last, compiled: how PyTorch is to do it.

    Returns:
        Function without arguments.
    """
    torch = import_torch()
    module, memory_format = _module(torch, config, threads, channels_last)
    run = torch.compile(module) if compiled else module
    # PyTorch's own fastest AdamW: one fused pass, like ours
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    images, labels = random_images(config, batch), np.arange(batch) % max(1, config.num_classes)
    x0 = _to_torch(torch, images.pixels(np.arange(batch))).contiguous(memory_format=memory_format)
    labels = torch.from_numpy(labels) if config.num_classes else None

    def step():
        eps = torch.randn_like(x0)
        log_sigma = 1.2 * torch.randn(batch, dtype=torch.float64)
        u = torch.sigmoid(log_sigma).to(x0.dtype)[:, None, None, None]
        z = (1 - u) * x0 + u * eps
        loss = torch.nn.functional.mse_loss(run(z, log_sigma, labels), eps - x0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def torch_sampling_step(config, batch, threads, channels_last=True, compiled=False):
    """A function that asks PyTorch's network once for a batch; arguments as in `torch_training_step`."""
    torch = import_torch()
    module, memory_format = _module(torch, config, threads, channels_last)
    run = torch.compile(module) if compiled else module
    shape = (batch, config.image_channels, config.height, config.width)
    z = torch.randn(shape).contiguous(memory_format=memory_format)
    labels = torch.arange(batch) % config.num_classes if config.num_classes else None
    log_sigma = torch.zeros(batch, dtype=torch.float64)

    def step():
        with torch.inference_mode():
            run(z, log_sigma, labels)

    return step


def torch_convolution(channels_last, threads):
    """A rival for `kernels.convolution_rates`: makes forward and backward of a 3x3 convolution in PyTorch."""
    torch = import_torch()
    memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def make(x, weight, dy):
        torch.set_num_threads(threads)
        x, dy = (_to_torch(torch, array).contiguous(memory_format=memory_format) for array in (x, dy))
        weight = torch.from_numpy(weight).permute(3, 2, 0, 1).contiguous(memory_format=memory_format)
        bias = torch.zeros(len(weight))
        inputs = [tensor.requires_grad_(True) for tensor in (x, weight, bias)]

        def run():
            y = torch.nn.functional.conv2d(*inputs, padding=1)
            torch.autograd.grad(y, inputs, dy)

        return run

    return make


def race(config, workers, batches=(16, 4), rounds=7, compiled=True):
    """Training steps and sampling, ours and PyTorch's in turns.

    Args:
        config: `UNetConfig`.
        workers: `Workers`; PyTorch gets as many threads.
        batches: of the training step; sampling takes the largest.
        rounds: of timing.
        compiled: whether to try torch.compile too, which takes minutes to compile.

    Yields:
        Rows [what, ms an image of ours, of PyTorch's best, which way that was, ratio], each when it is known.
    """
    threads = workers.threads
    # (channels_last, compiled); compiling the contiguous layout too takes minutes and was never the fastest
    ways = [(False, False), (True, False), *([(True, True)] if compiled else [])]
    for batch in batches:
        theirs = {_way(*way): torch_training_step(config, batch, threads, *way) for way in ways}
        ours, _ = training_step(config, batch, "adamw", workers)
        yield _compare(f"training step, batch {batch}", ours, theirs, batch, rounds)
    batch = max(batches)
    theirs = {_way(*way): torch_sampling_step(config, batch, threads, *way) for way in ways}
    yield _compare(f"sampling, batch {batch}", sampling_step(config, batch, workers), theirs, batch, rounds)


def _compare(name, ours, theirs, batch, rounds):
    seconds = take_turns({"ours": ours} | theirs, rounds)
    best = min(theirs, key=seconds.get)
    milliseconds = {way: 1e3 * seconds[way] / batch for way in seconds}
    return [name, milliseconds["ours"], milliseconds[best], best, milliseconds[best] / milliseconds["ours"]]


def _way(channels_last, compiled):
    return f"{'channels_last' if channels_last else 'contiguous'}, {'compiled' if compiled else 'eager'}"


def _module(torch, config, threads, channels_last):
    from minidiff.benchmark import torch_unet

    torch.set_num_threads(threads)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    module = torch_unet.build(config, UNet(config).create_parameters())
    return module.to(memory_format=memory_format), memory_format


def _to_torch(torch, images):
    """(N, H, W, C) to PyTorch's (N, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)


def _relative(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
