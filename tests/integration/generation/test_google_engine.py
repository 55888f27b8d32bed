"""The google engine against a server on loopback with `generateContent`; see also the tests of all services."""

import time

import pytest
from api_services import (
    GOOGLE,
    KEY,
    PROBLEMS,
    carries_key,
    content,
    draw,
    google_error,
    no_settings_of_this_machine,
    requests,
)
from openai_stand_in import Reply, stand_in

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.engine import Sampling
from rusteval.generation.prompts import build_prompt

__all__ = ["no_settings_of_this_machine"]

RETRY = "type.googleapis.com/google.rpc.RetryInfo"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
BAD = "type.googleapis.com/google.rpc.BadRequest"


def well(_):
    return Reply(content("an answer"))


def one_answer(body):
    """Return the sample, the record and the engine of one request that is answered with a body."""
    calls = []
    with stand_in(lambda _: Reply(body)) as server:
        engine = GOOGLE.engine(server, on_call=calls.append)
        [sample] = draw(engine, requests(1, tasks=["T/1"]))
    return sample, calls[-1], engine


def invalid(field, said):
    """Return the refusal of a field."""
    violation = {"field": f"generation_config.{field}", "description": said}
    details = [{"@type": BAD, "fieldViolations": [violation]}]
    return google_error(400, "Invalid value", kind="INVALID_ARGUMENT", details=details)


def test_what_is_posted_is_a_content_with_the_key_in_a_header():
    asked = requests(1, tasks=["T/1"])
    with stand_in(well) as server:
        engine = GOOGLE.engine(server, api_key=KEY)
        draw(engine, asked)
    [call] = server.calls
    assert call.path == "/v1/models/m:generateContent"
    assert call.headers["x-goog-api-key"] == KEY
    assert carries_key(call)
    assert call.body == {
        "contents": [{"role": "user", "parts": [{"text": build_prompt(PROBLEMS["T/1"]).text}]}],
        "generationConfig": {
            "candidateCount": 1,
            "maxOutputTokens": 77,
            "temperature": 0.3,
            "topP": 0.9,
            "seed": asked[0].seed % 2**31,
        },
    }
    assert engine.facts["engine"] == "google"
    assert engine.facts["seeds"] == "sent modulo 2^31"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-x", "/v1/models/gemini-x:generateContent"),
        ("tunedModels/mine", "/v1/tunedModels/mine:generateContent"),
        ("a?b#c", "/v1/models/a%3Fb%23c:generateContent"),
    ],
)
def test_a_models_name_is_part_of_the_path(model, path):
    with stand_in(well) as server:
        draw(GOOGLE.engine(server, model=model), requests(1, tasks=["T/1"]))
    assert server.calls[0].path == path


@pytest.mark.parametrize(
    ("reason", "text", "finish_reason"),
    [
        ("STOP", "an answer", "stop"),
        ("STOP", None, "stop"),
        ("MAX_TOKENS", "half an", "length"),
        ("MAX_TOKENS", None, "length"),
        ("SAFETY", None, "content_filter"),
        ("RECITATION", "half an", "content_filter"),
        ("PROHIBITED_CONTENT", None, "content_filter"),
        ("OTHER", "an answer", "other"),
    ],
)
def test_reasons_to_end_are_told_in_the_words_of_all_engines(reason, text, finish_reason):
    sample, call, engine = one_answer(content(text, finish_reason=reason))
    assert (sample.completion, sample.finish_reason) == (text or "", finish_reason)
    assert call.finish_reason == finish_reason
    assert engine.facts["answers_filtered"] == (finish_reason == "content_filter")


def test_a_blocked_prompt_is_an_empty_answer():
    body = content(None, candidates=[], promptFeedback={"blockReason": "SAFETY", "safetyRatings": []})
    sample, call, engine = one_answer(body)
    assert (sample.completion, sample.finish_reason) == ("", "content_filter")
    assert (call.status, call.error) == (200, None)
    assert engine.facts["answers_filtered"] == 1


