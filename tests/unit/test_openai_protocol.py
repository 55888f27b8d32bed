"""What is said to servers of OpenAI's protocol, and how their answers and errors are read."""

import json

import pytest

from rusteval.generation.api.openai_protocol import Dialect, read_answer
from rusteval.generation.api.replies import BrokenAnswerError, Complaint, read_complaint
from rusteval.generation.engine import Sampling, make_requests
from rusteval.generation.prompts import build_prompt
from rusteval.problems.models import Problem

PROBLEM = Problem(task_id="T/1", prompt="fn f() {", entry_point="f", test="")
SAMPLING = Sampling(temperature=0.3, top_p=0.9, max_new_tokens=77)
REFERENCE = Sampling(temperature=1.0, top_p=1.0)


def request(kind="instruct"):
    return make_requests({"T/1": PROBLEM}, [("T/1", 0)], seed=1, kind=kind)[0]


def complaint(message, *, parameter="", code=""):
    return Complaint(status=400, message=message, code=code, parameter=parameter)


def reply(choice, **more):
    return json.dumps({"choices": [choice], **more}).encode()


def test_an_instruction_is_a_conversation_and_code_is_a_text():
    common = {
        "model": "m",
        "temperature": 0.3,
        "top_p": 0.9,
        "max_tokens": 77,
        "seed": request().seed,
        "n": 1,
    }
    assert Dialect("m").arguments(request(), SAMPLING) == {
        **common,
        "messages": [{"role": "user", "content": build_prompt(PROBLEM).text}],
    }
    assert Dialect("m").arguments(request("completion"), SAMPLING) == {**common, "prompt": PROBLEM.prompt}


def test_the_refused_name_of_the_limit_is_changed_for_good():
    dialect = Dialect("m")
    dialect.learn(
        dialect.arguments(request(), SAMPLING),
        complaint("Use 'max_completion_tokens' instead.", parameter="max_tokens"),
    )
    arguments = dialect.arguments(request(), SAMPLING)
    assert "max_tokens" not in arguments
    assert arguments["max_completion_tokens"] == 77
    assert dialect.facts["token_limit_parameter"] == "max_completion_tokens"


def test_completions_know_one_name_of_the_limit_only():
    dialect = Dialect("m")
    before = dialect.arguments(request("completion"), SAMPLING)
    dialect.learn(before, complaint("'max_tokens' or 'max_completion_tokens' is too large"))
    assert dialect.arguments(request("completion"), SAMPLING) == before


def test_a_refused_seed_is_shortened_and_then_left_out():
    dialect = Dialect("m")
    first = dialect.arguments(request(), SAMPLING)
    assert first["seed"] > 2**31
    dialect.learn(first, complaint("seed must be a 32 bit integer"))
    second = dialect.arguments(request(), SAMPLING)
    assert second["seed"] == first["seed"] % 2**31
    assert dialect.facts["seeds"] == "sent modulo 2^31"
    dialect.learn(
        first, complaint("seed must be a 32 bit integer")
    )  # sent before the change, answered after it
    assert dialect.arguments(request(), SAMPLING) == second
    dialect.learn(second, complaint("Extra inputs are not permitted", parameter="seed"))
    assert "seed" not in dialect.arguments(request(), SAMPLING)
    assert dialect.facts["seeds"] == "ignored"
    dialect.learn(first, complaint("seed must be a 32 bit integer"))
    assert dialect.facts["seeds"] == "ignored"


def test_only_values_that_mean_the_same_when_left_out_are_left_out():
    dialect = Dialect("m")
    told = complaint("Unsupported parameter: 'top_p'", parameter="top_p")
    dialect.learn(dialect.arguments(request(), SAMPLING), told)
    assert dialect.arguments(request(), SAMPLING)["top_p"] == 0.9
    dialect.learn(dialect.arguments(request(), REFERENCE), told)
    arguments = dialect.arguments(request(), REFERENCE)
    assert "top_p" not in arguments
    assert arguments["temperature"] == 1.0
    assert dialect.facts["left_out_where_1"] == ["top_p"]
    assert dialect.arguments(request(), SAMPLING)["top_p"] == 0.9


