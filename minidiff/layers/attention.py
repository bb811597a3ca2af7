"""Self-attention: every pixel looks at every other pixel and takes over what concerns it.

A convolution sees its neighbors only; the two eyes of a face have to agree across the image. With S = H*W pixels,
for each image and each head of d channels (Vaswani et al., 2017, eq. 1):

    q, k, v = three linear maps of GroupNorm(x)                     (S, d) each
    weights = softmax( q k' / sqrt(d) )                             (S, S), each row sums to one
    y       = x + Linear( weights v )

What lies between the two linear maps is in `kernels/attention.py`, forward and backward.

Read more: `tutorials/05_backpropagation.ipynb`.
"""

from minidiff.errors import MinidiffError
from minidiff.kernels.attention import attend, attend_backward
from minidiff.layers.linear import Linear
from minidiff.layers.norm import GroupNorm


class SelfAttention:
    """y = x + projection(attention(GroupNorm(x))); the projection starts at zero, so that y = x at first.

    Args:
        name: prefix of its parameters' names.
        channels: C.
        head_channels: d, divides C.
        num_groups: of the normalization.

    Raises:
        MinidiffError: head_channels does not divide channels.
    """

    def __init__(self, name, channels, head_channels=32, num_groups=8):
        self.name = name
        if channels % head_channels:
            raise MinidiffError(f"{name}: {channels} channels cannot be cut into heads of {head_channels}")
        self.channels, self.head_channels, self.num_heads = channels, head_channels, channels // head_channels
        self.norm = GroupNorm(f"{name}.norm", channels, num_groups, activate=False)
        self.qkv = Linear(f"{name}.qkv", channels, 3 * channels)
        self.projection = Linear(f"{name}.projection", channels, channels, zero=True)
        self.children = [self.norm, self.qkv, self.projection]

    def cost(self, shape):
        N, H, W, C = shape
        flops = self.norm.cost(shape)[1] + self.qkv.cost(shape)[1] + self.projection.cost(shape)[1]
        return shape, flops + 2 * 2 * N * (H * W) ** 2 * C

    def forward(self, p, x):
        h, cache_norm = self.norm.forward(p, x)
        qkv, cache_qkv = self.qkv.forward(p, h)  # (N, H, W, 3C)
        q, k, v = self._split_heads(qkv)  # (N, heads, S, d)
        h = p.empty(x.shape)
        attend(q, k, v, self.head_channels**-0.5, self._heads(h))
        h, cache_projection = self.projection.forward(p, h)
        h += x
        return h, (cache_norm, cache_qkv, q, k, v, cache_projection)

    def backward(self, p, g, cache, dy):
        cache_norm, cache_qkv, q, k, v, cache_projection = cache
        N, H, W, C = dy.shape
        dh = self.projection.backward(p, g, cache_projection, dy)
        dqkv = p.empty((N, H, W, 3 * C))
        dq, dk, dv = self._split_heads(dqkv)  # (N, heads, S, d)
        attend_backward(q, k, v, self.head_channels**-0.5, self._heads(dh), dq, dk, dv)
        dh = self.qkv.backward(p, g, cache_qkv, dqkv)
        return self.norm.backward(p, g, cache_norm, dh, dy)

    def _heads(self, h):
        """(N, H, W, C) seen as (N, heads, S, d)."""
        N, H, W, _ = h.shape
        return h.reshape(N, H * W, self.num_heads, self.head_channels).transpose(0, 2, 1, 3)

    def _split_heads(self, qkv):
        """(N, H, W, 3C) seen as q, k and v, each (N, heads, S, d)."""
        N, H, W, _ = qkv.shape
        return qkv.reshape(N, H * W, 3, self.num_heads, self.head_channels).transpose(2, 0, 3, 1, 4)
