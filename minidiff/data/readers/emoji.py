"""Emoji packages as downloaded: images named after their code points, such as 1f469-1f3fd-200d-1f680.png.

Tested with the npm packages `emoji-datasource-google` and `-twitter` (PNG, 64 x 64) and `@lobehub/fluent-emoji-3d`
(WebP, 256 x 256), each as the .tgz that `npm pack` downloads. The code points alone tell what an emoji shows, by the
groups of the Unicode Consortium (emoji-test.txt):

    people     busts: persons, gestures and professions, with any skin tone, hair or tool. Class: the skin tone
    faces      faces, hearts, animals and plants. Class: which of these
    all        every emoji, without classes

One design comes in up to six skin tones, and every package draws the same designs. So `Dataset.groups` is the emoji
without its tone, and `Dataset.split` holds out whole designs.
"""

import json
import re

import numpy as np

from minidiff.data.dataset import Dataset, choose
from minidiff.data.readers.files import Files
from minidiff.data.readers.folder import read_images
from minidiff.data.readers.limits import DAMAGED
from minidiff.data.readers.names import IMAGE_NAME
from minidiff.data.readers.options import ReadingOptions
from minidiff.errors import MinidiffError

CODE_POINTS = re.compile(r"[0-9a-f]{4,5}(-[0-9a-f]{4,5})*")
PICTOGRAPHS = range(0x1F000, 0x1FB00)
TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")  # Fitzpatrick scale of skin color, type 1-2 to type 6
TONE_NAMES = ("yellow", "light", "medium-light", "medium", "medium-dark", "dark")
JOINERS = ("200d", "fe0f")  # zero-width joiner, "show as an image"
MAX_PACKAGE_JSON = 2**16  # bytes
# In this package, two tones are exchanged: in 137 of its 140 people "medium-light" is darker than "medium", while in
# Google's and Twitter's packages it is always lighter.
EXCHANGED_PACKAGE = ("@lobehub/fluent-emoji-3d", "1.1.0")
EXCHANGED_TONES = {"medium-light": "medium", "medium": "medium-light"}
LICENSES = {  # by a part of the file names
    "google/": "Noto Emoji, (c) Google, Apache-2.0",
    "twitter/": "Twemoji, (c) Twitter and other contributors, CC BY 4.0",
    "assets/": "Fluent Emoji, (c) Microsoft, MIT",
}

# Code points as hexadecimal ranges: "1f466-1f469" is four of them.
PEOPLE = """
    1f466-1f469 1f471 1f474-1f476 1f9d1-1f9d4
    1f481 1f645-1f647 1f64b 1f64d-1f64e 1f926 1f937 1f9cf
    1f46e 1f470 1f472-1f473 1f477-1f478 1f482 1f575 1f930-1f931 1f934-1f935 1f977 1f9d5 1fac3-1fac5
"""
ATTRIBUTES = """
    2640 2642 1f9b0-1f9b3
    2695-2696 2708 1f33e 1f373 1f37c 1f393 1f3a4 1f3a8 1f3eb 1f3ed 1f4bb-1f4bc 1f527 1f52c 1f680 1f692
"""
FACES = {
    "face": """
        2620 2639-263a 1f479-1f47b 1f47d-1f480 1f4a9 1f600-1f637 1f641-1f644 1f910-1f917 1f920-1f925 1f927-1f92f
        1f970-1f976 1f978-1f97a 1f9d0 1fae0-1fae5 1fae8-1fae9
    """,
    "heart": "2763-2764 1f48c 1f493-1f49f 1f5a4 1f90d-1f90e 1f9e1 1fa75-1fa77",
    "animal": """
        1f400-1f43f 1f54a 1f577-1f578 1f638-1f640 1f648-1f64a 1f980-1f9ae
        1fab0-1fab3 1fab6 1fab8 1fabc-1fabd 1fabf 1face-1facf
    """,
    "plant": """
        2618 1f331-1f335 1f337-1f33c 1f33e-1f344 1f3f5 1f490 1f4ae 1f940 1fab4 1fab7 1fab9-1fabb 1fabe
    """,
}
CLASS_NAMES: dict[str, tuple[str, ...]] = {"people": TONE_NAMES, "faces": tuple(FACES), "all": ()}  # by subset


