"""A class of 60 students with ten damaged or hostile hand-ins, to test the grader and to measure it.

`python -m tests.exercises.grading.class_folder FOLDER` writes the class, grades it, grades every other student alone,
and compares the marks.
"""

import inspect
import json
import os
import random
import sys
import time
from pathlib import Path

from minidiff.cli import main
from minidiff.exercises.checking import definition, exercises, find, solutions
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.grading.grade import STARTS
from tests.exercises.grading.starts import TUTORIALS

OTHER_BODIES = {"wrong": "return 'nothing'", "raised": "raise ValueError('not done')"}


def course(prefix):
    """The notebook of the course with a prefix, as a dictionary."""
    (notebook,) = [one for one in NOTEBOOKS if one.prefix == prefix]
    return json.loads((TUTORIALS / f"{notebook.name}.ipynb").read_text(encoding="utf-8"))


def source(name, outcome):
    """The source of an answer to an exercise with this outcome."""
    module, answer = solutions(name), find(name).answer
    if outcome == "unanswered":
        return STARTS[name]
    if outcome == "right":
        return definition(module, answer)
    if callable(getattr(module, answer)):
        return f"def {answer}{inspect.signature(getattr(module, answer))}:\n    {OTHER_BODIES[outcome]}"
    return f"{answer} = 'nothing'"


def cell_of(notebook, name):
    """The cell of an exercise."""
    return next(cell for cell in notebook["cells"] if f'check("{name}", ' in "".join(cell["source"]))


def answered(prefix, outcomes):
    """The notebook of the course with other answers."""
    notebook = course(prefix)
    for name, outcome in outcomes.items():
        cell_of(notebook, name)["source"] = f'{source(name, outcome)}\n\n\ncheck("{name}", {find(name).answer})'
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


# what students do to a notebook without meaning harm: each returns the file's name and content


def as_it_is(notebook, stem):
    return f"{stem}.ipynb", json.dumps(notebook).encode()


def without_checks(notebook, stem):
    for cell in code_cells(notebook):
        lines = "".join(cell["source"]).splitlines()
        cell["source"] = "\n".join(line for line in lines if not line.startswith("check("))
    return as_it_is(notebook, stem)


def without_texts(notebook, stem):
    notebook["cells"] = code_cells(notebook)
    return as_it_is(notebook, "my homework")


def with_syntax_of_jupyter(notebook, stem):
    for cell in code_cells(notebook):
        if "check(" in "".join(cell["source"]):
            expression = "x = (7\n% 4)\ny = (x\n!= 3)\n"
            cell["source"] = f"%matplotlib inline\n!ls\nf?\nfiles = !ls\n{expression}%time z = 1\n" + cell["source"]
    return as_it_is(notebook, stem)


def with_byte_order_mark(notebook, stem):
    return f"{stem}.ipynb", json.dumps(notebook).encode("utf-8-sig")


def in_capitals(notebook, stem):
    return f"{stem}.ipynb".upper(), json.dumps(notebook).encode("utf-16")


def in_nbformat_3(notebook, stem):
    cells = [
        cell if cell["cell_type"] != "code" else {"cell_type": "code", "input": cell["source"], "outputs": []}
        for cell in notebook["cells"]
    ]
    return f"{stem}.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()


def with_tabs(notebook, stem):
    for cell in code_cells(notebook):
        cell["source"] = "".join(cell["source"]).replace("    ", "\t")
    return as_it_is(notebook, stem)


def with_other_names(notebook, stem):
    for cell in code_cells(notebook):
        text = "".join(cell["source"])
        for exercise in exercises():
            if f'check("{exercise.name}", ' in text and text.partition("\n\n\ncheck")[0] != STARTS[exercise.name]:
                cell["source"] = text.replace(exercise.answer, f"my_{exercise.answer}")
    return as_it_is(notebook, stem)


HARMLESS = (
    as_it_is, without_checks, without_texts, with_syntax_of_jupyter, with_byte_order_mark, in_capitals, in_nbformat_3,
    with_tabs, with_other_names,
)  # fmt: skip


# what is damaged or hostile: each writes to the folder of a student


def with_code(prefix, code, body=None):
    """The notebook of the course with a cell of code before its exercises, and another body of each answer."""
    notebook = answered(prefix, {one.name: "right" for one in exercises(prefix)})
    first = notebook["cells"].index(cell_of(notebook, f"{prefix}_1"))
    notebook["cells"].insert(first, {"cell_type": "code", "source": code})
    for one in exercises(prefix) if body else ():
        value = getattr(solutions(one.name), one.answer)
        if callable(value):
            cell_of(notebook, one.name)["source"] = (
                f'def {one.answer}{inspect.signature(value)}:\n    {body}\n\ncheck("{one.name}", {one.answer})'
            )
    return json.dumps(notebook).encode()


def truncated(folder, prefix):
    (folder / "x.ipynb").write_bytes(json.dumps(course(prefix)).encode()[:-1000])


def pipe_and_device(folder, prefix):
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "device.ipynb").symlink_to("/dev/zero")


def link_to_another(folder, prefix):
    first = next(path for path in sorted(folder.parent.iterdir()) if path != folder and any(path.iterdir()))
    (folder / "x.ipynb").symlink_to(next(first.iterdir()))


