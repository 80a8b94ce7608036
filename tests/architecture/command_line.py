"""WHICH COMMANDS DOES `tocsin` HAVE? Read from the command line itself, for the tests that compare others with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workers import cli

if TYPE_CHECKING:
    from collections.abc import Iterator


def the_command_line() -> click.Group:
    """The group behind the console script `tocsin`."""
    groups = {value for value in vars(cli).values() if isinstance(value, click.Group)}
    nested = {command for group in groups for _, command in walk(group)}
    (root,) = groups - nested
    return root


def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every visible command below `group`, with the words that reach it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


def parsed(words: list[str]) -> click.Context:
    """Parse a whole command, `tocsin` first, without running it; raises click.UsageError if it is not one."""
    command: click.Command = the_command_line()
    rest = words[1:]
    while isinstance(command, click.Group):
        name, *rest = rest
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"no such command: {name}")
        command = found
    return command.make_context(command.name, rest)
