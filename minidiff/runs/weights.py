"""A trained network as one file, weights.safetensors, which other programs read too.

    tensors               each parameter of the moving average under its name and with its axes in PyTorch
                          (`torch_layout.py`), as float32, or as float16 in half the space
    metadata "config"     the network, the training, the data and the class names, as in config.json, but without paths
    metadata "trained"    the optimizer steps, and the size and the hash of the training data

`load_weights` reads such a file, a run, or a network that the package carries. A file is checked before it is used:
names, types, shapes, and that all values are finite. Nothing in it can run code.

Read more: `tutorials/models.md`; https://huggingface.co/docs/safetensors.
"""

import json
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minidiff.atomic import write_whole
from minidiff.data import SYNTHETIC_SETS
from minidiff.denoiser import NetworkDenoiser
from minidiff.errors import MinidiffError
from minidiff.fields import Range, convert
from minidiff.layers import count_parameters, shapes_of
from minidiff.layers.layer import Shape
from minidiff.parallel import Workers
from minidiff.parameters import Parameters
from minidiff.ranks import ALONE, Ranks
from minidiff.regular import check_regular
from minidiff.runs.checkpoint import PER_EXAMPLE, PER_STEP
from minidiff.runs.compatibility import check_same_network
from minidiff.runs.config import FORMAT, SamplerOptions, check, information, parse, read_sampling
from minidiff.runs.folder import Run
from minidiff.runs.metadata import weights_hash
from minidiff.runs.torch_layout import from_torch, to_torch, torch_shapes
from minidiff.text import clean
from minidiff.training_config import TrainingConfig
from minidiff.unet import UNet, UNetConfig

SUFFIX = ".safetensors"
PRETRAINED, PRETRAINED_FOLDER = "pretrained:", Path(__file__).parents[1] / "weights"
REMEDY = "export the network again"
FLOATS = ("F32", "F16")  # types of safetensors, as accepted
SHARED = ("version", "random", "name", "license", "class_names", "network", "training", "sampling")  # of config.json
TRAINED: dict[str, Any] = {"step": int, "images": int, "fingerprint": str}
STEPS = Range(0, 999_999_999)


@dataclass(frozen=True, repr=False)
class Weights:
    """A trained network in memory.

    Args:
        config: the contents of config.json, or the part of them that is `shared`; `network` and `training` are from it,
            and checked.
        network, training: the configurations.
        vector: the averaged parameters, float32 (size,).
        trained: "step", the optimizer steps, and "images" and "fingerprint" of the training data.
    """

    config: dict[str, Any]
    network: UNetConfig
    training: TrainingConfig
    vector: np.ndarray
    trained: dict[str, Any]

    def __repr__(self) -> str:
        return f"Weights({len(self.vector):,} parameters after {self.trained['step']} steps)"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.config["class_names"])

    @property
    def sampling(self) -> SamplerOptions | None:
        """The sampler options that a distilled network was trained for; None for other networks."""
        return read_sampling(self.config, self.training.T)

    @property
    def parameters(self) -> Parameters:
        """The parameters by name; a view of `vector`."""
        return Parameters(shapes_of(UNet(self.network).children), vector=self.vector)

    def hash(self) -> str:
        """The SHA-256 of the parameters, in hexadecimal digits."""
        return weights_hash(self.vector)

    def denoiser(self, workers: Workers, ranks: Ranks = ALONE) -> NetworkDenoiser:
        """A denoiser with these parameters."""
        network, schedule = UNet(self.network), self.training.create_schedule()
        p = Parameters(shapes_of(network.children), vector=self.vector)
        more: dict[str, Any] = {"class_names": self.class_names, "ranks": ranks}
        return NetworkDenoiser(network, p, schedule, self.training.target, workers, **more)


def load_weights(spec: str) -> Weights:
    """Reads a trained network.

    Args:
        spec: "pretrained:NAME" for one that the package carries, the folder of a run, or a .safetensors file.

    Raises:
        MinidiffError: there is none, or it cannot be read.
    """
    if spec.startswith(PRETRAINED):
        return read_weights(find_pretrained(spec.removeprefix(PRETRAINED)))
    if Path(spec).suffix.lower() == SUFFIX:
        return read_weights(Path(spec))
    return weights_of(Run.open(spec))


def find_pretrained(name: str) -> Path:
    """The file of a network that the package carries; `MinidiffError` for an unknown name."""
    files = {file.stem: file for file in sorted(PRETRAINED_FOLDER.glob(f"*{SUFFIX}"))}
    if name not in files:
        raise MinidiffError(f"unknown pretrained network {name!r}; choose from {', '.join(files)}")
    return files[name]


def weights_of(run: Run, *, best: bool = False) -> Weights:
    """The network of a run, with its averaged parameters.

    Args:
        run: with at least one checkpoint.
        best: load the checkpoint with the lowest loss on held-out images instead of the newest.

    Raises:
        MinidiffError: config.json or the checkpoint does not fit.
    """
    network, training, _ = run.read_config()
    config = run.config

    def check_checkpoint(step: int, before: dict[str, Any]) -> None:
        check_same_network(run.path, step, before, network.as_dict(), training.as_dict(), config["class_names"])

    checkpoint = run.load_checkpoint(count_parameters(UNet(network).children), check_checkpoint, best=best)
    data = checkpoint.facts["config"]["data"]
    trained = {"step": checkpoint.step, "images": data["images"], "fingerprint": data["fingerprint"]}
    return Weights(config, network, training, checkpoint.arrays["average"], trained)


