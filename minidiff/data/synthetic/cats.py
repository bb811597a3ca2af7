"""Cats: the reference data set, with eight coats as classes.

A cat is drawn in two stages. `sample_cat` samples its attributes, a `Cat`. `paint_cat` draws them at any size, with
one function per feature, from back to front.

Units: the head's frame has its origin between the eyes, and the cheeks are near x = -0.65 and 0.65.
"""

from dataclasses import dataclass

import numpy as np

from minidiff.data.readers.sizing import Size
from minidiff.data.synthetic.backgrounds import SOFT_PAIRS, paint_dots, paint_gradient
from minidiff.data.synthetic.drawing import (
    Color,
    Painter,
    Point,
    brighten,
    capsule,
    circle,
    ellipse,
    half_plane,
    mix,
    outline,
    polygon,
    smooth_union,
    tapered_capsule,
)

WHITE, CREAM, INK = (1.0, 1.0, 1.0), (0.98, 0.96, 0.94), (0.14, 0.11, 0.12)
ORANGE, CHARCOAL, PINK = (0.93, 0.60, 0.27), (0.36, 0.33, 0.36), (0.93, 0.55, 0.57)


@dataclass(frozen=True)
class Coat:
    """The colors of one class of cats."""

    fur: Color
    muzzle: Color
    chest: Color
    marks: Color  # stripes or mask
    inner_ear: Color = (0.96, 0.70, 0.69)
    nose: Color = PINK
    line: Color = INK  # mouth and closed eyes
    whiskers: Color = WHITE


COATS = {
    "ginger": Coat((0.94, 0.63, 0.30), (0.99, 0.86, 0.70), (0.98, 0.80, 0.58), (0.74, 0.40, 0.14)),
    "gray tabby": Coat((0.66, 0.63, 0.60), (0.87, 0.84, 0.81), (0.79, 0.76, 0.73), (0.37, 0.34, 0.33)),
    "black": Coat(
        (0.21, 0.20, 0.24), (0.31, 0.29, 0.34), (0.27, 0.25, 0.30), INK, (0.55, 0.40, 0.46), line=(0.88, 0.84, 0.84)
    ),
    "white": Coat((0.97, 0.96, 0.95), WHITE, WHITE, INK, whiskers=(0.56, 0.53, 0.55)),
    "tuxedo": Coat((0.20, 0.20, 0.24), CREAM, CREAM, CREAM, (0.80, 0.58, 0.62)),
    "siamese": Coat(
        (0.95, 0.89, 0.78),
        (0.42, 0.31, 0.27),
        (0.97, 0.93, 0.85),
        (0.38, 0.27, 0.23),
        (0.62, 0.47, 0.44),
        (0.26, 0.18, 0.18),
    ),
    "calico": Coat((0.97, 0.95, 0.92), WHITE, WHITE, ORANGE, whiskers=(0.56, 0.53, 0.55)),
    "blue": Coat((0.52, 0.58, 0.67), (0.70, 0.75, 0.82), (0.60, 0.66, 0.74), INK, nose=(0.36, 0.36, 0.44)),
}
COAT_NAMES = tuple(COATS)

EYE_COLORS = {
    "green": (0.52, 0.79, 0.36),
    "amber": (0.96, 0.76, 0.27),
    "blue": (0.42, 0.71, 0.95),
    "copper": (0.87, 0.55, 0.24),
}
EYE_MOODS = ("open", "happy", "sleepy")
MOUTHS = ("smile", "laugh", "tongue")
COLLARS = ((0.88, 0.30, 0.33), (0.23, 0.55, 0.80), (0.24, 0.66, 0.50), (0.60, 0.42, 0.78))


@dataclass(frozen=True)
class Cat:
    """The random attributes of one cat. Lengths in units of the head's frame, angles in radians."""

    coat: str
    fur_brightness: float
    background: int  # index into SOFT_PAIRS
    dots: Point | None  # phase of the dots; None for a plain background
    center: Point
    scale: float
    tilt: float
    head_radii: Point
    ear_height: float
    ear_spread: float
    folded_ears: bool
    patch_side: int  # of the orange patch of a calico: left (-1) or right (+1)
    eye_color: str
    eye_mood: str
    eye_distance: float
    pupil_width: float
    gaze: Point
    mouth: str
    collar: int | None  # index into COLLARS


