"""When a sampler decides what the two halves of an image show, and whether one half heeds the other.

Three experiments with a trained network on synthetic images, whose halves can be read (`agreement.py`):

settled     Images are sampled. Before every step, the readers read the halves of x0_hat. A half is settled if it is
            read as in the final image.
heeded      Cats are drawn that differ in their eyes only, such as one green and one blue eye. Noise is added, and the
            readers read x0_hat. If the network heeds the other eye, an eye is read right more often when the other one
            shows the same than when it does not.
maps        Where the left eye looks: the attention weights of its pixel.

An attribute is decided at noise levels at which one half alone is not enough to tell it. There the network must heed
the other half; otherwise the two are decided separately, and the halves of the samples do not agree.

Read more: `tutorials/measures.md`.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidiff import plotting
from minidiff.data.dataset import to_bytes, to_pixels
from minidiff.data.synthetic import cats
from minidiff.data.synthetic.drawing import Painter
from minidiff.data.synthetic.parts import HIDDEN
from minidiff.denoiser import Denoiser, NetworkDenoiser
from minidiff.evaluation.agreement import Readers
from minidiff.kernels.plain.attention import softmax, split_heads
from minidiff.layers import SelfAttention
from minidiff.randomness import stream
from minidiff.sampling import sample

PATHS, PAIRS = 128, 512  # sampled and drawn images
LEVELS = tuple(np.linspace(-1.5, 3.0, 10).tolist())  # ln sigma of the second experiment
MAP_LEVEL, MAPS = 0.7, 4  # ln sigma of the attention maps, and their number
SEED = 0


@dataclass(frozen=True)
class Curves:
    """Shares against the noise level: log_sigma (n,), and name -> shares (n,)."""

    log_sigma: np.ndarray
    shares: dict[str, np.ndarray]


@dataclass(frozen=True)
class Maps:
    """Images (n, H, W, 3) in [-1, 1], row and column of a pixel of each (n, 2), and its attention weights (n, h, w)."""

    images: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray


def settled(
    denoiser: Denoiser, readers: Readers, shape: tuple[int, ...], labels: np.ndarray | None, **options: Any
) -> Curves:
    """The share of halves that x0_hat shows as the final image does, before every sampler step, for each attribute.

    Args:
        denoiser: of the trained network.
        readers: of the halves.
        shape: of the samples, (N, H, W, C).
        labels: class of each sample, int (N,), or None.
        options: of `sampling.sample`.
    """
    states = list(sample(denoiser, shape, labels=labels, **options))
    readings = [readers.read_parts(state.x0_hat) for state in states[1:]]  # x0_hat is that of the step before
    shares = {}
    for name, final in readings[-1].items():
        seen = final != HIDDEN
        shares[name] = np.array([float((reading[name] == final)[seen].mean()) for reading in readings])
    return Curves(denoiser.schedule.log_sigma[[state.t for state in states[:-1]]], shares)


def heeded(denoiser: Denoiser, readers: Readers, size: int, pairs: int, levels: tuple[float, ...] = LEVELS) -> Curves:
    """The share of halves that x0_hat shows as they are, if the other half shows the same and if it does not.

    Args:
        denoiser: of the trained network.
        readers: of the halves.
        size: height and width of the images.
        pairs: number of images that are drawn.
        levels: ln(noise / signal), each from -6 to 6.
    """
    division = readers.readers[0][0]
    draw, names = division.draw_odd or division.draw, division.odd or tuple(division.attributes)
    drawn = [draw(stream("odd halves", SEED, i), size) for i in range(pairs)]
    x0 = to_pixels(to_bytes(np.stack([2 * image - 1 for image, _, _ in drawn])))
    labels = np.array([one[division.label] for _, one, _ in drawn]) if division.label else None
    eps = draw_noise(x0.shape)
    shares: dict[str, list[float]] = {}
    for level in levels:
        t = int(denoiser.schedule.nearest_timestep(level))
        x0_hat, _ = denoiser(denoiser.schedule.add_noise(x0, eps, t), t, labels)
        readings = readers.read_parts(x0_hat)
        for name in names:
            shown = np.array([(one[name], other[name]) for _, one, other in drawn])  # (pairs, 2)
            seen, same = (shown != HIDDEN).all(axis=1), shown[:, 0] == shown[:, 1]
            for which, chosen in (("agrees", seen & same), ("differs", seen & ~same)):
                right = (readings[name] == shown)[chosen]
                shares.setdefault(f"{name}, other {which}", []).append(float(right.mean()))
    return Curves(np.array(levels), {name: np.array(values) for name, values in shares.items()})


def attention_of_left_eyes(denoiser: NetworkDenoiser, size: int, level: float = MAP_LEVEL, count: int = MAPS) -> Maps:
    """How much the left eye of each of `count` cats attends to all other pixels, at ln sigma = `level`.

    The weights are those of the last layer with attention, the mean over the heads.
    """
    labels = np.arange(count) % len(cats.COAT_NAMES)
    drawn = [cats.sample_cat(stream("odd halves", SEED, i), cats.COAT_NAMES[label]) for i, label in enumerate(labels)]
    x0 = to_pixels(to_bytes(np.stack([2 * cats.paint_cat(cat, size) - 1 for cat in drawn])))
    pixels = np.array([pixel_of_left_eye(cat, size) for cat in drawn])
    network: Any = copy.deepcopy(denoiser.network)  # one of its layers is changed below
    layer = [attention for level in (network.middle, *network.up) for attention in level.attention][-1]
    forward, found = layer.forward, []

    def noting(p: Any, x: np.ndarray) -> tuple[np.ndarray, Any]:
        y, cache = forward(p, x)
        found.append(attention_weights(layer, cache[2]))
        return y, cache

    layer.forward = noting
    t = int(denoiser.schedule.nearest_timestep(level))
    one_microbatch = NetworkDenoiser(
        network, denoiser.p, denoiser.schedule, denoiser.target, denoiser.workers, microbatch_size=count
    )
    one_microbatch(denoiser.schedule.add_noise(x0, draw_noise(x0.shape), t), t, labels)
    row, column = (pixels * found[0].shape[1] // size).T
    return Maps(x0, pixels, found[0][np.arange(count), row, column])


def attention_weights(layer: SelfAttention, qkv: np.ndarray) -> np.ndarray:
    """The attention weights of every pixel, the mean over the heads, (N, h, w, h, w), for qkv (N, h, w, 3C)."""
    N, h, w, _ = qkv.shape
    q, k, _ = split_heads(qkv, layer.num_heads)  # (N, heads, S, d)
    weights = softmax(q @ k.swapaxes(2, 3) / np.sqrt(layer.head_channels))  # (N, heads, S, S)
    return weights.mean(axis=1).reshape(N, h, w, h, w)


def pixel_of_left_eye(cat: cats.Cat, size: int) -> tuple[int, int]:
    """Row and column of the center of a cat's left eye."""
    head = Painter(size).frame(cat.center, cat.tilt, cat.scale)
    row, column = np.unravel_index(np.argmin(np.hypot(head.x + cat.eye_distance, head.y)), (size, size))
    return int(row), int(column)


