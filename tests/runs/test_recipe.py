"""The file of `minidiff train --config`."""

import json

import pytest

from minidiff.errors import MinidiffError
from minidiff.runs.recipe import Recipe, read_recipe
from tests import tiny


def write(tmp_path, content):
    """The file with a content."""
    file = tmp_path / "recipe.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_the_configuration_of_a_run_is_a_recipe(tmp_path):
    with tiny.start(tmp_path / "run") as run:
        recipe = read_recipe(run.path / "config.json")
    assert recipe.network == tiny.network().config.as_dict()
    assert recipe.training == tiny.TRAINING.as_dict()
    assert recipe.data == {"spec": "tiny", "size": 8, "images": 12, "seed": 0}
    assert recipe.source is None


def test_parts_and_fields_may_be_missing(tmp_path):
    assert read_recipe(write(tmp_path, {})) == Recipe()
    recipe = read_recipe(write(tmp_path, {"training": {"epochs": 3, "slice_size": 2}, "data": {"spec": "cats"}}))
    assert recipe == Recipe(training={"epochs": 3, "microbatch_size": 2}, data={"spec": "cats"})


def test_the_network_to_fine_tune_from_is_read(tmp_path):
    source = {"spec": "pretrained:cats", "sha256": "0", "new_classes": []}
    assert read_recipe(write(tmp_path, {"from": source})).source == "pretrained:cats"


WRONG = [
    ("{", "cannot be read"),
    ("[" * 100_000, "cannot be read"),
    ("[1]", "it is not a JSON object"),
    ({"format": 2}, "format 2"),
    ({"training": []}, "training must be an object"),
    ({"training": {"epoch": 3}}, "training has unknown fields 'epoch'"),
    ({"training": {"epochs": "3"}}, "epochs must be a whole number"),
    ({"training": {"T": 0}}, "T must be at least 1"),
    ({"training": {"schedule": "none"}}, "unknown schedule 'none'"),
    ({"network": {"num_groups": 0}}, "num_groups must be at least 1"),
    ({"network": {"layers": 3}}, "network has unknown fields 'layers'"),
    ({"data": {"path": "x"}}, "data has unknown fields 'path'"),
    ({"data": {"images": "many"}}, "data: images must be a whole number or null"),
    ({"from": "pretrained:cats"}, "from must be an object"),
]


@pytest.mark.parametrize(("content", "message"), WRONG, ids=[message[:30] for _, message in WRONG])
def test_what_is_wrong_is_named_with_a_remedy(tmp_path, content, message):
    file = write(tmp_path, content)
    with pytest.raises(MinidiffError) as caught:
        read_recipe(file)
    text = str(caught.value)
    assert text.startswith(f"{file}")
    assert message in text
    assert text.endswith("; change that; minidiff train --print-config prints a complete example")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(MinidiffError, match="cannot be read: No such file"):
        read_recipe(tmp_path / "none.json")
