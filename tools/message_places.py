"""Texts of the program, each with its place and its role there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from babel.messages.extract import extract_from_file

from importer.cli.commands import commands
from importer.mapping.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
_TEXTS = {"tr": 1, "trn": 2, "tr_noop": 1, "_": 1, "ngettext": 2}  # arguments that are texts
_CLICK = ("core", "exceptions", "formatting", "parser", "types")  # texts about wrong usage
_PARTS = {  # name of a call, index of an argument → what that is to a reader
    ("Entry", 2): "a problem of a row",
    ("Entry", 3): "a problem of a row: fix",
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NOT_SHOWN = {"format", "join", "append", "extend", "str"}  # calls that say nothing of a text


class Message(NamedTuple):
    """A text of the program in one place. `text` is a pair where it has a plural."""

    text: str | tuple[str, str]
    where: str  # path, and the function where there is one
    role: str  # what the text is there, "" if the code doesn't tell


def messages() -> Iterator[Message]:
    """Yield all texts that the program may show, in the order of the code."""
    yield from _help(commands, "clopos-import")
    for path in sorted((ROOT / "importer").rglob("*.py")):
        yield from _in_module(path, path.relative_to(ROOT).as_posix())
    for path in sorted((ROOT / "importer").rglob("*.html")):
        yield from _in_template(path)
    for profile in load_profiles():
        for note in profile.notes:
            yield Message(note, f"schemas/profiles/{profile.name}", "a note of a profile")
    for name in _CLICK:
        path = Path(click.__file__).with_name(f"{name}.py")
        yield from _in_module(path, f"click/{path.name}")


def _help(command: click.Command, path: str) -> Iterator[Message]:
    if command.help:
        yield Message(command.help, path, "help")
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            yield Message(option.help, f"{path} {option.opts[0]}", "help")
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _help(inner, f"{path} {name}")


def _in_module(path: Path, name: str) -> Iterator[Message]:
    """Yield the texts of a module, also those within an f-string, where babel is blind."""
    yield from _in_node(ast.parse(path.read_text("utf-8")), (), name)


def _in_node(node: ast.AST, above: tuple[ast.AST, ...], name: str) -> Iterator[Message]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = node.args[: _TEXTS.get(node.func.id, 0)]
        texts = tuple(str(each.value) for each in arguments if isinstance(each, ast.Constant))
        if texts and len(texts) == len(arguments):
            functions = [each.name for each in above if isinstance(each, _FUNCTIONS)]
            where = f"{name}:{node.lineno} {functions[-1] if functions else ''}".rstrip()
            text = (texts[0], texts[1]) if len(texts) > 1 else texts[0]
            yield Message(text, where, _role((*above, node)))
    for child in ast.iter_child_nodes(node):
        yield from _in_node(child, (*above, node), name)


def _role(path: tuple[ast.AST, ...]) -> str:
    """Name what the last node is to the nearest call, assignment or return around it."""
    for outer, inner in zip(path[-2::-1], path[:0:-1], strict=True):
        match outer:
            case ast.keyword(arg=str(name)):
                call = path[path.index(outer) - 1]
                return f"{_called(call)}: {name}" if isinstance(call, ast.Call) else name
            case ast.Call(args=args) if inner in args and _called(outer) not in _NOT_SHOWN:
                index = args.index(inner)
                name = _called(outer)
                what = f"{name}: what" if name.endswith("Error") else f"{name}(…)"
                return _PARTS.get((name, index), what)
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                return f"{ast.unparse(target)} ="
            case ast.stmt():
                return ""
    return ""


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _in_template(path: Path) -> Iterator[Message]:
    name, lines = path.relative_to(ROOT).as_posix(), path.read_text("utf-8").splitlines()
    keywords = {"tr": None, "trn": (1, 2)}
    for line, text, *_ in extract_from_file("jinja2", path, keywords=keywords):
        first = text[0] if isinstance(text, tuple) else text
        before = "\n".join(lines[: line - 1]) + "\n" + lines[line - 1].partition(first)[0]
        tag = re.findall(r"<(?:(\w+)[^<>]*>|\w+[^<>]*?([\w-]+)=\"[^\"<>]*)[^<]*$", before)
        role = f"<{tag[-1][0]}>" if tag and tag[-1][0] else f"{tag[-1][1]}=" if tag else ""
        pair = text if isinstance(text, str) else (text[0], text[1])
        yield Message(pair, f"{name}:{line}", role)
