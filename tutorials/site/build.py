"""Builds the website of the course and the reference: python tutorials/site/build.py [FOLDER]

Needs `pip install -e ".[site]"`. The pages are written to build/site/html, or to FOLDER/html. A warning is an error, so
a broken link or a faulty docstring ends the build with exit code 1.

The sources are collected in FOLDER/source, laid out as in the repository, so that relative links lead to the same
things: README.md (as the home page), CHANGELOG.md, CONTRIBUTING.md and the notebooks and pages of tutorials/ as they
are stored; the pages of this folder; and the references, which are generated.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import api_pages
import command_pages
from markup import title

SITE = Path(__file__).parent
TUTORIALS, ROOT = SITE.parents[:2]
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
EXTERNAL = re.compile(r"[a-z]+:")
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md")  # and README.md, as index.md

MENU = (
    "Install <install>",
    "Course <tutorials/README>",
    "Guides <guides>",
    "Commands <commands/index>",
    "API <api/index>",
    "Glossary <glossary>",
    "Changelog <CHANGELOG>",
    "Contributing <CONTRIBUTING>",
)


class Stage:
    """The folder in which the sources of the site are collected."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listings: set[str] = set()  # paths in the repository of the files that are shown in full

    def write(self, path: str, text: str) -> None:
        """Writes a source file of the site."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def relink(self, text: str, path: str) -> str:
        """The Markdown of a file of the repository, with links to source files changed to links to their pages.

        Args:
            text: Markdown.
            path: of the file, in the repository.
        """
        folder = os.path.dirname(path)

        def change(match: re.Match) -> str:
            begin, target, anchor, end = match.groups()
            if EXTERNAL.match(target):
                return match[0]
            page = self.page_of(os.path.normpath(os.path.join(folder, target)).replace(os.sep, "/"))
            relative = os.path.relpath(page, folder or ".").replace(os.sep, "/")
            return f"{begin}{relative}{anchor or ''}{end}"

        return LINK.sub(change, text)

    def page_of(self, path: str) -> str:
        """The page of the site for a file or folder of the repository."""
        if path == "README.md":
            return "index.md"
        if path.startswith("tutorials/site/"):
            return path.removeprefix("tutorials/site/")
        if path.startswith("minidiff/commands") or path == "minidiff/cli.py":
            return "commands/index.rst"
        if page := api_pages.page_of().get(path):
            return page
        if (ROOT / path).is_file() and (path.endswith(".py") or path == "LICENSE"):
            self.listings.add(path)
            return f"files/{path}.rst"
        return path


def main(folder: Path) -> int:
    """Builds the site.

    Args:
        folder: where its sources and its pages are written.

    Returns:
        The exit code.
    """
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # so that autodoc finds functions where there are kernels
    os.environ["COLUMNS"] = "80"  # of the usage lines
    from sphinx.cmd.build import main as sphinx

    for name in ("source", "doctrees", "html"):
        shutil.rmtree(folder / name, ignore_errors=True)
    stage = Stage(folder / "source")
    collect(stage)
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", str(SITE)]
    paths = ["--doctree-dir", str(folder / "doctrees"), str(stage.folder), str(folder / "html")]
    return sphinx([*options, *paths])


def collect(stage: Stage) -> None:
    """Collects all sources of the site."""
    for path in repository_pages():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".ipynb":
            stage.write(name, json.dumps(relinked_notebook(stage, path, name)))
        else:
            text = stage.relink(path.read_text(encoding="utf-8"), name)
            stage.write("index.md" if name == "README.md" else name, text + menu_of(name))
    for path in SITE.glob("*.md"):
        stage.write(path.name, path.read_text(encoding="utf-8") + menu_of(path.name))
    shutil.copytree(TUTORIALS / "images", stage.folder / "tutorials" / "images")
    for name, text in {**command_pages.pages(), **api_pages.pages()}.items():
        stage.write(name, text)
    for name in sorted(stage.listings):
        stage.write(f"files/{name}", (ROOT / name).read_text(encoding="utf-8"))
        stage.write(f"files/{name}.rst", listing(name))


def listing(name: str) -> str:
    """The page that shows a file of the repository in full."""
    file = Path(name).name
    language = "python" if name.endswith(".py") else "text"
    show = f".. literalinclude:: {file}\n   :language: {language}\n"
    return f":orphan:\n\n{title(name)}:download:`{file}`\n\n{show}"


def repository_pages() -> Iterator[Path]:
    """The pages and notebooks that the site shows as they are."""
    for name in ("README.md", *PAGES):
        yield ROOT / name
    for suffix in ("md", "ipynb"):
        yield from sorted(TUTORIALS.glob(f"*.{suffix}"))


def menu_of(name: str) -> str:
    """The navigation below a page, which is added to its text."""
    below = {
        "README.md": MENU,
        "tutorials/README.md": sorted(path.stem for path in TUTORIALS.glob("*.ipynb")),
        "guides.md": guides(),
    }
    names = below.get(name, ())
    return "\n".join(["\n```{toctree}", ":hidden:", "", *names, "```\n"]) if names else ""


def guides() -> list[str]:
    """The pages of tutorials/ except README.md: first those that `guides.md` names, in its order."""
    text = (SITE / "guides.md").read_text(encoding="utf-8")
    names = [f"tutorials/{path.stem}" for path in TUTORIALS.glob("*.md") if path.name != "README.md"]
    return sorted(names, key=lambda name: (f"({name}.md)" not in text, text.find(f"({name}.md)"), name))


def relinked_notebook(stage: Stage, path: Path, name: str) -> dict:
    """A stored notebook with its links changed."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = stage.relink("".join(cell["source"]), name)
    return notebook


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"))
