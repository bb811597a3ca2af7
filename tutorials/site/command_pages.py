"""The command reference: a page for each command, from its argparse parser."""

import argparse

from markup import code_block, entry, escape, title, toctree
from minidiff.cli import build_parser


def pages() -> dict[str, str]:
    """Path -> text of all pages."""
    parser = build_parser()
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    entries = [
        entry(f":doc:`minidiff {action.dest} <{action.dest}>`", escape(action.help or "") + ".")
        for action in found._choices_actions
    ]
    text = f"{parser.description} ``minidiff COMMAND --help`` prints what these pages say.\n\n"
    index = title("Commands") + text + "".join(entries) + toctree(list(found.choices))
    details = {f"commands/{name}.rst": page(f"minidiff {name}", sub) for name, sub in found.choices.items()}
    return {"commands/index.rst": index, **details}


def page(name: str, parser: argparse.ArgumentParser) -> str:
    """The page of a command."""
    parts = [title(name), description(parser.description or ""), f".. program:: {name}\n\n"]
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if actions:
            parts.append(title((group.title or "").capitalize(), "-"))
            parts.append(f"{escape(group.description.capitalize())}.\n\n" if group.description else "")
        parts += [option(parser, action) for action in actions]
    usage = parser.format_usage().removeprefix("usage: ")
    return "".join([*parts, title("Usage", "-"), code_block(usage, "text")])


def description(text: str) -> str:
    """The description of a command: text, and examples, which begin with the program's name."""
    parts = []
    for paragraph in text.strip().split("\n\n"):
        example = all(line.startswith("minidiff ") for line in paragraph.splitlines())
        parts.append(code_block(paragraph, "sh") if example else f"{escape(paragraph)}\n\n")
    return "".join(parts)


def option(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """An option or an argument, in the words of --help."""
    formatter = parser._get_formatter()
    form = formatter._format_action_invocation(action) if action.option_strings else action.metavar
    return f".. option:: {form}\n\n   {escape(formatter._expand_help(action))}\n\n"