def sample_cat(rng: np.random.Generator, coat: str) -> Cat:
    """Samples the attributes of one cat with one of COAT_NAMES."""
    mood, mouth = rng.random(), rng.random()
    return Cat(
        coat=coat,
        fur_brightness=rng.uniform(-0.04, 0.03),
        background=int(rng.integers(len(SOFT_PAIRS))),
        dots=(rng.random(), rng.random()) if rng.random() < 0.5 else None,
        center=(rng.uniform(-0.08, 0.08), rng.uniform(0.06, 0.16)),
        scale=rng.uniform(0.90, 1.06),
        tilt=rng.uniform(-0.20, 0.20),
        head_radii=(rng.uniform(0.61, 0.68), rng.uniform(0.49, 0.54)),
        ear_height=rng.uniform(0.76, 0.92),
        ear_spread=rng.uniform(0.50, 0.60),
        folded_ears=rng.random() < 0.12,
        patch_side=-1 if rng.random() < 0.5 else 1,
        eye_color="blue" if coat == "siamese" else list(EYE_COLORS)[rng.integers(len(EYE_COLORS))],
        eye_mood=EYE_MOODS[0 if mood < 0.70 else 1 if mood < 0.86 else 2],
        eye_distance=rng.uniform(0.265, 0.305),
        pupil_width=rng.uniform(0.060, 0.105),
        gaze=(rng.uniform(-0.03, 0.03), rng.uniform(-0.02, 0.02)),
        mouth=MOUTHS[0 if mouth < 0.60 else 1 if mouth < 0.84 else 2],
        collar=int(rng.integers(len(COLLARS))) if rng.random() < 0.5 else None,
    )


def draw_cat(rng: np.random.Generator, coat: str, size: Size) -> np.ndarray:
    """Draws a random cat with one of COAT_NAMES: float32 (H, W, 3) in [0, 1]."""
    return paint_cat(sample_cat(rng, coat), size)


def paint_cat(cat: Cat, size: Size) -> np.ndarray:
    """Draws a `Cat`: float32 (H, W, 3) in [0, 1]."""
    coat, painter = COATS[cat.coat], Painter(size)
    fur = brighten(coat.fur, cat.fur_brightness)
    pair = SOFT_PAIRS[cat.background]
    paint_gradient(painter, pair, (0.0, 1.0))
    if cat.dots is not None:
        paint_dots(painter, pair, cat.dots)
    body = painter.frame(cat.center, 0.0, cat.scale)
    paint_body(body, cat, coat, fur)
    head = painter.frame(cat.center, cat.tilt, cat.scale)
    paint_ears(head, cat, coat, fur)
    face = paint_head(head, cat, fur)
    paint_markings(head, cat, coat, face)
    paint_light(head, face)
    paint_cheeks(head)
    paint_pads(head, cat, coat)
    paint_mouth(head, cat, coat)
    paint_nose(head, coat)
    paint_eyes(head, cat, coat)
    paint_whiskers(head, coat)
    return painter.image()


def paint_body(body: Painter, cat: Cat, coat: Coat, fur: Color) -> None:
    """Paints shoulders, chest, the shadow of the chin, and the collar with its bell."""
    x, y = body.x, body.y
    shoulders = ellipse(x, y, (0, 1.20), (0.60, 0.88))
    inside = body.coverage(shoulders)
    body.fill(shoulders, mix(fur, INK, 0.07))
    body.fill(ellipse(x, y, (0, 1.10), (0.27, 0.56)), coat.chest, within=inside)
    body.fill(ellipse(x, y, (0, 0.20), (0.60, 0.42)), INK, 0.30, within=inside, softness=0.20)
    if cat.collar is not None:
        body.fill(outline(ellipse(x, y, (0, 0.36), (0.62, 0.27)), 0.052), COLLARS[cat.collar], within=inside)
        body.fill(circle(x, y, (0, 0.70), 0.085), (0.99, 0.83, 0.30))
        body.fill(capsule(x, y, (0, 0.71), (0, 0.75), 0.016), (0.52, 0.37, 0.10))


def paint_ears(head: Painter, cat: Cat, coat: Coat, fur: Color) -> None:
    """Paints two rounded triangles with smaller ones inside; |x| draws both sides at once."""
    x, y = np.abs(head.x), head.y
    tip = (0.68, -0.50) if cat.folded_ears else (cat.ear_spread, -cat.ear_height)
    corners = [(0.58, -0.10), tip, (0.10, -0.40)]
    ears = polygon(x, y, corners) - 0.06
    head.fill(ears, {"siamese": coat.marks, "calico": ORANGE}.get(cat.coat, fur))
    if cat.coat == "calico":
        head.fill(ears, CHARCOAL, within=head.x * cat.patch_side < 0)
    middle = ((0.68 + tip[0]) / 3, (-0.50 + tip[1]) / 3 + 0.03)
    inner = [(middle[0] + 0.52 * (cx - middle[0]), middle[1] + 0.52 * (cy - middle[1])) for cx, cy in corners]
    head.fill(polygon(x, y, inner) - 0.03, coat.inner_ear)


def paint_head(head: Painter, cat: Cat, fur: Color) -> np.ndarray:
    """Paints a wide ellipse with round cheeks; returns its coverage, to which the markings are clipped."""
    x, y = head.x, head.y
    cheeks = circle(np.abs(x), y, (0.36, 0.17), 0.28)
    distance = smooth_union(ellipse(x, y, (0, 0), cat.head_radii), cheeks, 0.15)
    head.fill(distance, fur)
    return head.coverage(distance)


