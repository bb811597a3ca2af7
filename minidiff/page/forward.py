"""The forward process: a slider over t, and the schedule's curves with a dot on each."""

import math

from minidiff.page.animation import Frame, animation
from minidiff.page.charts import Axes, chart
from minidiff.page.markup import Markup, element, image_grid, missing, section
from minidiff.page.report_data import ReportData
from minidiff.schedule import Schedule


def render(report: ReportData) -> Markup:
    """The section."""
    schedule = report.schedule
    times = report.forward.t if report.forward else [round(schedule.T * i / 20) for i in range(21)]
    axes, drawing = curves(schedule)
    frames = []
    for i, t in enumerate(sorted(set(times))):
        signal, noise = float(schedule.signal[t]), float(schedule.noise[t])
        log_snr = float(schedule.log_snr[t])
        values = {
            "signal": f"{signal:.3f}",
            "noise": f"{noise:.3f}",
            "log-SNR": "∞" if math.isinf(log_snr) else f"{log_snr:.2f}",
        }
        pairs = [element("div", element("dt", name), element("dd", value)) for name, value in values.items()]
        images = None
        if report.forward is not None:
            images = image_grid(report.forward.z[i], f"z at t = {t}", len(report.forward.z[i]))
        dots = {"x": axes.x(t), "signal": axes.y(signal), "noise": axes.y(noise)}
        frames.append(Frame(f"t = {t} of {schedule.T}", [images, element("dl", pairs, class_="values")], dots))
    return section(
        "forward",
        "The slider sets the timestep t, and with it how much noise is added to training images of this run: "
        "z = signal[t] x0 + noise[t] eps. The two weights come from the "
        f"“{schedule.name.replace('_', ' ')}” schedule with {schedule.T} timesteps. log-SNR is the logarithm of "
        "signal² / noise²; at 0 both weights are equal.",
        missing(report.missing["data"]) if report.forward is None else None,
        animation("forward-animation", "Timestep t", frames, len(frames) // 3, drawing),
        "The forward process has no parameters and needs no network. The network is trained to predict what is "
        "needed for the reverse direction.",
    )


def curves(schedule: Schedule) -> tuple[Axes, Markup]:
    """A chart of the schedule with two dots that `page.js` moves, and its axes."""
    t = list(range(0, schedule.T + 1, max(1, schedule.T // 100)))
    signal, noise = schedule.signal[t].tolist(), schedule.noise[t].tolist()
    # the noise of a variance-exploding schedule spans several powers of 10
    axes = Axes(t, signal + noise, "t", "weight", log=max(noise) > 2)
    dots = [element("circle", r=6, class_=f"dot color{i}", data_dot=name) for i, name in enumerate(("signal", "noise"))]
    drawing = axes.draw("Signal and noise over t", [(t, signal, 0), (t, noise, 1)], *dots)
    return axes, chart("The schedule", drawing, ("signal", "noise"))
