"""What services say read into common shapes, accounts without their secrets, and sampling that models refuse."""

import pytest
from pydantic import BaseModel, ValidationError

from rusteval.errors import InputError
from rusteval.generation.api.account import find_account
from rusteval.generation.api.api_calls import ApiCall
from rusteval.generation.api.replies import BrokenAnswerError, Complaint, one_line, read_complaint, read_reply
from rusteval.generation.api.sampling_parameters import SamplingParameters
from rusteval.generation.engine import Sampling

KEY = "key-very-secret-1234567890"
SAMPLING = Sampling(temperature=0.3, top_p=0.9)
BOTH = "`temperature` and `top_p` cannot both be specified"


def complaint(message, *, parameter=""):
    return Complaint(status=400, message=message, code="", parameter=parameter)


def account(**given):
    return find_account(
        **{
            "base_url": None,
            "default": "https://service.example/v1",
            "address_variable": "SERVICE_URL",
            "api_key": KEY,
            "key_variable": "SERVICE_KEY",
            **given,
        }
    )


@pytest.mark.parametrize(
    ("message", "parameter", "name", "about"),
    [
        ("use top_p", "", "top_p", True),
        ("use topP", "", "top_p", True),
        ("no", "generation_config.top_p", "top_p", True),
        ("no", "generationConfig.topP", "top_p", True),
        ("`Temperature` is too high", "", "temperature", True),
        ("temperatures", "", "temperature", False),
        ("stop_p", "", "top_p", False),
        ("", "", "top_p", False),
    ],
)
def test_a_complaint_is_about_what_it_names(message, parameter, name, about):
    assert complaint(message, parameter=parameter).names(name) == about


@pytest.mark.parametrize(
    ("status", "body", "exhausted"),
    [
        (402, '{"error": "pay"}', True),
        (429, '{"error": {"message": "quota", "code": "insufficient_quota"}}', True),
        (400, '{"error": {"type": "x", "message": "Your credit balance is too low to access"}}', True),
        (429, '{"error": "Your team has either used all available credits or reached its limit"}', True),
        (429, '{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', False),
    ],
)
def test_used_up_credit_is_told_from_other_refusals(status, body, exhausted):
    assert read_complaint(status, body.encode()).exhausted == exhausted


def test_a_reply_of_another_shape_is_told_with_what_it_says():
    class Shape(BaseModel):
        text: str

    assert read_reply(Shape, b'{"text": "a", "more": 1}').text == "a"
    with pytest.raises(BrokenAnswerError, match=r"^without text \(upstream is tired\)$"):
        read_reply(Shape, b'{"error": {"message": "upstream is tired"}}')
    with pytest.raises(BrokenAnswerError, match=r"^that is not JSON \(an HTML page\)$"):
        read_reply(Shape, b"<html>")
    with pytest.raises(BrokenAnswerError, match="not JSON"):
        read_reply(Shape, b"[" * 100_000)


def test_quotations_are_one_line_of_some_length():
    assert one_line("a\n  b\t c") == "a b c"
    assert len(one_line("x" * 1000)) == 301


def test_nothing_secret_of_an_account_is_shown():
    found = account(base_url="https://me:pass-of-mine@proxy.example:8443/v1/?token=hidden")
    assert found.endpoint == "https://proxy.example:8443/v1"
    assert found.quote(f"Bearer {KEY}\nat me:pass-of-mine@proxy") == "Bearer *** at me:***@proxy"
    assert found.without_secrets(f"a {KEY} b".encode()) == b"a *** b"
    for secret in (KEY, "pass-of-mine", "hidden"):
        assert secret not in repr(found)


def test_words_that_are_too_short_for_secrets_are_left_in_quotations():
    assert account(api_key="none").quote("there is none") == "there is none"


def test_address_and_key_come_from_arguments_then_environment_then_defaults(monkeypatch):
    monkeypatch.delenv("SERVICE_KEY", raising=False)
    monkeypatch.delenv("SERVICE_URL", raising=False)
    with pytest.raises(InputError, match="set SERVICE_KEY"):
        account(api_key=None)
    assert account(api_key=None, needs_key=False).key == ""
    monkeypatch.setenv("SERVICE_URL", "http://localhost:1/v1/")
    assert account(api_key=None).address == "http://localhost:1/v1"
    monkeypatch.setenv("SERVICE_KEY", f" {KEY}\n")
    assert account(api_key=None).key == KEY
    assert account(api_key="key-of-an-argument", base_url="http://localhost:2").key == "key-of-an-argument"
    assert account(base_url="http://localhost:2").address == "http://localhost:2"
    assert account(address_variable=None).address == "https://service.example/v1"


@pytest.mark.parametrize("address", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://host:port/v1"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InputError, match="is no address of a server; give one like https://service"):
        account(base_url=address)


def test_only_the_top_p_of_a_refused_pair_is_left_out_however_often_it_is_refused():
    parameters = SamplingParameters("m", exact=False)
    sent = parameters.values(SAMPLING)
    assert sent == {"temperature": 0.3, "top_p": 0.9}
    told = parameters.learn(sent, complaint(BOTH))
    assert told == "m refuses top_p 0.9: it is left out, and the answers are drawn with the service's own"
    assert parameters.learn(sent, complaint(BOTH)) is None  # another request that was under way
    assert parameters.values(SAMPLING) == {"temperature": 0.3}
    assert parameters.learn({"temperature": 0.3}, complaint("temperature is deprecated")) is not None
    assert parameters.values(SAMPLING) == {}
    assert parameters.facts == {
        "left_out_where_1": [],
        "sampling_refused": {"top_p": 0.9, "temperature": 0.3},
    }


def test_of_a_refused_pair_the_one_that_means_nothing_is_left_out():
    parameters = SamplingParameters("m", exact=False)
    sent = {"temperature": 1.0, "top_p": 0.9}
    assert parameters.learn(sent, complaint(BOTH)) is None
    assert parameters.values(Sampling(temperature=1.0, top_p=0.9)) == {"top_p": 0.9}
    assert parameters.values(SAMPLING) == {"temperature": 0.3, "top_p": 0.9}


def test_where_leaving_out_has_no_known_meaning_it_is_always_told():
    parameters = SamplingParameters("m", exact=False, default=None)
    assert parameters.learn({"temperature": 1.0}, complaint("temperature")) is not None


def test_exact_sampling_stays():
    parameters = SamplingParameters("m", exact=True)
    sent = parameters.values(SAMPLING)
    assert parameters.learn(sent, complaint(BOTH)) is None
    assert parameters.values(SAMPLING) == sent


@pytest.mark.parametrize("told", ["the context is too long", "temperatures", ""])
def test_other_complaints_change_nothing(told):
    parameters = SamplingParameters("m", exact=False)
    assert parameters.learn(parameters.values(SAMPLING), complaint(told)) is None
    assert parameters.values(SAMPLING) == {"temperature": 0.3, "top_p": 0.9}


def test_a_record_cannot_be_changed_and_is_one_line_of_json():
    call = ApiCall(
        time="2025-01-01T00:00:00.000+00:00",
        task_id="T/1",
        completion_id=0,
        model="m",
        provider="p",
        attempt=1,
        status="timeout",
        duration_s=1.5,
        error="no answer within 2 s",
    )
    assert "\n" not in call.model_dump_json()
    assert ApiCall.model_validate_json(call.model_dump_json()) == call
    with pytest.raises(ValidationError):
        call.attempt = 2
