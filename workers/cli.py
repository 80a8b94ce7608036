"""What can a person type? The console script `tocsin`; each command loads its module only when it is called."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import TYPE_CHECKING, Final

import click

from triage.domain.errors import InvalidFile, TocsinError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS: Final = {  # name → module and attribute
    "demo": ("workers.commands.stack", "demo_command"),
    "up": ("workers.commands.stack", "up"),
    "web": ("workers.commands.parts", "web"),
    "worker": ("workers.commands.parts", "worker"),
    "scheduler": ("workers.commands.parts", "scheduler"),
    "health": ("workers.commands.parts", "health"),
    "migrate": ("workers.commands.upkeep", "migrate"),
    "doctor": ("workers.commands.upkeep", "doctor"),
    "config": ("workers.commands.upkeep", "show_config"),
    "run-once": ("workers.commands.once", "run_once"),
    "read": ("workers.commands.once", "read"),
    "process": ("workers.commands.process", "process"),
    "brand": ("workers.commands.people", "brand"),
    "source": ("workers.commands.people", "source"),
    "user": ("workers.commands.people", "user"),
    "bench": ("workers.commands.bench", "bench"),
}


class _LazyGroup(click.Group):
    """Knows the names of its commands and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tocsin")
def tocsin() -> None:
    """Watch what the public says about a brand, and make sure that the right person answers in time.

    To look around:     tocsin demo

    For real use:       tocsin up --brand "Acme" --feed https://example.org/news.xml

    When in doubt:      tocsin doctor

    Every command explains itself: tocsin COMMAND --help
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Exit codes: 0 done, 1 refused or failed, 2 wrong use or wrong setting."""
    from workers.packaging_guard import refuse_foreign_packages  # noqa: PLC0415  # before anything else of ours

    # Batches make many objects and no cycles: looking for cycles seldom saves a tenth of the CPU.
    gc.set_threshold(50_000, 50, 100)
    try:
        refuse_foreign_packages()
        tocsin.main(args=list(arguments) if arguments is not None else None, standalone_mode=True)
    except InvalidFile as error:
        click.echo(f"{error}\n{error.path} was refused whole; nothing was changed.", err=True)
        sys.exit(1)
    except TocsinError as error:
        click.echo(f"tocsin: {error}", err=True)
        sys.exit(2 if type(error).__name__ == "SettingsError" else 1)


if __name__ == "__main__":
    main()
