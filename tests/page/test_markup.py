"""Text is escaped, and embedded images have the right pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from minidiff.page.markup import MAX_SIDE, Markup, element, image_grid, image_tag, subsampling, table, with_code
from tests.page.pages import EVIL, Page


def test_text_is_escaped_in_children_and_attributes_and_markup_is_not():
    found = element("p", EVIL, element("b", "&"), title='"<>', data_name=EVIL, class_="x", hidden=True, id=None)
    assert found == (
        '<p title="&quot;&lt;&gt;" data-name="&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" class="x" hidden>'
        "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;<b>&amp;</b></p>"
    )
    assert isinstance(found, Markup)
    assert element("li", [1, None, ["<", Markup("<i>")]]) == "<li>1&lt;<i></li>"


def test_code_between_backticks():
    assert element("p", with_code("take `a < b` or `c`")) == "<p>take <code>a &lt; b</code> or <code>c</code></p>"


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_embedded_with_every_pixel(channels, rng):
    pixels = rng.integers(0, 256, (5, 9, channels), np.uint8)
    (attributes,) = Page(image_tag(pixels, EVIL)).all("img")
    assert attributes["alt"] == EVIL
    assert (attributes["width"], attributes["height"]) == ("9", "5")
    kind, content = attributes["src"].split(",")
    assert kind == "data:image/png;base64"
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (MAX_SIDE, 1), (MAX_SIDE + 1, 2), (128, 2), (1000, 16)])
def test_a_large_image_is_subsampled(side, stride):
    assert subsampling(side) == stride
    pixels = np.zeros((side, 3, 1), np.uint8)
    (attributes,) = Page(image_tag(pixels)).all("img")
    assert int(attributes["height"]) == -(-side // stride) <= MAX_SIDE


def test_a_grid_is_one_image_or_a_group_for_a_screen_reader():
    images = np.zeros((2, 2, 2, 3), np.uint8)
    page = Page(image_grid(images, "two", 2))
    assert page.all("div")[0] | {"style": ""} == {
        "class": "images", "role": "img", "aria-label": "two", "style": "",
    }  # fmt: skip
    page = Page(image_grid(images, "two", 2, ["a", "b"]))
    assert page.all("div")[0]["role"] == "group"
    assert [image["alt"] for image in page.all("img")] == ["a", "b"]


def test_a_table_has_headers_for_a_screen_reader():
    page = Page(table(("a", "b"), [("<", 1), ("y", 2)], "both"))
    assert [heading["scope"] for heading in page.all("th")] == ["col", "col", "row", "row"]
    assert page.text["th"] == ["a", "b", "<", "y"]
    assert page.text["td"] == ["1", "2"]
    assert page.text["caption"] == ["both"]
