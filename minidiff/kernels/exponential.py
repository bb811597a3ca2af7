"""exp of one number, in a form the compiler can vectorize.

A call of `exp` inside a Numba loop is made number by number and takes about 3 ns; the network wants the exponential of
some two million numbers an image, in SiLU and in softmax. Split differently, it is plain arithmetic:

    exp(x) = 2^t = 2^whole * 2^fraction,     t = x log2(e)

The fraction, in [-1/2, 1/2], goes through the first seven terms of the series of 2^f = exp(f ln 2), whose error is that
of float32 itself, 1e-7. The whole part is written straight into the bits of a float32 that hold its exponent: the
number with the bits (whole + 127) << 23 is 2^whole. Ten times as fast as the call.

float64 is there for gradient checks, where exactness counts and time does not, and takes the plain call.

Read more: `tutorials/speed.md`.
"""

import numpy as np
from numba import types
from numba.extending import overload


def exponential(x):
    """exp(x): without the compiler, NumPy's; in a kernel, `exponential_float32` for a float32.

    Args:
        x: one number.
    """
    return np.exp(x)


def exponential_float32(x):
    """exp(x) of a float32; x is first limited to about -87 .. 87, where float32 ends."""
    t = np.float32(x) * np.float32(1.4426950408889634)
    t = min(max(t, np.float32(-126)), np.float32(126))
    whole = np.floor(t + np.float32(0.5))
    f = t - whole
    power = np.float32(1.5403530e-4) * f + np.float32(1.3333558e-3)
    power = power * f + np.float32(9.6181291e-3)
    power = power * f + np.float32(5.5504109e-2)
    power = power * f + np.float32(2.4022651e-1)
    power = power * f + np.float32(6.9314718e-1)
    power = power * f + np.float32(1)
    bits = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23))
    return power * bits.view(np.float32)


@overload(exponential)
def _choose_by_type(x):
    """What a kernel that calls `exponential` is given: decided when compiling."""
    return exponential_float32 if x == types.float32 else lambda x: np.exp(x)
