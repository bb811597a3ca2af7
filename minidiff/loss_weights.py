"""Which noise levels the loss listens to.

Training sums squared errors over all noise levels, and an error of the prediction means different things at different
levels. There are two ways to say where errors matter: draw those levels more often (`Schedule.draw_timesteps`), or
multiply their errors by a weight, which is done here:

    loss = weight[t] (y_hat - y)^2

    uniform      weight = 1: all errors of y alike
    min_snr      an error of x0_hat counts min(SNR, 5), SNR = signal^2 / noise^2   (Hang et al., 2023, section 3.4)

The second is said in terms of x0_hat whatever y is. An error of y is an error of x0_hat `noise / determinant` times as
large (`Schedule.error_scales`), so that the weight of y is

    weight = min(SNR, 5) (noise / determinant)^2

which gives the paper's min(SNR, 5) / SNR for the noise and min(SNR, 5) / (SNR + 1) for the velocity.
"""

import numpy as np

from minidiff.errors import MinidiffError

LOSS_WEIGHTS = ("uniform", "min_snr")
GAMMA = 5.0  # the SNR from which on min_snr treats all levels alike (Hang et al., 2023)


def loss_weight(schedule, name, target, t):
    """The weight of (y_hat - y)^2 in the loss.

    Args:
        schedule: a `Schedule`.
        name: "uniform" or "min_snr".
        target: what y is: "flow", "noise", "image" or "velocity".
        t: steps, int (N,), at least 1.

    Returns:
        float64, of t's shape.

    Raises:
        MinidiffError: an unknown name.
    """
    if name not in LOSS_WEIGHTS:
        raise MinidiffError(f"no weight of the loss is called {name!r}; there are {', '.join(LOSS_WEIGHTS)}")
    x0_scale, _ = schedule.error_scales(target, t)
    if name == "uniform":
        return np.ones_like(x0_scale)
    return np.minimum(schedule.sigma[t] ** -2.0, GAMMA) * x0_scale**2
