"""exp for short runs of numbers, in a form the compiler can vectorise.

A call of `exp` inside a Numba loop is made number by number and takes about 3 ns; the network wants the exponential of
some two million numbers an image, in SiLU and in softmax. Split differently, it is plain arithmetic:

    exp(x) = 2^t = 2^whole * 2^fraction,     t = x log2(e)

The fraction, in [-1/2, 1/2], goes through the first seven terms of the series of 2^f = exp(f ln 2), whose error is that
of float32 itself, 1e-7. The whole part is written straight into the bits of a float32 that hold its exponent: the
number with the bits (whole + 127) << 23 is 2^whole. Five times as fast as the call.

float64 is there for gradient checks, where exactness counts and time does not, and takes the plain call.

Read more: `tutorials/speed.md`.
"""

import numba
import numpy as np

from minidiff.kernels.options import KERNEL_OPTIONS


@numba.njit(**KERNEL_OPTIONS)
def exponential_run(x, factor, exponent, y):
    """y = exp(factor x); for float32, factor x is first limited to about -87 .. 87, where float32 ends.

    Args:
        x: (n,) float32 or float64.
        factor: a number of x's type.
        exponent: (n,) int32, a buffer.
        y: (n,) receives the result; not x itself, or the compiler will not vectorise.
    """
    if x.itemsize == 8:
        for i in range(x.size):
            y[i] = np.exp(factor * x[i])
    else:
        scale = np.float32(factor * x.dtype.type(1.4426950408889634))
        for i in range(x.size):
            t = np.float32(x[i]) * scale
            t = min(max(t, np.float32(-126)), np.float32(126))
            whole = np.floor(t + np.float32(0.5))
            f = t - whole
            power = np.float32(1.5403530e-4) * f + np.float32(1.3333558e-3)
            power = power * f + np.float32(9.6181291e-3)
            power = power * f + np.float32(5.5504109e-2)
            power = power * f + np.float32(2.4022651e-1)
            power = power * f + np.float32(6.9314718e-1)
            y[i] = power * f + np.float32(1)
            exponent[i] = np.int32(whole + np.float32(127)) << np.int32(23)
        two_to_the_whole = exponent.view(np.float32)
        for i in range(x.size):
            y[i] *= two_to_the_whole[i]