@pytest.mark.parametrize("told", ["the model seedling is unknown", "reseed", "seeds are fine", ""])
def test_a_complaint_about_something_else_changes_nothing(told):
    dialect = Dialect("m")
    before = dialect.arguments(request(), SAMPLING)
    dialect.learn(before, complaint(told))
    assert dialect.arguments(request(), SAMPLING) == before


@pytest.mark.parametrize(
    ("body", "message", "code", "parameter"),
    [
        ('{"error": {"message": "no\\nway", "code": "c", "param": "seed"}}', "no way", "c", "seed"),
        ('{"error": {"message": "no", "type": "t", "code": null, "param": null}}', "no", "t", ""),
        ('{"error": "no"}', "no", "", ""),
        ('{"object": "error", "message": "no", "type": "BadRequestError", "code": 400}', "no", "400", ""),
        ('{"detail": "Not Found"}', "Not Found", "", ""),
        (
            '{"detail": [{"loc": ["body", "seed"], "msg": "bad"}]}',
            '[{"loc": ["body", "seed"], "msg": "bad"}]',
            "",
            "",
        ),
        ('[{"error": {"message": "no", "code": 400}}]', "no", "400", ""),
        ("<!DOCTYPE html><title>502</title>", "an HTML page", "", ""),
        ("plain words", "plain words", "", ""),
        ("", "", "", ""),
        ("null", "None", "", ""),
    ],
)
def test_errors_are_read_in_every_usual_shape(body, message, code, parameter):
    assert read_complaint(400, body.encode()) == Complaint(
        status=400, message=message, code=code, parameter=parameter
    )


def test_long_errors_are_quoted_in_part():
    assert len(read_complaint(400, b"x" * 100_000).message) < 400


@pytest.mark.parametrize(
    ("choice", "text", "finish_reason"),
    [
        ({"message": {"content": "a"}, "finish_reason": "stop"}, "a", "stop"),
        ({"message": {"content": "a"}}, "a", None),
        ({"message": {"content": None}, "finish_reason": "length"}, "", "length"),
        ({"message": {"content": ""}, "finish_reason": "stop"}, "", "stop"),
        (
            {"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"},
            "I will not",
            "stop",
        ),
        ({"message": {"content": "a", "reasoning_content": "so"}, "finish_reason": "stop"}, "a", "stop"),
        ({"text": "a", "finish_reason": "length"}, "a", "length"),
        (
            {
                "message": {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}]},
                "finish_reason": "stop",
            },
            "a",
            "stop",
        ),
        ({"message": {"content": "a\ud83d"}, "finish_reason": "length"}, "a\ufffd", "length"),
        ({"message": {"content": "\U0001f980"}, "finish_reason": "stop"}, "\U0001f980", "stop"),
    ],
)
def test_answers_are_read(choice, text, finish_reason):
    answer = read_answer(reply(choice))
    assert (answer.text, answer.finish_reason) == (text, finish_reason)


def test_counts_and_names_are_read_where_they_are():
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    choice = {"message": {"content": "a"}, "finish_reason": "stop"}
    answer = read_answer(reply(choice, usage=usage, model="m-1", system_fingerprint="fp"))
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 4)
    assert (answer.model, answer.fingerprint) == ("m-1", "fp")
    bare = read_answer(reply(choice, usage=None))
    assert (bare.prompt_tokens, bare.completion_tokens, bare.model, bare.fingerprint) == (None,) * 4


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b'{"choices": [{"mess', "not JSON"),
        (b"<html>busy</html>", "an HTML page"),
        (b"[]", "without"),
        (b'{"choices": []}', "without choices"),
        (b'{"error": {"message": "upstream is tired"}}', "without choices (upstream is tired)"),
        (b'{"choices": [{}]}', "without a message"),
        (b'{"choices": [{"finish_reason": "stop"}]}', "without a message"),
        (reply({"message": {"content": None}, "finish_reason": "tool_calls"}), "finish_reason tool_calls"),
        (reply({"message": {"content": None}}), "finish_reason None"),
        (reply({"message": {"content": "half an"}, "finish_reason": "abort"}), "broken off"),
        (b"\xff\xfe{", "not JSON"),
    ],
)
def test_what_is_no_answer_is_told(body, told):
    with pytest.raises(BrokenAnswerError) as error:
        read_answer(body)
    assert told in str(error.value)
