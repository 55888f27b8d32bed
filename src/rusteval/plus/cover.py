"""The fewest inputs that tell all wrong programs from the right one, short ones before long ones."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

MOST_ASSERTIONS = 12
READABLE = 110
"""Letters of an input and its result; longer ones are taken only for what no shorter one tells."""
TWICE_UP_TO = 8
"""Up to so many assertions, wrong programs are caught a second time: others like them are then caught as well."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An input that was chosen: all wrong programs that it tells, and in `kills` those that none before it tells.

    Where there are none of these, `kills` holds those that only one other chosen input tells.
    """

    key: int
    kills: tuple[str, ...]
    tells: frozenset[str]


def choose_inputs(
    kills: Mapping[int, Collection[str]],
    *,
    must: Collection[str],
    lengths: Mapping[int, int],
    always: Iterable[int] = (),
) -> list[Chosen]:
    """Return inputs that together kill all that can be killed, by greedy cover.

    Programs in `must` come first; for them as many inputs are taken as it needs. Others, which the tests there are
    already catch, are then covered as far as `MOST_ASSERTIONS` allows, so that a slip like theirs in another
    place is caught too; at last all are covered a second time as far as `TWICE_UP_TO` allows.

    Args:
        kills: which wrong programs each input tells from the right one.
        must: the programs to kill whatever it takes.
        lengths: how long each input is to read, in letters; the shorter of two as good is taken.
        always: inputs that are taken first, whatever they kill.
    """
    chosen: list[Chosen] = []
    for key in always:
        told = frozenset(kills[key])
        new = told - {name for each in chosen for name in each.tells}
        chosen.append(Chosen(key=key, kills=tuple(sorted(new)), tells=told))
    left = {name for killed in kills.values() for name in killed}
    short = {key: killed for key, killed in kills.items() if lengths[key] <= READABLE}
    _cover(chosen, short, left=left & set(must), most=len(kills), lengths=lengths)
    _cover(chosen, kills, left=left & set(must), most=len(kills), lengths=lengths)
    _cover(chosen, short, left=left, most=MOST_ASSERTIONS, lengths=lengths)
    times = Counter(name for each in chosen for name in each.tells)
    once = {name for name, count in times.items() if count == 1}
    _cover(chosen, short, left=once, most=TWICE_UP_TO, lengths=lengths, again=True)
    return chosen


def _cover(
    chosen: list[Chosen],
    kills: Mapping[int, Collection[str]],
    *,
    left: set[str],
    most: int,
    lengths: Mapping[int, int],
    again: bool = False,
) -> None:
    taken = {each.key for each in chosen}
    dead = set() if again else {name for each in chosen for name in each.tells}
    while len(chosen) < most:
        best, gain = None, (0, 0, 0)
        for key, killed in kills.items():
            alive = set(killed) - dead
            worth = (len(alive & left), len(alive), -lengths[key])
            if key not in taken and worth[0] and (best is None or worth > gain):
                best, gain = key, worth
        if best is None:
            return
        new = set(kills[best]) - dead
        named = new & left if again else new
        chosen.append(Chosen(key=best, kills=tuple(sorted(named)), tells=frozenset(kills[best])))
        taken.add(best)
        dead |= new
