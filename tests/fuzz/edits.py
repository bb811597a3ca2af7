"""Random edits of files: of bytes, of values in JSON, CSV and .npz files, and of what kind of file they are."""

import csv
import hashlib
import io
import json
import math
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from minidiff.data.readers.limits import DAMAGED
from minidiff.runs import checkpoint
from tests.data.readers.test_fuzz import damaged

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 16, 1e-320, 0.5, -0.5, 1e308, 10**6, 10**12, 2**63, 10**400, math.nan,
    math.inf, -math.inf, "", "x", "8", "nan", "\x1b[31mred", "two\nlines", "ф█", "\ud800", "/dev/zero", "~",
    "~nobody/x", "../../x", "x" * 300, [], [0], [None, "x"], [[1]] * 3, [10**9], ["a", "a"], {}, {"x": 1}, {"spec": 3},
]  # fmt: skip


def edit_file(path: Path, random: Random) -> None:
    """Edits a file in one of the ways that its kind allows."""
    ways = [edit_bytes] * 2 + [edit_kind]
    ways += {
        ".json": [edit_json] * 8,
        ".ipynb": [edit_json] * 8,
        ".csv": [edit_table] * 5,
        ".npz": [edit_arrays] * 3,
        ".safetensors": [edit_weights] * 6,
    }.get(path.suffix, [])
    try:
        random.choice(ways)(path, random)
    except (*DAMAGED, csv.Error, LookupError, TypeError, ValueError):  # damaged by another edit
        edit_bytes(path, random)


def edit_bytes(path: Path, random: Random) -> None:
    """Overwrites, inserts or deletes bytes, or cuts the end off."""
    path.write_bytes(damaged(path.read_bytes(), random))


def edit_kind(path: Path, random: Random) -> None:
    """Replaces a file with nothing, a folder, a pipe, a link to a device, or another file."""
    content = path.read_bytes()
    path.unlink()
    kind = random.choice(
        ["missing", "empty", "folder", "pipe", "zero", "full", "tty", "dangling", "loop", "link", "text"]
    )
    links = {"zero": "/dev/zero", "full": "/dev/full", "tty": "/dev/tty", "dangling": "nowhere", "loop": path.name}
    if kind in links:
        path.symlink_to(links[kind])
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.with_name("moved").write_bytes(content)
        path.symlink_to("moved")
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "Dear diary,\n\ttoday ...\n")


def edit_json(path: Path, random: Random) -> None:
    """Changes, removes, renames, adds or exchanges values anywhere in a JSON file."""
    content = json.loads(path.read_text())
    for _ in range(random.choice([1, 1, 2, 4])):
        inside = random.choice(list(containers(content)))
        key = random.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        what = random.choice(["change"] * 6 + ["remove", "rename", "add", "exchange", "nest"])
        if what == "change":
            inside[key] = random.choice(VALUES)
        elif what == "exchange":
            other = random.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
            inside[key], inside[other] = inside[other], inside[key]
        elif what == "nest":
            inside[key] = [inside[key]]
        elif isinstance(inside, dict):
            value = inside.pop(key) if what != "add" else random.choice(VALUES)
            inside |= {} if what == "remove" else {random.choice(["x", "", key.upper() + "2", "ф\x1b"]): value}
        else:
            inside.insert(key, random.choice(VALUES))
        if not list(containers(content)):
            break
    if "sha256" in content and hasattr(checkpoint, "CHECKSUM") and random.random() < 0.5:
        content = with_checksum(content)
    text = json.dumps(content, indent=random.choice([None, 2]))
    path.write_text(random.choice(["", "", "", "\ufeff"]) + text, encoding="utf-8", errors="surrogatepass")


def edit_weights(path: Path, random: Random) -> None:
    """Edits the header of a .safetensors file: a configuration in its metadata, or what it says about the tensors."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, part = json.loads(content[8 : 8 + size]), path.with_name("part.json")
    key = random.choice(["config", "config", "trained", None])
    part.write_text(header["__metadata__"][key] if key else json.dumps(header))
    edit_json(part, random)
    text = part.read_text(encoding="utf-8", errors="surrogatepass")
    part.unlink()
    if key:
        header["__metadata__"][key] = text
        text = json.dumps(header)
    encoded = text.encode("utf-8", "surrogatepass")
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + content[8 + size :])


def containers(content: Any) -> list:
    """The dicts and lists in a JSON value that are not empty."""
    if not isinstance(content, dict | list) or not content:
        return []
    values = content.values() if isinstance(content, dict) else content
    return [content, *(inner for value in values for inner in containers(value))]


def with_checksum(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a checkpoint with the checksum that fits them."""
    facts = {name: value for name, value in facts.items() if name != checkpoint.CHECKSUM}
    return facts | {checkpoint.CHECKSUM: checkpoint.checksum(facts)}


