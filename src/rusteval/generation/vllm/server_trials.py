"""What a vLLM server can do, found out by asking it; and its scores, which tell base and adapter apart."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from rusteval.errors import InfrastructureError
from rusteval.generation.vllm.server import BASE_NAME, VllmServer
from rusteval.generation.vllm.server_client import token_ids_of

_TIMEOUT_S = 300.0
_SEEN_SCORES = 20  # of the likeliest tokens; a server tells no more by default
_TRIAL_ANSWERS = 4
_TRIAL_TOKENS = 8
_TRIAL_SEEDS = (1, 1001)  # on a GPU a rounding may make one trial differ


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a server can do.

    Attributes:
        context: most tokens of prompt and answer together.
        sends_token_ids: whether it sends the numbers of tokens by themselves.
        counts_seeds: whether the answers to one request have its seed and the following ones.
    """

    context: int
    sends_token_ids: bool
    counts_seeds: bool


def find_abilities(server: VllmServer, prompt: Sequence[int]) -> Abilities:
    """Find out what a server can do.

    Args:
        server: it runs.
        prompt: tokens to try with.

    Raises:
        InfrastructureError: it does not answer as vLLM does.
    """
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S, headers=server.headers) as http:
            models = http.get(f"{server.url}/v1/models").raise_for_status().json()
        return Abilities(
            context=int(models["data"][0]["max_model_len"]),
            sends_token_ids=bool(_trial(server, prompt, seed=0, answers=1)[0]["tokens"]),
            counts_seeds=any(_counts_seeds(server, prompt, seed=seed) for seed in _TRIAL_SEEDS),
        )
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InfrastructureError(
            f"vLLM server: does not answer as vLLM does ({error}); see {server.plan.log}"
        ) from error


def post(server: VllmServer, path: str, body: dict[str, Any]) -> httpx.Response:
    """Return a server's answer, whatever its status.

    Raises:
        InfrastructureError: there is none.
    """
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S, headers=server.headers) as http:
            return http.post(server.url + path, json=body)
    except httpx.TransportError as error:
        raise InfrastructureError(f"vLLM server: {path}: {error}; see {server.plan.log}") from error


def next_scores(server: VllmServer, models: Sequence[str], prompt: Sequence[int]) -> list[dict[str, float]]:
    """Return the log probabilities of the likeliest tokens after a prompt, of several models asked at one time.

    Args:
        server: it runs.
        models: their names; a name may be there twice.
        prompt: its tokens.

    Returns:
        For each model scores by the token's name; `nan` where the server has no number.

    Raises:
        InfrastructureError: it does not answer.
    """
    body = {
        "prompt": list(prompt),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": _SEEN_SCORES,
        "return_tokens_as_token_ids": True,
    }

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S, headers=server.headers) as http:
            url = f"{server.url}/v1/completions"
            return await asyncio.gather(*(http.post(url, json={**body, "model": model}) for model in models))

    try:
        answers = asyncio.run(ask())
    except httpx.TransportError as error:
        raise InfrastructureError(
            f"vLLM server: does not give scores ({error}); see {server.plan.log}"
        ) from error
    for answer in answers:
        if not answer.is_success:
            raise InfrastructureError(
                f"vLLM server: does not give scores: {answer.status_code} {answer.text[:300]!r}; see {server.plan.log}"
            )
    tops = [answer.json()["choices"][0]["logprobs"]["top_logprobs"][0] for answer in answers]
    return [{token: math.nan if score is None else score for token, score in top.items()} for top in tops]


def _counts_seeds(server: VllmServer, prompt: Sequence[int], *, seed: int) -> bool:
    together = [one["text"] for one in _trial(server, prompt, seed=seed, answers=_TRIAL_ANSWERS)]
    alone = [
        _trial(server, prompt, seed=seed + index, answers=1)[0]["text"] for index in range(_TRIAL_ANSWERS)
    ]
    return together == alone and len(set(alone)) > 1


def _trial(server: VllmServer, prompt: Sequence[int], *, seed: int, answers: int) -> list[dict[str, Any]]:
    body = {
        "model": BASE_NAME,
        "prompt": list(prompt),
        "max_tokens": _TRIAL_TOKENS,
        "temperature": 1.0,
        "seed": seed,
        "n": answers,
        "ignore_eos": True,
        "return_token_ids": True,
    }
    answer = post(server, "/v1/completions", body).raise_for_status()
    choices = sorted(answer.json()["choices"], key=lambda choice: int(choice["index"]))
    return [{"text": str(choice["text"]), "tokens": token_ids_of(choice)} for choice in choices]
