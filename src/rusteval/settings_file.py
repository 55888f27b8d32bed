"""Settings in YAML: read, checked against a model, and every mistake told at once with its line."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from rusteval.errors import InputError

Settings = TypeVar("Settings", bound=BaseModel)
Where = tuple[str | int, ...]

_MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One mistake in a settings file.

    Attributes:
        line: where it is, counted from 1.
        text: what is wrong and with what.
    """

    line: int
    text: str


class SettingsError(InputError):
    """A settings file with mistakes; the message has one line for each, `FILE:LINE: what`."""

    def __init__(self, path: Path, findings: list[Finding]) -> None:
        self.findings = sorted(set(findings))
        super().__init__("\n".join(f"{path}:{found.line}: {found.text}" for found in self.findings))

    @property
    def lines(self) -> list[str]:
        """Each mistake on a line of its own."""
        return str(self).split("\n")


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """What a YAML file holds, with the line of everything in it.

    Attributes:
        path: the file.
        values: its content, of mappings, lists, texts, numbers, booleans and None.
        lines: the line of each value by the keys and indices that lead to it; of a mapping's value, its key's line.
        findings: what the syntax alone shows to be wrong.
    """

    path: Path
    values: Any
    lines: dict[Where, int]
    findings: list[Finding]

    def line_of(self, where: Where) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while where not in self.lines and where:
            where = where[:-1]
        return self.lines.get(where, 1)

    def check(
        self,
        model: type[Settings],
        *,
        rules: Callable[[Settings], Iterable[tuple[Where, str]]] = lambda _: (),
    ) -> Settings:
        """Return the content as a model.

        Args:
            model: what the content must fit.
            rules: tells what is wrong with values that fit each for itself, with the way to the place.

        Raises:
            SettingsError: it does not fit; every mistake is told.
        """
        findings = list(self.findings)
        try:
            settings = model.model_validate({} if self.values is None else self.values)
        except ValidationError as error:
            findings += [self._finding(dict(one), model) for one in error.errors(include_url=False)]
            raise SettingsError(self.path, findings) from error
        findings += [Finding(line=self.line_of(where), text=text) for where, text in rules(settings)]
        if findings:
            raise SettingsError(self.path, findings)
        return settings

    def _finding(self, error: dict[str, Any], model: type[BaseModel]) -> Finding:
        where = _without_variants(error["loc"], self.values)
        name = _dotted(where)
        if error["type"] == "extra_forbidden":
            near = get_close_matches(str(where[-1]), _field_names(model), n=1)
            text = f"{name}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
        elif error["type"] == "missing":
            text = f"{name}: is missing"
        elif error["type"] == "value_error":
            text = _named(name, str(error["ctx"]["error"]))
        else:
            given = error["input"]
            shown = "" if isinstance(given, dict | list) else f", not {given!r}"
            text = _named(name, error["msg"].replace("Input should be", "must be") + shown)
        return Finding(line=self.line_of(where), text=text)


def read_settings_file(path: Path) -> SettingsFile:
    """Read a YAML file.

    Raises:
        InputError: it cannot be read.
        SettingsError: it is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{path}: cannot be read: {reason}; give another file") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        found = _Reading()
        values = None if node is None else found.value(node, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = 1 if mark is None else mark.line + 1
        raise SettingsError(path, [Finding(line=line, text=f"is not YAML: {problem}")]) from error
    except RecursionError as error:
        raise SettingsError(path, [Finding(line=1, text="an alias in it refers to itself")]) from error
    if values is not None and not isinstance(values, dict):
        found.findings.append(Finding(line=1, text="must be a mapping of settings"))
        raise SettingsError(path, found.findings)
    return SettingsFile(path=path, values=values, lines=found.lines, findings=found.findings)


class _Reading:
    """Builds plain values out of YAML's nodes and notes where each stood."""

    def __init__(self) -> None:
        self.lines: dict[Where, int] = {}
        self.findings: list[Finding] = []
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, where: Where) -> Any:
        self.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        return self._scalars.construct_object(node, deep=True)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key_node.tag == _MERGE:
                taken = self.value(value_node, where)
                for one in taken if isinstance(taken, list) else [taken]:
                    merged = {**(one if isinstance(one, dict) else {}), **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self.findings.append(Finding(line=line, text="a setting's name must be a plain word"))
                continue
            if key in values:
                text = f"{_dotted((*where, key))}: is there twice, first in line {self.lines[*where, key]}"
                self.findings.append(Finding(line=line, text=text))
                continue
            self.lines[*where, key] = line
            values[key] = self.value(value_node, (*where, key))
        return {**merged, **values}


def _without_variants(loc: tuple[Any, ...], values: Any) -> Where:
    """Return the way to a value as it is in the file: without the names of the variants that pydantic tried."""
    where: list[str | int] = []
    for number, part in enumerate(loc):
        inside = isinstance(values, dict) and part in values
        inside = inside or (isinstance(values, list) and isinstance(part, int) and part < len(values))
        if not inside and number < len(loc) - 1:
            continue
        where.append(part)
        values = values[part] if inside else None
    return tuple(where)


def _field_names(model: type[BaseModel]) -> Iterator[str]:
    """Yield every setting's name that a model, or one inside it, has."""
    pending, seen = [model], set[type[BaseModel]]()
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        for name, field in one.model_fields.items():
            yield field.alias or name
            pending += _models_in(field.annotation)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def _dotted(where: Where) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _named(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text
