"""Rows, and what is said of those that cannot be used."""

from dataclasses import dataclass, field
from typing import Any

from rusteval.errors import InputError

MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: its number in the file from 1, and what it holds."""

    number: int
    data: dict[str, Any]


class RowError(ValueError):
    """A row that cannot be used: `reason` is what such rows are counted under, the message says all of it."""

    def __init__(self, reason: str, particulars: str = "") -> None:
        super().__init__(reason + particulars)
        self.reason = reason


class BadRowsError(InputError):
    """Rows that cannot be used; each of the first of them is told in a line of its own."""

    def __init__(self, messages: list[str], *, total: int) -> None:
        self.messages = messages
        self.total = total
        super().__init__("; ".join(messages))

    @property
    def lines(self) -> list[str]:
        """The rows, and what to do about them."""
        more = self.total - len(self.messages)
        tail = [f"and {more} more like these"] if more else []
        return [
            *self.messages,
            *tail,
            "nothing was written; mend those rows, or leave them out with --skip-invalid",
        ]


@dataclass(kw_only=True)
class BadRows:
    """Collects the rows that cannot be used, with the reasons counted and the first of them named."""

    named: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many rows there were."""
        return sum(self.reasons.values())

    def add(self, message: str, *, reason: str) -> None:
        """Note one row: the message that names it, and the reason that it is counted under."""
        if len(self.named) < MOST_NAMED:
            self.named.append(" ".join(message.split()))
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def unreadable(self, error: InputError) -> None:
        """Note a row that could not even be read."""
        self.add(str(error), reason="cannot be read")

    def refuse(self) -> None:
        """Fail if there was any.

        Raises:
            BadRowsError: there was.
        """
        if self.total:
            raise BadRowsError(self.named, total=self.total)

    def text(self) -> list[str]:
        """Return a line for each row that is named, and one for the rest."""
        more = self.total - len(self.named)
        return [*self.named, *([f"and {more} more like these"] if more else [])]
