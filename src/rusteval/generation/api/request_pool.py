"""Many requests to one server: a few under way at a time, each tried again where that may help."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from rusteval.errors import InfrastructureError
from rusteval.generation.api.adaptive_limit import AdaptiveLimit
from rusteval.generation.api.retrying import RetryPolicy, TransientError, is_overload, retrying
from rusteval.generation.engine import Request

_SAY_EVERY_S = 30.0
_SHORTEST_SAID_S = 1.0
_FEWEST_FAILURES = 3


class RequestPool[T]:
    """Has requests answered by a fixed number of workers, so that thousands of them take no more memory than a few.

    How many of them ask at a time follows what the server bears: see `AdaptiveLimit`. A wait that the server asks for is kept by all workers. A request that fails for good is left out and the
    others go on, until as many in a row have failed as there are workers (three at least).

    Args:
        attempt: asks once; raises TransientError where another try may help. Any other error ends the run.
        keep: called with each request that was answered and its answer, one at a time.
        policy: how often and after what waits a request is tried again.
        say: takes a line about a wait of a second or more; at most one in thirty seconds.

    Attributes:
        repeated: how many tries followed a failed one.
        highest: most requests that were under way at a time.
    """

    def __init__(
        self,
        attempt: Callable[[Request], Awaitable[T]],
        *,
        keep: Callable[[Request, T], None],
        policy: RetryPolicy,
        say: Callable[[str], None],
    ) -> None:
        self.repeated = 0
        self.highest = 0
        self._attempt = attempt
        self._keep = keep
        self._policy = policy
        self._say = say
        self._answered = 0
        self._failed: list[tuple[Request, TransientError]] = []
        self._failed_in_row = 0
        self._closed_until = 0.0
        self._silent_until = 0.0

    async def run(self, requests: Sequence[Request], *, workers: int) -> None:
        """Have all requests answered.

        Args:
            requests: in the order in which they begin.
            workers: most requests under way at a time.

        Raises:
            InfrastructureError: some could not be answered; all others that were begun have been kept.
        """
        queue = iter(requests)
        patience = max(workers, _FEWEST_FAILURES)
        limit = AdaptiveLimit(workers)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(workers, len(requests))):
                    group.create_task(self._work(queue, patience, limit))
        except ExceptionGroup as errors:
            # The first tells what is wrong; those of the other workers say the same, or follow from it.
            raise errors.exceptions[0] from None
        finally:
            self.highest = max(self.highest, limit.highest)
        if self._failed:
            raise InfrastructureError(self._report(len(requests)))

    async def _work(self, queue: Iterator[Request], patience: int, limit: AdaptiveLimit) -> None:
        while self._failed_in_row < patience and (request := next(queue, None)) is not None:
            tries = retrying(self._policy, answered=lambda: self._answered, on_wait=self._wait)
            try:
                answer: T = await tries(self._try, request, limit)
            except TransientError as error:
                self._failed.append((request, error))
                self._failed_in_row += 1
                continue
            self._answered += 1
            self._failed_in_row = 0
            self._keep(request, answer)

    async def _try(self, request: Request, limit: AdaptiveLimit) -> T:
        async with limit.place():
            await self._until_open()
            began = asyncio.get_running_loop().time()
            try:
                answer = await self._attempt(request)
            except TransientError as error:
                if is_overload(error.status):
                    limit.overloaded(began)
                raise
            limit.kept_up()
            return answer

    async def _until_open(self) -> None:
        clock = asyncio.get_running_loop().time
        while (left := self._closed_until - clock()) > 0:  # noqa: ASYNC110 another answer may move the end
            await asyncio.sleep(left)

    def _wait(self, error: TransientError, wait_s: float, tries: int) -> None:
        now = asyncio.get_running_loop().time()
        self.repeated += 1
        if error.asked_wait_s:
            self._closed_until = max(self._closed_until, now + error.asked_wait_s)
        if wait_s < _SHORTEST_SAID_S or now < self._silent_until:
            return
        self._silent_until = now + _SAY_EVERY_S
        if error.asked_wait_s:
            self._say(f"the server asks to wait {error.asked_wait_s:.0f} s ({error.status}); waiting")
        else:
            self._say(f"{error}; try {tries + 1} in {wait_s:.0f} s")

    def _report(self, total: int) -> str:
        request, error = self._failed[0]
        left = total - self._answered - len(self._failed)
        more = f", {left} were not begun" if left else ""
        return (
            f"{len(self._failed)} of {total} answers could not be had{more}; the first: {request.task_id} "
            f"sample {request.completion_id}: {error}; the other {self._answered} are kept: "
            "the same command goes on with what is missing"
        )
