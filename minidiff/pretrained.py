"""The trained networks that the package carries.

    from minidiff import generate, load_pretrained, plotting

    denoiser = load_pretrained("cats")
    siamese = denoiser.class_names.index("siamese")
    images = generate(denoiser, (4, 64, 64, 3), sampler="dpmpp_2m_sde", steps=25, labels=[siamese] * 4)
    plotting.save_sheet("siamese.png", images)

Their files are in `minidiff/weights/`, in half precision. `tutorials/models.md` describes how they were trained and
what their images are like.
"""

from minidiff.denoiser import NetworkDenoiser
from minidiff.parallel import Workers
from minidiff.runs.weights import PRETRAINED, load_weights


def load_pretrained(name: str, workers: Workers | None = None) -> NetworkDenoiser:
    """A trained network, ready to generate images.

    Args:
        name: "cats" (64 x 64 x 3) or "shapes" (16 x 16 x 3).
        workers: threads; default: one for each core.

    Returns:
        A denoiser for `generate`, `sample` and `editing`, with the names of its classes in `class_names`.

    Raises:
        MinidiffError: an unknown name.
    """
    return load_weights(PRETRAINED + name).denoiser(workers or Workers())
