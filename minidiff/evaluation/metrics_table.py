"""A test of the metrics: real images, of which an increasing share are spliced.

A metric that sees whether the parts of an image belong together gets worse as the share increases, although nothing
else about the images changes. The images are held-out ones, each spliced with another one that resembles it along the
seam (`splices.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minidiff.evaluation.agreement import Agreement, Readers
from minidiff.evaluation.extractor import COMPARISONS, FeatureExtractor
from minidiff.evaluation.measure import COMPARISON_NAMES
from minidiff.evaluation.splices import NEAREST, spliced
from minidiff.randomness import stream

SHARES = (0.0, 0.1, 0.2, 0.5)
SEED = 1


@dataclass(frozen=True)
class Row:
    """The metrics of images of which a share are spliced; all are [value, standard error].

    Attributes:
        compared: one for each of COMPARISONS.
        agreement: of synthetic data, or None.
    """

    share: float
    whole: tuple[float, float]
    compared: dict[str, tuple[float, float]]
    agreement: Agreement | None


def measure_spliced(
    extractor: FeatureExtractor, readers: Readers | None, shares: Sequence[float] = SHARES
) -> Iterator[Row]:
    """Yields the metrics of the control images of an extractor, of which shares are spliced."""
    real = extractor.control.pixels(slice(None))
    other = spliced(real, SEED, NEAREST)
    rank = stream("spliced share", SEED).permutation(len(real)) / len(real)  # so that a larger share includes a smaller
    for share in shares:
        x = np.where((rank < share)[:, None, None, None], other, real)
        features, _ = extractor.extract(x.__getitem__, len(x))
        yield Row(
            share=share,
            whole=extractor.whole(x),
            compared={name: extractor.compare(name, features) for name in COMPARISONS},
            agreement=readers.agreement(x) if readers else None,
        )


def told(extractor: FeatureExtractor) -> str:
    """A sentence on how many of the control images, spliced with one another, are told from whole ones."""
    real = extractor.control.pixels(slice(None))
    shares = [f"{100 * (1 - extractor.whole(real, [nearest])[0]):.1f} %" for nearest in NEAREST]
    partners = ["any other image" if part == 1 else f"one of the {100 * part:.1f} % most similar" for part in NEAREST]
    return f"Told from whole images: {', '.join(map(' if spliced with '.join, zip(shares, partners, strict=True)))}."


def table(rows: Sequence[Row]) -> str:
    """The rows as the columns of a table in Markdown."""

    def percents(value: tuple[float, float]) -> str:
        return f"{100 * value[0]:.1f} +- {100 * value[1]:.1f} %"

    lines = [["", *(f"{100 * row.share:.0f} % spliced" for row in rows)], ["---"] * (1 + len(rows))]
    for name in rows[0].agreement or {}:
        lines.append([f"parts agree in {name}", *(percents((row.agreement or {})[name]) for row in rows)])
    lines.append(["taken for whole images", *(percents(row.whole) for row in rows)])
    for key, name in COMPARISON_NAMES.items():
        lines.append([name, *("{:.2f} +- {:.2f}".format(*row.compared[key]) for row in rows)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
