"""What all services have in common, asked of each by its own protocol on a real server on loopback."""

import contextlib
import json
import logging
import threading
import time
import traceback

import pytest
from api_services import (
    KEY,
    SAMPLING,
    SERVICES,
    TASKS,
    carries_key,
    draw,
    keys,
    no_settings_of_this_machine,
    requests,
)
from openai_stand_in import Reply, stand_in

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.prompts import prompt_sha256

__all__ = ["no_settings_of_this_machine"]


@pytest.fixture(params=SERVICES)
def service(request):
    return SERVICES[request.param]


def failing_first(service, *failures):
    """Return a script: each request gets these failures first, and then an answer."""

    def script(call):
        return failures[call.earlier] if call.earlier < len(failures) else Reply(service.answer("an answer"))

    return script


def test_every_request_is_answered_once_from_the_calling_thread_and_every_field_comes_back(service):
    asked = requests(10)
    samples, tokens, threads = [], [], set()

    def keep(sample):
        threads.add(threading.get_ident())
        samples.append(sample)

    with stand_in(lambda _: Reply(service.answer("an answer"))) as server:
        engine = service.engine(server, api_key=KEY)
        engine.generate(asked, sampling=SAMPLING, on_sample=keep, on_tokens=tokens.append)
    assert all(carries_key(call) for call in server.calls)
    assert {service.prompt(call.body) for call in server.calls} == {request.prompt.text for request in asked}
    assert keys(samples) == sorted((request.task_id, request.completion_id) for request in asked)
    assert {sample.seed for sample in samples} == {request.seed for request in asked}
    assert threads == {threading.get_ident()}
    assert tokens == [7] * 20
    sample = samples[0]
    assert sample.generation_ms > 0
    assert (sample.completion, sample.model, sample.finish_reason) == ("an answer", "m", "stop")
    assert (sample.prompt_tokens, sample.completion_tokens) == (11, 7)
    assert sample.prompt_sha256 in {prompt_sha256(request.prompt) for request in asked}
    assert engine.facts["models_served"] == ["stand-in-2025-01-01"]
    assert 1 <= engine.facts["highest_concurrency"] <= 16
    assert engine.facts["endpoint"] == engine.endpoint == server.url
    assert json.loads(json.dumps(engine.facts)) == engine.facts


def broken(service):
    """Return what goes wrong and passes, by name."""
    long = service.answer("x" * 5000)
    page = {"Content-Type": "text/html"}
    return {
        "429": service.error(429, "slow down"),
        "408": service.error(408, "too slow"),
        "500": service.error(500, "oops"),
        "503": service.error(503, "overloaded"),
        "529": service.error(529, "overloaded"),
        "reset": Reply(long, end="reset in the middle"),
        "closed": Reply(long, end="closed in the middle"),
        "truncated": Reply(json.dumps(long)[:200]),
        "page": Reply("<html>back soon</html>", headers=page),
        "page 502": Reply("<html>bad gateway</html>", status=502, headers=page),
        "error with 200": Reply(service.error(500, "upstream").body),
        "not gzip": Reply(long, headers={"Content-Encoding": "gzip"}),
        "empty": Reply(""),
    }


BROKEN = list(broken(SERVICES["openai"]))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_failure_that_passes_is_tried_again_and_never_an_answer(service, kind):
    failure = broken(service)[kind]
    calls = []
    with stand_in(failing_first(service, failure, failure)) as server:
        engine = service.engine(server, on_call=calls.append)
        samples = draw(engine, requests(1))
    assert [sample.completion for sample in samples] == ["an answer"] * 2
    assert len(keys(samples)) == len(set(keys(samples))) == 2
    assert len(server.calls) == len(calls) == 6
    assert engine.facts["tries_repeated"] == 4
    assert sorted((call.task_id, call.attempt) for call in calls) == [
        (task, attempt) for task in TASKS for attempt in (1, 2, 3)
    ]
    for call in calls:
        assert (call.error is None) == (call.attempt == 3) == (call.finish_reason == "stop")
        if call.error is None:
            assert (call.status, call.prompt_tokens, call.completion_tokens) == (200, 11, 7)
        elif kind in {"reset", "closed", "not gzip"}:
            assert call.status == "connection"
        else:
            assert call.status == failure.status
            assert call.error
            assert "\n" not in call.error


