"""Captions: where the text stands, and that the images stay as they are."""

import numpy as np
import pytest

from minidiff import plotting
from minidiff.captions import LINE, fitting, font, with_captions

GRAY = np.full((3, 64, 80, 3), -0.5)  # three images of 64 x 80, two in a row


def dark(page):
    """Rows and columns with black pixels."""
    rows, columns = np.nonzero(np.asarray(page)[..., 0] < 40)
    return (rows.min(), rows.max(), columns.min(), columns.max()) if len(rows) else None


def test_names_are_below_their_images_and_a_title_above_all():
    page = plotting.sheet(GRAY, 2)
    gap = plotting.GAP
    for names, title in (([""] * 3, ""), (["", "", "tabby"], ""), (["", "a cat", ""], ""), (None, "t = 12")):
        found = np.asarray(with_captions(page, (64, 80), gap, names, title))
        top, below = LINE * bool(title), LINE * (names is not None)
        assert found.shape == (page.shape[0] + top + 2 * below, page.shape[1], 3)
        for row in range(2):
            start = gap + row * (64 + gap)
            shown = found[top + start + row * below :][:64]
            np.testing.assert_array_equal(shown, page[start : start + 64])
        text = dark(found)
        if title:
            assert text[1] < LINE
        elif any(names):
            row, column = divmod([bool(name) for name in names].index(True), 2)
            bottom = gap + (row + 1) * 64 + row * (gap + LINE)
            left = gap + column * (80 + gap)
            assert bottom <= text[0] < text[1] < bottom + LINE
            assert left <= text[2] < text[3] < left + 80
            assert (text[2] + text[3]) / 2 == pytest.approx(left + 40, abs=2)  # in the middle
        else:
            assert text is None


def test_a_long_name_is_cut_to_the_width():
    name = "a name that is far too long for an image"
    short = fitting(name, 80)
    assert font().getlength(short) <= 80 < font().getlength(name)
    assert short.endswith("…")
    assert name.startswith(short[:-1])
    assert fitting("tabby", 80) == "tabby"
    assert fitting("tabby", 0) == "…"


def test_without_names_and_title_nothing_changes():
    page = plotting.sheet(GRAY, 2)
    np.testing.assert_array_equal(np.asarray(with_captions(page, (64, 80), plotting.GAP)), page)
