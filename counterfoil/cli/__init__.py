"""The command line; one module a command, imported when the command is called."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback

import click

EXIT_KEPT, EXIT_BROKEN, EXIT_USAGE, EXIT_UNJUDGED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS = {
    "apis": "List the APIs.",
    "serve": "Serve mocks of one or more APIs.",
    "record": "Pass requests on to an API and write down what is exchanged.",
    "check": "Hold an endpoint to its contract.",
    "replay": "See the failures of a report again.",
    "clauses": "List every promise.",
    "faults": "List every way for a mock to break.",
    "variants": "List every way for a mock to differ.",
    "audit": "Try every fault against the suite.",
    "config": "Show what counterfoil.toml says.",
    "completion": "Print what completes words in your shell.",
    "new": "Write the beginning of an API of your own.",
    "demo": "Serve all mocks, check them, show the report.",
}


class Commands(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command, or None where there is none of that name."""
        if name not in COMMANDS:
            return None
        if ctx.resilient_parsing:
            # Somebody is typing and waits for a word to be completed.
            return importlib.import_module("counterfoil.completing").outline(name)  # type: ignore[no-any-return]
        try:
            command: click.Command = importlib.import_module(f"{__name__}.{name}").command
        except ModuleNotFoundError as missing:
            raise click.UsageError(
                f"`{name}` needs {missing.name}, which comes with: pip install 'counterfoil[check]'"
            ) from missing
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        unknown = args and args[0] not in COMMANDS and not args[0].startswith("-")
        if unknown and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="counterfoil", message="counterfoil %(version)s")
def cli() -> None:
    """Contract tests and mock servers for chat APIs."""


def main() -> None:
    """Run the command line; exits with 0 kept, 1 broken, 2 usage, 3 unjudged, 130 interrupted."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as problem:
        print(f"counterfoil: {problem.format_message()}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us has seen enough, as `head` does.
        sys.stderr.close()
        sys.exit(EXIT_KEPT)
    except Exception:
        # Python itself would end with 1, which says that a promise is broken.
        traceback.print_exc()
        print("counterfoil: that was a mistake of ours; nothing is judged by it", file=sys.stderr)
        sys.exit(EXIT_UNJUDGED)