@pytest.mark.parametrize("end", ["never", "in drops"])
def test_an_answer_that_does_not_come_in_time_is_asked_for_again(service, end):
    slow = Reply(service.answer("x" * 5000), end=end)
    calls = []
    with stand_in(failing_first(service, slow)) as server:
        engine = service.engine(server, request_timeout_s=0.5, on_call=calls.append)
        samples = draw(engine, requests(1))
    assert [sample.completion for sample in samples] == ["an answer"] * 2
    late = [call for call in calls if call.status == "timeout"]
    assert len(late) >= 2
    assert all(call.error == "no answer within 0.5 s" and call.duration_s >= 0.4 for call in late)


def test_the_wait_that_the_service_asks_for_is_kept(service):
    refused = []

    def script(call):
        if call.number:
            return Reply(service.answer("an answer"))
        refused.append(time.monotonic())
        return service.error(429, "slow down", headers={"Retry-After": "1"})

    with stand_in(script) as server:
        said = []
        engine = service.engine(server, max_concurrency=1, say=said.append)
        assert len(draw(engine, requests(2))) == 4
    assert server.calls[1].began - refused[0] >= 1
    assert said == ["the server asks to wait 1 s (429); waiting"]


def test_requests_that_fail_for_good_are_not_kept(service):
    def script(call):
        bad = "f2" in service.prompt(call.body)
        return service.error(500, "cannot do this one") if bad else Reply(service.answer("an answer"))

    calls, samples = [], []
    with stand_in(script) as server:
        engine = service.engine(server, attempts=2, on_call=calls.append)
        with pytest.raises(InfrastructureError, match="2 of 4 answers") as told:
            engine.generate(requests(2), sampling=SAMPLING, on_sample=samples.append)
    assert "the server answers 500 (cannot do this one)" in str(told.value)
    assert {sample.task_id for sample in samples} == {"T/1"}
    assert sorted((call.task_id, call.attempt) for call in calls if call.error) == [
        ("T/2", 1),
        ("T/2", 1),
        ("T/2", 2),
        ("T/2", 2),
    ]


REFUSALS = [
    (401, "bad key", ("the key is refused", '(401: "bad key")', "KEY_VARIABLE")),
    (403, "not yours", ("access to m is refused", "not yours", "KEY_VARIABLE")),
    (402, "pay first", ("no credit left", "pay first")),
    (404, "no model m", ("there is no model m", "no model m", "base URL")),
    (413, "too large", ("T/1: the request is refused", "too large")),
    (400, "the context is 5 tokens", ("T/1: the request is refused", "the context is 5 tokens")),
]


@pytest.mark.parametrize(("status", "said", "told"), REFUSALS)
def test_what_no_other_try_helps_ends_the_run_at_once(service, status, said, told):
    calls = []
    with stand_in(lambda _: service.error(status, said)) as server:
        engine = service.engine(server, api_key=KEY, max_concurrency=3, on_call=calls.append)
        with pytest.raises(InputError) as error:
            draw(engine, requests(50, tasks=["T/1"]))
    assert str(error.value).startswith(server.url)
    assert "\n" not in str(error.value)
    for part in told:
        assert part.replace("KEY_VARIABLE", service.key_variable) in str(error.value)
    assert len(server.calls) <= 3
    assert {call.status for call in calls} <= {status, "cancelled"}
    assert len(calls) >= len(server.calls)  # some were dropped on their way
    assert any(call.status == status for call in calls)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 500])
def test_the_key_is_nowhere_in_what_is_said_logged_recorded_or_kept(service, status, caplog):
    """The service quotes the key everywhere, also where a quotation is cut in the middle of it."""
    caplog.set_level(logging.DEBUG)
    said, calls, samples = [], [], []
    names = {"model": KEY, "modelVersion": KEY, "id": KEY, "responseId": KEY, "system_fingerprint": KEY}
    ids = {"request-id": KEY, "x-request-id": KEY, "Location": f"/elsewhere?key={KEY}"}

    def script(call):
        if status == 200 and call.earlier:
            return Reply({**service.answer("an answer"), **names}, headers=ids)
        if status == 200:
            return Reply(f"{'x' * 285} {KEY} {KEY}", headers=ids)
        return service.error(status, f"{KEY} {'x' * 265} {KEY} {KEY}", headers=ids)

    with stand_in(script) as server:
        engine = service.engine(server, api_key=KEY, attempts=2, say=said.append, on_call=calls.append)
        try:
            engine.generate(requests(3), sampling=SAMPLING, on_sample=samples.append)
        except (InputError, InfrastructureError) as error:
            said.append("".join(traceback.format_exception(error)))
    assert calls
    assert len(samples) == (6 if status == 200 else 0)
    found = f"{said} {calls} {samples} {engine.facts} {caplog.text} {engine.endpoint} {vars(engine)}"
    for length in range(8, len(KEY) + 1):
        assert KEY[:length] not in found
    assert "***" in found or status == 302  # some follow it, without the key


