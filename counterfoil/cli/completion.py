"""`counterfoil completion`: the script by which a shell completes our words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from . import cli

INSTALL = {
    "bash": "counterfoil completion bash > ~/.local/share/bash-completion/completions/counterfoil",
    "zsh": "counterfoil completion zsh > ~/.zfunc/_counterfoil  # with: fpath+=~/.zfunc; compinit",
    "fish": "counterfoil completion fish > ~/.config/fish/completions/counterfoil.fish",
}

NOW = {
    "bash": 'eval "$(counterfoil completion bash)"',
    "zsh": 'eval "$(counterfoil completion zsh)"',
    "fish": "counterfoil completion fish | source",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that makes SHELL complete commands, options, APIs, targets and ids.

    The script says how it is installed.
    """
    found = get_completion_class(shell)
    assert found is not None
    script = found(cli, {}, "counterfoil", "_COUNTERFOIL_COMPLETE").source().strip()
    # zsh reads its first line to learn what a file in fpath completes.
    first, _, rest = script.partition("\n")
    said = f"# For good: {INSTALL[shell]}\n# For this shell alone: {NOW[shell]}"
    click.echo(f"{first}\n{said}\n{rest}" if first.startswith("#") else f"{said}\n{script}")
