"""The test of the metrics on images that are spliced in part, and its command."""

import pytest

from minidiff.cli import main
from minidiff.evaluation.measure import COMPARISON_NAMES
from minidiff.evaluation.metrics_table import SHARES, Row, table


def test_the_command_prints_a_row_for_each_share(capsys):
    assert main(["metrics", "shapes", "--size", "16", "--samples", "32", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "32 images, against 32 others"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0][1:] == [f"{100 * share:.0f} % spliced" for share in SHARES]
    names = ["kind", "color", "background", "all"]
    assert [row[0] for row in cells[2:6]] == [f"parts agree in {name}" for name in names]
    assert {row[0] for row in cells[6:]} == {"taken for whole images", *COMPARISON_NAMES.values()}
    assert {len(row) for row in cells} == {1 + len(SHARES)}
    assert lines[-1].startswith("Told from whole images: ")
    assert lines[-1].endswith(" % if spliced with any other image.")


def test_cells_are_in_percent_or_as_they_are():
    compared = {"frechet": (1.25, 0.5), "kernel": (0.1, 0.01), "precision": (0.75, 0.1), "recall": (0.5, 0.1)}
    row = Row(0.1, (0.875, 0.02), compared, {"eyes": (0.5, 0.1)})
    assert table([row, row]).splitlines() == [
        "|  | 10 % spliced | 10 % spliced |",
        "| --- | --- | --- |",
        "| parts agree in eyes | 50.0 +- 10.0 % | 50.0 +- 10.0 % |",
        "| taken for whole images | 87.5 +- 2.0 % | 87.5 +- 2.0 % |",
        "| Frechet distance | 1.25 +- 0.50 | 1.25 +- 0.50 |",
        "| kernel distance | 0.10 +- 0.01 | 0.10 +- 0.01 |",
        "| precision | 0.75 +- 0.10 | 0.75 +- 0.10 |",
        "| recall | 0.50 +- 0.10 | 0.50 +- 0.10 |",
    ]


@pytest.mark.parametrize("arguments", [["cats", "--samples", "3"], ["nowhere"]])
def test_mistakes_print_one_line(capsys, arguments):
    assert main(["metrics", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
