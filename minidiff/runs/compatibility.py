"""Is it still the same training? What a run may be resumed with, and what not.

A resumed training is compared with its checkpoint. Where they differ, it stops and says what differs, because the user
may not know: an image was deleted, an option mistyped. Some changes make sense, and can be accepted; others would
make the steps so far those of another training.
"""

from minidiff.errors import MinidiffError

MAY_CHANGE = (
    "epochs", "learning_rate", "warmup_steps", "weight_decay", "clip", "ema_decay", "class_dropout", "flip",
    "time_distribution", "loss_weight", "microbatch_size",
)  # fmt: skip
ADDED = {"network": {"film": True}}  # numbers that came later: what checkpoints had that do not name them


def differences(before, now):
    """What differs between the configurations of a checkpoint and of this training.

    Args:
        before, now: dicts with "network", "training", "data" and "held_out", of plain types.

    Returns:
        List of pairs: what differs, in words, and whether a training can go on with it.
    """
    found = []
    for part in ("network", "training"):
        old = before.get(part) if isinstance(before.get(part), dict) else {}
        old = ADDED.get(part, {}) | old
        for name in sorted(now[part].keys() | old.keys()):
            if old.get(name) != now[part].get(name):
                allowed = part == "training" and name in MAY_CHANGE
                found.append((f"{name} was {old.get(name)} and is {now[part].get(name)}", allowed))
    for part, words in (("data", "the images"), ("held_out", "the held-out images")):
        old = before.get(part)
        if old != now[part]:
            sizes = [f"{d['images']} ({d['fingerprint']})" if isinstance(d, dict) else "none" for d in (old, now[part])]
            same_shape = isinstance(old, dict) and now[part] and old.get("images") == now[part]["images"]
            found.append((f"{words} were {sizes[0]} and are {sizes[1]}", bool(same_shape)))
    return found


def check_differences(run, checkpoint, found, accept_changes):
    """Refuses differences that are not wanted or not possible; arguments as in `take_up` and from `differences`."""
    impossible = [text for text, allowed in found if not allowed]
    if impossible:
        raise MinidiffError(
            f"{run.path} cannot go on after step {checkpoint.step}: {'; '.join(impossible)}; start a new run for that"
        )
    if found and not accept_changes:
        raise MinidiffError(
            f"{run.path} does not match its checkpoint of step {checkpoint.step}: "
            f"{'; '.join(text for text, _ in found)}; put that back, or go on all the same with --accept-changes"
        )


def fingerprint(dataset):
    """A data set in two figures, of plain types."""
    return {"images": len(dataset), "fingerprint": dataset.fingerprint()}
