"""Small packages of emoji."""

import io

import numpy as np
import pytest
from PIL import Image

from minidiff.data import load
from minidiff.data.readers.emoji import FACES, TONE_NAMES, label_of, without_tone
from minidiff.errors import MinidiffError
from tests.data.helpers import write_tar


def points(text):
    return [f"{ord(letter):x}" for letter in text]


@pytest.mark.parametrize(
    ("emoji", "tone"),
    [
        ("👩", "yellow"),
        ("👩🏽", "medium"),
        ("👩🏿\u200d🚀", "dark"),
        ("🧑\u200d🦰", "yellow"),
        ("🕵🏻\u200d♀\ufe0f", "light"),
        ("🙋🏾\u200d♂\ufe0f", "medium-dark"),
        ("👮🏼", "medium-light"),
        ("🧑🏽\u200d⚕\ufe0f", "medium"),
        ("🤰", "yellow"),
    ],
)
def test_tones_of_people(emoji, tone):
    assert TONE_NAMES[label_of(points(emoji), "people")] == tone
    assert label_of(points(emoji), "faces") is None


@pytest.mark.parametrize(
    "emoji",
    [
        "😀",
        "👪",
        "👨\u200d👩\u200d👧",
        "👩\u200d❤\ufe0f\u200d👨",
        "🧑\u200d🎄",
        "🧚",
        "🏃🏽",
        "👩\u200d🦽",
        "👋🏽",
        "🏽",
        "🚒",
    ],
)
def test_emoji_that_are_not_people(emoji):
    assert label_of(points(emoji), "people") is None


@pytest.mark.parametrize(
    ("emoji", "kind"),
    [
        *(("😀", "face"), ("🥸", "face"), ("☺\ufe0f", "face"), ("🤖", "face"), ("😮\u200d💨", "face")),
        *(("❤\ufe0f", "heart"), ("💔", "heart"), ("❤\ufe0f\u200d🔥", "heart"), ("🩷", "heart")),
        *(("🐈\u200d⬛", "animal"), ("😺", "animal"), ("🙈", "animal"), ("🦕", "animal"), ("🪼", "animal")),
        *(("🌵", "plant"), ("🍄", "plant"), ("🪷", "plant")),
    ],
)
def test_classes_of_faces(emoji, kind):
    assert list(FACES)[label_of(points(emoji), "faces")] == kind


@pytest.mark.parametrize("emoji", ["🌽", "🙅", "🦯", "💋", "🚗", "🏳", "🍎"])
def test_emoji_that_are_not_faces(emoji):
    assert label_of(points(emoji), "faces") is None


def test_designs_ignore_tones_and_joiners():
    assert without_tone(points("🕵🏻\u200d♀\ufe0f")) == without_tone(points("🕵\ufe0f\u200d♀\ufe0f")) == points("🕵♀")


