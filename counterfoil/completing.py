"""What a shell is told while somebody types: commands, options, and the names that fit.

A command's module takes half a second to import, and whoever presses the tab key waits for it. So
the options are read from the source of the module, and ids from what the last audit wrote down.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from .configuration import PROFILES, Configuration, ConfigurationError, find, read

HERE = Path(__file__).parent


def outline(name: str) -> click.Command:
    """Return a command with its parameters, as its source says, that does nothing."""
    decorators = _decorators(HERE / "cli" / f"{name}.py", "command")
    shared = _assigned(HERE / "cli" / "options.py")
    calls = [shared.get(one.id, one) if isinstance(one, ast.Name) else one for one in decorators]
    params = [_parameter(call) for call in calls if _is_parameter(call)]
    return click.Command(name, params=params)


def _decorators(path: Path, function: str) -> list[ast.expr]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return node.decorator_list
    raise ValueError(f"{path} has no {function}")


def _assigned(path: Path) -> dict[str, ast.expr]:
    """Return what a module assigns to names."""
    return {
        target.id: node.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _is_parameter(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _called(node) in ("option", "argument")


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else ""


def _parameter(node: ast.expr) -> click.Parameter:
    assert isinstance(node, ast.Call)
    names = [str(ast.literal_eval(one)) for one in node.args]
    said = {word.arg: word.value for word in node.keywords}
    plain = {name: value for name, value in map(_literal, said.items()) if value is not None}
    kept: dict[str, Any] = {
        key: plain[key] for key in ("is_flag", "multiple", "nargs", "help") if key in plain
    }
    if (kind := _kind(said.get("type"), str(plain.get("metavar", "")))) and "is_flag" not in kept:
        kept["type"] = kind
    if _called(node) == "argument":
        kept.pop("help", None)
        return click.Argument(names, required=False, shell_complete=_complete, **kept)
    return click.Option(names, shell_complete=None if kind else _complete, **kept)


def _literal(item: tuple[str | None, ast.expr]) -> tuple[str | None, Any]:
    try:
        return item[0], ast.literal_eval(item[1])
    except ValueError:
        return item[0], None


def _kind(node: ast.expr | None, metavar: str) -> click.ParamType[Any] | None:
    """Return a type that completes itself: one of a few words, or a file."""
    if node is not None and _called(node) == "Choice" and isinstance(node, ast.Call):
        choices = _literal((None, node.args[0]))[1]
        return click.Choice(choices) if choices else None
    if metavar in ("FILE", "DIR") or (node is not None and _called(node) == "Path"):
        return click.Path(file_okay=metavar != "DIR")
    return None


def _complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the names that a parameter may have and that begin so."""
    command, settings = ctx.info_name or "", _settings(ctx)
    found: Iterable[str] = ()
    if param.name in ("names", "apis", "api"):
        found = apis()
        if command == "check":
            found = [*settings.targets, *apis(), "all"]
        taken = ctx.params.get(param.name or "") or ()
        found = [name for name in found if name not in taken]
    elif param.name == "target":
        found = settings.targets
    elif param.name == "profile":
        found = [*PROFILES, *settings.profiles]
    elif param.name in ("only", "faults", "variants"):
        found = _ids(str(param.name), _judged(ctx, settings))
    return [CompletionItem(name) for name in found if name.startswith(begun)]


def _settings(ctx: click.Context) -> Configuration:
    """Return what the nearest file says; nothing, where it is wrong: that is no time to say so."""
    path = ctx.params.get("config") or find(Path.cwd())
    try:
        return read(Path(path), ()) if path else Configuration()
    except ConfigurationError:
        return Configuration()


def _judged(ctx: click.Context, settings: Configuration) -> set[str]:
    """Return the APIs that the words before are about; all, where they say nothing."""
    said = [ctx.params.get(name) or () for name in ("names", "apis", "api")]
    words = {word for one in said for word in ([one] if isinstance(one, str) else one)}
    words |= set(ctx.args)  # there they are while an option still waits for its value
    spoken = {settings.targets[one].api if one in settings.targets else one for one in words}
    known = set(apis())
    return spoken if spoken and spoken <= known else known


def _ids(kind: str, judged: set[str]) -> Iterator[str]:
    measured: Mapping[str, Any] = json.loads((HERE / "measured.json").read_text("utf-8"))
    found: dict[str, Iterable[str]] = {
        "only": measured["calls"]["standard"],
        "faults": measured["faults"],
        "variants": measured["honest"],
    }
    for id in found[kind]:
        api, dot, _ = id.partition(".")
        if dot and api in judged:
            yield id


def apis() -> list[str]:
    """Return the names of our APIs, and of those that packages declare; imports none."""
    spec = importlib.util.find_spec("mockserver")
    places = spec.submodule_search_locations if spec else None
    ours = {
        path.name
        for place in places or ()
        for path in (Path(place) / "apis").iterdir()
        if path.is_dir() and path.name[0] not in "_."
    }
    groups = ("counterfoil.mocks", "counterfoil.contracts")
    return sorted(ours | {one.name for group in groups for one in entry_points(group=group)})
