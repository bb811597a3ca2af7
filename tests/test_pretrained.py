"""The networks that the package carries."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minidiff
from minidiff import load_pretrained
from minidiff.errors import MinidiffError
from minidiff.runs.weights import PRETRAINED_FOLDER, load_weights
from minidiff.sampling import generate

NAMES = ("cats", "shapes")
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("name", "side", "num_classes"), [("cats", 64, 8), ("shapes", 16, 6)])
def test_a_network_is_loaded_with_its_classes(name, side, num_classes, workers):
    denoiser = load_pretrained(name, workers)
    assert denoiser.network.config.example_shape == (side, side, 3)
    assert len(denoiser.class_names) == num_classes
    assert np.isfinite(denoiser.p.vector).all()


def test_an_unknown_name_is_an_error():
    with pytest.raises(MinidiffError, match="unknown pretrained network 'dogs'; choose from cats, shapes"):
        load_pretrained("dogs")


def test_the_package_carries_these_files_and_they_are_small():
    files = {file.stem: file.stat().st_size for file in PRETRAINED_FOLDER.glob("*.safetensors")}
    assert files.keys() == set(NAMES)
    assert sum(files.values()) <= 12e6
    assert "weights/*.safetensors" in (ROOT / "setup.cfg").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_network_says_how_it_was_trained_and_nothing_about_the_machine(name):
    weights = load_weights(f"pretrained:{name}")
    assert weights.config["name"] == name
    assert weights.config["data"]["spec"] == name
    assert weights.config.keys() & {"command", "machine", "python"} == set()


def contrast(images):
    """How much the center of images differs from their corners, on average."""
    corners = (images[:, 0, 0] + images[:, 0, -1] + images[:, -1, 0] + images[:, -1, -1]) / 4
    return np.abs(images[:, 7:9, 7:9].mean(axis=(1, 2)) - corners).mean()


def test_shapes_are_of_the_requested_class(workers):
    """The center of a disc has the color of the disc, that of a ring the color of the background."""
    denoiser = load_pretrained("shapes", workers)
    found = {}
    for name in ("disc", "ring"):
        labels = [denoiser.class_names.index(name)] * 16
        images = generate(denoiser, (16, 16, 16, 3), sampler="dpmpp_2m_sde", steps=15, labels=labels)
        found[name] = contrast(images)
    assert found["disc"] > 1.5 * found["ring"]


def test_the_example_of_the_module_runs(tmp_path):
    """With shapes instead of cats, which take longer."""
    example = re.search(r"\n\n(    from .*?)\n\n[^ ]", minidiff.pretrained.__doc__, re.DOTALL)[1]
    for old, new in (("cats", "shapes"), ("siamese", "star"), ("64, 64", "16, 16")):
        assert old in example
        example = example.replace(old, new)
    program = "\n".join(line.removeprefix("    ") for line in example.splitlines())
    assert len([line for line in program.splitlines() if line]) == 5  # the import, and four lines
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "star.png").is_file()
