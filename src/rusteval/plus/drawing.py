"""Draw inputs of a task's function as Rust expressions; the same seed draws the same ones."""

import itertools
import math
import random
import unicodedata
from collections.abc import Callable, Sequence

from rusteval.plus.facts import Facts, Parameter, Spec

Input = tuple[str, ...]
"""One Rust expression for each parameter."""

_INTEGERS = frozenset(f"{sign}{size}" for sign in "iu" for size in ("8", "16", "32", "64", "128", "size"))
_FLOATS = frozenset({"f32", "f64"})
ALL_OF = 150
"""Domains of at most so many inputs are taken whole."""
SMALL = 3
_TRIES = 20


def draw_inputs(facts: Facts, *, count: int, seed: str) -> list[Input]:
    """Return up to `count` different inputs, small ones among them.

    Raises:
        ValueError: no way is known to draw a parameter's type.
    """
    chance = random.Random(f"inputs {seed} {facts.task_id}")
    found: dict[Input, None] = {}
    for whole in _whole_domain(facts):
        found[whole] = None
    for parameter, value in [(p, v) for p in facts.params for v in p.spec.values]:
        found[tuple(value if p is parameter else _draw(p, chance, small=True) for p in facts.params)] = None
    for turn in range(count * _TRIES):
        if len(found) >= count or not facts.params:
            break
        found[tuple(_draw(p, chance, small=turn % 3 == 0) for p in facts.params)] = None
    return list(found)


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


def _draw(parameter: Parameter, chance: random.Random, *, small: bool) -> str:
    return _value(parameter.type, parameter.spec, chance, small=small)


def _value(kind: str, spec: Spec, chance: random.Random, *, small: bool) -> str:
    kind = _without_lifetime(kind)
    if spec.values and (_only_values(kind, spec) or chance.random() < 0.2):
        return chance.choice(spec.values)
    for prefix, sign in (("&mut [", "&mut ["), ("&[", "&["), ("Vec<", "vec!["), ("[", "[")):
        if kind.startswith(prefix):
            inner = kind[len(prefix) : -1].partition(";")[0].strip()
            return sign + ", ".join(_elements(inner, spec, chance, small=small)) + "]"
    if kind.startswith("Option<"):
        inner = _value(kind[7:-1], spec.item or Spec(), chance, small=small)
        return "None" if chance.random() < 0.2 else f"Some({inner})"
    if kind.startswith("&") and kind != "&str":
        return "&" + _value(kind[1:], spec, chance, small=small)
    return _scalar(kind)(spec, chance, small)


def _only_values(kind: str, spec: Spec) -> bool:
    return not spec.model_fields_set & {"min", "len", "chars", "words", "item", "items"} and kind != "bool"


def _without_lifetime(kind: str) -> str:
    kind = kind.strip()
    if kind.startswith("&'"):
        return "&" + kind.partition(" ")[2]
    return kind


def _elements(inner: str, spec: Spec, chance: random.Random, *, small: bool) -> list[str]:
    low, high = spec.len
    number = chance.randint(low, max(low, min(high, low + SMALL)) if small else high)
    elements = [_value(inner, spec.item or Spec(), chance, small=small) for _ in range(number)]
    if spec.unique:
        elements = list(dict.fromkeys(elements))
    if spec.sorted:
        elements.sort(key=float if inner in _INTEGERS or inner in _FLOATS else str)
    return elements


def _scalar(kind: str) -> Callable[[Spec, random.Random, bool], str]:
    if kind in _INTEGERS:
        return _integer
    if kind in _FLOATS:
        return _float
    scalars = {"&str": _text, "bool": _bool, "char": _char, "String": _string}
    if kind not in scalars:
        raise ValueError(f"no way is known to draw a value of type {kind}")
    return scalars[kind]


def _integer(spec: Spec, chance: random.Random, small: bool) -> str:
    low, high = int(spec.min or 0), int(9 if spec.max is None else spec.max)
    if small:
        low, high = max(low, -9) if high >= -9 else low, min(high, 12) if low <= 12 else high
    return str(chance.randint(low, max(low, high)))


def _float(spec: Spec, chance: random.Random, small: bool) -> str:
    decimals = 0 if small and chance.random() < 0.5 else spec.decimals
    drawn = round(chance.uniform(spec.min or 0.0, 9.0 if spec.max is None else spec.max), decimals)
    drawn = max(drawn, spec.min or 0.0) + 0.0
    return f"{drawn:.{max(1, decimals)}f}"


def _bool(spec: Spec, chance: random.Random, small: bool) -> str:
    del spec, small
    return chance.choice(("false", "true"))


def _char(spec: Spec, chance: random.Random, small: bool) -> str:
    del small
    drawn = chance.choice(spec.chars)
    return "'\\''" if drawn == "'" else f"'{_escaped(drawn)}'".replace('\\"', '"')


def _text(spec: Spec, chance: random.Random, small: bool) -> str:
    low, high = spec.len
    number = chance.randint(low, max(low, min(high, low + SMALL)) if small else high)
    if spec.words:
        return quoted(" ".join(chance.choice(spec.words) for _ in range(number)))
    return quoted("".join(chance.choice(spec.chars) for _ in range(number)))


def _string(spec: Spec, chance: random.Random, small: bool) -> str:
    text = _text(spec, chance, small)
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
