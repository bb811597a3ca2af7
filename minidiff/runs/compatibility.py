"""Old runs: names that changed since version 0.1.0, and which differences from a checkpoint a resumed run may have.

Every config.json, history.csv and checkpoint passes through `current_names` when it is read, so that the rest of the
code knows today's names only.

A resumed run is compared with its checkpoint, because the user may not be aware of a difference: an image was deleted,
an option was mistyped. The user can accept some differences. Others would turn the steps so far into those of another
training run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minidiff.data import Dataset
from minidiff.errors import MinidiffError

NEW_NAMES = {  # of keys and columns
    "optimiser": "optimizer",
    "slice_size": "microbatch_size",
    "licence": "license",
    "loss_unseen": "loss_held_out",
}
NEW_CLASS_NAMES = {"grey tabby": "gray tabby"}  # of the synthetic cats
OLD_OPTIONS = {  # of the command line; refused with the new name
    "--optimiser": "--optimizer", "--slice-size": "--microbatch-size", "--grey": "--gray",
}  # fmt: skip
OLD_FOLDERS = {"snapshots": "trace"}  # folders within a run: name today -> name in version 0.1.0
OLD_DEFAULTS: dict[str, dict[str, Any]] = {  # the values of fields that a file lacks because they did not exist yet
    "network": {"film": True, "entry_levels": 1},
    "training": {"sigma_max": 0.0, "log_sigma_mean": 0.0, "log_sigma_std": 1.2, "high_noise_fraction": 0.0},
}

MAY_CHANGE = (
    "epochs", "learning_rate", "warmup_steps", "weight_decay", "clip", "ema_decay", "class_dropout", "flip",
    "time_distribution", "log_sigma_mean", "log_sigma_std", "high_noise_fraction", "loss_weight", "microbatch_size",
)  # fmt: skip
FORWARD_PROCESS = ("schedule", "T", "shift", "sigma_max", "target")  # training options that sampling depends on


def current_names(values: dict, defaults: Mapping[str, dict[str, Any]] = OLD_DEFAULTS) -> dict:
    """What a file holds under today's names, nested dicts included, and with the defaults of fields that it lacks."""
    current = {}
    for old, value in values.items():
        name = NEW_NAMES.get(old, old)
        if isinstance(value, dict):
            value = current_names(value, defaults)
            value |= {field: default for field, default in defaults.get(name, {}).items() if field not in value}
        if name == "class_names" and isinstance(value, list):
            value = [NEW_CLASS_NAMES.get(item, item) if isinstance(item, str) else item for item in value]
        current[name] = value
    return current


def find_folder(run: Path, name: str) -> Path:
    """A folder within a run; under its old name if a run of version 0.1.0 has it."""
    old = run / OLD_FOLDERS[name]
    return old if old.exists() else run / name


def differences(before: dict, now: dict) -> list[tuple[str, bool]]:
    """The differences between the configurations of a checkpoint and of the resumed run.

    Args:
        before, now: of plain types, with the keys "network", "training", "data", "held_out", "class_names", which
            older checkpoints lack, and "random", the version of the random streams, which was 1 before it was recorded.

    Returns:
        List of pairs: a description, and whether the user can accept the difference.
    """
    found = []
    for part in ("network", "training"):
        old = before[part]
        for name in sorted(now[part].keys() | old.keys()):
            if old.get(name) != now[part].get(name):
                allowed = part == "training" and name in MAY_CHANGE
                found.append((f"{name} was {old.get(name)} and is {now[part].get(name)}", allowed))
    for part, words in (("data", "the images"), ("held_out", "the held-out images")):
        sets = before.get(part), now[part]
        if sets[0] != sets[1]:
            sizes = [f"{d['images']} ({d['fingerprint']})" if d else "none" for d in sets]
            counts = [d["images"] if d else None for d in sets]
            same_count = None not in counts and counts[0] == counts[1]
            found.append((f"{words} were {sizes[0]} and are {sizes[1]}", same_count))
    classes = before.get("class_names", now["class_names"]), now["class_names"]
    if classes[0] != classes[1]:  # labels alone do not tell that a class was renamed
        texts = [", ".join(map(str, names)) or "none" for names in classes]
        found.append((f"the classes were {texts[0]} and are {texts[1]}", True))
    if before.get("random", 1) != now["random"]:
        found.append(("it began with the random numbers of another version of minidiff", False))
    return found


def check_same_network(
    path: Path, step: int, before: dict, network: dict, training: dict, class_names: list[str]
) -> None:
    """Refuses to generate images if a checkpoint is of another network, forward process or classes than config.json.

    Args:
        path: of the run.
        step, before: of the checkpoint: its optimizer steps and its configuration, as in `differences`.
        network, training, class_names: of config.json.
    """
    now = before | {"random": before.get("random", 1), "network": network, "class_names": class_names}
    now["training"] = before["training"] | {name: training[name] for name in FORWARD_PROCESS}
    if found := [text for text, _ in differences(before, now)]:
        raise MinidiffError(
            f"{path / 'config.json'} does not fit the checkpoint of step {step}: {'; '.join(found)}; change that back"
        )


def check_differences(path: Path, step: int, found: list[tuple[str, bool]], accept_changes: bool) -> None:
    """Refuses differences between a run at `path` and its checkpoint that are not accepted or not acceptable.

    Raises:
        MinidiffError: naming the differences.
    """
    refused = [text for text, allowed in found if not allowed]
    if refused:
        raise MinidiffError(f"{path} cannot resume from step {step}: {'; '.join(refused)}; start a new run")
    if found and not accept_changes:
        raise MinidiffError(
            f"{path} does not match its checkpoint of step {step}: {'; '.join(text for text, _ in found)}; "
            "change that back, or resume with --accept-changes"
        )


def fingerprint(dataset: Dataset) -> dict[str, int | str]:
    """The size and the hash of a data set, for the comparison."""
    return {"images": len(dataset), "fingerprint": dataset.fingerprint()}
