"""Histograms, schedules, the leak of the mean, and the factors of errors."""

import numpy as np

from minidiff.exercises.plots.noise import (
    error_scale_curves,
    histograms_and_densities,
    leak_of_the_mean,
    log_snr_curves,
    schedule_curves,
)
from minidiff.schedule import TARGETS, Schedule

SCHEDULES = {name: Schedule(name, T=50) for name in ("flow", "cosine", "variance_exploding")}
rng = np.random.default_rng(0)


def test_histograms_have_the_scale_of_the_densities(readable):
    value = np.linspace(-4, 4, 99)
    density = np.exp(-(value**2) / 2) / np.sqrt(2 * np.pi)
    figure = readable(
        histograms_and_densities(
            {t: rng.normal(size=20_000) for t in (1, 2, 3)}, value, dict.fromkeys((1, 2, 3), density)
        )
    )
    for axes in figure.axes:
        assert max(bar.get_height() for bar in axes.patches) < 1.2 * density.max()
        assert axes.get_xlim() == (-4, 4)


def test_schedules_are_drawn_over_time_and_against_each_other(readable):
    signal, noise, both = readable(schedule_curves(SCHEDULES)).axes
    flow = SCHEDULES["flow"]
    np.testing.assert_array_equal(signal.get_lines()[0].get_xydata(), np.stack([np.arange(51) / 50, flow.signal], 1))
    np.testing.assert_array_equal(noise.get_lines()[1].get_ydata(), SCHEDULES["cosine"].noise)
    np.testing.assert_array_equal(both.get_lines()[0].get_xydata(), np.stack([flow.signal, flow.noise], 1))
    (axes,) = readable(log_snr_curves(SCHEDULES, {"flow": 0.5, "cosine": 0.25, "variance_exploding": 1})).axes
    assert axes.get_lines()[2].get_label() == "variance exploding: 100 %"
    assert np.isfinite(axes.get_lines()[0].get_ydata()).all()


def test_the_leak_is_drawn_with_one_color_for_each_schedule(readable):
    truth = rng.normal(size=900)
    means = {"stops early": truth / 2, "ends in noise": rng.normal(size=900) / 10}
    left, right = readable(leak_of_the_mean(truth / 3, means, {"data": truth, **means})).axes
    assert len(left.get_lines()[0].get_ydata()) == 400
    outlines = {patch.get_label(): patch.get_edgecolor() for patch in right.patches}
    from matplotlib.colors import to_rgba

    for line in left.get_lines():
        assert outlines[line.get_label()][:3] == to_rgba(line.get_color())[:3]


def test_errors_are_drawn_for_every_target(readable):
    schedule = SCHEDULES["cosine"]
    scales = {target: schedule.error_scales(target, np.arange(1, 51)) for target in TARGETS}
    image, noise = readable(error_scale_curves(schedule.log_snr[1:], scales)).axes
    assert [line.get_label() for line in image.get_lines()] == list(TARGETS)
    assert len({line.get_linestyle() for line in noise.get_lines()}) == len(TARGETS)
