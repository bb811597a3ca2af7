"""The network of `minidiff/unet.py` in PyTorch, as it is usually written there, and the conversion of weights.

With equal weights both networks must give equal predictions and equal gradients, so PyTorch's automatic differentiation
checks the handwritten gradients of minidiff. In the benchmarks the same network is timed, so nothing in it is slower
than necessary. On a CPU it is fastest in the memory format that keeps channels last:

    module = build(config, parameters).to(memory_format=torch.channels_last)
    z = z.to(memory_format=torch.channels_last)

Every layer takes and returns that format without copies. The axes of images and weights differ from minidiff's: images
are (N, C, H, W), a weight (k, k, C, K) is (K, C, k, k), and a weight (in, out) of a linear layer is (out, in).
"""

import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import minidiff.unet
from minidiff.errors import MinidiffError
from minidiff.layers.time import NUM_FREQUENCIES
from minidiff.parameters import Parameters
from minidiff.unet_config import UNetConfig


class TimeEmbedding(nn.Module):
    """Fourier features of the noise level, two linear layers, and a class embedding."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        frequencies = torch.from_numpy(np.geomspace(0.25, 16.0, NUM_FREQUENCIES))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.linear1 = nn.Linear(2 * NUM_FREQUENCIES, channels)
        self.linear2 = nn.Linear(channels, channels)
        self.classes = nn.Embedding(num_classes + 1, channels) if num_classes else None

    def forward(self, log_sigma: Tensor, labels: Tensor | None) -> Tensor:
        """Maps ln(noise / signal) (N,) and labels (N,) to the time vector (N, channels)."""
        angles = log_sigma[:, None] * self.frequencies
        features = 1.4 * torch.cat([angles.sin(), angles.cos()], dim=1)
        h = F.silu(self.linear1(features.to(self.linear1.weight.dtype)))
        h = self.linear2(h)
        if self.classes is not None:
            if labels is None:
                labels = torch.full_like(log_sigma, self.classes.num_embeddings - 1, dtype=torch.long)
            h = h + self.classes(labels)
        return F.silu(h)


class ResidualBlock(nn.Module):
    """Two convolutions, conditioned on the time vector, and a residual connection."""

    def __init__(self, in_channels: int, out_channels: int, time_channels: int, num_groups: int, film: bool) -> None:
        super().__init__()
        self.scales = film
        self.norm1 = nn.GroupNorm(num_groups, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(time_channels, (2 if film else 1) * out_channels)
        self.norm2 = nn.GroupNorm(num_groups, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.carry = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor, time_vector: Tensor) -> Tensor:
        """Maps (N, C, H, W) and the time vector to (N, K, H, W)."""
        h = self.conv1(F.silu(self.norm1(x)))
        a_b, h = self.film(time_vector)[:, :, None, None], self.norm2(h)
        if self.scales:
            a, b = a_b.chunk(2, dim=1)
            h = torch.addcmul(b, h, 1 + a)
        else:
            h = h + a_b
        return self.conv2(F.silu(h)) + self.carry(x)


class SelfAttention(nn.Module):
    """Multi-head self-attention over the pixels, and a residual connection."""

    def __init__(self, channels: int, head_channels: int, num_groups: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        self.norm = nn.GroupNorm(num_groups, channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to the same shape."""
        N, C, H, W = x.shape
        h = self.norm(x).permute(0, 2, 3, 1).flatten(1, 2)  # (N, S, C), a view if channels are last
        qkv = self.qkv(h).unflatten(2, (3, -1, self.head_channels))  # (N, S, 3, heads, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (N, heads, S, d) each
        h = F.scaled_dot_product_attention(q, k, v)
        h = self.projection(h.transpose(1, 2).reshape(N, H * W, C))
        return x + h.unflatten(1, (H, W)).permute(0, 3, 1, 2)


class Level(nn.Module):
    """The layers of one resolution, on the way down or up."""

    def __init__(
        self, blocks: list[ResidualBlock], attention: SelfAttention | None = None, resample: nn.Conv2d | None = None
    ) -> None:
        super().__init__()
        self.blocks, self.attention, self.resample = nn.ModuleList(blocks), attention, resample

    def forward(self, h: Tensor, time_vector: Tensor) -> Tensor:
        """Applies the blocks and the attention to (N, C, H, W)."""
        for block in self.blocks:
            h = block(h, time_vector)
        return h if self.attention is None else self.attention(h)


