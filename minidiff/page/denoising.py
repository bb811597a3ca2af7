"""The prediction trace: from noise to an image, step by step, with what the network sees in the noise."""

from minidiff.page.collect import SAMPLER, SEEDS
from minidiff.page.film import film
from minidiff.page.markup import element, image_grid, missing, section


def render(facts):
    """The section."""
    title = "The prediction trace"
    if facts.denoising is None:
        return section("prediction", title, missing(facts.missing["samples"]))
    found = facts.denoising
    last = len(found.t) - 1
    seeds = " and ".join([", ".join(map(str, SEEDS[:-1])), str(SEEDS[-1])])
    kinds = f", asked for as {', '.join(found.names)}" if any(found.names) else ""
    frames = []
    for i, t in enumerate(found.t):
        left = "z, pure noise" if i == 0 else "the final image" if i == last else f"z at t = {t}"
        right = "what z has become" if i == last else "x0_hat, what the network sees in it"
        shown = element("div", panel(left, found.z[i]), panel(right, found.x0_hat[i]), class_="pair")
        frames.append((f"step {i} of {last}, t = {t}", [shown], {}))
    return section(
        "prediction",
        title,
        element(
            "p",
            f"Four images on their way, from the noises of seeds {seeds}{kinds}. On the left is z, which begins as "
            "pure noise. On the right is x0_hat, the image that the network believes to be behind z. Each step mixes "
            f"x0_hat with less noise, and so makes the next z (sampler {SAMPLER}, {last} steps).",
        ),
        film("prediction-film", "Step", frames),
        element(
            "p",
            "Look at x0_hat in the first steps: much noise allows many images, and the network answers with their "
            "average, which is blurred. As the noise goes, fewer images remain possible, and x0_hat gets sharp.",
        ),
    )


def panel(title, images):
    """Some images, two in a row, under a title."""
    return element("figure", element("figcaption", title), image_grid(images, title, 2))
