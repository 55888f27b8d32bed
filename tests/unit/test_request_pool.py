"""Many requests under way: how many at a time, in what order, and what failures among them do."""

import asyncio

import pytest

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.api.request_pool import RequestPool
from rusteval.generation.api.retrying import RetryPolicy, TransientError
from rusteval.generation.engine import make_requests
from rusteval.problems.models import Problem

PROBLEM = Problem(task_id="T/1", prompt="fn f() {", entry_point="f", test="")
AT_ONCE = RetryPolicy(attempts=2, first_wait_s=0, longest_wait_s=0)


def run(attempt, n, *, workers=4):
    """Have n requests answered; return the kept ones, the error and the pool."""
    kept = []
    pool = RequestPool(
        attempt,
        keep=lambda request, _: kept.append(request.completion_id),
        policy=AT_ONCE,
        say=lambda _: None,
    )
    requests = make_requests({"T/1": PROBLEM}, [("T/1", index) for index in range(n)], seed=1)
    try:
        asyncio.run(pool.run(requests, workers=workers))
    except (InputError, InfrastructureError) as error:
        return kept, error, pool
    return kept, None, pool


def test_thousands_of_requests_are_few_tasks():
    most = 0

    async def attempt(request):
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0)

    kept, error, _ = run(attempt, 5000)
    assert error is None
    assert sorted(kept) == list(range(5000))
    assert most <= 4 + 1


def test_one_worker_answers_in_order():
    async def attempt(request):
        await asyncio.sleep(0)

    assert run(attempt, 20, workers=1)[0] == list(range(20))


def test_no_requests_are_no_work():
    async def attempt(request):
        raise AssertionError

    assert run(attempt, 0)[:2] == ([], None)


def test_requests_that_fail_for_good_are_told_and_the_others_kept():
    async def attempt(request):
        if request.completion_id in {3, 50}:
            raise TransientError("the server answers 500", status=500)

    kept, error, pool = run(attempt, 100)
    assert sorted(kept) == [index for index in range(100) if index not in {3, 50}]
    assert "2 of 100 answers could not be had; the first: T/1 sample 3: the server answers 500" in str(error)
    assert "the other 98 are kept: the same command goes on" in str(error)
    assert isinstance(error, InfrastructureError)
    assert pool.repeated == 2


@pytest.mark.parametrize("workers", [1, 8])
def test_a_server_that_answers_no_more_is_given_up_soon(workers):
    tried = []

    async def attempt(request):
        await asyncio.sleep(0)
        if request.completion_id >= 10:
            tried.append(request.completion_id)
            raise TransientError("gone")

    kept, error, _ = run(attempt, 1000, workers=workers)
    assert sorted(kept) == list(range(10))
    assert len(set(tried)) < 3 * max(workers, 3)
    assert "were not begun" in str(error)
    assert f"{1000 - 10 - len(set(tried))} were not begun" in str(error)


def test_a_wait_that_the_server_asks_for_is_kept_by_all_workers():
    began = {}
    told = []

    async def attempt(request):
        clock = asyncio.get_running_loop().time
        began.setdefault(request.completion_id, clock())
        if request.completion_id == 0 and not told:
            told.append(clock())
            raise TransientError("slow down", status=429, asked_wait_s=0.3)

    kept, error, pool = run(attempt, 8, workers=2)
    assert (sorted(kept), error, pool.repeated) == (list(range(8)), None, 1)
    assert all(began[index] - told[0] >= 0.3 for index in range(1, 8))


def test_what_no_other_try_helps_ends_the_run():
    async def attempt(request):
        await asyncio.sleep(0)
        if request.completion_id == 5:
            raise InputError("the key is refused")
        if request.completion_id > 8:
            await asyncio.sleep(60)

    kept, error, _ = run(attempt, 1000)
    assert str(error) == "the key is refused"
    assert isinstance(error, InputError)
    assert set(range(4)) <= set(kept) <= set(range(10))
