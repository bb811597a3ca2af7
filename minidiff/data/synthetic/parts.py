"""Parts of synthetic images that must agree, such as the two eyes of a cat, and images whose parts do not.

A `Division` cuts images in two parts and lists the attributes that both parts of a real image share. `draw_divided`
draws an image whose two parts have attributes of their own: two images are drawn in the same pose and joined. From one
part of such an image nothing can be guessed about the other, so a network that learns from such images learns to read
the part alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from minidiff.data.readers.sizing import Size
from minidiff.data.synthetic import cats, landscapes, shapes
from minidiff.data.synthetic.backgrounds import SOFT_PAIRS
from minidiff.data.synthetic.drawing import Painter

HIDDEN = -1  # the value of an attribute that cannot be seen
Attributes = dict[str, int]  # name -> index of its value
Parts = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Division:
    """Two parts of the images of one synthetic data set, and what they share.

    Attributes:
        name: of the two parts.
        attributes: name -> number of values; an attribute of a part is from 0 to that number - 1, or HIDDEN.
        draw: (rng, size) -> an image, float32 (H, W, 3) in [0, 1], and the attributes of its two parts.
        cut: images (N, H, W, C) -> their two parts, (N, h, w, C) each, so oriented that one network reads both.
        hidden_by: name of an attribute -> name and value of another one that hides it.
        together: name -> attributes of which it consists.
        label: the attribute that is the class of the image, or "" if both parts need not have the same.
        odd: attributes in which the parts of the images of `draw_odd` may differ; empty for all.
        draw_odd: like `draw`, but the parts differ in nothing but the attributes `odd`; None for `draw`.
    """

    name: str
    attributes: Mapping[str, int]
    draw: Callable[[np.random.Generator, Size], tuple[np.ndarray, Attributes, Attributes]]
    cut: Callable[[np.ndarray], Parts]
    hidden_by: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    together: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = ""
    odd: tuple[str, ...] = ()
    draw_odd: Callable[[np.random.Generator, int], tuple[np.ndarray, Attributes, Attributes]] | None = None


def cut_halves(images: np.ndarray, margin: float = 0.0) -> Parts:
    """The left halves of images (N, H, W, C), and the right ones mirrored; wider by a fraction `margin` of W."""
    W = images.shape[2]
    width = W // 2 + round(margin * W)
    return images[:, :, :width], images[:, :, W - width :][:, :, ::-1]


def cut_quarters(images: np.ndarray, first: int, second: int) -> Parts:
    """Two of four horizontal strips of images (N, H, W, C), counted from the top."""
    quarter = images.shape[1] // 4
    top, bottom = (images[:, i * quarter : (i + 1) * quarter] for i in (first, second))
    return top, bottom


# --- cats ------------------------------------------------------------------------------------------------------------


def random_coat(rng: np.random.Generator) -> str:
    """One of the coats, at random."""
    return cats.COAT_NAMES[rng.integers(len(cats.COAT_NAMES))]


def sample_cats(rng: np.random.Generator) -> tuple[cats.Cat, cats.Cat]:
    """Two cats in the same pose; moods and eye colors of all coats are equally frequent, so that all are learned."""
    pair = [
        replace(
            cats.sample_cat(rng, random_coat(rng)),
            eye_color=list(cats.EYE_COLORS)[rng.integers(len(cats.EYE_COLORS))],
            eye_mood=cats.EYE_MOODS[rng.integers(len(cats.EYE_MOODS))],
            folded_ears=bool(rng.integers(2)),
        )
        for _ in range(2)
    ]
    pose = {name: getattr(pair[0], name) for name in ("center", "scale", "tilt")}
    return pair[0], replace(pair[1], **pose)


def draw_cat_halves(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, Attributes, Attributes]:
    """The left half of one cat and the right half of another one, joined along the axis of the head."""
    return join_cats(*sample_cats(rng), size)


def draw_odd_eyes(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, Attributes, Attributes]:
    """A cat whose eyes each have a color and a mood of their own."""
    left, other = sample_cats(rng)
    return join_cats(left, replace(left, eye_color=other.eye_color, eye_mood=other.eye_mood), size)


def join_cats(left: cats.Cat, right: cats.Cat, size: Size) -> tuple[np.ndarray, Attributes, Attributes]:
    """The left half of one cat and the right half of another one in the same pose, and their attributes."""
    axis = Painter(size).frame(left.center, left.tilt, left.scale).x
    image = np.where(axis[..., None] < 0, cats.paint_cat(left, size), cats.paint_cat(right, size))
    return image, half_attributes(left), half_attributes(right)


def half_attributes(cat: cats.Cat) -> Attributes:
    """The attributes of either half of a cat."""
    happy = cat.eye_mood == "happy"
    return {
        "eye mood": cats.EYE_MOODS.index(cat.eye_mood),
        "eye color": HIDDEN if happy else list(cats.EYE_COLORS).index(cat.eye_color),
        "ears": int(cat.folded_ears),
        "coat": cats.COAT_NAMES.index(cat.coat),
        "collar": len(cats.COLLARS) if cat.collar is None else cat.collar,
        "background": cat.background,
    }


BODIES = {name: i for i, name in enumerate(cats.COAT_NAMES)} | {"calico": cats.COAT_NAMES.index("white")}
CHIN = 0.52  # in the head's frame


def draw_head_and_body(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, Attributes, Attributes]:
    """The head of one cat over the body of another one."""
    head, body = sample_cats(rng)
    below = Painter(size).frame(head.center, 0.0, head.scale).y
    image = np.where(below[..., None] < CHIN, cats.paint_cat(head, size), cats.paint_cat(body, size))
    # Apart from the patches on its head, a calico is a white cat.
    return image, {"coat over the body": BODIES[head.coat]}, {"coat over the body": BODIES[body.coat]}


# --- shapes ----------------------------------------------------------------------------------------------------------


def draw_shape_halves(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, Attributes, Attributes]:
    """The left half of one shape and the right half of another one of the same size, joined along their axis."""
    left, right = (shapes.sample_shape(rng, shapes.KIND_NAMES[rng.integers(len(shapes.KIND_NAMES))]) for _ in range(2))
    right = replace(right, center=left.center, radius=left.radius, angle=left.angle)
    axis = Painter(size).frame(left.center, left.angle).x
    image = np.where(axis[..., None] < 0, shapes.paint_shape(left, size), shapes.paint_shape(right, size))
    return image, shape_attributes(left), shape_attributes(right)


def shape_attributes(shape: shapes.Shape) -> Attributes:
    """The attributes of either half of a shape."""
    return {
        "kind": shapes.KIND_NAMES.index(shape.kind),
        "color": list(shapes.COLORS).index(shape.color),
        "background": shape.background,
    }


# --- landscapes ------------------------------------------------------------------------------------------------------


def draw_landscape_parts(
    rng: np.random.Generator, size: Size, name: str, across: bool
) -> tuple[np.ndarray, Attributes, Attributes]:
    """Landscapes at two times of day, joined along the middle: side by side, or one above the other."""
    times = rng.integers(len(landscapes.TIME_NAMES), size=2)
    one, other = (landscapes.draw_landscape(rng, landscapes.TIME_NAMES[time], size) for time in times)
    painter = Painter(size)
    image = np.where((painter.y if across else painter.x)[..., None] < 0, one, other)
    return image, {name: int(times[0])}, {name: int(times[1])}


NUM_TIMES = len(landscapes.TIME_NAMES)
DIVISIONS: dict[str, tuple[Division, ...]] = {  # of each synthetic data set
    "cats": (
        Division(
            name="left and right half",
            attributes={
                "eye mood": len(cats.EYE_MOODS), "eye color": len(cats.EYE_COLORS), "ears": 2,
                "coat": len(cats.COATS), "collar": len(cats.COLLARS) + 1, "background": len(SOFT_PAIRS),
            },
            draw=draw_cat_halves,
            cut=cut_halves,
            hidden_by={"eye color": ("eye mood", cats.EYE_MOODS.index("happy"))},
            together={"eyes": ("eye mood", "eye color")},
            label="coat",
            odd=("eye mood", "eye color"),
            draw_odd=draw_odd_eyes,
        ),
        Division(
            name="head and body",
            attributes={"coat over the body": len(cats.COATS)},
            draw=draw_head_and_body,
            cut=partial(cut_quarters, first=1, second=3),
        ),
    ),
    "shapes": (
        Division(
            name="left and right half",
            attributes={"kind": len(shapes.KINDS), "color": len(shapes.COLORS), "background": len(SOFT_PAIRS)},
            draw=draw_shape_halves,
            cut=partial(cut_halves, margin=0.15),  # for shapes that are not in the middle
        ),
    ),
    "landscapes": (
        Division(
            name="left and right half",
            attributes={"left and right": NUM_TIMES},
            draw=partial(draw_landscape_parts, name="left and right", across=False),
            cut=cut_halves,
        ),
        Division(
            name="sky and hills",
            attributes={"sky and hills": NUM_TIMES},
            draw=partial(draw_landscape_parts, name="sky and hills", across=True),
            cut=partial(cut_quarters, first=0, second=3),
        ),
    ),
}  # fmt: skip