def write_weights(path: str | Path, weights: Weights, *, half: bool = False) -> None:
    """Writes a .safetensors file atomically.

    Args:
        path: of the file.
        weights: to be written.
        half: as float16, which rounds each parameter to 11 binary digits.

    Raises:
        MinidiffError: it cannot be written, or a parameter is too large for float16.
    """
    dtype = np.float16 if half else np.float32
    with np.errstate(over="ignore"):
        tensors = {name: np.ascontiguousarray(value, dtype) for name, value in to_torch(weights.parameters).items()}
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise MinidiffError("a parameter is too large for half precision; leave --half out")
    metadata = {"format": "pt", "config": json.dumps(shared(weights.config)), "trained": json.dumps(weights.trained)}
    content = save(tensors, metadata)
    write_whole(path, lambda file: file.write(content))


def shared(config: dict[str, Any]) -> dict[str, Any]:
    """What others need to know of a configuration: no command, no machine, and names of files instead of paths."""
    result = {"format": FORMAT} | {name: config[name] for name in SHARED if name in config}
    spec = config["data"]["spec"]
    options = {name: value for name, value in config["data"].items() if name != "cache_folder"}
    result["data"] = options | {"spec": spec if spec in SYNTHETIC_SETS else PurePath(spec).name}
    if spec in SYNTHETIC_SETS:
        result["source"] = config.get("source")
    if source := config.get("from"):
        spec = source["spec"]
        result["from"] = source | {"spec": spec if spec.startswith(PRETRAINED) else PurePath(spec).name}
    return result


def read_weights(path: Path) -> Weights:
    """Reads a .safetensors file that `write_weights` wrote.

    Raises:
        MinidiffError: it cannot be read, is damaged, or is not a network of minidiff.
    """
    try:
        if stat.S_ISDIR(check_regular(path).st_mode):
            raise OSError(None, "it is a folder")
        with safe_open(path, framework="np") as file:
            config, network, training, trained = read_metadata(file.metadata() or {}, path)
            shapes = shapes_of(UNet(network).children)
            vector = from_torch(shapes, read_tensors(file, torch_shapes(shapes), path))
    except (OSError, ValueError, SafetensorError) as error:
        problem = clean(getattr(error, "strerror", None) or error)
        raise MinidiffError(f"{path} cannot be read: {problem}; {REMEDY}") from error
    if not np.isfinite(vector).all():
        raise MinidiffError(f"{path} is damaged: a parameter is NaN or infinite; {REMEDY}")
    return Weights(config, network, training, vector, trained)


def read_metadata(
    metadata: dict[str, str], path: Path
) -> tuple[dict[str, Any], UNetConfig, TrainingConfig, dict[str, Any]]:
    """The configuration, its parts network and training, and "trained", checked; errors as in `read_weights`."""
    if not metadata.keys() >= {"config", "trained"}:
        raise MinidiffError(f"{path} is not a network of minidiff: it has no configuration; {REMEDY}")
    config = parse(metadata["config"], path, REMEDY)
    network, training, _ = check(config, path, REMEDY)
    config = shared(config)
    try:
        trained = convert("trained", json.loads(metadata["trained"]), dict)
        trained = {name: convert(f"trained: {name}", trained.get(name), kind) for name, kind in TRAINED.items()}
        if trained["step"] not in STEPS:
            raise MinidiffError(f"trained: step must be {STEPS}")
    except (ValueError, RecursionError, MinidiffError) as error:
        raise MinidiffError(f"{path}: {error}; {REMEDY}") from error
    return config, network, training, trained


def read_tensors(file: Any, shapes: dict[str, Shape], path: Path) -> dict[str, np.ndarray]:
    """The tensors of an open file, each checked against its expected shape before any is read."""
    if different := sorted(shapes.keys() ^ set(file.keys())):
        problem = "lacks" if different[0] in shapes else "has an unknown"
        raise MinidiffError(f"{path} does not fit its configuration: it {problem} {clean(different[0])}; {REMEDY}")
    for name, shape in shapes.items():
        tensor = file.get_slice(name)
        found, kind = tuple(tensor.get_shape()), tensor.get_dtype()
        if found != shape or kind not in FLOATS:
            wanted = f"{' or '.join(FLOATS)} {shape}"
            raise MinidiffError(f"{path} does not fit its configuration: {name} is {kind} {found}, not {wanted}")
    return {name: file.get_tensor(name) for name in shapes}


def import_run(path: str | Path, weights: Weights) -> None:
    """Writes a new run with one checkpoint; it has no state of the optimizer, so it cannot be resumed.

    Args:
        path: of its folder, new.
        weights: its network.

    Raises:
        MinidiffError: as in `Run.create`.
    """
    config, step = weights.config, weights.trained["step"]
    data = {"images": weights.trained["images"], "fingerprint": weights.trained["fingerprint"]}
    facts = {
        "epoch": weights.training.epochs,
        "step_in_epoch": 0,
        "seconds": 0.0,
        "step_seconds": 0.0,
        "best_step": None,
        "seed": weights.training.seed,
        "config": {
            "network": weights.network.as_dict(),
            "training": weights.training.as_dict(),
            "data": data,
            "held_out": None,
            "class_names": list(weights.class_names),
            "random": config.get("random", 1),
        },
    }
    arrays = dict.fromkeys(("parameters", "average"), weights.vector)
    arrays |= dict.fromkeys(("m", "v"), np.zeros_like(weights.vector))
    arrays |= {name: np.zeros(0, dtype) for name, dtype in (PER_STEP | PER_EXAMPLE).items()}
    with Run.create(path, config | information() | {"imported": True}) as run:
        run.save_checkpoint(step, arrays, facts)
