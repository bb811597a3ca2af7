"""The names that a cell defines and those that it needs from other cells, without running it."""

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BUILTINS = frozenset(dir(builtins))
EVERYTHING = "*"  # defined by `from module import *`


@dataclass
class Names:
    """What a cell does with names.

    Attributes:
        defined: names that it defines, imports or assigns.
        changed: names of objects whose elements or attributes it assigns.
        needed: names that it uses and does not define before.
        definitions: for each defined name, the statements that define it.
        parsed: whether it is Python.
    """

    defined: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    parsed: bool = True


def names_of(source: str) -> Names:
    """The names of a cell in plain Python; none if it cannot be parsed."""
    found = Names()
    later: set[str] = set()
    try:
        for statement in _in_order(ast.parse(source)):
            now, in_functions, defined = _names_of_statement(statement)
            found.needed |= now - found.defined
            later |= in_functions
            found.defined |= defined
            found.changed |= set(_changed(statement))
            for name in defined:
                found.definitions.setdefault(name, []).append(statement)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names(parsed=False)
    found.needed = (found.needed | (later - found.defined)) - BUILTINS
    return found


def _in_order(block: Any) -> Iterator[ast.stmt]:
    """The statements of a block in the order in which they are run, with those within loops and conditions."""
    for expression in (getattr(block, "iter", None), getattr(block, "test", None)):
        if expression is not None:
            yield ast.Expr(expression)
    pairs = [(None, getattr(block, "target", None))]
    pairs += [(item.context_expr, item.optional_vars) for item in getattr(block, "items", ())]
    for value, target in pairs:
        if value is not None:
            yield ast.Expr(value)
        if target is not None:
            yield ast.fix_missing_locations(ast.Assign([target], ast.Constant(None)))
    for handler in getattr(block, "handlers", ()):
        if handler.type is not None:
            yield ast.Expr(handler.type)
        if handler.name is not None:
            target = ast.Name(handler.name, ast.Store())
            yield ast.fix_missing_locations(ast.Assign([target], ast.Constant(None)))
    inner = [getattr(handler, "body", []) for handler in getattr(block, "handlers", ())]
    for statements in (block.body, *inner, getattr(block, "orelse", []), getattr(block, "finalbody", [])):
        for statement in statements:
            if hasattr(statement, "body") and not isinstance(
                statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            ):
                yield from _in_order(statement)
            else:
                yield statement


def _names_of_statement(statement: ast.stmt) -> tuple[set[str], set[str], set[str]]:
    """The global names that a statement uses at once, those that its functions use, and those that it defines."""
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        return set(), set(), {EVERYTHING}
    top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    now = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    defined = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    later: set[str] = set()
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                later.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                defined.add(symbol.get_name())
    added = [node.target for node in ast.walk(statement) if isinstance(node, ast.AugAssign)]  # x += 1 uses x
    now |= {target.id for target in added if isinstance(target, ast.Name)} & defined
    return now, later, defined


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The names of objects whose elements or attributes a statement assigns: table in `table[0] = 1`."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            root: ast.expr = node
            while isinstance(root, (ast.Subscript, ast.Attribute)):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id