@pytest.mark.parametrize(
    "body",
    [
        content(None, finish_reason="OTHER"),
        content(None, finish_reason=None),
        content(None, candidates=[]),
        {"usageMetadata": {"promptTokenCount": 3}},
        content(None, finish_reason="MALFORMED_FUNCTION_CALL"),
    ],
)
def test_a_reply_without_an_answer_is_asked_for_again(body):
    with stand_in(lambda call: Reply(body) if call.earlier < 1 else well(call)) as server:
        [sample] = draw(GOOGLE.engine(server), requests(1, tasks=["T/1"]))
    assert sample.completion == "an answer"
    assert len(server.calls) == 2


def test_thoughts_are_counted_and_not_part_of_the_answer():
    parts = [{"text": "fn f1() { wrong }", "thought": True}, {"text": "an "}, {"text": "answer"}]
    body = content(None, candidates=[{"content": {"parts": parts}, "finishReason": "STOP"}])
    body["usageMetadata"] |= {"thoughtsTokenCount": 30, "totalTokenCount": 48}
    sample, call, _ = one_answer(body)
    assert sample.completion == "an answer"
    assert (sample.prompt_tokens, sample.completion_tokens) == (11, 37)
    assert (call.completion_tokens, call.reasoning_tokens) == (37, 30)
    assert call.request_id == "resp_1"


def test_the_wait_that_is_asked_for_in_the_error_is_kept():
    refused = []

    def script(call):
        if call.number:
            return well(call)
        refused.append(time.monotonic())
        details = [{"@type": RETRY, "retryDelay": "1.25s"}]
        return google_error(429, "Quota exceeded", kind="RESOURCE_EXHAUSTED", details=details)

    with stand_in(script) as server:
        assert len(draw(GOOGLE.engine(server, max_concurrency=1), requests(2))) == 4
    assert server.calls[1].began - refused[0] >= 1.25


def test_a_days_quota_that_is_used_up_ends_the_run():
    violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
    details = [{"@type": QUOTA, "violations": violations}, {"@type": RETRY, "retryDelay": "3s"}]
    used_up = google_error(429, "You exceeded your current quota", kind="RESOURCE_EXHAUSTED", details=details)
    with stand_in(lambda _: used_up) as server, pytest.raises(InputError, match=r"no credit left .*quota"):
        draw(GOOGLE.engine(server, max_concurrency=1), requests(5))
    assert len(server.calls) == 1


def test_a_refused_key_is_told_although_the_status_is_400():
    refusal = google_error(400, "API key not valid. Please pass a valid API key.", kind="INVALID_ARGUMENT")
    told = pytest.raises(InputError, match=r"the key is refused .* put a valid one into GOOGLE_API_KEY")
    with stand_in(lambda _: refusal) as server, told:
        draw(GOOGLE.engine(server, api_key=KEY), requests(1))


def test_a_model_without_seeds_is_asked_without():
    def script(call):
        return invalid("seed", "no seeds") if "seed" in call.body["generationConfig"] else well(call)

    with stand_in(script) as server:
        engine = GOOGLE.engine(server)
        assert len(draw(engine, requests(3))) == 6
    assert engine.facts["seeds"] == "ignored"


@pytest.mark.parametrize("field", ["top_p", "topP"])
def test_what_a_model_refuses_of_the_sampling_is_left_out_and_told(field):
    def script(call):
        return invalid(field, "no nucleus") if "topP" in call.body["generationConfig"] else well(call)

    said = []
    with stand_in(script) as server:
        engine = GOOGLE.engine(server, say=said.append)
        assert len(draw(engine, requests(3), sampling=Sampling(temperature=0.3, top_p=1.0))) == 6
    assert engine.facts["sampling_refused"] == {"top_p": 1.0}
    assert said == ["m refuses top_p 1: it is left out, and the answers are drawn with the service's own"]


def test_errors_without_details_are_read_too():
    odd = google_error(400, "no", kind="INVALID_ARGUMENT", details=["?", {"fieldViolations": "?"}, {}])
    with stand_in(lambda _: odd) as server, pytest.raises(InputError, match="the request is refused"):
        draw(GOOGLE.engine(server), requests(1))


def test_an_overload_for_good_is_told():
    overloaded = google_error(503, "The model is overloaded.", kind="UNAVAILABLE")
    told = pytest.raises(InfrastructureError, match=r"503 \(The model is overloaded\.\)")
    with stand_in(lambda _: overloaded) as server, told:
        draw(GOOGLE.engine(server, attempts=2), requests(3))
