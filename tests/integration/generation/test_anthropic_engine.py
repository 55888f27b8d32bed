"""The anthropic engine against a server on loopback with the Messages API; see also the tests of all services."""

import sys

import pytest
from api_services import (
    ANTHROPIC,
    KEY,
    PROBLEMS,
    carries_key,
    draw,
    message,
    messages_error,
    no_settings_of_this_machine,
    requests,
)
from openai_stand_in import Reply, stand_in

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.api.anthropic_provider import AnthropicProvider
from rusteval.generation.engine import Sampling
from rusteval.generation.prompts import build_prompt

__all__ = ["no_settings_of_this_machine"]

NOT_BOTH = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
DEPRECATED = "`temperature` is deprecated for this model."
INVALID = "invalid_request_error"


def well(_):
    return Reply(message("an answer"))


def one_answer(body, **options):
    """Return the sample and the record of one request that is answered with a body."""
    calls = []
    with stand_in(lambda _: Reply(body)) as server:
        engine = ANTHROPIC.engine(server, on_call=calls.append, **options)
        [sample] = draw(engine, requests(1, tasks=["T/1"]))
    return sample, calls[-1], engine


def test_what_is_posted_is_a_message():
    with stand_in(well) as server:
        engine = ANTHROPIC.engine(server, api_key=KEY)
        draw(engine, requests(1, tasks=["T/1"]))
    [call] = server.calls
    assert call.path == "/v1/messages"
    assert call.headers["anthropic-version"]
    assert carries_key(call)
    assert call.body == {
        "model": "m",
        "max_tokens": 77,
        "messages": [{"role": "user", "content": build_prompt(PROBLEMS["T/1"]).text}],
        "temperature": 0.3,
        "top_p": 0.9,
    }
    assert engine.facts["engine"] == "anthropic"
    assert engine.facts["seeds"] == "none"
    assert engine.facts["reproducible"] == "not at all: the service takes no seeds"


@pytest.mark.parametrize(
    ("stop_reason", "text", "finish_reason"),
    [
        ("end_turn", "an answer", "stop"),
        ("end_turn", None, "stop"),
        ("stop_sequence", "an answer", "stop"),
        ("max_tokens", "half an", "length"),
        ("max_tokens", None, "length"),
        ("model_context_window_exceeded", "half an", "length"),
        ("refusal", None, "content_filter"),
        ("refusal", "I will not", "content_filter"),
        ("something_new", "an answer", "something_new"),
    ],
)
def test_reasons_to_end_are_told_in_the_words_of_all_engines(stop_reason, text, finish_reason):
    sample, call, engine = one_answer(message(text, stop_reason=stop_reason))
    assert (sample.completion, sample.finish_reason) == (text or "", finish_reason)
    assert call.finish_reason == finish_reason
    assert engine.facts["answers_filtered"] == (finish_reason == "content_filter")


@pytest.mark.parametrize("stop_reason", [None, "pause_turn", "tool_use"])
def test_a_reply_without_text_that_did_not_end_is_no_answer(stop_reason):
    body = message(None, stop_reason=stop_reason)
    with stand_in(lambda call: Reply(body) if call.earlier < 1 else well(call)) as server:
        [sample] = draw(ANTHROPIC.engine(server), requests(1, tasks=["T/1"]))
    assert sample.completion == "an answer"
    assert len(server.calls) == 2


def test_thoughts_are_counted_and_not_part_of_the_answer():
    blocks = [
        {"type": "thinking", "thinking": "fn f1() { wrong }", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "an "},
        {"type": "text", "text": "answer"},
    ]
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": 6,
        "cache_creation_input_tokens": None,
        "output_tokens": 40,
        "output_tokens_details": {"thinking_tokens": 33},
    }
    sample, call, _ = one_answer(message(None, content=blocks, usage=usage))
    assert sample.completion == "an answer"
    assert (sample.prompt_tokens, sample.completion_tokens) == (11, 40)
    assert (call.prompt_tokens, call.completion_tokens, call.reasoning_tokens) == (11, 40, 33)


def test_where_one_of_temperature_and_top_p_is_taken_the_temperature_stays():
    def script(call):
        both = {"temperature", "top_p"} <= set(call.body)
        return messages_error(400, NOT_BOTH, kind=INVALID) if both else well(call)

    said = []
    with stand_in(script) as server:
        engine = ANTHROPIC.engine(server, say=said.append)
        assert len(draw(engine, requests(10))) == 20
    assert [call.body.get("top_p") for call in server.calls[-10:]] == [None] * 10
    assert {call.body["temperature"] for call in server.calls} == {0.3}
    assert engine.facts["sampling_refused"] == {"top_p": 0.9}
    assert said == ["m refuses top_p 0.9: it is left out, and the answers are drawn with the service's own"]