def in_ranges(code_point: str, ranges: str) -> bool:
    """Whether a hexadecimal code point is in ranges as written above."""
    value = int(code_point, 16)
    bounds = (text.split("-") for text in ranges.split())
    return any(int(first_last[0], 16) <= value <= int(first_last[-1], 16) for first_last in bounds)


def code_points(name: str) -> list[str]:
    """The hexadecimal code points in the name of an image file; empty if it is not named after any."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return stem.split("-") if IMAGE_NAME.search(name) and CODE_POINTS.fullmatch(stem) else []


def without_tone(points: list[str]) -> list[str]:
    """The design: the code points without skin tones and joiners."""
    return [point for point in points if point not in TONES and point not in JOINERS]


def label_of(points: list[str], subset: str) -> int | None:
    """The class of an emoji: index into TONE_NAMES (people) or FACES (faces); None if it is not in the subset."""
    design = without_tone(points)
    if not design:
        return None
    if subset == "people":
        is_person = in_ranges(design[0], PEOPLE) and all(in_ranges(point, ATTRIBUTES) for point in design[1:])
        tones = [point for point in points if point in TONES]
        return (TONES.index(tones[0]) + 1 if tones else 0) if is_person else None
    return next((label for label, ranges in enumerate(FACES.values()) if in_ranges(design[0], ranges)), None)


def is_emoji(files: Files) -> bool:
    """Whether most image files are named after code points of pictographs."""
    images = [name for name in files.names if IMAGE_NAME.search(name)]
    named = sum(any(int(point, 16) in PICTOGRAPHS for point in code_points(name)) for name in images)
    return 2 * named > len(images)


def has_exchanged_tones(files: Files) -> bool:
    """Whether package.json names the package with the exchanged tones."""
    try:
        for name in files.names:
            if name.rsplit("/", 1)[-1] == "package.json" and files.size(name) < MAX_PACKAGE_JSON:
                with files.open(name) as stream:
                    about = json.loads(stream.read(MAX_PACKAGE_JSON))
                return (about["name"], about["version"]) == EXCHANGED_PACKAGE
    except (*DAMAGED, KeyError, TypeError, RecursionError):
        return False
    return False


def load_emoji(files: Files, options: ReadingOptions) -> Dataset:
    """Loads a package of emoji: (N, H, W, 3) without exact copies; `groups` are the designs."""
    subset = options.subset
    if subset not in CLASS_NAMES:
        raise MinidiffError(f"{files.path}: unknown subset {subset!r}; choose from {', '.join(CLASS_NAMES)}")
    points = {name: code_points(name) for name in files.names}
    points = {name: found for name, found in points.items() if found}
    files.claim(points)
    label_of_name = {name: 0 if subset == "all" else label_of(found, subset) for name, found in points.items()}
    names = [name for name, label in label_of_name.items() if label is not None]
    if not names:
        raise MinidiffError(f"{files.path}: none of {len(points)} emoji is in subset {subset}; give another subset")
    chosen, choice = choose(len(names), options.num_images, options.seed, files.path)
    names = np.array(names, dtype=object)[chosen].tolist()
    images, positions, notes = read_images(files, names, options)
    names = [names[i] for i in positions]
    if images.shape[3] == 1:
        images = np.repeat(images, 3, axis=3)
    labels = None if subset == "all" else np.array([label_of_name[name] for name in names])
    if labels is not None and subset == "people" and has_exchanged_tones(files):
        exchange = np.array([TONE_NAMES.index(EXCHANGED_TONES.get(name, name)) for name in TONE_NAMES])
        labels = exchange[labels]
        notes += ("medium-light and medium are exchanged in this package: the labels follow the images",)
    licenses = [license for place, license in LICENSES.items() if place in names[0]]
    return Dataset(
        images,
        labels,
        CLASS_NAMES[subset],
        name=f"{files.title} {subset}",
        source=files.source,
        license=licenses[0] if licenses else "that of the images",
        notes=(*files.notes, f"subset {subset}: {len(names)} of {len(points)} emoji", *choice, *notes),
        groups=np.array(["-".join(without_tone(points[name])) for name in names]),
    ).distinct()
