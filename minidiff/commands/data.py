"""`minidiff data SPEC`: looks at a data set before anything is trained on it; and how every command opens data.

minidiff data photos/                               what is there, and what would be done to it
minidiff data set.npz --layout NCHW --range -1 1    the same, where it cannot be guessed
minidiff data emoji.tgz --out people.png            a contact sheet
minidiff data emoji.tgz --out people.npz            the images as minidiff sees them, quick to load
"""

from pathlib import Path

from minidiff.errors import MinidiffError

# The options of `data.load` that the commands share: name there, option here, its settings.
READING_OPTIONS = {
    "layout": ("--layout", {"metavar": "AXES", "help": "of arrays: their axes, such as NHWC or NCHW"}),
    "value_range": (
        "--range",
        {"type": float, "nargs": 2, "metavar": ("BLACK", "WHITE"), "help": "of arrays: their values, such as 0 1"},
    ),
    "part": ("--part", {"help": "train, val or test, of data that is so divided (default: train)"}),
    "subset": ("--subset", {"help": "of a package of emoji: people, faces or all (default: people)"}),
    "images_key": ("--images-key", {"metavar": "NAME", "help": "which array of an .npz or folder is the images"}),
    "labels_key": ("--labels-key", {"metavar": "NAME", "help": "which array is the labels, or none"}),
    "distinct": ("--distinct", {"action": "store_const", "const": True, "help": "leave out exact copies"}),
    "max_bytes": ("--max-bytes", {"type": int, "metavar": "N", "help": "refuse data larger than this (default: 2^31)"}),
    "max_pixels": ("--max-pixels", {"type": int, "metavar": "N", "help": "leave out larger images (default: 8e7)"}),
    "cache_folder": (
        "--no-cache",
        {"action": "store_const", "const": "", "help": "do not keep decoded images for the next time"},
    ),
}


def add_reading_options(parser):
    """Adds READING_OPTIONS to a parser, as a group of their own."""
    group = parser.add_argument_group("reading data", "usually not needed: what was assumed is printed")
    for name, (option, settings) in READING_OPTIONS.items():
        group.add_argument(option, dest=name, **settings)


def reading_options(options):
    """Those of READING_OPTIONS that were given, as arguments of `data.load`."""
    given = {name: getattr(options, name) for name in READING_OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def add_command(commands):
    """Adds `minidiff data` to the commands of a parser."""
    parser = commands.add_parser("data", help="what is in your data, and a contact sheet of it")
    parser.set_defaults(run_command=run)
    parser.add_argument("spec", metavar="SPEC", help="cats, shapes, landscapes, or a path")
    parser.add_argument("--size", type=int, help="height and width in pixels (default: the data's own, or 64)")
    parser.add_argument("--images", type=int, help="how many images to take (default: all; 1000 of a drawn set)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing, or the choice (default: 0)")
    parser.add_argument("--out", metavar="FILE", help="a .png for a contact sheet, an .npz for the images themselves")
    add_reading_options(parser)


def run(options):
    """minidiff data"""
    from minidiff import data, plotting

    out = Path(options.out) if options.out else None
    if out and out.suffix.lower() not in (".png", ".npz"):
        raise MinidiffError(f"--out {out}: give a .png for a contact sheet, or an .npz for the images themselves")
    given = reading_options(options)
    dataset = data.load(options.spec, options.size, options.images, options.seed, **given)
    print("\n".join(data.describe(dataset)))
    if out and out.suffix.lower() == ".npz":
        data.save(out, dataset)
    elif out:
        plotting.save_sheet(out, data.contact_sheet(dataset, seed=options.seed))
    if out:
        print(out)
