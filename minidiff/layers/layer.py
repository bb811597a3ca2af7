"""The contract that all layers keep, and the parameters of layers that keep it."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from minidiff.parameters import Parameters

Shape = tuple[int, ...]


class Layer(Protocol):
    """A layer: its parameters, its forward and its backward pass.

    A layer that owns parameters defines `shapes` and `initialize`. A layer made of other layers inherits both.

    Attributes:
        name: prefix of the names of its parameters.
        children: the layers that it is made of, in the order of `forward`; empty if it owns its parameters.
    """

    name: str
    children: Sequence["Layer"] = ()

    def shapes(self) -> dict[str, Shape]:
        """Names and shapes of the parameters, in their order in the flat vector."""
        return shapes_of(self.children)

    def initialize(self, p: Parameters, rng: np.random.Generator) -> None:
        """Writes the initial values of the parameters into p."""
        for child in self.children:
            child.initialize(p, rng)

    def cost(self, shape: Shape) -> tuple[Shape, int]:
        """Shape of the output and number of floating-point operations, for an input of the given shape.

        A multiplication and an addition count as two operations.
        """
        ...

    def forward(self, p: Parameters, *inputs: Any, **options: Any) -> tuple[np.ndarray, Any]:
        """Computes the output, and the cache that `backward` needs."""
        ...

    def backward(self, p: Parameters, g: Parameters, cache: Any, *gradients: Any, **options: Any) -> Any:
        """Computes the gradient with respect to each input from the one with respect to the output, dy.

        It adds the gradient with respect to the parameters to g, and changes neither the inputs nor dy.
        """
        ...

    def __repr__(self) -> str:
        settings = {name: value for name, value in vars(self).items() if isinstance(value, (str, int))}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"


def leaves(layer: Any) -> list[Any]:
    """The layers in a layer or network that own parameters, in the order of `forward`; a leaf contains itself alone."""
    return [leaf for child in layer.children for leaf in leaves(child)] or [layer]


def shapes_of(layers: Iterable[Layer]) -> dict[str, Shape]:
    """Names and shapes of the parameters of several layers, in their order."""
    return {name: shape for layer in layers for name, shape in layer.shapes().items()}


def create_parameters(layers: Iterable[Layer], seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
    """Creates the parameters of layers, with their initial values.

    Args:
        layers: in the order of their parameters in the flat vector.
        seed: of the random numbers.
        dtype: float32, or float64 for gradient checks.
    """
    layers = list(layers)
    p = Parameters(shapes_of(layers), dtype)
    rng = np.random.default_rng(seed)
    for layer in layers:
        layer.initialize(p, rng)
    return p
