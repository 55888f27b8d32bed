"""How many requests are under way at a time: more while the service keeps up, half as many when it does not."""

import asyncio

import pytest

from rusteval.generation.api.adaptive_limit import AdaptiveLimit
from rusteval.generation.api.request_pool import RequestPool
from rusteval.generation.api.retrying import RetryPolicy, TransientError
from rusteval.generation.engine import make_requests
from rusteval.problems.models import Problem

PROBLEM = Problem(task_id="T/1", prompt="fn f() {", entry_point="f", test="")


@pytest.mark.parametrize(("most", "first"), [(1, 1), (3, 3), (4, 4), (64, 4)])
def test_a_run_begins_with_a_few(most, first):
    assert AdaptiveLimit(most).allowed == first


def test_when_every_place_has_had_an_answer_there_is_one_more_up_to_the_limit():
    limit = AdaptiveLimit(8)
    grown = []
    for _ in range(100):
        limit.kept_up()
        grown.append(limit.allowed)
    assert grown[3] == 4
    assert grown[4] == 5
    assert sorted(grown) == grown
    assert max(grown) == 8


def test_a_burst_of_refusals_halves_once_and_never_to_nothing():
    async def run():
        limit = AdaptiveLimit(64)
        clock = asyncio.get_running_loop().time
        while limit.allowed < 64:
            limit.kept_up()
        allowed = []
        for _ in range(8):
            await asyncio.sleep(0.001)
            began = clock()
            await asyncio.sleep(0.001)
            for _ in range(5):
                limit.overloaded(began)
            allowed.append(limit.allowed)
        return allowed

    assert asyncio.run(run()) == [32, 16, 8, 4, 2, 1, 1, 1]


def test_places_are_no_more_than_allowed_and_are_given_back_after_errors():
    async def run():
        limit = AdaptiveLimit(3)
        under_way, most = 0, 0

        async def work(number):
            nonlocal under_way, most
            async with limit.place():
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.001)
                under_way -= 1
                if number % 2:
                    raise ValueError

        await asyncio.gather(*(work(number) for number in range(20)), return_exceptions=True)
        return most, limit.highest

    assert asyncio.run(run()) == (3, 3)


def pool_with(attempt):
    return RequestPool(
        attempt,
        keep=lambda *_: None,
        policy=RetryPolicy(attempts=50, first_wait_s=0, longest_wait_s=0),
        say=lambda _: None,
    )


def requests(n):
    return make_requests({"T/1": PROBLEM}, [("T/1", index) for index in range(n)], seed=1)


def test_a_pool_grows_to_its_limit_where_the_service_keeps_up():
    async def attempt(_):
        await asyncio.sleep(0)

    pool = pool_with(attempt)
    asyncio.run(pool.run(requests(500), workers=10))
    assert pool.highest == 10


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_pool_finds_what_a_service_bears(status):
    """A service that bears five at a time is seldom asked for more."""
    under_way = refused = 0

    async def attempt(_):
        nonlocal under_way, refused
        under_way += 1
        try:
            await asyncio.sleep(0.001)
            if under_way > 5:
                refused += 1
                raise TransientError("too many", status=status)
        finally:
            under_way -= 1

    pool = pool_with(attempt)
    asyncio.run(pool.run(requests(400), workers=64))
    assert pool.highest <= 8
    assert refused < 200


def test_other_failures_do_not_lower_it():
    tried = set()

    async def attempt(request):
        await asyncio.sleep(0)
        if request.completion_id not in tried:
            tried.add(request.completion_id)
            raise TransientError("broken", status=500)

    pool = pool_with(attempt)
    asyncio.run(pool.run(requests(200), workers=8))
    assert pool.highest == 8
