"""The network of `minidiff/unet.py` in PyTorch, written as one writes it there, and weights that go to and fro.

It has two uses. With equal weights both networks must give equal predictions and equal gradients, so PyTorch's
automatic differentiation checks the gradients that minidiff writes by hand. And it is the rival in the benchmarks, so
nothing in it is slower than it need be. On a CPU it is fastest in the memory format that keeps channels last:

    module = build(config, parameters).to(memory_format=torch.channels_last)
    z = z.to(memory_format=torch.channels_last)

Every layer here takes and gives that format without copies. Images are (N, C, H, W), as is usual in PyTorch, and
weights lie the other way round as well: (k, k, C, K) is (K, C, k, k) there, and (in, out) of a linear map (out, in).
"""

import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import minidiff.unet
from minidiff.errors import MinidiffError
from minidiff.layers.time import NUM_FREQUENCIES


class TimeEmbedding(nn.Module):
    """Noise level (N,) and labels (N,) to the time vector (N, channels)."""

    def __init__(self, channels, num_classes):
        super().__init__()
        frequencies = torch.from_numpy(np.geomspace(0.25, 16.0, NUM_FREQUENCIES))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.linear1 = nn.Linear(2 * NUM_FREQUENCIES, channels)
        self.linear2 = nn.Linear(channels, channels)
        self.classes = nn.Embedding(num_classes + 1, channels) if num_classes else None

    def forward(self, log_sigma, labels):
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
    """(N, C, H, W) and the time vector to (N, K, H, W)."""

    def __init__(self, in_channels, out_channels, time_channels, num_groups, film):
        super().__init__()
        self.scales = film
        self.norm1 = nn.GroupNorm(num_groups, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(time_channels, (2 if film else 1) * out_channels)
        self.norm2 = nn.GroupNorm(num_groups, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.carry = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x, time_vector):
        h = self.conv1(F.silu(self.norm1(x)))
        a_b, h = self.film(time_vector)[:, :, None, None], self.norm2(h)
        if self.scales:
            a, b = a_b.chunk(2, dim=1)
            h = torch.addcmul(b, h, 1 + a)
        else:
            h = h + a_b
        return self.conv2(F.silu(h)) + self.carry(x)


class SelfAttention(nn.Module):
    """(N, C, H, W) to the same: every pixel looks at every other."""

    def __init__(self, channels, head_channels, num_groups):
        super().__init__()
        self.head_channels = head_channels
        self.norm = nn.GroupNorm(num_groups, channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)

    def forward(self, x):
        N, C, H, W = x.shape
        h = self.norm(x).permute(0, 2, 3, 1).flatten(1, 2)  # (N, S, C), a view if channels lie last
        qkv = self.qkv(h).unflatten(2, (3, -1, self.head_channels))  # (N, S, 3, heads, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (N, heads, S, d) each
        h = F.scaled_dot_product_attention(q, k, v)
        h = self.projection(h.transpose(1, 2).reshape(N, H * W, C))
        return x + h.unflatten(1, (H, W)).permute(0, 3, 1, 2)


class Level(nn.Module):
    """The layers of one size of the image, down or up."""

    def __init__(self, blocks, attention=None, downsample=None, upsample=None):
        super().__init__()
        self.upsample = upsample
        self.blocks = nn.ModuleList(blocks)
        self.attention = attention
        self.downsample = downsample

    def forward(self, h, time_vector):
        for block in self.blocks:
            h = block(h, time_vector)
        return h if self.attention is None else self.attention(h)


class Middle(nn.Module):
    """Block, attention, block at the coarsest level."""

    def __init__(self, blocks, attention):
        super().__init__()
        self.block1, self.block2 = blocks
        self.attention = attention

    def forward(self, h, time_vector):
        h = self.block1(h, time_vector)
        if self.attention is not None:
            h = self.attention(h)
        return self.block2(h, time_vector)


class UNet(nn.Module):
    """The U-Net of a `minidiff.unet.UNetConfig`."""

    def __init__(self, config):
        super().__init__()
        channels, depth = config.channels, len(config.channels)
        time, groups = config.time_channels, config.num_groups

        def blocks(in_channels, out_channels, count=config.blocks_per_level):
            sizes = [in_channels] + [out_channels] * (count - 1)
            return [ResidualBlock(size, out_channels, time, groups, config.film) for size in sizes]

        def attention(level):
            if level < depth - config.attention_levels:
                return None
            return SelfAttention(channels[level], config.head_channels, groups)

        self.time = TimeEmbedding(time, config.num_classes)
        self.conv_in = nn.Conv2d(config.image_channels, channels[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, size in enumerate(channels[:-1]):
            halve = nn.Conv2d(size, channels[level + 1], 3, stride=2, padding=1)
            self.down.append(Level(blocks(size, size), attention(level), downsample=halve))
            narrow = nn.Conv2d(channels[level + 1], size, 1)
            self.up.append(Level(blocks(2 * size, size), attention(level), upsample=narrow))
        self.down.append(Level(blocks(channels[-1], channels[-1])))
        self.middle = Middle(blocks(channels[-1], channels[-1], count=2), attention(depth - 1))
        self.norm_out = nn.GroupNorm(groups, channels[0])
        self.conv_out = nn.Conv2d(channels[0], config.image_channels, 3, padding=1)

    def forward(self, z, log_sigma, labels=None):
        """The prediction (N, C, H, W) for noisy images (N, C, H, W), ln(noise / signal) (N,) and labels (N,)."""
        time_vector = self.time(log_sigma, labels)
        h = self.conv_in(z)
        skips = []
        for level in self.down:
            h = level(h, time_vector)
            if level.downsample is not None:
                skips.append(h)
                h = level.downsample(h)
        h = self.middle(h, time_vector)
        for level in reversed(self.up):
            h = F.interpolate(level.upsample(h), scale_factor=2, mode="nearest")
            h = level(torch.cat([h, skips.pop()], dim=1), time_vector)
        return self.conv_out(F.silu(self.norm_out(h)))


def build(config, parameters):
    """The PyTorch network with minidiff's weights, in their dtype.

    Args:
        config: `UNetConfig`.
        parameters: `Parameters` of that network.

    Returns:
        `nn.Module`: forward(z (N, C, H, W), log_sigma (N,), labels (N,) or None) gives the prediction (N, C, H, W).

    Raises:
        MinidiffError: the parameters are those of another network.
    """
    weights = {_torch_name(name): torch.from_numpy(_to_torch(name, parameters[name])) for name in parameters.shapes}
    module = UNet(config).to(torch.from_numpy(parameters.vector).dtype)
    expected = {name: weight.shape for name, weight in module.state_dict().items()}
    if {name: weight.shape for name, weight in weights.items()} != expected:
        raise MinidiffError("the parameters belong to another network: create them with UNet(config)")
    module.load_state_dict(weights)
    return module


def gradients(module, config):
    """The gradients that `loss.backward()` left in a PyTorch network, in minidiff's order and layout.

    Args:
        module: from `build`.
        config: the `UNetConfig` it was built from.

    Returns:
        Flat vector (size,), to be compared with the `vector` of minidiff's gradient.
    """
    weights = dict(module.named_parameters())
    names = minidiff.unet.UNet(config).create_parameters().shapes
    return np.concatenate([_from_torch(name, weights[_torch_name(name)].grad.numpy()).ravel() for name in names])


def _to_torch(name, weight):
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)  # (k, k, C, K) to (K, C, k, k)
    return weight.T if name.endswith(".weight") else weight  # (in, out) to (out, in); tables stay as they are


def _from_torch(name, weight):
    if weight.ndim == 4:
        return weight.transpose(2, 3, 1, 0)  # (K, C, k, k) to (k, k, C, K)
    return weight.T if name.endswith(".weight") else weight


def _torch_name(name):
    """minidiff's down0.block1.norm1.gamma is down.0.blocks.1.norm1.weight in PyTorch."""
    name = re.sub(r"^(down|up)(\d+)", r"\1.\2", name)
    name = re.sub(r"^((?:down|up)\.\d+)\.block(\d+)", r"\1.blocks.\2", name)
    name = name.replace(".upsample.convolution.", ".upsample.")
    for ours, theirs in (("gamma", "weight"), ("beta", "bias"), ("table", "weight")):
        name = re.sub(rf"\.{ours}$", f".{theirs}", name)
    return name