def test_a_model_without_temperature_is_asked_without_it():
    def script(call):
        for name in ("temperature", "top_p"):
            if name in call.body:
                return messages_error(400, DEPRECATED.replace("temperature", name), kind=INVALID)
        return well(call)

    said, calls = [], []
    with stand_in(script) as server:
        engine = ANTHROPIC.engine(server, max_concurrency=1, say=said.append, on_call=calls.append)
        assert len(draw(engine, requests(2))) == 4
    assert engine.facts["sampling_refused"] == {"temperature": 0.3, "top_p": 0.9}
    assert [line.split(":")[0] for line in said] == ["m refuses temperature 0.3", "m refuses top_p 0.9"]
    assert [call.status for call in calls] == [400, 400, 200, 200, 200, 200]
    assert [call.attempt for call in calls] == [1, 2, 3, 1, 1, 1]
    assert DEPRECATED in calls[0].error


def test_exact_sampling_ends_the_run_where_it_is_refused():
    with stand_in(lambda _: messages_error(400, DEPRECATED, kind=INVALID)) as server:
        engine = ANTHROPIC.engine(server, exact_sampling=True)
        with pytest.raises(
            InputError, match=r"--temperature 0\.3 is not for this model: give --temperature 1"
        ):
            draw(engine, requests(1))


def test_values_that_are_the_services_own_are_left_out_without_a_word():
    def script(call):
        return messages_error(400, NOT_BOTH, kind=INVALID) if "top_p" in call.body else well(call)

    said = []
    with stand_in(script) as server:
        engine = ANTHROPIC.engine(server, say=said.append, exact_sampling=True)
        assert len(draw(engine, requests(2), sampling=Sampling(temperature=0.3, top_p=1.0))) == 4
    assert engine.facts["left_out_where_1"] == ["top_p"]
    assert engine.facts["sampling_refused"] == {}
    assert said == []


def test_an_overloaded_service_is_asked_less_at_a_time_and_then_more():
    def script(call):
        return messages_error(529, "Overloaded", kind="overloaded_error") if call.number < 4 else well(call)

    calls = []
    with stand_in(script) as server:
        engine = ANTHROPIC.engine(server, on_call=calls.append)
        assert len(draw(engine, requests(30))) == 60
    assert engine.facts["tries_repeated"] == 4
    assert 4 <= engine.facts["highest_concurrency"] <= 16
    overloaded = [call for call in calls if call.status == 529]
    assert [(call.error, call.request_id) for call in overloaded] == [("Overloaded", "req_1")] * 4


@pytest.mark.parametrize(
    "reply",
    [
        messages_error(
            429,
            "spend limit",
            kind="rate_limit_error",
            details={"error_code": "enforced_spend_limit_reached"},
        ),
        messages_error(400, "Your credit balance is too low to access the Anthropic API.", kind=INVALID),
        messages_error(402, "pay", kind="billing_error"),
    ],
)
def test_without_credit_nothing_is_tried_again(reply):
    with stand_in(lambda _: reply) as server, pytest.raises(InputError, match="no credit left"):
        draw(ANTHROPIC.engine(server, max_concurrency=1), requests(5))
    assert len(server.calls) == 1


def test_waits_of_the_service_are_told_where_they_are_too_long():
    limited = messages_error(429, "too many tokens", kind="rate_limit_error", headers={"retry-after": "7200"})
    told = pytest.raises(InfrastructureError, match=r"429 \(too many tokens\) and asks to wait 7200 s")
    with stand_in(lambda _: limited) as server, told:
        draw(ANTHROPIC.engine(server, max_concurrency=1), requests(20))
    assert len(server.calls) == 3


def test_a_long_answer_may_be_asked_for_in_one_piece():
    with stand_in(well) as server:
        [sample] = draw(
            ANTHROPIC.engine(server), requests(1, tasks=["T/1"]), sampling=Sampling(max_new_tokens=64_000)
        )
    assert server.calls[0].body["max_tokens"] == 64_000
    assert sample.completion == "an answer"


def test_other_credentials_of_the_environment_are_not_sent(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-another")
    with stand_in(well) as server:
        draw(ANTHROPIC.engine(server, api_key=KEY), requests(1))
    assert all(carries_key(call) for call in server.calls)
    assert not any("token-of-another" in str(call.headers) for call in server.calls)


def test_the_address_comes_from_the_environment(monkeypatch):
    with stand_in(well) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url.removesuffix("/v1"))
        provider = AnthropicProvider(model="m", api_key=KEY)
        assert provider.account.endpoint == server.url.removesuffix("/v1")
        draw(ANTHROPIC.engine(server, base_url=None, api_key=KEY), requests(1))
    assert {call.path for call in server.calls} == {"/v1/messages"}


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(InputError, match=r"pip install 'rusteval\[anthropic\]'"):
        AnthropicProvider(model="m", api_key=KEY)
