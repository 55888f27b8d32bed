"""The openai engine against a real server on loopback, well-behaved and not."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from openai_stand_in import Reply, chat, completion, error, stand_in

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.api.openai_engine import OpenAIEngine
from rusteval.generation.engine import SEED_SCHEME, Sampling, make_requests
from rusteval.generation.prompts import build_prompt, prompt_sha256
from rusteval.generation.store import SampleIdentity, SampleStore
from rusteval.problems.models import Problem

KEY = "sk-very-secret-1234567890"
TASKS = ("T/1", "T/2")
PROBLEMS = {
    task: Problem(task_id=task, prompt=f"fn f{task[-1]}() -> i32 {{\n", entry_point=f"f{task[-1]}", test="")
    for task in TASKS
}
SAMPLING = Sampling(temperature=0.3, top_p=0.9, max_new_tokens=77)
WHOLE = "```rust\nfn f1() -> i32 { 1 }\n```"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in os.environ:
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def requests(n, *, tasks=TASKS, kind="instruct"):
    return make_requests(PROBLEMS, [(task, i) for task in tasks for i in range(n)], seed=1, kind=kind)


def engine_for(server, **options):
    return OpenAIEngine(**{"model": "m", "base_url": server.url, "first_wait_s": 0.01, **options})


def draw(engine, asked, *, sampling=SAMPLING):
    samples = []
    engine.generate(asked, sampling=sampling, on_sample=samples.append)
    return samples


def keys(samples):
    return sorted((sample.task_id, sample.completion_id) for sample in samples)


def well(call):
    return Reply(chat("an answer"))


def refused(server, asked=None, **options):
    """Return the one line that a refused run ends with."""
    with pytest.raises(InputError) as told:
        draw(engine_for(server, **options), asked or requests(5))
    assert "\n" not in str(told.value)
    return str(told.value)


def test_an_instruction_goes_to_chat_and_every_field_comes_back():
    asked = requests(1, tasks=["T/1"])[0]
    with stand_in(well) as server:
        engine = engine_for(server, api_key=KEY)
        [sample] = draw(engine, [asked])
    [call] = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body == {
        "model": "m",
        "messages": [{"role": "user", "content": build_prompt(PROBLEMS["T/1"]).text}],
        "temperature": 0.3,
        "top_p": 0.9,
        "max_tokens": 77,
        "seed": asked.seed,
        "n": 1,
    }
    assert sample.generation_ms > 0
    assert sample.model_dump(exclude={"generation_ms"}) == {
        "task_id": "T/1",
        "completion_id": 0,
        "completion": "an answer",
        "model": "m",
        "prompt_sha256": prompt_sha256(asked.prompt),
        "seed": asked.seed,
        "finish_reason": "stop",
        "prompt_tokens": 11,
        "completion_tokens": 7,
    }
    assert engine.facts["models_served"] == ["stand-in-2025-01-01"]
    assert engine.facts["system_fingerprints"] == ["fp_1"]
    assert engine.facts["seeds"] == "sent"
    assert engine.facts["endpoint"] == engine.endpoint == server.url
    assert json.loads(json.dumps(engine.facts)) == engine.facts


def test_code_to_go_on_with_goes_to_completions():
    with stand_in(lambda _: Reply(completion("    1\n", finish_reason="length"))) as server:
        [sample] = draw(engine_for(server), requests(1, tasks=["T/1"], kind="completion"))
    [call] = server.calls
    assert call.path == "/v1/completions"
    assert call.body["prompt"] == PROBLEMS["T/1"].prompt
    assert (sample.completion, sample.finish_reason) == ("    1\n", "length")


def test_an_answer_ends_where_the_function_is_closed_unless_told_otherwise():
    with stand_in(lambda _: Reply(chat(f"{WHOLE}\nIt works because", finish_reason="length"))) as server:
        engine, asked = engine_for(server), requests(1, tasks=["T/1"])
        [cut] = draw(engine, asked)
        [whole] = draw(engine, asked, sampling=Sampling(stop_at_function=False))
    assert (cut.completion, cut.finish_reason) == (WHOLE, "function_closed")
    assert (whole.completion, whole.finish_reason) == (f"{WHOLE}\nIt works because", "length")


def test_every_request_is_answered_once_from_the_calling_thread_and_tokens_are_counted():
    threads, tokens, samples = set(), [], []

    def keep(sample):
        threads.add(threading.get_ident())
        samples.append(sample)

    with stand_in(lambda call: Reply(chat(str(call.body["seed"])))) as server:
        asked = requests(40)
        engine_for(server).generate(asked, sampling=SAMPLING, on_sample=keep, on_tokens=tokens.append)
    assert keys(samples) == sorted((request.task_id, request.completion_id) for request in asked)
    assert all(sample.completion == str(sample.seed) for sample in samples)
    assert len({sample.seed for sample in samples}) == 80
    assert threads == {threading.get_ident()}
    assert tokens == [7] * 80


@pytest.mark.parametrize("limit", [1, 4])
def test_no_more_requests_are_under_way_than_allowed_and_no_fewer(limit):
    def crowded(call):
        with server.changed:
            assert server.changed.wait_for(lambda: server.most_under_way >= limit, timeout=60)
        time.sleep(0.02)  # one request too many would come in now
        return well(call)

    with stand_in(crowded) as server:
        samples = draw(engine_for(server, max_concurrency=limit), requests(12))
    assert len(samples) == 24
    assert server.most_under_way == limit


BROKEN = {
    "429": error(429, "slow down"),
    "408": error(408, "too slow"),
    "409": error(409, "conflict"),
    "500": error(500, "oops"),
    "503": error(503, "overloaded"),
    "reset": Reply(chat("x" * 5000), end="reset in the middle"),
    "truncated": Reply(json.dumps(chat("x" * 500))[:200]),
    "page": Reply("<html>back soon</html>", headers={"Content-Type": "text/html"}),
    "page 502": Reply("<html>bad gateway</html>", status=502, headers={"Content-Type": "text/html"}),
    "error with 200": Reply({"error": {"message": "upstream"}}),
    "no choices": Reply({**chat("x"), "choices": []}),
    "aborted": Reply(chat("half an", finish_reason="abort")),
    "empty": Reply(""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_failure_that_passes_is_tried_again_and_never_an_answer(kind):
    with stand_in(lambda call: BROKEN[kind] if call.earlier < 2 else well(call)) as server:
        engine = engine_for(server)
        samples = draw(engine, requests(3))
    assert [sample.completion for sample in samples] == ["an answer"] * 6
    assert len(keys(samples)) == len(set(keys(samples))) == 6
    assert len(server.calls) == 18
    assert engine.facts["tries_repeated"] == 12


@pytest.mark.parametrize("end", ["never", "in drops"])
def test_an_answer_that_does_not_come_in_time_is_asked_for_again(end):
    slow = Reply(chat("x" * 5000), end=end)
    with stand_in(lambda call: slow if call.earlier == 0 else well(call)) as server:
        samples = draw(engine_for(server, request_timeout_s=0.5), requests(2))
    assert [sample.completion for sample in samples] == ["an answer"] * 4


@pytest.mark.parametrize(
    ("headers", "shortest"),
    [
        (lambda: {"Retry-After": "1"}, 1.0),
        (lambda: {"retry-after-ms": "300", "Retry-After": "0"}, 0.3),
        # Dates are in whole seconds, so of 3 at least 2 are left.
        (
            lambda: {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)},
            2.0,
        ),
    ],
)
def test_the_wait_that_the_server_asks_for_is_kept(headers, shortest):
    refusals = []

    def script(call):
        if call.number == 0:
            refusals.append(time.monotonic())
            return error(429, "slow down", headers=headers())
        if not refusals:
            raise AssertionError
        return well(call)

    with stand_in(script) as server:
        said = []
        samples = draw(engine_for(server, max_concurrency=1, say=said.append), requests(2))
    assert len(samples) == 4
    assert server.calls[1].began - refusals[0] >= shortest
    if shortest >= 1:
        assert len(said) == 1
        assert said[0].startswith("the server asks to wait ")
        assert said[0].endswith(" s (429); waiting")


def test_long_waits_are_told_once_in_a_while_not_for_each_request():
    said = []
    busy = error(429, "slow down", headers={"Retry-After": "1"})
    with stand_in(lambda call: busy if call.earlier == 0 else well(call)) as server:
        draw(engine_for(server, say=said.append), requests(8))
    assert said == ["the server asks to wait 1 s (429); waiting"]


def test_requests_that_fail_for_good_are_not_kept_and_the_same_command_goes_on(tmp_path):
    bad = [request.seed for request in requests(10) if request.completion_id in {2, 7}]

    def script(call):
        return error(500, "cannot do this one") if call.body["seed"] in bad else well(call)

    with stand_in(script) as server:
        with store_at(tmp_path) as store, pytest.raises(InfrastructureError) as told:
            goes_on(engine_for(server, attempts=2, max_concurrency=5), store)
        assert "4 of 20 answers could not be had" in str(told.value)
        assert "the server answers 500 (cannot do this one); the other 16 are kept" in str(told.value)
        assert "\n" not in str(told.value)
        assert [call.body["seed"] for call in server.calls].count(bad[0]) == 2
        before = len(server.calls)
        bad.clear()
        with store_at(tmp_path) as store:
            assert len(store.samples()) == 16
            goes_on(engine_for(server), store)
            assert keys(store.samples()) == [(task, index) for task in TASKS for index in range(10)]
        assert len(server.calls) == before + 4


def store_at(folder):
    identity = SampleIdentity(
        model="m",
        model_revision=None,
        suite_sha256="0" * 64,
        prompt_template="t",
        engine="openai",
        temperature=0.3,
        top_p=0.9,
        max_new_tokens=77,
        seed=1,
        seed_scheme=SEED_SCHEME,
    )
    return SampleStore(folder / "samples.jsonl", identity=identity)


def goes_on(engine, store):
    asked = make_requests(PROBLEMS, store.missing(PROBLEMS.values(), 10), seed=1)
    engine.generate(asked, sampling=SAMPLING, on_sample=store.append)


def test_a_server_that_is_not_there_is_told():
    with stand_in(well) as server:
        pass
    with pytest.raises(InfrastructureError, match=r"were not begun; .*the connection failed") as told:
        draw(engine_for(server, attempts=2, max_concurrency=10), requests(100))
    assert int(str(told.value).split()[0]) < 20


def test_a_wait_of_hours_is_told_and_not_begun():
    told = pytest.raises(InfrastructureError, match=r"429 \(daily limit\) and asks to wait 7200 s")
    with stand_in(lambda _: error(429, "daily limit", headers={"Retry-After": "7200"})) as server, told:
        draw(engine_for(server, max_concurrency=1), requests(50))
    assert len(server.calls) == 3


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (error(401, "bad key"), ("the key is refused", '(401: "bad key")', "OPENAI_API_KEY")),
        (error(400, "API key not valid."), ("the key is refused", "OPENAI_API_KEY")),
        (error(403, "not yours"), ("access to m is refused", "not yours", "OPENAI_API_KEY")),
        (error(404, "no model m"), ("there is no model m", "no model m", "base URL")),
        (error(400, "the context is 5 tokens"), ("T/1: the request is refused", "the context is 5 tokens")),
        (error(413, "too large"), ("T/1: the request is refused", "too large")),
        (
            error(429, "You exceeded your current quota", code="insufficient_quota"),
            ("no credit left", "You exceeded your current quota"),
        ),
        (
            error(400, "Only the default (1) is supported", param="temperature"),
            ("give --temperature 1", "Only the default"),
        ),
        (error(400, "top_p is not supported"), ("give --top-p 1", "top_p is not supported")),
        (
            Reply("<html>who are you</html>", status=401, headers={"Content-Type": "text/html"}),
            ("the key is refused", "an HTML page"),
        ),
    ],
)
def test_what_no_other_try_helps_ends_the_run_at_once(reply, told):
    with stand_in(lambda _: reply) as server:
        message = refused(server, requests(50, tasks=["T/1"]), api_key=KEY, max_concurrency=3)
    assert message.startswith(server.url)
    for part in told:
        assert part in message
    assert len(server.calls) <= 3


def test_a_server_that_limits_tokens_under_the_new_name_gets_it_from_then_on():
    def script(call):
        if "max_tokens" in call.body:
            return error(400, "Unsupported parameter: use 'max_completion_tokens'.", param="max_tokens")
        return well(call)

    with stand_in(script) as server:
        engine = engine_for(server, max_concurrency=1)
        assert len(draw(engine, requests(5))) == 10
        assert len(draw(engine, requests(5))) == 10
    assert [call.number for call in server.calls if "max_tokens" in call.body] == [0]
    assert server.calls[-1].body["max_completion_tokens"] == 77
    assert engine.facts["token_limit_parameter"] == "max_completion_tokens"


def test_seeds_out_of_range_are_shortened():
    def script(call):
        return error(422, "seed: out of range") if call.body["seed"] >= 2**31 else well(call)

    with stand_in(script) as server:
        engine = engine_for(server)
        samples = draw(engine, requests(5))
    answered = {call.body["seed"] for call in server.calls if call.body["seed"] < 2**31}
    assert answered == {sample.seed % 2**31 for sample in samples}
    assert len(answered) == 10
    assert engine.facts["seeds"] == "sent modulo 2^31"


def test_a_server_without_seeds_is_asked_without():
    def script(call):
        return error(400, "Unknown parameter", param="seed") if "seed" in call.body else well(call)

    with stand_in(script) as server:
        engine = engine_for(server)
        samples = draw(engine, requests(5))
    assert len(samples) == 10
    assert all(sample.seed is not None for sample in samples)
    assert engine.facts["seeds"] == "ignored"


def test_a_model_with_fixed_sampling_is_asked_without_it_where_that_means_the_same():
    def script(call):
        fixed = [name for name in ("temperature", "top_p") if name in call.body]
        return error(400, f"Unsupported: {fixed[0]}", param=fixed[0]) if fixed else well(call)

    with stand_in(script) as server:
        engine = engine_for(server)
        assert len(draw(engine, requests(2), sampling=Sampling(temperature=1.0, top_p=1.0))) == 4
    assert engine.facts["left_out_where_1"] == ["temperature", "top_p"]


def test_a_server_of_ones_own_needs_no_key():
    with stand_in(well) as server:
        assert len(draw(engine_for(server), requests(1))) == 2
        server.script = lambda _: error(401, "who are you")
        assert "the server wants a key" in refused(server)


def test_key_and_address_come_from_the_environment(monkeypatch):
    with stand_in(well) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OTHER_KEY", f"{KEY}\n")
        engine = OpenAIEngine(model="m", key_variable="OTHER_KEY")
        assert len(draw(engine, requests(1))) == 2
        assert engine.endpoint == server.url
        server.script = lambda _: error(401, "no")
        with pytest.raises(InputError, match="put a valid one into OTHER_KEY"):
            draw(engine, requests(1))
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_key_and_address_nothing_begins():
    with pytest.raises(InputError, match="set OPENAI_API_KEY"):
        OpenAIEngine(model="m")


@pytest.mark.parametrize("key", ["sk-two words", "sk-líne", "sk-a\nsk-b"])
def test_a_key_that_is_none_is_refused_without_showing_it(key):
    with pytest.raises(InputError) as told:
        OpenAIEngine(model="m", api_key=key)
    assert "sk-" not in str(told.value)


@pytest.mark.parametrize("address", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://host:port/v1"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InputError, match="is no address of a server"):
        OpenAIEngine(model="m", base_url=address)


@pytest.mark.parametrize("option", ["max_concurrency", "attempts", "request_timeout_s"])
def test_limits_of_nothing_are_refused(option):
    with pytest.raises(InputError, match="above 0"):
        OpenAIEngine(**{"model": "m", "api_key": KEY, option: 0})


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(InputError, match=r"pip install 'rusteval\[openai\]'"):
        OpenAIEngine(model="m", api_key=KEY)


def test_secrets_of_the_address_are_not_told():
    with stand_in(lambda _: error(404, "nothing here")) as server:
        address = server.url.replace("//", "//me:pass-of-mine@")
        engine = OpenAIEngine(model="m", base_url=f"{address}?token=hidden")
        assert engine.endpoint == server.url
        with pytest.raises(InputError) as told:
            draw(engine, requests(1))
    for secret in ("pass-of-mine", "hidden"):
        assert secret not in f"{told.value} {engine.facts}"


def test_a_sample_that_cannot_be_stored_ends_the_run_with_the_reason():
    def full(_):
        raise InputError("the disk is full")

    with stand_in(well) as server, pytest.raises(InputError, match=r"^the disk is full$"):
        engine_for(server).generate(requests(20), sampling=SAMPLING, on_sample=full)


PROGRAM = """
import logging, sys
from test_openai_engine import engine_at, goes_on, store_at
from pathlib import Path
logging.basicConfig(level=logging.DEBUG)
with store_at(Path(sys.argv[2])) as store:
    engine = engine_at(sys.argv[1])
    try:
        goes_on(engine, store)
    finally:
        print(engine.facts)
