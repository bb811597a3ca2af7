"""The network of minidiff in PyTorch, in one file to copy: it needs PyTorch and safetensors, and nothing of minidiff.

    minidiff export RUN --to weights.safetensors           (in a shell)

    module, config = load("weights.safetensors")
    prediction = module(z, log_sigma, labels)

z (N, C, H, W) are noised images, signal x0 + noise eps, divided by sqrt(signal^2 + noise^2). log_sigma (N,) is
ln(noise / signal). labels (N,) are positions in config["class_names"], or None. The network predicts the target that
config["training"]["target"] names; for "flow" it is eps - x0.

With config["network"]["entry_levels"] of 2 or more, images with sigma = noise / signal of 1 or more enter at half the
size, as means over 2 x 2 pixels. The noise of a mean has half the standard deviation, so these are divided by
sqrt(signal^2 + noise^2 / 4). With 3 or more, images with sigma of 2 or more enter at a quarter of the size, and so on.

On a CPU the module is fastest in the memory format that keeps channels last. Every layer takes and returns that format
without copies:

    module = module.to(memory_format=torch.channels_last)
    z = z.to(memory_format=torch.channels_last)
"""

import json
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

NUM_FREQUENCIES = 32


class TimeEmbedding(nn.Module):
    """Fourier features of the noise level, two linear layers, and a class embedding."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        frequencies = 0.25 * 64 ** torch.linspace(0, 1, NUM_FREQUENCIES, dtype=torch.float64)  # 1/4 to 16
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
            if labels is None:  # the null class
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
    """The U-Net of a configuration, config["network"] of an exported file."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        c = self.config = SimpleNamespace(**config)
        channels, depth = c.channels, len(c.channels)

        def blocks(in_channels: int, out_channels: int, count: int = c.blocks_per_level) -> list[ResidualBlock]:
            sizes = [in_channels] + [out_channels] * (count - 1)
            return [ResidualBlock(size, out_channels, c.time_channels, c.num_groups, c.film) for size in sizes]

        def attention(level: int) -> SelfAttention | None:
            if level < depth - c.attention_levels:
                return None
            return SelfAttention(channels[level], c.head_channels, c.num_groups)

        def leave(size: int) -> nn.Sequential:
            norm, conv = nn.GroupNorm(c.num_groups, size), nn.Conv2d(size, c.image_channels, 3, padding=1)
            return nn.Sequential(OrderedDict(norm=norm, silu=nn.SiLU(), conv=conv))

        self.time = TimeEmbedding(c.time_channels, c.num_classes)
        entered = channels[: c.entry_levels]  # channels of the levels at which images enter and predictions leave
        self.entries = nn.ModuleList(nn.Conv2d(c.image_channels, size, 3, padding=1) for size in entered)
        self.exits = nn.ModuleList(leave(size) for size in entered)
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

    def forward(self, z: Tensor, log_sigma: Tensor, labels: Tensor | None = None) -> Tensor:
        """Predicts the target (N, C, H, W) from noised images (N, C, H, W), ln(noise / signal) (N,) and labels (N,)."""
        entry = (self.config.height // z.shape[2]).bit_length() - 1  # 1 for images of half the size
        time_vector = self.time(log_sigma, labels)
        h, skips = self.entries[entry](z), []
        for level in list(self.down)[entry:]:
            h = level(h, time_vector)
            if level.resample is not None:
                skips.append(h)
                h = level.resample(h)
        for layer in self.middle.values():
            h = layer(h) if isinstance(layer, SelfAttention) else layer(h, time_vector)
        for level in reversed(list(self.up)[entry:]):
            h = F.interpolate(level.resample(h), scale_factor=2, mode="nearest")
            h = level(torch.cat([h, skips.pop()], dim=1), time_vector)
        return self.exits[entry](h)


def load(path: str | Path) -> tuple[UNet, dict[str, Any]]:
    """The network in a file that `minidiff export` wrote, in float32, and its configuration."""
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the file is no dict)
    module = UNet(**config["network"])
    module.load_state_dict(weights)
    return module.eval(), config
