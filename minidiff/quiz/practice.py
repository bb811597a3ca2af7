"""Practice: a few lines of code to write, from mixing in noise to a gradient by hand."""

from minidiff.quiz.question import Practice

PRACTICE = (
    Practice(
        name="add_noise",
        level="easy",
        text="Write z, the mixture of a picture x0 and noise eps at step t of a schedule.",
        starting_code="def add_noise(schedule, x0, eps, t):\n    return x0\n",
        solution="def add_noise(schedule, x0, eps, t):\n    return schedule.signal[t] * x0 + schedule.noise[t] * eps\n",
        hint="Two arrays of the schedule hold the weights of the two parts.",
    ),
    Practice(
        name="x0_from_noise",
        level="easy",
        text="From z at step t and a prediction eps_hat of its noise, find the picture x0_hat.",
        starting_code="def x0_from_noise(schedule, z, eps_hat, t):\n    return z - eps_hat\n",
        solution=(
            "def x0_from_noise(schedule, z, eps_hat, t):\n"
            "    return (z - schedule.noise[t] * eps_hat) / schedule.signal[t]\n"
        ),
        hint="Solve z = signal x0 + noise eps for x0.",
    ),
    Practice(
        name="ddim_step",
        level="medium",
        text="Write one step of DDIM without fresh noise, from x0_hat and eps_hat to z at t_next.",
        starting_code="def ddim_step(schedule, x0_hat, eps_hat, t_next):\n    return x0_hat\n",
        solution=(
            "def ddim_step(schedule, x0_hat, eps_hat, t_next):\n"
            "    return schedule.signal[t_next] * x0_hat + schedule.noise[t_next] * eps_hat\n"
        ),
        hint="The same picture and the same noise, mixed as at t_next.",
    ),
    Practice(
        name="guide",
        level="medium",
        text="Write guidance of strength w from an unconditional and a conditional prediction of the noise.",
        starting_code="def guide(eps_unconditional, eps_conditional, w):\n    return eps_conditional\n",
        solution=(
            "def guide(eps_unconditional, eps_conditional, w):\n"
            "    return eps_unconditional + w * (eps_conditional - eps_unconditional)\n"
        ),
        hint="w = 0 must give the unconditional one, w = 1 the conditional one.",
    ),
    Practice(
        name="trailing",
        level="medium",
        text="Give the steps t at which a sampler of n steps asks the network, equally far apart, beginning at T.",
        starting_code="def trailing(T, n):\n    return list(range(n))\n",
        solution="def trailing(T, n):\n    return [round(T - i * T / n) for i in range(n)]\n",
        hint="The distance is T / n, and the first step is T, not T minus one distance.",
    ),
    Practice(
        name="linear_backward",
        level="hard",
        text="For y = x @ w, x of shape (N, C) and w of shape (C, K), give the gradients by x and w from dy (N, K).",
        starting_code="def linear_backward(x, w, dy):\n    return dy, x\n",
        solution="def linear_backward(x, w, dy):\n    return dy @ w.T, x.T @ dy\n",
        hint="Each gradient has the shape of what it is the gradient by; there is one way to multiply that fits.",
    ),
)
