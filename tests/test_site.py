"""The website: every page is built without a warning, and its links lead somewhere.

Not run where the tools are missing: `pip install -e ".[site]"`. The checks of accessibility also need a browser.
"""

import importlib.util
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from minidiff.cli import COMMANDS, name_of
from tests.page import browser

for tool in ("sphinx", "myst_nb", "pydata_sphinx_theme", "latex2mathml"):
    pytest.importorskip(tool, reason='the website needs pip install ".[site]"')

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "tutorials"
EXTERNAL = ("http:", "https:", "data:", "mailto:")


class Page(HTMLParser):
    """What a page refers to.

    Attributes:
        anchors: the ids of its elements.
        links: where its links lead.
        loaded: the files that it loads.
        images: the alternative texts of its images.
    """

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded, self.images = {""}, [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, name, attributes):
        found = dict(attributes)
        self.anchors.add(found.get("id", ""))
        if name == "a" and "href" in found:
            self.links.append(found["href"])
        if name in ("script", "img") or found.get("rel") in ("stylesheet", "icon", "preload", "prefetch"):
            self.loaded += [found[key] for key in ("href", "src") if key in found]
        if name == "img":
            self.images.append(found.get("alt", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(TUTORIALS / "site" / "build.py"), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    """Path -> page; the theme has templates among its static files."""
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def test_every_link_within_the_site_leads_to_an_element(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if not link.startswith(EXTERNAL):
                file, _, anchor = unquote(link).partition("#")
                target = (path.parent / file).resolve() if file else path
                anchors = pages[target].anchors if target in pages else {""}
                if not target.exists() or anchor not in anchors:
                    broken.append(f"{path.name}: {link}")
    assert broken == []


def test_pages_load_only_files_of_the_site(pages):
    for path, page in pages.items():
        for file in page.loaded:
            assert not file.startswith(("http:", "https:", "//")), f"{path.name}: {file}"
            assert file.startswith("data:") or (path.parent / unquote(file.partition("?")[0])).exists(), file


def test_images_of_notebooks_have_the_stored_descriptions(site, pages):
    for path in TUTORIALS.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        stored = {o["metadata"]["image/png"]["alt"] for o in outputs if "image/png" in o.get("data", {})}
        assert stored <= set(pages[site / "tutorials" / f"{path.stem}.html"].images), path.name


def test_every_image_is_described_and_not_by_its_file(pages):
    for path, page in pages.items():
        assert [alt for alt in page.images if not alt or alt.endswith((".png", ".svg"))] == [], path.name


def test_every_command_and_its_options_are_described(site, pages):
    for module in COMMANDS:
        page = pages[site / "commands" / f"{name_of(module)}.html"]
        assert f"cmdoption-minidiff-{name_of(module)}-h" in page.anchors
    assert "cmdoption-minidiff-train-learning-rate" in pages[site / "commands" / "train.html"].anchors


def test_kernels_and_methods_are_described_and_their_source_is_shown(site, pages):
    for page, module, name in (
        ("kernels/fast/softmax", "minidiff/kernels/fast/softmax", "softmax"),
        ("schedule", "minidiff/schedule", "Schedule.add_noise"),
    ):
        assert f"{module.replace('/', '.')}.{name}" in pages[site / "api" / f"{page}.html"].anchors
        assert name in pages[site / "_modules" / f"{module}.html"].anchors


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Text:\n\n    z = x0\n\nMore.", "Text:\n\n\n.. code-block:: text\n\n    z = x0\n\n\nMore."),
        ("Args:\n    x, y: arrays.\n    z: one.", "Args:\n    x: arrays.\n    y: arrays.\n    z: one."),
        ("See `curves.levels` and `a b`s.", "See :py:obj:`curves.levels <minidiff.curves.levels>` and ``a b``\\ s."),
        ("`norm.py`", ":py:mod:`norm.py <minidiff.layers.norm>`"),
        ("`tutorials/02_noise.ipynb`", ":doc:`tutorials/02_noise.ipynb </tutorials/02_noise>`"),
        ("*new* |x| * 2", "*new* \\|x\\| \\* 2"),
        ("* an item", "* an item"),
    ],
)
def test_docstrings_become_restructured_text(docstring, expected):
    specification = importlib.util.spec_from_file_location("docstrings", TUTORIALS / "site" / "docstrings.py")
    docstrings = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(docstrings)
    assert docstrings.translate(docstring, "minidiff.layers.block.ResidualBlock") == expected


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", "tutorials/02_noise", "commands/train", "api/schedule", "glossary"])
def test_pages_are_accessible(site, name):
    with browser.chromium() as driver:
        for width, theme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            browser.show(driver, site / f"{name}.html", width, theme)
            assert browser.violations(driver) == []
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
