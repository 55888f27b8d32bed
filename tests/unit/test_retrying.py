"""Which failures are tried again, after what wait, and when no more; no server and no waiting."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import Future, RetryCallState

from rusteval.generation.api.retrying import (
    RetryPolicy,
    TransientError,
    asked_wait_s,
    is_worth_retrying,
    retrying,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
AT_ONCE = RetryPolicy(attempts=4, first_wait_s=0.0, longest_wait_s=0.0)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status):
    assert is_worth_retrying(status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_what_stays_refused_is_not_tried_again(status):
    assert not is_worth_retrying(status)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Thu, 01 Jan 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_the_wait_that_a_server_asks_for(headers, expected):
    assert asked_wait_s(headers, now=NOW) == expected


def test_a_date_is_read_by_the_servers_own_clock():
    headers = {"date": "Thu, 01 Jan 2026 15:00:00 GMT", "retry-after": "Thu, 01 Jan 2026 15:00:20 GMT"}
    assert asked_wait_s(headers, now=NOW) == 20.0


def waits(policy, error, tries, **more):
    """Return how long is waited after a number of failed tries."""
    state = RetryCallState(
        retry_object=retrying(policy, answered=lambda: 0, on_wait=lambda *_: None),
        fn=None,
        args=(),
        kwargs={},
    )
    state.attempt_number = tries
    state.outcome = Future(tries)
    state.outcome.set_exception(error)
    return state.retry_object.wait(state)


@given(asked=st.floats(0.001, 900), tries=st.integers(1, 50), first=st.floats(0, 10))
def test_an_asked_wait_is_kept_in_full_and_hardly_more(asked, tries, first):
    wait = waits(RetryPolicy(first_wait_s=first), TransientError("x", asked_wait_s=asked), tries)
    assert asked <= wait <= asked + 1


@given(tries=st.integers(1, 200))
def test_else_the_wait_doubles_up_to_a_bound(tries):
    wait = waits(RetryPolicy(first_wait_s=2, longest_wait_s=60), TransientError("x"), tries)
    assert min(60, 2 * 2 ** (tries - 1)) <= wait <= min(60, 2 * 2 ** (tries - 1)) + 2


def test_waits_of_many_differ():
    assert len({waits(RetryPolicy(), TransientError("x", asked_wait_s=a), 1) for a in [None, 5] * 20}) > 30


def attempt(outcomes, policy=AT_ONCE, *, answered=lambda: 0):
    """Run a request that fails with each outcome in turn; return its result or error, tries and waits."""
    left, seen = list(outcomes), []

    async def once():
        outcome = left.pop(0) if len(left) > 1 else left[0]
        seen.append(outcome)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    heard = []
    tries = retrying(
        policy, answered=answered, on_wait=lambda error, wait_s, n: heard.append((str(error), n))
    )
    try:
        result = asyncio.run(tries(once))
    except (TransientError, KeyError) as error:
        result = error
    return result, len(seen), heard


def test_it_goes_on_until_there_is_an_answer():
    result, tries, heard = attempt([TransientError("a"), TransientError("b"), "answer"])
    assert (result, tries, heard) == ("answer", 3, [("a", 1), ("b", 2)])


def test_tries_are_bounded_and_the_last_failure_is_told():
    failures = [TransientError(str(number)) for number in range(4)]
    result, tries, _ = attempt(failures)
    assert tries == 4
    assert result is failures[-1]


def test_other_errors_end_it_at_once():
    result, tries, heard = attempt([KeyError("bug")])
    assert isinstance(result, KeyError)
    assert (tries, heard) == (1, [])


def test_a_wait_beyond_the_bound_is_not_begun():
    result, tries, heard = attempt([TransientError("tomorrow", status=429, asked_wait_s=901)])
    assert (str(result), tries, heard) == ("tomorrow", 1, [])


def test_a_crowded_server_that_answers_others_is_not_given_up():
    counter = iter(range(1000))
    refused = [TransientError("busy", status=429)] * 30
    assert attempt([*refused, "answer"], answered=lambda: next(counter))[:2] == ("answer", 31)


def test_a_crowded_server_that_answers_nobody_is_given_up():
    result, tries, _ = attempt([TransientError("busy", status=429)])
    assert (str(result), tries) == ("busy", 4)


def test_a_request_that_breaks_the_server_is_given_up_though_others_are_answered():
    counter = iter(range(1000))
    assert attempt([TransientError("broken", status=500)], answered=lambda: next(counter))[1] == 4
