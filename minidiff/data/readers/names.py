"""Names of files within a folder or archive: which are ignored or unsafe, and how messages show them."""

import re
from collections.abc import Collection, Iterable

from minidiff.text import clean

SYSTEM_FILES = {
    "thumbs.db", "desktop.ini", "__macosx", "lost+found", "$recycle.bin", "system volume information",
}  # fmt: skip
IMAGE_NAME = re.compile(r"\.(png|jpe?g|jfif|gif|bmp|webp|avif|tiff?|p[bgpn]m)$", re.IGNORECASE)
# Files that every run of minidiff has: see `minidiff/runs/folder.py`.
RUN_FILE = re.compile(r"(?:^|(.*)/)(?:checkpoints/step_\d+\.(?:npz|json)|history\.csv|forward_process\.png)")
CHECKPOINT = re.compile(r"(?:^|.*/)checkpoints/step_\d+\.(?:npz|json)")
LISTED = 4  # names in a note


def is_ignored(name: str) -> bool:
    """Whether a file or folder is hidden or belongs to the operating system."""
    return (name.startswith(".") and name != ".") or name.lower() in SYSTEM_FILES


def beside(name: str, other: str) -> str:
    """The name of another file in the same folder."""
    folder, slash, _ = name.rpartition("/")
    return folder + slash + other


def listed(names: Iterable[str]) -> str:
    """The first few names, cleaned: "a.png, b.png, ..."."""
    names = list(names)
    return ", ".join(map(clean, names[:LISTED])) + (", ..." if len(names) > LISTED else "")


def counted(names: Collection[str], what: str) -> tuple[str, ...]:
    """A note such as "2 links ignored: a, b"; none without names."""
    return (f"{len(names)} {what}: {listed(names)}",) if names else ()


def safe_name(name: str) -> str | None:
    """The name of a file in an archive with "/" between its parts; None if it is unsafe.

    Archives written on Windows may have backslashes. A line break would make messages longer than one line.
    """
    parts = name.replace("\\", "/").split("/")
    one_line = name.splitlines() == [name]  # false for an empty name too
    if not one_line or ".." in parts or parts[0] == "" or "\0" in name or ":" in parts[0]:
        return None
    return "/".join(part for part in parts if part not in ("", ".")) or None


def runs_among(names: Iterable[str]) -> list[str]:
    """The folders of the runs of minidiff that the files with these names belong to; "" is the top folder.

    A run has checkpoints, or config.json beside other files of a run.
    """
    present = set(names)
    found = set()
    for name in present:
        if match := RUN_FILE.fullmatch(name):
            folder = match[1] or ""
            if CHECKPOINT.fullmatch(name) or f"{folder}/config.json".lstrip("/") in present:
                found.add(folder)
    return sorted(found)