def million_cells(folder, prefix):
    cell = '{"cell_type":"code","source":"a=1"},'
    (folder / "x.ipynb").write_text(f'{{"cells":[{cell * 1_000_000}{cell[:-1]}]}}')


def ends_its_process(folder, prefix):
    (folder / "x.ipynb").write_bytes(with_code(prefix, "import os", "os._exit(0)"))


def endless(folder, prefix):
    (folder / "x.ipynb").write_bytes(with_code(prefix, "while True: pass", "while True: pass"))


def takes_everything(folder, prefix):
    code = (
        "import subprocess, sys\n"
        "program = 'import time; a = b\"x\" * 300_000_000; time.sleep(600)'\n"
        "for _ in range(20):\n"
        "    subprocess.Popen([sys.executable, '-c', program], start_new_session=True)\n"
        "kept = [bytearray(10**8) for _ in range(100)]"
    )
    (folder / "x.ipynb").write_bytes(with_code(prefix, code, "return bytearray(10**12)"))


def forges(folder, prefix):
    code = (
        "import gc, json, socket, struct, sys\n"
        "import minidiff.exercises, minidiff.exercises.exercise as module\n"
        "module.examine = lambda *a: module.Result('right')\n"
        "def lie(*a, **k):\n"
        "    content = json.dumps([{'reply': {'outcome': 'right', 'hint': ''}}, []]).encode()\n"
        "    for one in gc.get_objects():\n"
        "        if isinstance(one, socket.socket):\n"
        "            one.send(struct.pack('>QQ', len(content), 0) + content)\n"
        "    try:\n"
        "        import minidiff.exercises.solutions.ex05_backpropagation as found\n"
        "        return found.loss_backward(*a)\n"
        "    except ImportError:\n"
        "        return 0"
    )
    (folder / "x.ipynb").write_bytes(with_code(prefix, code, "return lie()"))


def kills(folder, prefix):
    code = (
        "import os, signal\n"
        "for number in (os.getppid(), -1):\n"
        "    try:\n        os.kill(number, signal.SIGKILL)\n    except OSError:\n        pass\n"
        "for _ in range(2000):\n    os.mkdir('d')\n    os.chdir('d')\n"
        "if os.fork() == 0:\n    os.setsid()\n    while True: pass"
    )
    (folder / "x.ipynb").write_bytes(with_code(prefix, code, "import ctypes; ctypes.string_at(0)"))


def talks(folder, prefix):
    code = "for _ in range(10**9):\n    print('x' * 10**6)\n    open('file', 'a').write('x' * 10**7)"
    (folder / "x.ipynb").write_bytes(with_code(prefix, code, "return [0] * 10**8"))


HOSTILE = (
    truncated, pipe_and_device, link_to_another, million_cells, ends_its_process, endless, takes_everything, forges,
    kills, talks,
)  # fmt: skip


def write_class(folder, prefix="ex05", count=60):
    """Writes a class; returns the outcomes of the students who mean no harm, and the names of the others."""
    rng = random.Random(0)
    places = sorted(rng.sample(range(1, count), len(HOSTILE)))
    expected = {}
    for number in range(count):
        student = folder / f"student{number:02d}"
        student.mkdir(parents=True)
        if number in places:
            continue
        kinds = rng.choices(("right", "wrong", "raised", "unanswered"), (6, 2, 1, 1), k=len(exercises(prefix)))
        outcomes = {one.name: kind for one, kind in zip(exercises(prefix), kinds, strict=True)}
        change = HARMLESS[len(expected) % len(HARMLESS)]
        stem = next(one.name for one in NOTEBOOKS if one.prefix == prefix)
        name, content = change(answered(prefix, outcomes), stem)
        (student / name).write_bytes(content)
        expected[student.name] = outcomes
    for number, write in zip(places, HOSTILE, strict=True):
        write(folder / f"student{number:02d}", prefix)
    return expected, [f"student{number:02d}" for number in places]


def outcomes_of(row):
    return {one["exercise"]: one["result"] for one in row["exercises"]}


def measure(folder):
    """Grades the class and each of its harmless students alone, and prints times and differences."""
    expected, hostile = write_class(folder / "class")
    start = time.monotonic()
    files = ["--json", str(folder / "marks.json"), "--csv", str(folder / "marks.csv"), "--pages", str(folder / "pages")]
    main(["grade", str(folder / "class"), *files])
    print(f"\n{len(expected) + len(hostile)} students in {time.monotonic() - start:.0f} s")
    rows = {row["name"]: row for row in json.loads((folder / "marks.json").read_text(encoding="utf-8"))}
    different = [name for name, outcomes in expected.items() if outcomes_of(rows[name]) != outcomes]
    print(f"other than expected: {different or 'none'}")
    for name in expected:
        main(["grade", str(folder / "class" / name), "--json", str(folder / "alone.json")])
        (alone,) = json.loads((folder / "alone.json").read_text(encoding="utf-8"))
        if alone != rows[name]:
            print(f"other than alone: {name}")
    print(f"{len(expected)} students were graded alone")


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
