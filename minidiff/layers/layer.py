"""The interface of all layers, and the creation of their parameters."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from minidiff.errors import MinidiffError
from minidiff.parameters import Parameters
from minidiff.randomness import stream

Shape = tuple[int, ...]
MOST_PARAMETERS = 2**28  # 1 GB; training needs at least five times as much


class Module(Protocol):
    """A layer, or a part of a network that contains layers.

    One that owns parameters defines `shapes` and `initialize`. One made of other modules inherits both.

    Attributes:
        name: prefix of the names of its parameters.
        children: the modules that it is made of, in the order of `forward`; empty if it owns its parameters.
    """

    name: str
    children: Sequence["Module"] = ()

    def shapes(self) -> dict[str, Shape]:
        """Names and shapes of the parameters, in their order in the flat vector."""
        return shapes_of(self.children)

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Writes the initial values of the parameters into p."""
        for child in self.children:
            child.initialize(p, rng)

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Shape of the output and number of floating-point operations, for an input of the given shape.

        A multiplication and an addition count as two operations. By default the children run one after the other.
        """
        total = 0
        for child in self.children:
            shape, flops = child.cost(shape)
            total += flops
        return shape, total

    def __repr__(self) -> str:
        settings = {name: value for name, value in vars(self).items() if isinstance(value, (str, int))}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"


class Layer(Module, Protocol):
    """A module with a forward and a backward pass."""

    def forward(self, p: Parameters, *inputs: Any, **options: Any) -> tuple[np.ndarray, Any]:
        """Computes the output, and the cache that `backward` needs."""
        ...

    def backward(self, p: Parameters, g: Parameters, cache: Any, *gradients: Any, **options: Any) -> Any:
        """Computes the gradient with respect to each input from the one with respect to the output, dy.

        It adds the gradient with respect to the parameters to g, and changes neither the inputs nor dy.
        """
        ...


def leaves(layer: Any) -> list[Any]:
    """The layers in a layer or network that own parameters, in the order of `forward`; a leaf contains itself alone."""
    return [leaf for child in layer.children for leaf in leaves(child)] or [layer]


def shapes_of(modules: Iterable[Module]) -> dict[str, Shape]:
    """Names and shapes of the parameters of several modules, in their order."""
    return {name: shape for module in modules for name, shape in module.shapes().items()}


def count_parameters(modules: Iterable[Module]) -> int:
    """The number of parameters of modules; raises `MinidiffError` if they are more than MOST_PARAMETERS."""
    size = sum(map(math.prod, shapes_of(modules).values()))
    if size > MOST_PARAMETERS:
        raise MinidiffError(
            f"the network would have {size:,} parameters, and at most {MOST_PARAMETERS:,} are possible; "
            "use fewer levels, channels or blocks"
        )
    return size


def create_parameters(modules: Iterable[Module], seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
    """Creates the parameters of modules, with their initial values.

    Args:
        modules: in the order of their parameters in the flat vector.
        seed: of the random numbers.
        dtype: float32, or float64 for gradient checks.

    Raises:
        MinidiffError: as in `count_parameters`.
    """
    modules = list(modules)
    count_parameters(modules)
    p = Parameters(shapes_of(modules), dtype)
    rng = stream("parameters", seed)
    for module in modules:
        module.initialize(p, rng)
    return p
