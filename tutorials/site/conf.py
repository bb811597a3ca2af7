"""The configuration of Sphinx; `build.py` builds the site.

Sphinx, because it checks every reference, reads docstrings of imported objects and shows their source; MyST-NB,
because it renders notebooks as they are stored; the PyData theme, because NumPy, SciPy and scikit-learn use it and its
own tests look for problems of accessibility. Formulas become MathML. So the pages load nothing from other servers.
"""

import json
import re
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from xml.sax.saxutils import quoteattr

from docutils import nodes
from sphinx import addnodes

sys.path.insert(0, str(Path(__file__).parent))

from latex2mathml.converter import convert

import docstrings
from minidiff.version import __version__

project = "minidiff"
author = "The minidiff authors"
release = version = __version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_nb"]
smartquotes = False  # -- begins an option

myst_enable_extensions = ["deflist", "dollarmath", "html_image"]
myst_heading_anchors = 4
nb_execution_mode = "off"

autodoc_default_options = {"members": True, "ignore-module-all": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "minidiff"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_show_sourcelink = html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],  # the field has a name that differs from its text
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_toc_level": 2,
}
html_sidebars = {page: [] for page in ("index", "install", "glossary", "CHANGELOG", "CONTRIBUTING")}
copyright = author

TAG = re.compile(r"\\tag\{(.+?)\}")  # the number of a formula
REPAIRS = {  # in the HTML of Sphinx and the theme
    '<th class="head"><p></p></th>': "<td></td>",  # the corner of a table is no heading
    '<summary><span class="toctree-toggle"': '<summary aria-label="modules"><span class="toctree-toggle"',
}


def inline_math(writer, node):
    """Writes a formula in a line as MathML."""
    text = node.astext()
    label = f"<math aria-label={quoteattr(text)} " if len(text) == 1 else "<math "  # some programs read no MathML
    writer.body.append(convert(text).replace("<math ", label, 1))
    raise nodes.SkipNode


def displayed_math(writer, node):
    """Writes a displayed formula and its number. If it is wider than the page it scrolls, also by keyboard."""
    formula = convert(TAG.sub("", node.astext()), display="block")
    numbers = [f"<span>({number})</span>" for number in TAG.findall(node.astext())]
    tag = writer.starttag(node, "div", CLASS="formula", tabindex="0", role="group", **{"aria-label": "formula"})
    writer.body += [tag, formula, *numbers, "</div>\n"]
    raise nodes.SkipNode


def describe_images(app, doctree, name):
    """Gives the images of a notebook's outputs the descriptions stored with them; MyST-NB names the files by hash."""
    notebook = Path(app.srcdir) / f"{name}.ipynb"
    if not notebook.exists():
        return
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = {}
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        if image := output.get("data", {}).get("image/png"):
            key = sha256(b64decode("".join(image))).hexdigest()
            texts[key] = output["metadata"]["image/png"]["alt"]
    for image in doctree.findall(nodes.image):
        if alt := texts.get(Path(image["uri"]).stem):
            image["alt"] = alt


def tidy_descriptions(app, doctree):
    """Sets the dashes of lists of parameters, and leaves out that a class has no base class."""
    for content in doctree.findall(addnodes.desc_content):
        for text in list(content.findall(nodes.Text)):
            if text == " -- ":
                text.parent.replace(text, nodes.Text(" – "))
        for paragraph in list(content.findall(nodes.paragraph)):
            if paragraph.astext() == "Bases: object":
                paragraph.parent.remove(paragraph)


def repair(app, exception):
    """Repairs what a checker of accessibility finds in the pages: cells and switches without a text."""
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for wrong, right in REPAIRS.items():
            page = page.replace(wrong, right)
        path.write_text(page, encoding="utf-8")


def setup(app):
    """Adds the handlers of this file to Sphinx."""
    app.add_html_math_renderer("mathml", (inline_math, None), (displayed_math, None))
    app.connect("doctree-resolved", describe_images)
    app.connect("doctree-read", tidy_descriptions)
    app.connect("build-finished", repair)
    app.connect("autodoc-process-docstring", docstrings.process, priority=400)  # before Napoleon
