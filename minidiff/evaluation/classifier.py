"""A small convolutional classifier with a handwritten backward pass, from the layers of the diffusion model.

    h = SiLU(GroupNorm(Conv(x)))  ->  half the size  ->  ...  ->  mean over the pixels (N, 128)

Every question about an image has a linear head with softmax on that mean. All networks that measure are of this kind:
the one of the classes (`recognition.py`), the readers of parts (`agreement.py`) and the one that tells whole images
from spliced ones (`splices.py`). None of them takes part in training or sampling.

A classifier that compares distant parts of an image has attention after the convolutions, and instead of the mean over
all pixels, it takes the means of 4 x 4 cells and mixes them in a hidden layer, SiLU(Linear(cells)), (N, 128), too.

The loss of a head with label k is -ln P_k; its gradient with respect to the logits is P - onehot(k).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers import Conv2d, Downsample, GroupNorm, Layer, Linear, SelfAttention
from minidiff.parameters import Parameters

CHANNELS = (32, 64, 128)
FEATURE_LAYER = "norm2"
GRID = 4  # cells of the image in each direction, for a classifier that compares
LARGEST_SIDE = 32  # larger images are averaged down, which saves time
NO_LABEL = -1  # the label of images that do not train a head


class Classifier:
    """The layers and heads of a classifier; it holds no parameters.

    Args:
        image_channels: 1 or 3.
        heads: number of classes of each head.
        compares: whether it compares distant parts of the image.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(
        self, image_channels: int, heads: Mapping[str, int], compares: bool = False, kernels: Kernels | None = None
    ) -> None:
        self.kernels = kernels = kernels or create_kernels()
        self.layers: list[Layer] = [
            Conv2d("conv0", image_channels, CHANNELS[0], kernels=kernels),
            GroupNorm("norm0", CHANNELS[0], kernels=kernels),
            Downsample("down1", CHANNELS[0], CHANNELS[1], kernels=kernels),
            GroupNorm("norm1", CHANNELS[1], kernels=kernels),
            Conv2d("conv1", CHANNELS[1], CHANNELS[1], kernels=kernels),
            GroupNorm("norm2", CHANNELS[1], kernels=kernels),
            Downsample("down2", CHANNELS[1], CHANNELS[2], kernels=kernels),
            GroupNorm("norm3", CHANNELS[2], kernels=kernels),
            Conv2d("conv2", CHANNELS[2], CHANNELS[2], kernels=kernels),
            GroupNorm("norm4", CHANNELS[2], kernels=kernels),
        ]
        self.hidden = None
        if compares:
            self.layers.append(SelfAttention("attention", CHANNELS[2], kernels=kernels))
            self.layers.append(GroupNorm("norm5", CHANNELS[2], kernels=kernels))
            self.hidden = Linear("hidden", GRID * GRID * CHANNELS[2], CHANNELS[2], kernels=kernels)
        self.heads = {name: Linear(f"{name}_head", CHANNELS[2], size, kernels=kernels) for name, size in heads.items()}
        self.children: list[Layer] = [*self.layers, *([self.hidden] if self.hidden else []), *self.heads.values()]

    def __repr__(self) -> str:
        return f"Classifier({', '.join(f'{name}: {head.out_channels}' for name, head in self.heads.items())})"

    def forward(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        """Computes the input of the heads.

        Args:
            p: the parameters.
            x: images (N, H, W, C) in [-1, 1], from `shrink`.

        Returns:
            h (N, 128), and the cache for `backward`.
        """
        caches = []
        for layer in self.layers:
            x, cache = layer.forward(p, x)
            caches.append(cache)
        h, cache = self.pool(p, x)
        return h, (caches, cache)

    def backward(self, p: Parameters, g: Parameters, cache: tuple, dh: np.ndarray) -> np.ndarray:
        """Adds the gradient with respect to the parameters, but those of the heads, to g; returns dx."""
        caches, cache = cache
        dx = self.pool_backward(p, g, cache, dh)
        for layer, layer_cache in zip(reversed(self.layers), reversed(caches), strict=True):
            dx = layer.backward(p, g, layer_cache, dx)
        return dx

    def pool(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        """Averages x (N, H, W, C) over the pixels, or over cells that the hidden layer mixes: (N, C), and the cache."""
        rows, columns = averaging_of(x, GRID if self.hidden else 1)
        cells = average(x, rows, columns)  # (N, grid grid C)
        if not self.hidden:
            return cells, (rows, columns)
        u, cache = self.hidden.forward(p, cells)
        return self.kernels.silu(u), (rows, columns, u, cache)

    def pool_backward(self, p: Parameters, g: Parameters, cache: tuple, dh: np.ndarray) -> np.ndarray:
        """Returns dx (N, H, W, C)."""
        rows, columns, *rest = cache
        if self.hidden:
            u, hidden_cache = rest
            dh = self.hidden.backward(p, g, hidden_cache, self.kernels.silu_backward(u, dh))
        dcells = dh.reshape(len(dh), len(rows), len(columns), -1)
        return np.ascontiguousarray(np.einsum("ih,jw,nijc->nhwc", rows, columns, dcells, optimize=True))

    def loss(self, p: Parameters, g: Parameters, x: np.ndarray, labels: Mapping[str, np.ndarray], total: int) -> float:
        """The loss of a microbatch, the sum over the heads; its gradient is added to g.

        Args:
            p, g: the parameters and their gradient.
            x: images (N, H, W, C).
            labels: class of each image for each head, int (N,); NO_LABEL where an image does not train a head.
            total: images in the whole batch.

        Returns:
            The sum of the losses of the images, divided by `total`.
        """
        h, cache = self.forward(p, x)
        loss, dh = 0.0, np.zeros_like(h)
        for name, head in self.heads.items():
            logits, head_cache = head.forward(p, h)
            losses, dlogits = cross_entropy(logits, labels[name])
            loss += float(losses.sum()) / total
            dh += head.backward(p, g, head_cache, dlogits / dlogits.dtype.type(total))
        self.backward(p, g, cache, dh)
        return loss

    def extract(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """The features of images from the middle and the end of the network, and the classes that the heads predict.

        Args:
            p: the parameters.
            x: images (N, H, W, C), from `shrink`.

        Returns:
            (N, 4 K), the means of K channels in each quadrant of the image; (N, 128), the means of the last channels;
            and for each head the predicted classes, int (N,).
        """
        for layer in self.layers:
            x, _ = layer.forward(p, x)
            if layer.name == FEATURE_LAYER:
                quadrants = average(x, *averaging_of(x, 2))
        h, _ = self.pool(p, x)
        return (
            quadrants,
            x.mean(axis=(1, 2)),
            {name: head.forward(p, h)[0].argmax(axis=1) for name, head in self.heads.items()},
        )


def average(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The means of x (N, H, W, C) in the cells of a grid (N, cells C), with the matrices of `averaging_of`."""
    return np.einsum("ih,jw,nhwc->nijc", rows, columns, x, optimize=True).reshape(len(x), -1)


def averaging_of(x: np.ndarray, grid: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrices that average the rows (grid, H) and columns (grid, W) of x (N, H, W, C)."""
    return averaging(x.shape[1], grid, x.dtype), averaging(x.shape[2], grid, x.dtype)


def averaging(size: int, count: int, dtype: DTypeLike) -> np.ndarray:
    """The matrix (count, size) that averages a row of pixels in `count` cells, which overlap if they have to."""
    A = np.zeros((count, size), dtype)
    for i in range(count):
        first, last = i * size // count, -(-(i + 1) * size // count)
        A[i, first:last] = 1 / (last - first)
    return A


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cross-entropy -ln P[label] with P = softmax(logits), and its gradient P - onehot(label).

    Args:
        logits: (N, K).
        labels: int (N,); both results are 0 for NO_LABEL.

    Returns:
        losses (N,), dlogits (N, K).
    """
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)  # gives the same P without overflow
    exponentials = np.exp(shifted)
    P = exponentials / exponentials.sum(axis=1, keepdims=True)
    losses = np.log(exponentials.sum(axis=1)) - shifted[rows, labels]
    P[rows, labels] -= 1
    losses[labels == NO_LABEL], P[labels == NO_LABEL] = 0, 0
    return losses, P


def shrink(x: np.ndarray) -> np.ndarray:
    """Averages images (N, H, W, C) over squares until no side exceeds LARGEST_SIDE; crops incomplete squares."""
    N, H, W, C = x.shape
    factor = -(-max(H, W) // LARGEST_SIDE)
    if factor == 1:
        return x
    x = x[:, : H // factor * factor, : W // factor * factor]
    return x.reshape(N, H // factor, factor, W // factor, factor, C).mean(axis=(2, 4))
