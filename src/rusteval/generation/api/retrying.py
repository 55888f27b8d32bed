"""Which failures of a server are worth another try, how long to wait before it, and when to give up."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

_RETRIED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
# 529 is what services without a better number for it say when all of their users together ask too much.
_OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 529})
_LONGEST_SPREAD_S = 1.0


class TransientError(Exception):
    """A failure that another try may mend.

    Args:
        cause: what happened, in a few words without secrets.
        status: of the server's answer, or None where there was none.
        asked_wait_s: how long the server asks to wait, in seconds, if it does.
    """

    def __init__(self, cause: str, *, status: int | None = None, asked_wait_s: float | None = None) -> None:
        super().__init__(cause)
        self.status = status
        self.asked_wait_s = asked_wait_s


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often a request is tried, and how long is waited in between; times in seconds.

    Attributes:
        attempts: most tries of one request. A try that the server refused because of too many requests counts
            only if nothing else was answered since the last: while others get their turn, so will this one.
        first_wait_s: wait after the first failure; it doubles with each further one.
        longest_wait_s: where the doubling ends.
        longest_asked_wait_s: longest wait that a server may ask for; if it asks for more, the request is given up.
    """

    attempts: int = 6
    first_wait_s: float = 2.0
    longest_wait_s: float = 60.0
    longest_asked_wait_s: float = 900.0


def is_worth_retrying(status: int) -> bool:
    """Return whether the same request may get another answer later."""
    return status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_overload(status: int | None) -> bool:
    """Return whether a server asks for fewer requests at a time."""
    return status in _OVERLOADED


def asked_wait_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return how many seconds a server asks to wait, or None where it does not say.

    Read are `retry-after-ms`, and `retry-after` as seconds or as a date (RFC 9110, 10.2.3). A date is compared with
    the answer's own `date`, where there is one: the server's clock need not be ours.

    Args:
        headers: of the answer; names in lower case, or a mapping that does not mind.
        now: our time, for an answer without date.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    until = _date(text)
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date")) or now or datetime.now(UTC))).total_seconds())


def retrying(
    policy: RetryPolicy,
    *,
    answered: Callable[[], int],
    on_wait: Callable[[TransientError, float, int], None],
) -> AsyncRetrying:
    """Return what calls a coroutine function until it succeeds; made for one request, it is not used again.

    Only a `TransientError` leads to another try; the last one is raised when the policy is exhausted.

    Args:
        policy: how often and how long.
        answered: tells how many requests were answered so far, by anybody.
        on_wait: called before each wait with the failure, the seconds to come and the number of tries so far.
    """

    def waits(state: RetryCallState) -> None:
        on_wait(_failure(state), state.next_action.sleep if state.next_action else 0.0, state.attempt_number)

    return AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        stop=_Exhausted(policy, answered),
        wait=_Wait(policy),
        before_sleep=waits,
        reraise=True,
    )


class _Exhausted:
    """Tells after a failed try whether it was the last."""

    def __init__(self, policy: RetryPolicy, answered: Callable[[], int]) -> None:
        self._policy = policy
        self._answered = answered
        self._seen = answered()
        self._counted = 0

    def __call__(self, state: RetryCallState) -> bool:
        error = _failure(state)
        before, self._seen = self._seen, self._answered()
        if error.status != HTTPStatus.TOO_MANY_REQUESTS or self._seen == before:
            self._counted += 1
        too_long = (error.asked_wait_s or 0) > self._policy.longest_asked_wait_s
        return too_long or self._counted >= self._policy.attempts


class _Wait:
    """How long to wait: what the server asks for and a little more, else ever longer; never the same for all."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._first = policy.first_wait_s
        self._longer = wait_exponential(multiplier=policy.first_wait_s, max=policy.longest_wait_s)
        self._spread = wait_random(0, policy.first_wait_s)

    def __call__(self, state: RetryCallState) -> float:
        asked = _failure(state).asked_wait_s
        if not asked:
            return self._longer(state) + self._spread(state)
        return asked + wait_random(0, min(self._first, _LONGEST_SPREAD_S))(state)


def _failure(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome is not None else None
    if not isinstance(error, TransientError):
        raise TypeError(f"not a failure to retry: {error!r}")
    return error


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date(text: str | None) -> datetime | None:
    try:
        value = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
