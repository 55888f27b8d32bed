"""Services behind APIs as the tests need them: how each is opened, and what it says when all is well and when not."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openai_stand_in import Reply, StandIn, chat, error

from rusteval.generation.api.anthropic_provider import AnthropicProvider
from rusteval.generation.api.api_engine import ApiEngine, ApiLimits
from rusteval.generation.api.google_provider import GoogleProvider
from rusteval.generation.api.openai_provider import OpenAIProvider
from rusteval.generation.api.provider import Provider
from rusteval.generation.api.xai_provider import XAIProvider
from rusteval.generation.engine import Sampling, make_requests
from rusteval.problems.models import Problem

PAGE = Path(__file__).parents[3] / "docs" / "providers.md"
KEY = "key-very-secret-1234567890"
TASKS = ("T/1", "T/2")
PROBLEMS = {
    task: Problem(task_id=task, prompt=f"fn f{task[-1]}() -> i32 {{\n", entry_point=f"f{task[-1]}", test="")
    for task in TASKS
}
SAMPLING = Sampling(temperature=0.3, top_p=0.9, max_new_tokens=77)


def message(text: str | None, *, stop_reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """Return the body of an answer of Anthropic's Messages API."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stand-in-2025-01-01",
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
        **more,
    }


def messages_error(status: int, said: str, *, kind: str = "api_error", **details: Any) -> Reply:
    """Return an error as Anthropic's Messages API gives it."""
    headers = {"request-id": "req_1", **details.pop("headers", {})}
    body = {"type": "error", "error": {"type": kind, "message": said, **details}, "request_id": "req_1"}
    return Reply(body, status=status, headers=headers)


def content(text: str | None, *, finish_reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """Return the body of an answer of Google's `generateContent`."""
    parts = {} if text is None else {"parts": [{"text": text}]}
    return {
        "candidates": [{"content": {"role": "model", **parts}, "finishReason": finish_reason, "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
        "modelVersion": "stand-in-2025-01-01",
        "responseId": "resp_1",
        **more,
    }


def google_error(status: int, said: str, *, kind: str = "INTERNAL", **more: Any) -> Reply:
    """Return an error as Google's services give it."""
    headers = more.pop("headers", {})
    body = {"error": {"code": status, "message": said, "status": kind, **more}}
    return Reply(body, status=status, headers=headers)


def ollama_answer(text: str) -> dict[str, Any]:
    """Return the body of an answer of Ollama."""
    return {
        "model": "stand-in-2025-01-01",
        "created_at": "2025-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 11,
        "eval_count": 7,
    }


def ollama_error(status: int, said: str, **more: Any) -> Reply:
    """Return an error of Ollama."""
    return Reply({"error": said}, status=status, headers=more.pop("headers", {}))


def example_provider() -> Any:
    """Return the class that the page about providers shows."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    module = ModuleType("ollama_provider")
    sys.modules[module.__name__] = module
    exec(code[1], module.__dict__)
    return module.OllamaProvider


@dataclass(frozen=True)
class Service:
    """One service's protocol.

    Args:
        provider: its class.
        answer: the body of an answer with this text.
        error: an error with status and message; headers by name.
        key_variable: where its key is looked for.
        prompt: what was asked, from a request's body.
    """

    provider: Callable[..., Provider]
    answer: Callable[[str], dict[str, Any]]
    error: Callable[..., Reply]
    key_variable: str
    prompt: Callable[[dict[str, Any]], str] = lambda body: body["messages"][-1]["content"]

    def engine(self, server: StandIn, *, say=None, on_call=None, **options: Any) -> ApiEngine:
        limits = {"first_wait_s": 0.01} | {
            name: options.pop(name) for name in list(options) if name in ApiLimits.__dataclass_fields__
        }
        provider = self.provider(**{"model": "m", "base_url": server.url, **options})
        return ApiEngine(provider, limits=ApiLimits(**limits), say=say, on_call=on_call)


ANTHROPIC = Service(AnthropicProvider, message, messages_error, "ANTHROPIC_API_KEY")
GOOGLE = Service(
    GoogleProvider,
    content,
    google_error,
    "GOOGLE_API_KEY",
    lambda body: body["contents"][-1]["parts"][0]["text"],
)
OPENAI = Service(OpenAIProvider, chat, error, "OPENAI_API_KEY")
XAI = Service(XAIProvider, chat, error, "XAI_API_KEY")
OLLAMA = Service(example_provider(), ollama_answer, ollama_error, "OLLAMA_API_KEY")
SERVICES = {"anthropic": ANTHROPIC, "google": GOOGLE, "openai": OPENAI, "xai": XAI, "ollama": OLLAMA}


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch):
    """Hide keys, addresses and proxies that this machine may have."""
    for name in os.environ:
        ours = name.startswith(("OPENAI_", "ANTHROPIC_", "XAI_", "GOOGLE_", "OLLAMA_"))
        if ours or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def requests(n, *, tasks=TASKS, kind="instruct"):
    return make_requests(PROBLEMS, [(task, i) for task in tasks for i in range(n)], seed=1, kind=kind)


def draw(engine, asked, *, sampling=SAMPLING):
    samples = []
    engine.generate(asked, sampling=sampling, on_sample=samples.append)
    return samples


def carries_key(call):
    """Return whether a request has the key in its headers and nowhere else."""
    headers = [value for value in call.headers.values() if KEY in value]
    return len(headers) == 1 and KEY not in call.path and KEY not in str(call.body)


def keys(samples):
    return sorted((sample.task_id, sample.completion_id) for sample in samples)
