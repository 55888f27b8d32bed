"""Draw inputs of a task's function as Rust expressions; the same seed draws the same ones."""

import itertools
import math
import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rusteval.plus.facts import Facts, Parameter, Spec

Input = tuple[str, ...]
"""One Rust expression for each parameter."""

_INTEGERS = frozenset(f"{sign}{size}" for sign in "iu" for size in ("8", "16", "32", "64", "128", "size"))
_FLOATS = frozenset({"f32", "f64"})
ALL_OF = 150
"""Domains of at most so many inputs are taken whole."""
TOGETHER = 250
"""How many inputs of given values alone are drawn."""
SMALL = 3
"""How many elements a small list may have beyond the fewest."""
SMALL_INTEGERS = (-9, 12)
SHARE_OF_VALUES = 0.2
SHARE_OF_NONE = 0.2
SHARE_OF_WHOLE = 0.5
_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class _Luck:
    """What decides a value: the source of chance, and whether it is to be small."""

    chance: random.Random
    small: bool


def draw_inputs(facts: Facts, *, count: int, seed: str) -> list[Input]:
    """Return up to `count` different inputs, small ones among them.

    Raises:
        ValueError: no way is known to draw a parameter's type.
    """
    chance = random.Random(f"inputs {seed} {facts.task_id}")  # noqa: S311 - no secret
    found: dict[Input, None] = {}
    for whole in _whole_domain(facts):
        found[whole] = None
    for parameter, value in [(p, v) for p in facts.params for v in p.spec.values]:
        found[
            tuple(
                value if p is parameter else _draw(p, _Luck(chance=chance, small=True)) for p in facts.params
            )
        ] = None
    for turn in range(count * _TRIES):
        if len(found) >= count or not facts.params:
            break
        found[tuple(_draw(p, _Luck(chance=chance, small=turn % 3 == 0)) for p in facts.params)] = None
    return list(dict.fromkeys([*found, *_given_together(facts, seed=seed)]))


def _given_together(facts: Facts, *, seed: str) -> list[Input]:
    """Return inputs of given values alone, where several parameters have some: they are often made for each other."""
    given = [parameter.spec.values for parameter in facts.params]
    if len(given) == 1 or not all(given):
        return []
    together = list(itertools.product(*(dict.fromkeys(values) for values in given)))
    chance = random.Random(f"together {seed} {facts.task_id}")  # noqa: S311 - no secret
    return chance.sample(together, min(TOGETHER, len(together)))


def _whole_domain(facts: Facts) -> list[Input]:
    ranges: list[Sequence[str]] = []
    for parameter in facts.params:
        spec = parameter.spec
        if parameter.type == "bool":
            ranges.append(("false", "true"))
        elif parameter.type in _INTEGERS and spec.min is not None and spec.max is not None:
            ranges.append([*map(str, range(int(spec.min), int(spec.max) + 1))])
        else:
            return []
    if math.prod(map(len, ranges)) > ALL_OF:
        return []
    return list(itertools.product(*ranges))


def _draw(parameter: Parameter, luck: _Luck) -> str:
    return _value(parameter.type, parameter.spec, luck)


def _value(kind: str, spec: Spec, luck: _Luck) -> str:
    kind = _without_lifetime(kind)
    if spec.values and (_only_values(kind, spec) or luck.chance.random() < SHARE_OF_VALUES):
        return luck.chance.choice(spec.values)
    for prefix, sign in (("&mut [", "&mut ["), ("&[", "&["), ("Vec<", "vec!["), ("[", "[")):
        if kind.startswith(prefix):
            inner = kind[len(prefix) : -1].partition(";")[0].strip()
            return sign + ", ".join(_elements(inner, spec, luck)) + "]"
    if kind.startswith("Option<"):
        inner = _value(kind[7:-1], spec.item or Spec(), luck)
        return "None" if luck.chance.random() < SHARE_OF_NONE else f"Some({inner})"
    if kind.startswith("&") and kind != "&str":
        return "&" + _value(kind[1:], spec, luck)
    return _scalar(kind)(spec, luck)


def _only_values(kind: str, spec: Spec) -> bool:
    return not spec.model_fields_set & {"min", "len", "chars", "words", "item"} and kind != "bool"


def _without_lifetime(kind: str) -> str:
    kind = kind.strip()
    if kind.startswith("&'"):
        return "&" + kind.partition(" ")[2]
    return kind


def _elements(inner: str, spec: Spec, luck: _Luck) -> list[str]:
    low, high = spec.len
    number = luck.chance.randint(low, max(low, min(high, low + SMALL)) if luck.small else high)
    elements = [_value(inner, spec.item or Spec(), luck) for _ in range(number)]
    if inner.startswith("&["):  # arrays of different lengths are of different types, slices are not
        elements = [each if each.endswith("[..]") else f"{each}[..]" for each in elements]
    if spec.unique:
        elements = list(dict.fromkeys(elements))
    if spec.sorted:
        elements.sort(key=float if inner in _INTEGERS or inner in _FLOATS else str)
    return elements


def _scalar(kind: str) -> Callable[[Spec, _Luck], str]:
    if kind in _INTEGERS:
        return _integer
    if kind in _FLOATS:
        return _float
    scalars = {"&str": _text, "bool": _bool, "char": _char, "String": _string}
    if kind not in scalars:
        raise ValueError(f"no way is known to draw a value of type {kind}")
    return scalars[kind]


def _integer(spec: Spec, luck: _Luck) -> str:
    low, high = int(spec.min or 0), int(9 if spec.max is None else spec.max)
    if luck.small:
        least, most = SMALL_INTEGERS
        low, high = max(low, least) if high >= least else low, min(high, most) if low <= most else high
    return str(luck.chance.randint(low, max(low, high)))


def _float(spec: Spec, luck: _Luck) -> str:
    decimals = 0 if luck.small and luck.chance.random() < SHARE_OF_WHOLE else spec.decimals
    drawn = round(luck.chance.uniform(spec.min or 0.0, 9.0 if spec.max is None else spec.max), decimals)
    drawn = max(drawn, spec.min or 0.0) + 0.0
    return f"{drawn:.{max(1, decimals)}f}"


def _bool(spec: Spec, luck: _Luck) -> str:
    del spec
    return luck.chance.choice(("false", "true"))


def _char(spec: Spec, luck: _Luck) -> str:
    drawn = luck.chance.choice(spec.chars)
    return "'\\''" if drawn == "'" else f"'{_escaped(drawn)}'".replace('\\"', '"')


def _text(spec: Spec, luck: _Luck) -> str:
    low, high = spec.len
    number = luck.chance.randint(low, max(low, min(high, low + SMALL)) if luck.small else high)
    if spec.words:
        return quoted(" ".join(luck.chance.choice(spec.words) for _ in range(number)))
    return quoted("".join(luck.chance.choice(spec.chars) for _ in range(number)))


def _string(spec: Spec, luck: _Luck) -> str:
    text = _text(spec, luck)
    return "String::new()" if text == '""' else f"String::from({text})"


def quoted(text: str) -> str:
    """Return a Rust string literal."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    plain = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(
        plain.get(c) or (c if c == " " or unicodedata.category(c)[0] in "LNPS" else f"\\u{{{ord(c):x}}}")
        for c in text
    )
