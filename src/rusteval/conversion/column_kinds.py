"""Which Parquet type holds a JSON value exactly, and which one holds several of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_INT64 = 1 << 63
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column holds: `null`, `bool`, `int`, `float`, `text`, `list`, `struct`, or `json` for all else.

    `parts` are the kind of a list's items, or those of a struct's fields, whose names are `names`.
    """

    name: str
    names: tuple[str, ...] = ()
    parts: tuple["Kind", ...] = ()


NULL = Kind("null")
JSON = Kind("json")
_SCALARS = {bool: Kind("bool"), float: Kind("float"), type(None): NULL}
_INT = Kind("int")
_TEXT = Kind("text")


def kind_of(value: Any, *, depth: int = 0) -> Kind:
    """Return the kind of one JSON value; values nested more than a few levels deep are kept as JSON."""
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        return scalar
    if isinstance(value, int):
        return _INT if -_INT64 <= value < _INT64 else JSON
    if isinstance(value, str):
        return _TEXT if _is_text(value) else JSON
    return JSON if depth == _DEEPEST else _kind_of_parts(value, depth=depth + 1)


def _kind_of_parts(value: Any, *, depth: int) -> Kind:
    if isinstance(value, list):
        inner = NULL
        for item in value:
            inner = merge(inner, kind_of(item, depth=depth))
        return JSON if inner == JSON else Kind("list", (), (inner,))
    if not value or not all(_is_text(key) for key in value):
        return JSON  # a struct without fields has no form in Parquet
    parts = tuple(kind_of(item, depth=depth) for item in value.values())
    return JSON if JSON in parts else Kind("struct", tuple(value), parts)


def merge(first: Kind, second: Kind) -> Kind:
    """Return the kind that holds values of both exactly: fields of structs must agree, and so must their order."""
    if second in (first, NULL):
        return first
    if first == NULL:
        return second
    if first.name != second.name or first.names != second.names or not first.parts:
        return JSON
    parts = tuple(merge(one, other) for one, other in zip(first.parts, second.parts, strict=True))
    return JSON if JSON in parts else Kind(first.name, first.names, parts)


def arrow_type(kind: Kind) -> "pa.DataType":
    """Return the type of a column; what is always null, and what is kept as JSON, is text."""
    import pyarrow as pa  # noqa: PLC0415  takes a tenth of a second, which most commands need not spend

    if kind.name == "list":
        return pa.list_(arrow_type(kind.parts[0]))
    if kind.name == "struct":
        fields = zip(kind.names, kind.parts, strict=True)
        return pa.struct([pa.field(name, arrow_type(part)) for name, part in fields])
    return {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}.get(kind.name, pa.string())


def _is_text(value: str) -> bool:
    """Whether a text is free of half characters, which UTF-8 has no form for."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
