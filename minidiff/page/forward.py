"""The forward process: a slider over t, and the schedule's curve with a dot on it."""

import math

from minidiff.page.charts import Axes, chart
from minidiff.page.film import film, numbers
from minidiff.page.markup import element, image_grid, missing, section


def render(facts):
    """The section."""
    schedule = facts.schedule
    times = facts.forward.t if facts.forward else [round(schedule.T * i / 20) for i in range(21)]
    times = sorted(set(times))
    axes, drawing = curve(schedule)
    frames = []
    for i, t in enumerate(times):
        signal, noise = float(schedule.signal[t]), float(schedule.noise[t])
        values = [("signal", f"{signal:.3f}"), ("noise", f"{noise:.3f}"), ("log-SNR", log_snr(schedule.log_snr[t]))]
        shown = (
            [] if facts.forward is None else [image_grid(facts.forward.z[i], f"z at t = {t}", len(facts.forward.z[i]))]
        )
        places = {"x": axes.x(t), "signal": axes.y(signal), "noise": axes.y(noise)}
        frames.append((f"t = {t} of {schedule.T}", [*shown, numbers(values)], places))
    return section(
        "forward",
        "The forward process",
        element(
            "p",
            "Move the slider, and images of this run drown in noise. At every t the mixture is z = signal x0 + noise "
            f"eps, with the two numbers of the “{schedule.name.replace('_', ' ')}” schedule over {schedule.T} "
            "steps. log-SNR is the logarithm of signal² / noise²: at 0 there is as much noise as image.",
        ),
        missing(facts.missing["data"]) if facts.forward is None else None,
        film("forward-film", "Time t", frames, start=len(frames) // 3, shared=[drawing]),
        element(
            "p",
            "This direction needs no network and no learning: it is arithmetic. The network is for the way back.",
        ),
    )


def curve(schedule):
    """The schedule as a chart with two dots that `page.js` moves, and its axes."""
    t = list(range(0, schedule.T + 1, max(1, schedule.T // 100)))
    signal, noise = schedule.signal[t].tolist(), schedule.noise[t].tolist()
    axes = Axes(t, signal + noise, "t", "weight", log=max(noise) > 2)  # noise that explodes needs a logarithmic scale
    dots = [element("circle", r=6, class_=f"dot color{i}", data_dot=name) for i, name in enumerate(("signal", "noise"))]
    drawing = axes.draw("Signal and noise over t", [(t, signal, 0), (t, noise, 1)], *dots)
    return axes, chart("The schedule", drawing, ("signal", "noise"))


def log_snr(value):
    """The log-SNR as text; without noise it is infinite."""
    return "∞" if math.isinf(value) else f"{value:.2f}"
