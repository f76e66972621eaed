"""Where the operations of an API are found, below its prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from werkzeug.routing import Map, Rule

from .model import Operation


class ReadRule(Rule):
    """A route that is only ever looked up.

    Werkzeug compiles two functions for each that write its URL, which takes longer than all else
    in making a mock; here they are compiled when one is asked for.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile = super()._compile_builder

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            return compile(append_unknown)(rule, **values)

        return build


def paths(prefix: str, operations: Iterable[Operation]) -> Iterator[tuple[str, Operation]]:
    """Yield every path that is served, with its operation."""
    for operation in operations:
        yield prefix + operation.path, operation
        if prefix and operation.path == "/":
            # A base URL is often written without its last slash: that is no reason for a redirect.
            yield prefix, operation


def routes(prefix: str, operations: Iterable[Operation]) -> Map:
    """Return the routes of one API alone, by the names of its operations."""
    found = Map(
        [
            ReadRule(path, endpoint=operation.name, methods=[operation.method])
            for path, operation in paths(prefix, operations)
        ],
        merge_slashes=False,
    )
    without_head(found)
    return found


def without_head(routes: Map) -> None:
    """Take out the HEAD that Werkzeug lets in wherever GET is: none of the vendors documents it."""
    for rule in routes.iter_rules():
        rule.methods = (rule.methods or set()) - {"HEAD"}
