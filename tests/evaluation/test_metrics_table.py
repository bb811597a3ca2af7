"""The test of the metrics on images that are spliced in part, and its command."""

import pytest

from minidiff.cli import main
from minidiff.evaluation.metrics_table import SHARES, Row, table


def test_the_command_prints_a_row_for_each_share(capsys):
    assert main(["metrics", "shapes", "--size", "16", "--samples", "32", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "32 images, against 32 others"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0][:2] == ["spliced", "parts agree in kind"]
    assert [row[0] for row in cells[2:]] == [f"{100 * share:.0f} %" for share in SHARES]
    assert {len(row) for row in cells} == {1 + 4 + 5}


def test_cells_are_in_percent_or_as_they_are():
    compared = {"frechet": (1.25, 0.5), "kernel": (0.1, 0.01), "precision": (0.75, 0.1), "recall": (0.5, 0.1)}
    row = Row(0.1, (0.875, 0.02), compared, {"eyes": (0.5, 0.1)})
    last = table([row]).splitlines()[-1]
    assert last == "| 10 % | 50.0 % | 87.5 +- 2.0 % | 75.0 % | 50.0 % | 1.25 +- 0.50 | 0.10 +- 0.01 |"


@pytest.mark.parametrize("arguments", [["cats", "--samples", "3"], ["nowhere"]])
def test_mistakes_print_one_line(capsys, arguments):
    assert main(["metrics", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