def draw_noise(shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal noise, the same for every noise level, float32 of a shape (N, H, W, C)."""
    streams = [stream("noise of odd halves", SEED, i) for i in range(shape[0])]
    return np.stack([rng.standard_normal(shape[1:], np.float32) for rng in streams])


def save_decisions(path: Path, of_samples: Curves, of_odd: Curves, maps: Maps) -> None:
    """Draws the results of the three experiments."""
    figure = plotting.new_figure(11, 6.2)
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.5, 1))
    above, below = halves
    left, right = above.subplots(1, 2, sharey=True)
    for i, name in enumerate(of_samples.shares):
        left.plot(of_samples.log_sigma, of_samples.shares[name], label=name, color=plotting.COLORS[i % 8])
    left.set(title="x0_hat shows what the final image shows", ylabel="share of halves")
    for i, (name, shares) in enumerate(of_odd.shares.items()):
        style = "-" if name.endswith("agrees") else "--"
        right.plot(of_odd.log_sigma, shares, style, label=name, color=plotting.COLORS[i // 2])
    right.set(title="an eye is read right in x0_hat")
    for axes in (left, right):
        axes.set(xlabel="ln sigma (sampling goes from right to left)", ylim=(0, 1.03), xlim=(-2, 3.5))
        plotting.legend_below(axes, 3)
        axes.grid(alpha=0.3)
    columns = below.subplots(1, len(maps.images), squeeze=False)[0]
    below.suptitle(f"attention of the left eye (circle) at ln sigma = {MAP_LEVEL}", fontsize="medium")
    size = maps.images.shape[1]
    for axes, image, (row, column), weights in zip(columns, maps.images, maps.pixels, maps.weights, strict=True):
        axes.imshow((image + 1) / 2, extent=(0, size, size, 0))
        magenta, opacity = np.zeros_like(weights), weights / weights.max()
        axes.imshow(magenta, cmap="spring", vmin=0, vmax=1, alpha=opacity, extent=(0, size, size, 0))
        axes.plot(column, row, "o", markersize=12, markerfacecolor="none", color="white")
        axes.set(xticks=[], yticks=[])
    plotting.save_figure(figure, path)
