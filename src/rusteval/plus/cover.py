"""The fewest inputs that tell all wrong programs from the right one, short ones before long ones."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MOST_ASSERTIONS = 12


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An input that was chosen, and the wrong programs that it tells and no one chosen before it."""

    key: int
    kills: tuple[str, ...]


def choose_inputs(
    kills: Mapping[int, Collection[str]], *, must: Collection[str], lengths: Mapping[int, int]
) -> list[Chosen]:
    """Return inputs that together kill all that can be killed, by greedy cover.

    Programs in `must` come first; for them as many inputs are taken as it needs. Others, which the tests there are
    already catch, are then covered as far as `MOST_ASSERTIONS` allows, so that a slip like theirs in another
    place is caught too.

    Args:
        kills: which wrong programs each input tells from the right one.
        must: the programs to kill whatever it takes.
        lengths: how long each input is to read, in letters; the shorter of two as good is taken.
    """
    needed = set(must)
    chosen: list[Chosen] = []
    dead: set[str] = set()
    while True:
        best, gain = None, (0, 0, 0)
        for key, killed in kills.items():
            new = set(killed) - dead
            worth = (len(new & needed), len(new), -lengths[key])
            if new and (best is None or worth > gain):
                best, gain = key, worth
        if best is None or (gain[0] == 0 and len(chosen) >= MOST_ASSERTIONS):
            return chosen
        new = set(kills[best]) - dead
        chosen.append(Chosen(key=best, kills=tuple(sorted(new))))
        dead |= new
