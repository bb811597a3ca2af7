"""The observations about the training, compared with values chosen by hand."""

import math

import pytest

from minidiff.page.training import about_quarters, about_start, chosen_rows, observe


def row(epoch, loss, quarters=(1.0, 1.0, 1.0, 1.0), learning_rate=0.002, **more):
    found = {"epoch": epoch, "step": 10 * epoch, "loss": loss, "learning_rate": learning_rate, "seconds": 2.0 * epoch}
    return found | {f"loss_quarter_{i}": value for i, value in enumerate(quarters, start=1)} | more


@pytest.mark.parametrize(
    ("last", "expected"),
    [(1, [1]), (3, [1, 3]), (6, [1, 5, 6]), (12, [1, 5, 10, 12]), (20, [1, 5, 10, 20]), (31, [1, 5, 10, 20, 31])],
)
def test_the_epochs_of_the_table(last, expected):
    assert [found["epoch"] for found in chosen_rows([row(epoch, 0.1) for epoch in range(1, last + 1)])] == expected


def test_the_nearest_epochs_replace_missing_ones():
    assert [found["epoch"] for found in chosen_rows([row(epoch, 0.1) for epoch in (2, 4, 11, 18)])] == [2, 4, 11, 18]


def test_the_first_row_is_compared_with_nothing():
    first = row(1, 0.26)
    assert observe(first, None, [first]) == "The first of these epochs."


def test_only_a_prediction_of_the_noise_starts_with_a_loss_of_1(rng):
    eps, x0 = rng.standard_normal(1000), rng.uniform(-1, 1, 1000)
    assert "loss of 1" in about_start("noise")
    assert abs((eps**2).mean() - 1) < 0.2
    z = 0.5 * x0 + 0.5 * eps  # for flow, y_hat = 0 gives eps_hat = z
    assert "not 1" in about_start("flow")
    assert ((z - eps) ** 2).mean() < 0.5


def test_other_rows_are_compared_with_the_row_above():
    before, now = row(1, 0.4, (0.8, 0.4, 0.2, 0.1)), row(5, 0.3, (0.8, 0.1, 0.15, 0.09))
    text = observe(now, before, [before, now])
    assert text == "25\u00a0% lower than in epoch 1; most in quarter 2, by 75\u00a0%."
    assert observe(row(5, 0.5), before, [before]) == "25\u00a0% higher than in epoch 1."
    assert observe(row(5, 0.401), before, [before]) == "About the same as in epoch 1."


def test_quarters_without_examples_are_ignored():
    before, now = row(1, 0.4, (math.nan, 0.4, 0.2, 0.1)), row(5, 0.2, (0.1, 0.2, 0.08, math.nan))
    assert "most in quarter 3, by 60" in observe(now, before, [before, now])
    for losses in ([0.3] + 3 * [math.nan], 4 * [math.nan]):
        assert about_quarters(losses).endswith("no more than one of them was drawn.")


def test_held_out_images_and_the_learning_rate_are_mentioned():
    before, now = row(1, 0.4), row(5, 0.2, learning_rate=0.0002, held_out_loss=0.25)
    text = observe(now, before, [before, now])
    assert "On held-out images 0.2500, 25\u00a0% higher." in text
    assert text.endswith("The learning rate is at 10\u00a0% of its maximum.")
    assert "about the same" in observe(row(5, 0.2, held_out_loss=0.201), before, [before])
    assert "less than 1\u00a0%" in observe(row(5, 0.2, learning_rate=1e-7), before, [before])


def test_the_quarters_with_the_highest_and_the_lowest_loss_are_named():
    text = about_quarters([0.11, 0.04, 0.02, 0.003])
    assert "highest in quarter 1 (0.1100)" in text
    assert "lowest in quarter 4 (0.0030)" in text
    assert "Low noise is hard" in text
    text = about_quarters([0.01, 0.04, 0.02, 0.03])
    assert "highest in quarter 2 (0.0400)" in text
    assert "Low noise is hard" not in text  # it was not so in this run
