"""How much machine code each program of an executable is: what its symbols take, tests not counted."""

import struct
from collections.abc import Sequence
from pathlib import Path

from rusteval.judging.crate import MODULE_PREFIX, module_name

_TESTS = b"rusteval_checks"
_SYMBOL_TABLE = 2
_HEADER = struct.Struct("<40xQ10xHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


def code_sizes(binary: Path, *, indices: Sequence[int]) -> dict[int, int]:
    """Return the bytes of machine code and constants that the programs of these numbers bring into an executable.

    What they share with the standard library is not counted. An executable that is no ELF file of 64 bits gives
    nothing.
    """
    data = binary.read_bytes()
    sizes = dict.fromkeys(indices, 0)
    if data[:6] != b"\x7fELF\x02\x01":
        return {}
    offset, entry_bytes, count, _ = _HEADER.unpack_from(data)
    sections = [_SECTION.unpack_from(data, offset + entry_bytes * number) for number in range(count)]
    numbers = {module_name(index).encode(): index for index in indices}
    for section in sections:
        if section[1] == _SYMBOL_TABLE:
            names = sections[section[6]]
            owners = _owners(data[names[4] : names[4] + names[5]], numbers=numbers)
            table = data[section[4] : section[4] + section[5] // _SYMBOL.size * _SYMBOL.size]
            for name, _, _, _, _, size in _SYMBOL.iter_unpack(table):
                if name in owners:
                    sizes[owners[name]] += size
    return sizes


def _owners(names: bytes, *, numbers: dict[bytes, int]) -> dict[int, int]:
    """Return the program that a symbol belongs to, by the place of its name in the table of names."""
    owners: dict[int, int] = {}
    prefix = MODULE_PREFIX.encode()
    length = len(next(iter(numbers), b""))
    place = names.find(prefix)
    while place >= 0:
        start, end = names.rfind(b"\0", 0, place) + 1, names.find(b"\0", place)
        owner = numbers.get(names[place : place + length])
        if owner is not None and _TESTS not in names[start:end]:
            owners[start] = owner
        place = names.find(prefix, end)
    return owners