"""


def engine_at(url):
    return OpenAIEngine(model="m", base_url=url, max_concurrency=4, attempts=2, first_wait_s=0.01, say=print)


def start_program(server, folder):
    """Draw into a store in a process of its own that logs all it can."""
    environment = {**os.environ, "OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_interrupt_leaves_at_once_with_everything_finished_kept(tmp_path):
    path = tmp_path / "samples.jsonl"

    def lines():
        return path.read_text().splitlines() if path.exists() else []

    def script(call):
        return well(call) if call.number < 10 else Reply("", end="never")

    with stand_in(script) as server:
        process = start_program(server, tmp_path)
        until(lambda: len(lines()) == 10 and len(server.calls) == 14, process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)  # the server's answers would take longer
        assert "KeyboardInterrupt" in errors
        assert len(lines()) == len({json.loads(line)["seed"] for line in lines()}) == 10
        server.script = well
        with store_at(tmp_path) as store:
            goes_on(engine_for(server), store)
            assert keys(store.samples()) == [(task, index) for task in TASKS for index in range(10)]
    assert len(server.calls) == 14 + 10


def until(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_key_is_nowhere_in_what_is_printed_logged_or_stored(tmp_path, status):
    def script(call):
        return well(call) if status == 200 else error(status, f"not with {call.headers['authorization']}")

    with stand_in(script) as server:
        output, errors = start_program(server, tmp_path).communicate(timeout=120)
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    files = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "'endpoint'" in output
    assert KEY not in output + errors + files
    assert "HTTP Request" not in output + errors
    if status != 200:
        assert "not with Bearer ***" in errors