def paint_markings(head: Painter, cat: Cat, coat: Coat, face: np.ndarray) -> None:
    """Paints the stripes, mask, blaze or patches of the coat."""
    x, y = head.x, head.y
    if cat.coat in ("ginger", "gray tabby"):
        for start, end in ((-0.19, -0.11), (0.0, 0.0), (0.19, 0.11)):
            stripe = tapered_capsule(x, y, (start, -0.58), (end, -0.27), 0.055, 0.018)
            head.fill(stripe, coat.marks, 0.9, within=face)
        for start, end in ((0.05, 0.10), (0.20, 0.215)):
            stripes = tapered_capsule(np.abs(x), y, (0.74, start), (0.50, end), 0.042, 0.014)
            head.fill(stripes, coat.marks, 0.9, within=face)
    elif cat.coat == "siamese":
        head.fill(ellipse(x, y, (0, 0.16), (0.40, 0.35)), coat.marks, 0.9, within=face, softness=0.28)
    elif cat.coat == "tuxedo":
        blaze = polygon(x, y, [(0, -0.40), (0.17, 0.25), (-0.17, 0.25)])
        head.fill(smooth_union(ellipse(x, y, (0, 0.34), (0.37, 0.26)), blaze, 0.12), coat.marks, within=face)
    elif cat.coat == "calico":
        head.fill(circle(x, y, (0.46 * cat.patch_side, -0.26), 0.40), ORANGE, within=face)
        head.fill(circle(x, y, (-0.50 * cat.patch_side, -0.30), 0.37), CHARCOAL, within=face)


def paint_light(head: Painter, face: np.ndarray) -> None:
    """Paints light on the forehead and shade under the cheeks."""
    for amount, color in ((-0.16 * head.y - 0.02, WHITE), (0.16 * head.y - 0.02, INK)):
        head.blend(np.clip(amount, 0, 0.10) * face, color)


def paint_cheeks(head: Painter) -> None:
    """Paints a pink spot on each cheek."""
    head.fill(circle(np.abs(head.x), head.y, (0.46, 0.22), 0.06), PINK, 0.45, softness=0.12)


def paint_pads(head: Painter, cat: Cat, coat: Coat) -> None:
    """Paints the two pads under the nose."""
    if cat.coat not in ("siamese", "tuxedo"):  # their markings cover this area
        head.fill(ellipse(np.abs(head.x), head.y, (0.11, 0.285), (0.17, 0.13)), coat.muzzle, 0.9)


def paint_mouth(head: Painter, cat: Cat, coat: Coat) -> None:
    """Paints two arcs side by side, with an open mouth or a tongue."""
    x, y = head.x, head.y
    below = half_plane(x, y, (0, 0.285), (0, -1))
    line = WHITE if cat.coat == "siamese" else coat.line
    if cat.mouth == "laugh":
        opening = np.maximum(ellipse(x, y, (0, 0.31), (0.105, 0.145)), below)
        head.fill(opening, (0.50, 0.14, 0.20))
        head.fill(np.maximum(circle(x, y, (0, 0.44), 0.085), opening), PINK)
    elif cat.mouth == "tongue":
        head.fill(np.maximum(ellipse(x, y, (0, 0.35), (0.055, 0.085)), below), PINK)
    arcs = np.maximum(outline(circle(np.abs(x), y, (0.085, 0.275), 0.085), 0.017), below)
    head.fill(arcs, line, 0.9)


def paint_nose(head: Painter, coat: Coat) -> None:
    """Paints a small rounded triangle, point down."""
    head.fill(polygon(head.x, head.y, [(-0.05, 0.165), (0.05, 0.165), (0, 0.215)]) - 0.03, coat.nose)


def paint_eyes(head: Painter, cat: Cat, coat: Coat) -> None:
    """Paints open eyes, happy arcs, or half-closed eyes; both alike, with the same gaze."""
    x, y = head.x, head.y
    center, radii = (cat.eye_distance, 0.0), (0.145, 0.160)
    if cat.eye_mood == "happy":
        line = coat.line if cat.coat != "tuxedo" else CREAM
        arch = outline(circle(np.abs(x), y, (cat.eye_distance, 0.06), 0.115), 0.026)
        head.fill(np.maximum(arch, half_plane(x, y, (0, 0.05), (0, 1))), line)
        return
    eye = ellipse(np.abs(x), y, center, radii)
    if cat.eye_mood == "sleepy":
        lid = half_plane(np.abs(x), y, (cat.eye_distance, -0.055), (0.20, -0.98))  # slopes outward
        eye = np.maximum(eye, lid)
    head.fill(eye - 0.024, INK)
    head.fill(eye, EYE_COLORS[cat.eye_color])
    inside = head.coverage(eye)
    for side in (-1, 1):
        px, py = side * cat.eye_distance + cat.gaze[0], cat.gaze[1]
        head.fill(ellipse(x, y, (px, py), (cat.pupil_width, 0.125)), INK, within=inside)
        head.fill(circle(x, y, (px - 0.045, py - 0.055), 0.042), WHITE, within=inside)


def paint_whiskers(head: Painter, coat: Coat) -> None:
    """Paints three thin lines on each side."""
    for row in (-1, 0, 1):
        whisker = capsule(np.abs(head.x), head.y, (0.36, 0.27 + 0.045 * row), (0.80, 0.24 + 0.12 * row), 0.008)
        head.fill(whisker, coat.whiskers, 0.75)
