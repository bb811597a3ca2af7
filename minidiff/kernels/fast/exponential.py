"""The exponential function, in a form that the compiler can vectorize. Plain version: `np.exp`.

In a Numba loop, `exp` is called for one element at a time and takes about 3 ns; the network needs some two million
exponentials per image, in SiLU and in softmax. The following needs only arithmetic:

    exp(x) = 2^t = 2^whole * 2^fraction,     t = x log2(e)

For the fraction f in [-1/2, 1/2], the first seven terms of the series of 2^f = exp(f ln 2) are as accurate as float32
itself, 1e-7. The whole part is written directly into the exponent bits of a float32: the float with the bits
(whole + 127) << 23 is 2^whole. This is ten times as fast as the call.

float64 is used in gradient checks, where accuracy matters and time does not; it uses the call.

Read more: `tutorials/speed.md`.
"""

import numpy as np
from numba import types
from numba.extending import overload


def exponential(x: float) -> float:
    """exp(x) of one value: `_exponential_float32` for a float32 in a kernel, otherwise NumPy's."""
    return np.exp(x)


def _exponential_float32(x):
    """exp(x) of a float32; x is clipped to about -87 .. 87, the range of float32."""
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
    """The implementation of `exponential` in a kernel, chosen at compile time."""
    return _exponential_float32 if x == types.float32 else lambda x: np.exp(x)