def edit_table(path: Path, random: Random) -> None:
    """Saves a CSV file as a spreadsheet might, or changes cells, rows, columns or the header."""
    rows = list(csv.reader(io.StringIO(path.read_text())))
    what = random.choice(["cells", "cells", "header", "column", "rows", "exchange", "long", "repeat"])
    if what == "cells":
        for _ in range(random.randint(1, 4)):
            row = random.choice(rows)
            row[random.randrange(len(row))] = str(random.choice(VALUES)).encode("utf-8", "replace").decode()
    elif what == "header":
        rows = rows[1:]
    elif what == "column":
        column = random.randrange(len(rows[0]))
        rows = [row[:column] + row[column + 1 :] for row in rows]
    elif what == "rows":
        rows = rows[: random.randint(0, 1)]
    elif what == "exchange":
        random.shuffle(rows)
    elif what == "long":
        rows[-1][0] = "9" * random.choice([400, 200_000])
    else:
        rows += rows[1:] * 2
    separator, end = random.choice([",", ",", ";", "\t"]), random.choice(["\n", "\n", "\r\n", "\r"])
    text = end.join(separator.join(row) for row in rows) + random.choice(["", end, end * 3, "\0"])
    text = text.replace(".", ",") if separator == ";" and random.random() < 0.5 else text
    path.write_bytes(text.encode(random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))


def edit_arrays(path: Path, random: Random) -> None:
    """Changes arrays of an .npz file; those of a checkpoint get a label that fits them."""
    with np.load(path) as archive:
        arrays = dict(archive)
    for _ in range(random.choice([1, 1, 2])):
        name = random.choice(list(arrays))
        array = arrays[name]
        what = random.choice(["value", "dtype", "shape", "empty", "remove", "rename", "shorter", "zero"])
        if what == "value" and array.size and array.dtype.kind in "fiu":
            value = (
                random.choice([np.nan, np.inf, -1, 10**6, 1e30]) if array.dtype.kind == "f" else random.choice([0, 255])
            )
            array = array.copy()
            array.flat[random.randrange(array.size)] = value
        elif what == "dtype":
            dtype = random.choice(["f2", "f8", "i8", "u1", "c16", "S3", "U2", "?", ">f4"])
            with np.errstate(invalid="ignore", over="ignore"):
                array = array.astype(dtype, casting="unsafe")
        elif what == "shape":
            array = array[None] if random.random() < 0.5 else array.reshape(-1)
        elif what == "empty":
            array = array[..., :0] if array.ndim else np.zeros((0, 3))
        elif what == "shorter":
            array = array[: array.shape[0] // 2] if array.ndim else array
        elif what == "zero":
            array = np.array(0.0)
        del arrays[name]
        if what != "remove":
            arrays["x" if what == "rename" else name] = array
        if not arrays:
            break
    np.savez(path, **arrays)
    label = path.with_suffix(".json")
    if label.is_file() and (facts := json.loads(label.read_text())).get("sha256"):
        facts |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        label.write_text(json.dumps(with_checksum(facts) if hasattr(checkpoint, "CHECKSUM") else facts))


def edit_tree(folder: Path, random: Random) -> None:
    """Removes, copies or adds files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    what = random.choice(["remove folder", "copy", "add", "rename"])
    if not files:
        return
    if what == "remove folder" and (inner := [path for path in folder.iterdir() if path.is_dir()]):
        shutil.rmtree(random.choice(inner))
    elif what == "copy":
        file = random.choice(files)
        shutil.copy(file, file.with_name(random.choice(["copy of ", "step_", "\x1b[1m"]) + file.name))
    elif what == "add":
        names = [
            "notes.txt",
            ".hidden",
            "a.png",
            "x.npy",
            "step_000000999.json",
            "epoch_9.png",
            b"\xff\xfe".decode(errors="surrogateescape"),
        ]
        (random.choice([file.parent for file in files]) / random.choice(names)).write_bytes(random.randbytes(50))
    else:
        file = random.choice(files)
        file.rename(file.with_name(random.choice(["other", "history.csv", "config.json", "step_000000001.npz"])))
