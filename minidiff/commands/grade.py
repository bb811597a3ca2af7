"""`minidiff grade`: marks notebooks that students hand in."""

from pathlib import Path


def add_command(commands):
    """Adds `minidiff grade` to the commands of a parser."""
    parser = commands.add_parser("grade", help="mark the exercises in notebooks that students hand in")
    parser.set_defaults(run_command=run)
    parser.add_argument("folder", metavar="FOLDER", help="a student's notebooks, or a sub-folder for each student")
    parser.add_argument("--json", metavar="FILE", help="write name, points and the result of each exercise")
    parser.add_argument("--seconds", type=float, default=60, help="for one cell, and for one answer (default: 60)")
    parser.add_argument("--notebooks", metavar="NN,...", help="such as 05,06 (default: all that somebody handed in)")


def run(options):
    """minidiff grade"""
    import json

    from minidiff.atomic import write_whole
    from minidiff.commands.printing import one_line
    from minidiff.errors import MinidiffError
    from minidiff.exercises.grading.grade import grade
    from minidiff.exercises.grading.hand_in import find_hand_ins
    from minidiff.exercises.grading.marks import as_table, marks

    if not options.seconds > 0:
        raise MinidiffError(f"--seconds must be more than 0, not {options.seconds}")
    if options.json and not Path(options.json).resolve().parent.is_dir():
        raise MinidiffError(f"--json {options.json}: there is no folder {Path(options.json).parent}")
    prefixes = [f"ex{number.strip()}" for number in options.notebooks.split(",")] if options.notebooks else None
    hand_ins = find_hand_ins(options.folder)
    results = marks(grade(hand_ins, options.seconds, prefixes, lambda line: print(one_line(line), flush=True)))
    print()
    for line in as_table(results):
        print(one_line(line))
    if options.json:
        text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
        write_whole(options.json, lambda file: file.write(text.encode("utf-8", "replace")))
        print(options.json)
