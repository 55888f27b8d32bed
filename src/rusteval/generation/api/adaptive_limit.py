"""How many requests a service is given at a time: slowly more while it keeps up, half as many when it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_FIRST = 4


class AdaptiveLimit:
    """Places for requests under way: additive increase, multiplicative decrease.

    Belongs to one event loop.

    Args:
        most: places that there are never more of; at first there are four, or `most` if that is less.

    Attributes:
        highest: most requests that were under way at a time.
    """

    def __init__(self, most: int) -> None:
        self.highest = 0
        self._most = most
        self._allowed = float(min(_FIRST, most))
        self._under_way = 0
        self._changed = asyncio.Condition()
        self._cut_at = float("-inf")

    @property
    def allowed(self) -> int:
        """How many places there are now."""
        return int(self._allowed)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it while the context lasts."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._under_way < self.allowed)
            self._under_way += 1
        self.highest = max(self.highest, self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._changed:
                self._changed.notify_all()

    def kept_up(self) -> None:
        """Take note of an answer: when all places have had one, there is a place more."""
        self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)

    def overloaded(self, began: float) -> None:
        """Take note of a refusal because of too many requests; those of one burst halve the places once.

        Args:
            began: when the refused request was sent, by the event loop's clock.
        """
        if began > self._cut_at:
            self._allowed = max(1.0, self._allowed / 2)
            self._cut_at = asyncio.get_running_loop().time()