def test_a_redirect_does_not_take_the_key_along(service):
    with stand_in(lambda _: Reply(service.answer("stolen"))) as thief:
        place = {"Location": f"http://localhost:{thief.server_address[1]}/v1"}
        with stand_in(lambda _: Reply("", status=307, headers=place)) as server:
            engine = service.engine(server, api_key=KEY, attempts=1)
            with contextlib.suppress(InputError):
                draw(engine, requests(1))
    assert not any(KEY in value for call in thief.calls for value in call.headers.values())
    if engine.name not in {"openai", "xai"}:  # their package follows, without the key
        assert thief.calls == []


def test_a_server_of_ones_own_needs_no_key(service):
    with stand_in(lambda _: Reply(service.answer("an answer"))) as server:
        assert len(draw(service.engine(server), requests(1))) == 2
        server.script = lambda _: service.error(401, "who are you")
        with pytest.raises(InputError, match=f"the server wants a key .*; set {service.key_variable}"):
            draw(service.engine(server), requests(1))


def test_the_key_comes_from_the_environment(service, monkeypatch):
    monkeypatch.setenv(service.key_variable, f"{KEY}\n")
    with stand_in(lambda _: Reply(service.answer("an answer"))) as server:
        draw(service.engine(server), requests(1))
    assert all(carries_key(call) for call in server.calls)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"ollama"}))
def test_without_key_and_address_nothing_begins(name):
    service = SERVICES[name]
    with pytest.raises(InputError, match=f"set {service.key_variable}"):
        service.provider(model="m")


def test_secrets_of_the_address_are_not_told(service):
    with stand_in(lambda _: service.error(404, "nothing here")) as server:
        address = server.url.replace("//", "//me:pass-of-mine@")
        engine = service.engine(server, base_url=f"{address}?token=hidden")
        assert engine.endpoint == server.url
        with pytest.raises(InputError) as told:
            draw(engine, requests(1))
    for secret in ("pass-of-mine", "hidden"):
        assert secret not in f"{told.value} {engine.facts}"


def test_requests_begin_with_a_few_at_a_time_and_become_more(service):
    with stand_in(lambda _: Reply(service.answer("an answer"))) as server:

        def crowded(call):
            few = 4 if call.number < 4 else 1
            with server.changed:
                assert server.changed.wait_for(lambda: server.most_under_way >= few, timeout=60)
            return Reply(service.answer("an answer"))

        server.script = crowded
        engine = service.engine(server, max_concurrency=4)
        draw(engine, requests(4))
    assert server.most_under_way == engine.facts["highest_concurrency"] == 4


@pytest.mark.parametrize("name", ["anthropic", "google", "ollama"])
def test_code_is_gone_on_with_only_where_the_protocol_can(name):
    service = SERVICES[name]
    told = pytest.raises(InputError, match=f"{name} answers messages .*; give --prompt instruct")
    with stand_in(lambda _: Reply(service.answer("an answer"))) as server, told:
        draw(service.engine(server), requests(1, kind="completion"))
    assert server.calls == []


def test_the_record_of_a_request_says_who_asked_what_when(service):
    calls = []
    with stand_in(lambda _: Reply(service.answer("an answer"), headers={"x-request-id": "r-1"})) as server:
        draw(service.engine(server, on_call=calls.append), requests(1, tasks=["T/1"]))
    [call] = calls
    assert call.time.endswith("+00:00")
    assert call.duration_s > 0
    assert call.model_dump(exclude={"time", "duration_s"}) == {
        "task_id": "T/1",
        "completion_id": 0,
        "model": "m",
        "provider": service.provider.name,
        "attempt": 1,
        "status": 200,
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "reasoning_tokens": None,
        "finish_reason": "stop",
        "request_id": "r-1",
        "error": None,
    }
