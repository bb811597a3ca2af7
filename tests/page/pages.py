"""A run with adversarial names, and a parser of pages."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from minidiff.data import Dataset
from tests import tiny

EVIL = "</script><script>alert(1)</script>"
LONG = "a_name_that_is_too_long_for_a_line_on_the_screen_of_a_telephone"
NAMES = (EVIL, '<img src=x onerror="alert(2)">', LONG)
EMPTY = {"meta", "img", "input", "circle", "line", "polyline"}  # elements without an end tag


def evil_dataset(count=12):
    """The tiny data set, with names that contain HTML."""
    images = np.random.default_rng(0).integers(0, 256, (count, tiny.SIDE, tiny.SIDE, 3), np.uint8)
    texts = {"name": EVIL, "source": f"/data/{EVIL}", "license": "<b>free</b> & 'all'"}
    return Dataset(images, np.arange(count) % 3, NAMES, **texts)


def evil_run(path, workers, epochs=6):
    """A trained run with that data set."""
    data, training = evil_dataset(), replace(tiny.TRAINING, epochs=epochs)
    run = tiny.start(path, training, data)
    tiny.train(run, workers, training, data)
    facts = {"name": data.name, "source": data.source, "license": data.license, "machine": EVIL}
    run.write_config(run.config | facts | {"command": f"minidiff train --data '{EVIL}' --out {'very_long_' * 12}"})
    return run, data


class Page(HTMLParser):
    """The elements of a page; an element without a start tag or without an end tag is an error.

    Attributes:
        elements: list of (name, dict of attributes, names of the enclosing elements).
        text: name of an element -> list of the texts in it.
    """

    def __init__(self, source):
        super().__init__()
        self.elements, self.text, self.open = [], {}, []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes), tuple(self.open)))
        if name not in EMPTY:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        assert name in EMPTY
        self.elements.append((name, dict(attributes), tuple(self.open)))

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)

    def all(self, name):
        """The attributes of all elements with a name."""
        return [attributes for found, attributes, _ in self.elements if found == name]

    @property
    def whole_text(self):
        return " ".join(text for name, texts in self.text.items() if name not in ("script", "style") for text in texts)