def image(color, opacity=255, size=32, kind="PNG"):
    pixels = np.full((size, size, 4), (*color, opacity), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return stream.getvalue()


def write_package(path, folder="package/img/google/64", kind="png"):
    """Cooks, judges and pilots in six tones each, two faces, a car, and files other than emoji."""
    contents = {"package/package.json": b"{}", "package/img/google/sheets/64.png": b"ignored"}
    for i, tool in enumerate(("1f373", "2696-fe0f", "2708-fe0f")):
        for tone, code in enumerate(["", "-1f3fb", "-1f3fc", "-1f3fd", "-1f3fe", "-1f3ff"]):
            contents[f"{folder}/1f9d1{code}-200d-{tool}.{kind}"] = image((60 * i, 40 * tone, 9), kind=kind.upper())
    contents[f"{folder}/1f600.{kind}"] = image((255, 255, 0), kind=kind.upper())
    contents[f"{folder}/2764-fe0f.{kind}"] = image((255, 0, 0), kind=kind.upper())
    contents[f"{folder}/1f697.{kind}"] = image((255, 0, 9), kind=kind.upper())
    write_tar(path, contents)


@pytest.mark.parametrize(
    ("folder", "kind", "license"),
    [
        ("package/img/google/64", "png", "Apache-2.0"),
        ("package/img/twitter/64", "png", "CC BY 4.0"),
        ("package/assets", "webp", "MIT"),
    ],
)
def test_people_of_a_package(tmp_path, folder, kind, license):
    write_package(tmp_path / "emoji.tgz", folder, kind)
    dataset = load(tmp_path / "emoji.tgz", size=16)
    assert dataset.images.shape == (18, 16, 16, 3)
    assert dataset.class_names == TONE_NAMES
    assert dataset.license.endswith(license)
    np.testing.assert_array_equal(dataset.images[:, 8, 8, 1] // 40, dataset.labels)
    assert len(set(dataset.groups)) == 3
    for seed in range(5):
        train, held_out = dataset.split(0.3, seed)
        assert (len(train), len(held_out)) == (12, 6)
        assert not set(train.images[:, 8, 8, 0]) & set(held_out.images[:, 8, 8, 0])


@pytest.mark.parametrize(("version", "exchanged"), [("1.1.0", True), ("1.2.0", False)])
def test_exchanged_tones_of_a_package_are_corrected(tmp_path, version, exchanged):
    about = f'{{"name": "@lobehub/fluent-emoji-3d", "version": "{version}"}}'.encode()
    contents = {"package/package.json": about}
    for i, code in enumerate(["", "-1f3fb", "-1f3fc", "-1f3fd", "-1f3fe", "-1f3ff"]):
        contents[f"package/assets/1f9d1{code}.webp"] = image((10 * i, 9, 9), kind="WEBP")
    write_tar(tmp_path / "emoji.tgz", contents)
    dataset = load(tmp_path / "emoji.tgz", size=16)
    tones = {dataset.images[i, 8, 8, 0] // 10: TONE_NAMES[dataset.labels[i]] for i in range(6)}
    assert (tones[2], tones[3]) == (("medium", "medium-light") if exchanged else ("medium-light", "medium"))
    assert [tones[i] for i in (0, 1, 4, 5)] == ["yellow", "light", "medium-dark", "dark"]
    assert any("exchanged" in note for note in dataset.notes) == exchanged


def test_faces_and_all_emoji(tmp_path):
    write_package(tmp_path / "emoji.tgz")
    faces = load(tmp_path / "emoji.tgz", size=16, subset="faces")
    assert [faces.class_names[label] for label in faces.labels] == ["face", "heart"]
    everything = load(tmp_path / "emoji.tgz", size=16, subset="all")
    assert len(everything) == 21
    assert everything.labels is None
    assert len(load(tmp_path / "emoji.tgz", size=16, subset="all", num_images=5)) == 5
    with pytest.raises(MinidiffError, match="unknown subset 'dogs'; choose from people, faces, all"):
        load(tmp_path / "emoji.tgz", subset="dogs")


def test_transparent_edges_stay_clean(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)  # transparent black around opaque white
    pixels[:, :32] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    write_tar(tmp_path / "emoji.tgz", {"1f9d1.png": stream.getvalue()})
    assert load(tmp_path / "emoji.tgz", size=16).images.min() == 255


def test_exact_copies_are_left_out(tmp_path):
    contents = {"1f9d1.png": image((9, 9, 9)), "1f468.png": image((9, 9, 9)), "1f469.png": image((8, 9, 9))}
    write_tar(tmp_path / "emoji.tgz", contents)
    dataset = load(tmp_path / "emoji.tgz", size=16)
    assert len(dataset) == 2
    assert any("1 exact copies" in note for note in dataset.notes)


def test_numbered_photographs_are_not_emoji(tmp_path):
    write_tar(tmp_path / "photos.tgz", {f"{i:04}.png": image((i, 9, 9)) for i in range(3)})
    with pytest.raises(MinidiffError, match="subset does not apply to folder"):
        load(tmp_path / "photos.tgz", subset="people")
    assert len(load(tmp_path / "photos.tgz", size=16)) == 3


def test_a_subset_without_images(tmp_path):
    write_tar(tmp_path / "emoji.tgz", {"1f697.png": image((9, 9, 9))})
    with pytest.raises(MinidiffError, match="none of 1 emoji is in subset people"):
        load(tmp_path / "emoji.tgz")
