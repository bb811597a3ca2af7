"""The residual block: two convolutions, steered by the time vector, around which the input is carried unchanged.

    a, b = Linear(time_vector)
    y = x + Conv( SiLU( GroupNorm( Conv( SiLU( GroupNorm(x) ) ) ) * (1 + a) + b ) )

The second convolution starts at zero, so a new block is the identity, and so is a new network of them: gradients reach
every layer from the first step on (He et al., 2016; Goyal et al., 2017). Where the number of channels changes, a 1x1
convolution carries x across.

Scale and shift together are called FiLM (Perez et al., 2018). Without it there is only the shift: a = 0, and the linear
map gives b alone. That is how the first diffusion networks took up the time (Ho, Jain, Abbeel, 2020).
"""

import numpy as np

from minidiff.layers.convolution import Conv2d
from minidiff.layers.linear import Linear
from minidiff.layers.norm import GroupNorm


class ResidualBlock:
    """(N, H, W, C) and a time vector to (N, H, W, K).

    Args:
        name: prefix of its parameters' names.
        in_channels, out_channels: C and K.
        time_channels: length of the time vector.
        num_groups: of the normalizations.
        film: whether the time vector scales and shifts, or only shifts.
    """

    def __init__(self, name, in_channels, out_channels, time_channels, num_groups=8, film=True):
        self.name, self.scales = name, film
        self.norm1 = GroupNorm(f"{name}.norm1", in_channels, num_groups)
        self.conv1 = Conv2d(f"{name}.conv1", in_channels, out_channels)
        self.film = Linear(f"{name}.film", time_channels, (2 if film else 1) * out_channels, zero=True)
        self.norm2 = GroupNorm(f"{name}.norm2", out_channels, num_groups)
        self.conv2 = Conv2d(f"{name}.conv2", out_channels, out_channels, zero=True)
        self.carry = Conv2d(f"{name}.carry", in_channels, out_channels, 1) if in_channels != out_channels else None
        children = (self.norm1, self.conv1, self.film, self.norm2, self.conv2, self.carry)
        self.children = [child for child in children if child is not None]

    def cost(self, shape):
        output, flops = self.conv1.cost(shape)
        flops += self.norm1.cost(shape)[1] + self.norm2.cost(output)[1] + self.conv2.cost(output)[1]
        flops += self.film.cost((shape[0], self.film.in_channels))[1]
        return output, flops + (self.carry.cost(shape)[1] if self.carry else 0)

    def forward(self, p, x, time_vector):
        h, cache1 = self.norm1.forward(p, x)
        h, cache2 = self.conv1.forward(p, h)
        a_b, cache3 = self.film.forward(p, time_vector)  # (N, 2K), or b alone, (N, K)
        if not self.scales:
            a_b = np.concatenate([np.zeros_like(a_b), a_b], axis=1)  # a = 0
        h, cache4 = self.norm2.forward(p, h, a_b)
        carried, cache6 = self.carry.forward(p, x) if self.carry else (x, None)
        y, cache5 = self.conv2.forward(p, h, carried)
        return y, (cache1, cache2, cache3, cache4, cache5, cache6)

    def backward(self, p, g, cache, dy):
        """Returns dx and dtime_vector."""
        cache1, cache2, cache3, cache4, cache5, cache6 = cache
        dcarried = self.carry.backward(p, g, cache6, dy) if self.carry else dy
        dh = self.conv2.backward(p, g, cache5, dy)
        dh, da_b = self.norm2.backward(p, g, cache4, dh)
        if not self.scales:
            da_b = da_b[:, self.film.out_channels :]  # db alone
        dtime_vector = self.film.backward(p, g, cache3, da_b)
        dh = self.conv1.backward(p, g, cache2, dh)
        dx = self.norm1.backward(p, g, cache1, dh, dcarried)
        return dx, dtime_vector
