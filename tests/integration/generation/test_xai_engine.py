"""The xai engine against a server on loopback with OpenAI's protocol, and reasoning models behind that protocol."""

import pytest
from api_services import KEY, OPENAI, XAI, carries_key, draw, no_settings_of_this_machine, requests
from openai_stand_in import Reply, chat, error, stand_in

from rusteval.errors import InputError
from rusteval.generation.api.providers import open_provider
from rusteval.generation.api.xai_provider import XAIProvider

__all__ = ["no_settings_of_this_machine"]

ONLY_ONE = "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported."
RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


def well(_):
    return Reply(chat("an answer"))


def reasoning_model(call):
    """Answer as a reasoning model does, which refuses one thing at a time."""
    if "max_tokens" in call.body:
        return error(400, RENAMED, param="max_tokens", code="unsupported_parameter")
    if "temperature" in call.body:
        return error(400, ONLY_ONE, param="temperature", code="unsupported_value")
    if "top_p" in call.body:
        return error(400, "Unsupported parameter: 'top_p'", param="top_p", code="unsupported_parameter")
    return well(call)


def test_xai_has_an_address_and_a_key_of_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-another-service")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    with pytest.raises(InputError, match="set XAI_API_KEY"):
        XAIProvider(model="m")
    monkeypatch.setenv("XAI_API_KEY", KEY)
    provider = XAIProvider(model="m")
    assert provider.account.endpoint == "https://api.x.ai/v1"
    assert (provider.name, provider.account.key) == ("xai", KEY)


def test_what_is_meant_for_openai_is_not_sent_to_xai(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-another-service")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    with stand_in(well) as server:
        draw(XAI.engine(server, api_key=KEY), requests(1))
    assert {call.path for call in server.calls} == {"/v1/chat/completions"}
    assert all(carries_key(call) for call in server.calls)
    assert not any("of-mine" in str(call.headers) or "another" in str(call.headers) for call in server.calls)


def test_thoughts_that_are_counted_apart_are_charged_too():
    body = chat("an answer")
    body["usage"] = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 118,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    calls = []
    with stand_in(lambda _: Reply(body)) as server:
        samples = draw(XAI.engine(server, on_call=calls.append), requests(1, tasks=["T/1"]))
    assert samples[0].completion_tokens == 107
    assert (calls[0].completion_tokens, calls[0].reasoning_tokens) == (107, 100)
    body["usage"] |= {"completion_tokens": 107}
    with stand_in(lambda _: Reply(body)) as server:
        assert draw(XAI.engine(server), requests(1, tasks=["T/1"]))[0].completion_tokens == 107


@pytest.mark.parametrize("service", [OPENAI, XAI], ids=["openai", "xai"])
def test_a_reasoning_model_is_asked_without_sampling_which_is_told_once(service):
    said = []
    with stand_in(reasoning_model) as server:
        engine = service.engine(server, say=said.append)
        assert len(draw(engine, requests(10))) == 20
        assert len(draw(engine, requests(2))) == 4
    last = server.calls[-1].body
    assert last["max_completion_tokens"] == 77
    assert not {"max_tokens", "temperature", "top_p"} & set(last)
    assert engine.facts["token_limit_parameter"] == "max_completion_tokens"
    assert engine.facts["sampling_refused"] == {"temperature": 0.3, "top_p": 0.9}
    assert sorted(line.split(":")[0] for line in said) == ["m refuses temperature 0.3", "m refuses top_p 0.9"]


def test_with_exact_sampling_a_reasoning_model_is_refused():
    told = pytest.raises(InputError, match=r"--temperature 0\.3 is not for this model: give --temperature 1")
    with stand_in(reasoning_model) as server, told:
        draw(OPENAI.engine(server, exact_sampling=True), requests(2))


def test_a_withheld_answer_is_an_empty_one():
    with stand_in(lambda _: Reply(chat(None, finish_reason="content_filter"))) as server:
        engine = XAI.engine(server)
        samples = draw(engine, requests(1))
    assert [(sample.completion, sample.finish_reason) for sample in samples] == [("", "content_filter")] * 2
    assert engine.facts["answers_filtered"] == 2


@pytest.mark.parametrize("name", ["openai", "xai", "anthropic", "google"])
def test_providers_are_opened_by_name(name):
    provider = open_provider(name, model="m", api_key=KEY)
    assert (provider.name, provider.model) == (name, "m")
    assert provider.account.endpoint.startswith("https://")
    assert KEY not in repr(vars(provider))


def test_a_provider_of_ones_own_is_opened_by_module_and_class():
    provider = open_provider("ollama_provider:OllamaProvider", model="m", base_url="http://localhost:1/api")
    assert provider.account.endpoint == "http://localhost:1/api"
    assert provider.facts["sampling_refused"] == {}


@pytest.mark.parametrize(
    "name", ["", "nobody", "nobody:Provider", "ollama_provider:Nobody", "json:loads:x", ":"]
)
def test_a_provider_that_is_none_is_told(name):
    with pytest.raises(InputError, match=r"is no provider .* give one of anthropic, google, openai, xai"):
        open_provider(name, model="m", api_key=KEY)
