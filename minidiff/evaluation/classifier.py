"""A small convolutional classifier with a handwritten backward pass, from the layers of the diffusion model.

    h = SiLU(GroupNorm(Conv(x)))  ->  half the size  ->  ...  ->  mean over the pixels (N, 128)

Two linear heads with softmax share that mean:

    class        only for data with classes, and trained on upright images only
    rotation     the image was rotated by 0, 1, 2 or 3 quarter turns

The rotation head makes the features depend on shape and position even where classes differ in color alone, or where
there are none (Gidaris et al., "Unsupervised Representation Learning by Predicting Image Rotations", 2018). The loss of
a head with label k is -ln P_k; its gradient with respect to the logits is P - onehot(k).

The *features* that compare sets of images come from the middle of the network: each channel's mean in each quadrant of
the image. Near the end of the network all images of a class have nearly the same features, which would hide blur and
seams.
"""

import numpy as np

from minidiff.kernels.sets import Kernels, create_kernels
from minidiff.layers import Conv2d, Downsample, GroupNorm, Layer, Linear
from minidiff.parameters import Parameters

CHANNELS = (32, 64, 128)
ROTATIONS = 4
FEATURE_LAYER = "norm2"
LARGEST_SIDE = 32  # larger images are averaged down, which saves time


class Classifier:
    """The layers and heads of the classifier; it holds no parameters.

    Args:
        image_channels: 1 or 3.
        num_classes: 0 for data without classes.
        kernels: the set of kernels; default: "fast".
    """

    def __init__(self, image_channels: int, num_classes: int, kernels: Kernels | None = None) -> None:
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
        self.rotation_head = Linear("rotation_head", CHANNELS[2], ROTATIONS, kernels=kernels)
        self.class_head = Linear("class_head", CHANNELS[2], num_classes, kernels=kernels) if num_classes else None
        self.children: list[Layer] = [*self.layers, self.rotation_head, *([self.class_head] if self.class_head else [])]

    def __repr__(self) -> str:
        return f"Classifier({self.class_head.out_channels if self.class_head else 0} classes)"

    def forward(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        """Computes the input of the heads.

        Args:
            p: the parameters.
            x: images (N, H, W, C) in [-1, 1], from `shrink`.

        Returns:
            mean (N, 128), and the cache for `backward`.
        """
        caches = []
        for layer in self.layers:
            x, cache = layer.forward(p, x)
            caches.append(cache)
        return x.mean(axis=(1, 2)), (caches, x.shape)

    def backward(self, p: Parameters, g: Parameters, cache: tuple, dmean: np.ndarray) -> np.ndarray:
        """Adds the gradient with respect to the parameters of `layers` to g; returns dx."""
        caches, (N, H, W, C) = cache
        dx = np.broadcast_to((dmean / dmean.dtype.type(H * W))[:, None, None], (N, H, W, C))
        dx = np.ascontiguousarray(dx)
        for layer, layer_cache in zip(reversed(self.layers), reversed(caches), strict=True):
            dx = layer.backward(p, g, layer_cache, dx)
        return dx

    def loss(
        self, p: Parameters, g: Parameters, x: np.ndarray, rotations: np.ndarray, labels: np.ndarray | None, total: int
    ) -> float:
        """The loss of a microbatch; its gradient is added to g.

        Args:
            p, g: the parameters and their gradient.
            x: images (N, H, W, C), already rotated.
            rotations: quarter turns of each image, int (N,).
            labels: class of each image, int (N,), or None.
            total: images in the whole batch.

        Returns:
            The sum of the losses of the images, divided by `total`.
        """
        mean, cache = self.forward(p, x)
        heads = [(self.rotation_head, rotations, np.ones(len(x)))]
        if self.class_head and labels is not None:
            heads.append((self.class_head, labels, (rotations == 0).astype(float)))  # upright images only
        loss, dmean = 0.0, np.zeros_like(mean)
        for head, targets, weights in heads:
            logits, head_cache = head.forward(p, mean)
            losses, dlogits = cross_entropy(logits, targets)
            loss += float(losses @ weights) / total
            dmean += head.backward(p, g, head_cache, dlogits * (weights / total).astype(logits.dtype)[:, None])
        self.backward(p, g, cache, dmean)
        return loss

    def extract(self, p: Parameters, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The features and the predicted classes of images.

        Args:
            p: the parameters.
            x: images (N, H, W, C), from `shrink`.

        Returns:
            features (N, 4 K), of K channels in each quadrant of the image; classes, int (N,), or None.
        """
        for layer in self.layers:
            x, _ = layer.forward(p, x)
            if layer.name == FEATURE_LAYER:
                halves = (half for rows in np.array_split(x, 2, axis=1) for half in np.array_split(rows, 2, axis=2))
                features = np.concatenate([quadrant.mean(axis=(1, 2)) for quadrant in halves], axis=1)
        classes = self.class_head.forward(p, x.mean(axis=(1, 2)))[0].argmax(axis=1) if self.class_head else None
        return features, classes


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cross-entropy -ln P[label] with P = softmax(logits), and its gradient P - onehot(label).

    Args:
        logits: (N, K).
        labels: int (N,).

    Returns:
        losses (N,), dlogits (N, K).
    """
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)  # gives the same P without overflow
    exponentials = np.exp(shifted)
    P = exponentials / exponentials.sum(axis=1, keepdims=True)
    losses = np.log(exponentials.sum(axis=1)) - shifted[rows, labels]
    P[rows, labels] -= 1
    return losses, P


def shrink(x: np.ndarray) -> np.ndarray:
    """Averages images (N, H, W, C) over squares until no side exceeds LARGEST_SIDE; crops incomplete squares."""
    N, H, W, C = x.shape
    factor = -(-max(H, W) // LARGEST_SIDE)
    if factor == 1:
        return x
    x = x[:, : H // factor * factor, : W // factor * factor]
    return x.reshape(N, H // factor, factor, W // factor, factor, C).mean(axis=(2, 4))
