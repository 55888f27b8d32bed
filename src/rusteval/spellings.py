"""Command lines written for a command whose flags took any spelling, put into the one that typer reads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

_WORDS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
)


def plain_arguments(
    arguments: Sequence[str], *, switches: Collection[str], unset: Collection[str] = ()
) -> list[str]:
    """Return arguments in which every option is spelled `--some-name`, with its value behind it as it was.

    Underscores in names become dashes. A switch may be on or off as `--name`, `--no-name`, `--noname`, and with
    a value: `--name=False`, `--name False`; other values stay where they are, to be refused. `-k=1` is `--k=1`.
    What follows `--` stays as it is.

    Args:
        arguments: the command line without the command's name.
        switches: the options that are on or off, spelled with dashes and without the leading ones.
        unset: options for which an empty value or `None` means that they are not given.
    """
    return list(_rewritten(list(arguments), switches=switches, unset=unset))


def _rewritten(arguments: list[str], *, switches: Collection[str], unset: Collection[str]) -> Iterator[str]:
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        position += 1
        if argument == "--":
            yield from arguments[position - 1 :]
            return
        if not argument.startswith("--") and not (argument.startswith("-") and "=" in argument):
            yield argument
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        name = name.replace("_", "-")
        following = arguments[position] if position < len(arguments) else ""
        switch, positive = _switch(name, switches)
        if switch is not None and not equals and following.lower() in _WORDS:
            value, position = following, position + 1
        if switch is not None and (not equals or value.lower() in _WORDS):
            on = _WORDS.get(value.lower(), True) == positive
            yield f"--{switch}" if on else f"--no-{switch}"
        elif name in unset and (value if equals else following) in ("", "None"):
            position += not equals
        else:
            yield f"--{name}{equals}{value}"


def _switch(name: str, switches: Collection[str]) -> tuple[str | None, bool]:
    """Return which switch a name stands for, and whether it turns it on."""
    if name in switches:
        return name, True
    for prefix in ("no-", "no"):
        if name.startswith(prefix) and name.removeprefix(prefix) in switches:
            return name.removeprefix(prefix), False
    return None, True