class UNet(nn.Module):
    """The U-Net of a `UNetConfig`."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        channels, depth = config.channels, len(config.channels)
        time, groups = config.time_channels, config.num_groups

        def blocks(in_channels: int, out_channels: int, count: int = config.blocks_per_level) -> list[ResidualBlock]:
            sizes = [in_channels] + [out_channels] * (count - 1)
            return [ResidualBlock(size, out_channels, time, groups, config.film) for size in sizes]

        def attention(level: int) -> SelfAttention | None:
            if level < depth - config.attention_levels:
                return None
            return SelfAttention(channels[level], config.head_channels, groups)

        self.time = TimeEmbedding(time, config.num_classes)
        self.conv_in = nn.Conv2d(config.image_channels, channels[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, size in enumerate(channels[:-1]):
            downsample = nn.Conv2d(size, channels[level + 1], 3, stride=2, padding=1)
            self.down.append(Level(blocks(size, size), attention(level), downsample))
            upsample = nn.Conv2d(channels[level + 1], size, 1)
            self.up.append(Level(blocks(2 * size, size), attention(level), upsample))
        self.down.append(Level(blocks(channels[-1], channels[-1])))
        block1, block2 = blocks(channels[-1], channels[-1], count=2)
        middle = {"block1": block1, "attention": attention(depth - 1), "block2": block2}
        self.middle = nn.ModuleDict({name: layer for name, layer in middle.items() if layer is not None})
        self.norm_out = nn.GroupNorm(groups, channels[0])
        self.conv_out = nn.Conv2d(channels[0], config.image_channels, 3, padding=1)

    def forward(self, z: Tensor, log_sigma: Tensor, labels: Tensor | None = None) -> Tensor:
        """Predicts the target (N, C, H, W) from noised images (N, C, H, W), ln(noise / signal) (N,) and labels (N,)."""
        time_vector = self.time(log_sigma, labels)
        h = self.conv_in(z)
        skips = []
        for level in self.down:
            h = level(h, time_vector)
            if level.resample is not None:
                skips.append(h)
                h = level.resample(h)
        for layer in self.middle.values():
            h = layer(h) if isinstance(layer, SelfAttention) else layer(h, time_vector)
        for level in reversed(self.up):
            h = F.interpolate(level.resample(h), scale_factor=2, mode="nearest")
            h = level(torch.cat([h, skips.pop()], dim=1), time_vector)
        return self.conv_out(F.silu(self.norm_out(h)))


def build(config: UNetConfig, parameters: Parameters) -> UNet:
    """Creates the PyTorch network with minidiff's weights, in their dtype."""
    weights = {_torch_name(name): torch.from_numpy(_to_torch(name, parameters[name])) for name in parameters.shapes}
    module = UNet(config).to(torch.from_numpy(parameters.vector).dtype)
    expected = {name: weight.shape for name, weight in module.state_dict().items()}
    if {name: weight.shape for name, weight in weights.items()} != expected:
        raise MinidiffError("the parameters belong to another network; create them with UNet(config)")
    module.load_state_dict(weights)
    return module


def gradients(module: UNet, config: UNetConfig) -> np.ndarray:
    """The gradients that `loss.backward()` left in a network from `build`, flat (size,), in minidiff's order."""
    weights = dict(module.named_parameters())
    flat = []
    for name in minidiff.unet.UNet(config).create_parameters().shapes:
        gradient = weights[_torch_name(name)].grad
        assert gradient is not None, name
        flat.append(_from_torch(name, gradient.numpy()).ravel())
    return np.concatenate(flat)


def _to_torch(name: str, weight: np.ndarray) -> np.ndarray:
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)  # (k, k, C, K) to (K, C, k, k)
    return weight.T if name.endswith(".weight") else weight  # (in, out) to (out, in); embedding tables stay as they are


def _from_torch(name: str, weight: np.ndarray) -> np.ndarray:
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else _to_torch(name, weight)


def _torch_name(name: str) -> str:
    """The name in PyTorch: minidiff's down0.block1.norm1.gamma is down.0.blocks.1.norm1.weight."""
    name = re.sub(r"^(down|up)(\d+)", r"\1.\2", name)
    name = re.sub(r"^((?:down|up)\.\d+)\.block(\d+)", r"\1.blocks.\2", name)
    name = re.sub(r"\.(downsample|upsample\.convolution)\.", ".resample.", name)
    for ours, theirs in (("gamma", "weight"), ("beta", "bias"), ("table", "weight")):
        name = re.sub(rf"\.{ours}$", f".{theirs}", name)
    return name
