"""The loss curves of a run."""

from minidiff.exercises.plots.tour import loss_curves


def test_the_curves_are_the_columns_of_the_history(readable):
    history = [
        {"epoch": n, "loss": 1 / n, "held_out_loss": 2 / n} | {f"loss_quarter_{q}": 10**-q / n for q in range(1, 5)}
        for n in range(1, 21)
    ]
    left, right = readable(loss_curves(history)).axes
    assert [list(line.get_ydata()) for line in left.get_lines()] == [
        [row["loss"] for row in history],
        [row["held_out_loss"] for row in history],
    ]
    assert [line.get_label() for line in right.get_lines()][::3] == ["lowest noise", "highest noise"]
    assert [line.get_ydata()[0] for line in right.get_lines()] == [10**-q for q in range(1, 5)]
