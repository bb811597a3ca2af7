"""The two sets of kernels, and the functions that each of them has.

    plain    the reference implementation: every function reads as its formula
    fast     the same functions for training: vectors, blocks that fit the cache, fused passes, reused memory

A network is built with one set, `UNet(config, create_kernels("plain"))`, and its layers call it: `kernels.convolve(x,
w, b)`. Both sets take and return the same arrays, float32 or float64, and tests compare them on odd shapes. The
functions of `fast` take one more argument in front, the buffers that their memory comes from; it is filled in here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast import attention as fast_attention
from minidiff.kernels.fast import convolution as fast_convolution
from minidiff.kernels.fast import linear as fast_linear
from minidiff.kernels.fast import muon as fast_muon
from minidiff.kernels.fast import norm as fast_norm
from minidiff.kernels.fast import optimizers as fast_optimizers
from minidiff.kernels.plain import attention as plain_attention
from minidiff.kernels.plain import convolution as plain_convolution
from minidiff.kernels.plain import linear as plain_linear
from minidiff.kernels.plain import norm as plain_norm
from minidiff.kernels.plain import optimizers as plain_optimizers


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """One set of kernels. The arguments are described in `kernels/plain/`, where the formulas are.

    Attributes:
        name: "plain" or "fast".
        empty: (shape, dtype) -> an uninitialized array.
        convolve, convolve_backward: `plain/convolution.py`.
        linear, linear_backward: `plain/linear.py`.
        group_norm, group_norm_backward, silu, silu_backward: `plain/norm.py`.
        attention, attention_backward: `plain/attention.py`.
        adamw, muon, sum_of_squares: `plain/optimizers.py`.
    """

    name: str
    empty: Callable[..., np.ndarray]
    convolve: Callable[..., np.ndarray]
    convolve_backward: Callable[..., np.ndarray]
    linear: Callable[..., np.ndarray]
    linear_backward: Callable[..., np.ndarray]
    group_norm: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
    group_norm_backward: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
    silu: Callable[..., np.ndarray]
    silu_backward: Callable[..., np.ndarray]
    attention: Callable[..., np.ndarray]
    attention_backward: Callable[..., np.ndarray]
    adamw: Callable[..., Any]
    muon: Callable[..., None]
    sum_of_squares: Callable[..., float]

    def __deepcopy__(self, memo: dict) -> "Kernels":
        return self  # copies of a network share its kernels

    def __repr__(self) -> str:
        return f"Kernels({self.name})"


def plain_kernels() -> Kernels:
    """The reference implementation."""
    return Kernels(
        name="plain",
        empty=np.empty,
        convolve=plain_convolution.convolve,
        convolve_backward=plain_convolution.convolve_backward,
        linear=plain_linear.linear,
        linear_backward=plain_linear.linear_backward,
        group_norm=plain_norm.group_norm,
        group_norm_backward=plain_norm.group_norm_backward,
        silu=plain_norm.silu,
        silu_backward=plain_norm.silu_backward,
        attention=plain_attention.attention,
        attention_backward=plain_attention.attention_backward,
        adamw=plain_optimizers.adamw,
        muon=plain_optimizers.muon,
        sum_of_squares=plain_optimizers.sum_of_squares,
    )


def fast_kernels(buffers: Buffers | None = None) -> Kernels:
    """The kernels for training; by default they have buffers of their own."""
    buffers = buffers or Buffers()
    return Kernels(
        name="fast",
        empty=buffers.empty,
        convolve=partial(fast_convolution.convolve, buffers),
        convolve_backward=partial(fast_convolution.convolve_backward, buffers),
        linear=partial(fast_linear.linear, buffers),
        linear_backward=partial(fast_linear.linear_backward, buffers),
        group_norm=partial(fast_norm.group_norm, buffers),
        group_norm_backward=partial(fast_norm.group_norm_backward, buffers),
        silu=partial(fast_norm.silu, buffers),
        silu_backward=partial(fast_norm.silu_backward, buffers),
        attention=partial(fast_attention.attention, buffers),
        attention_backward=partial(fast_attention.attention_backward, buffers),
        adamw=fast_optimizers.adamw,
        muon=partial(fast_muon.muon, buffers),
        sum_of_squares=fast_optimizers.sum_of_squares,
    )


KERNEL_SETS = {"fast": fast_kernels, "plain": plain_kernels}


def create_kernels(name: str = "fast") -> Kernels:
    """The set of kernels of a name, "fast" or "plain"."""
    return KERNEL_SETS[name]()
