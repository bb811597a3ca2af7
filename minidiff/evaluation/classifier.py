"""A small network that looks at an image, and its gradient by hand, from the layers of the diffusion model.

    h = SiLU(GroupNorm(Conv(x)))  ->  half the size  ->  ...  ->  mean over the pixels (N, 128)

Two questions are asked about that mean, each answered by a linear map and softmax:

    which class is it?        (only where there are classes, and only of upright images)
    how is it turned?         by 0, 1, 2 or 3 quarters

The second makes the network see shape and place even where classes differ in color alone, or where there are none
(Gidaris et al., 2018). The loss of a question with answer k is -ln P_k, its gradient by the scores P - onehot(k).

The *features* by which sets of images are compared are taken from the middle of the network, each channel's mean in
each quarter of the image. Near its end a trained classifier has forgotten everything it was not asked about: all
images of a class come to lie on one point, and blurred ones and seams would no longer show.
"""

import numpy as np

from minidiff.layers import Conv2d, Downsample, GroupNorm, Linear
from minidiff.parameters import Parameters

CHANNELS = (32, 64, 128)
TURNS = 4
MIDDLE = "norm2"  # the layer that features come from
LARGEST_SIDE = 32  # larger images are averaged down: the classifier need not see every hair


class Classifier:
    """Layers and their order; it holds no parameters itself.

    Args:
        image_channels: 1 or 3.
        num_classes: 0 if there are none.
    """

    def __init__(self, image_channels, num_classes):
        self.num_classes = num_classes
        self.layers = [
            Conv2d("conv0", image_channels, CHANNELS[0]),
            GroupNorm("norm0", CHANNELS[0]),
            Downsample("down1", CHANNELS[0], CHANNELS[1]),
            GroupNorm("norm1", CHANNELS[1]),
            Conv2d("conv1", CHANNELS[1], CHANNELS[1]),
            GroupNorm("norm2", CHANNELS[1]),
            Downsample("down2", CHANNELS[1], CHANNELS[2]),
            GroupNorm("norm3", CHANNELS[2]),
            Conv2d("conv2", CHANNELS[2], CHANNELS[2]),
            GroupNorm("norm4", CHANNELS[2]),
        ]
        self.turn = Linear("turn", CHANNELS[2], TURNS)
        self.kind = Linear("kind", CHANNELS[2], num_classes) if num_classes else None

    def create_parameters(self, seed=0, dtype=np.float32):
        """New `Parameters` with their first values."""
        owners = [*self.layers, self.turn, *([self.kind] if self.kind else [])]
        p = Parameters({name: shape for layer in owners for name, shape in layer.shapes().items()}, dtype)
        rng = np.random.default_rng(seed)
        for layer in owners:
            layer.initialize(p, rng)
        return p

    def forward(self, p, x):
        """From images to the mean that the questions are asked about.

        Args:
            p: `Parameters`.
            x: images (N, H, W, C) in [-1, 1], from `shrink`.

        Returns:
            mean (N, 128), and the cache for `backward`.
        """
        caches = []
        for layer in self.layers:
            x, cache = layer.forward(p, x)
            caches.append(cache)
        return x.mean(axis=(1, 2)), (caches, x.shape)

    def backward(self, p, g, cache, dmean):
        """Adds the gradient by every parameter of `layers` to g; returns dx."""
        caches, (N, H, W, C) = cache
        dx = np.broadcast_to((dmean / dmean.dtype.type(H * W))[:, None, None], (N, H, W, C))
        dx = np.ascontiguousarray(dx)
        for layer, layer_cache in zip(reversed(self.layers), reversed(caches), strict=True):
            dx = layer.backward(p, g, layer_cache, dx)
        return dx

    def loss(self, p, g, x, turns, labels=None, total=None):
        """The loss of some images, its gradient added to g.

        Args:
            p, g: `Parameters`.
            x: images (N, H, W, C), already turned.
            turns: quarters by which each was turned, int (N,).
            labels: class of each, int (N,), or None.
            total: images in the whole batch; N if not given.

        Returns:
            The sum of the losses of the images, divided by `total`.
        """
        total = total or len(x)
        mean, cache = self.forward(p, x)
        questions = [(self.turn, turns, np.ones(len(x)))]
        if self.kind:
            questions.append((self.kind, labels, (turns == 0).astype(float)))  # asked of upright images
        loss, dmean = 0.0, np.zeros_like(mean)
        for head, answers, weights in questions:
            scores, head_cache = head.forward(p, mean)
            losses, dscores = cross_entropy(scores, answers)
            loss += float(losses @ weights) / total
            dmean += head.backward(p, g, head_cache, dscores * (weights / total).astype(scores.dtype)[:, None])
        self.backward(p, g, cache, dmean)
        return loss

    def look(self, p, x):
        """What the classifier sees in images, and which class it takes them for.

        Args:
            p: `Parameters`.
            x: images (N, H, W, C), from `shrink`.

        Returns:
            features (N, 4 K), each of K channels in each quarter of the image; classes, int (N,), or None.
        """
        for layer in self.layers:
            x, _ = layer.forward(p, x)
            if layer.name == MIDDLE:
                halves = (half for rows in np.array_split(x, 2, axis=1) for half in np.array_split(rows, 2, axis=2))
                features = np.concatenate([quarter.mean(axis=(1, 2)) for quarter in halves], axis=1)
        scores = self.kind.forward(p, x.mean(axis=(1, 2)))[0] if self.kind else None
        return features, None if scores is None else scores.argmax(axis=1)


def cross_entropy(scores, answers):
    """-ln P[answer] with P = softmax(scores), and its gradient P - onehot(answer).

    Args:
        scores: (N, K).
        answers: int (N,).

    Returns:
        losses (N,), dscores (N, K).
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)  # the same P, and nothing overflows
    exponentials = np.exp(shifted)
    P = exponentials / exponentials.sum(axis=1, keepdims=True)
    losses = np.log(exponentials.sum(axis=1)) - shifted[rows, answers]
    P[rows, answers] -= 1
    return losses, P


def shrink(x):
    """Images (N, H, W, C) averaged over squares until no side exceeds LARGEST_SIDE; odd rests are cut off."""
    N, H, W, C = x.shape
    factor = -(-max(H, W) // LARGEST_SIDE)
    if factor == 1:
        return x
    x = x[:, : H // factor * factor, : W // factor * factor]
    return x.reshape(N, H // factor, factor, W // factor, factor, C).mean(axis=(2, 4))
