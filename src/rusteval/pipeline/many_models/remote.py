"""Engines for the models whose weights are elsewhere: at a provider, at a server that runs already, or in a file."""

import os
from collections.abc import Callable

from rusteval.errors import InputError
from rusteval.generation.api.api_calls import OnCall
from rusteval.generation.api.api_engine import ApiEngine, ApiLimits
from rusteval.generation.api.providers import PROVIDERS, open_provider
from rusteval.generation.replay_engine import ReplayEngine
from rusteval.generation.vllm.served_engine import ServedEngine
from rusteval.pipeline.many_models.selection import Candidate
from rusteval.pipeline.many_models.settings import ApiModel, ReplayedModel, RunSettings


def open_engine(
    candidate: Candidate, *, run: RunSettings, say: Callable[[str], None], on_call: OnCall
) -> ApiEngine | ReplayEngine:
    """Return what answers for a model.

    Args:
        candidate: the model.
        run: the settings; they say where a vLLM server is.
        say: takes lines for the user.
        on_call: takes the record of every request.

    Raises:
        InputError: a key, a package or a file is missing.
    """
    settings = candidate.settings
    if isinstance(settings, ReplayedModel):
        return ReplayEngine(settings.file)
    if isinstance(settings, ApiModel):
        limits = ApiLimits(
            max_concurrency=settings.max_concurrency,
            request_timeout_s=settings.request_timeout,
            attempts=settings.attempts,
        )
        provider = open_provider(
            settings.provider,
            model=settings.model,
            base_url=settings.base_url,
            api_key=_key(settings),
        )
        return ApiEngine(provider, limits=limits, say=say, on_call=on_call)
    url = f"http://{run.server.host}:{run.server.port}"
    return ServedEngine(url=url, model=settings.model, say=say, on_call=on_call)


def key_variable(settings: ApiModel) -> str:
    """Return the environment variable that holds the key of a model's provider; "" where that is its own affair."""
    if settings.key_variable is not None:
        return settings.key_variable
    return f"{settings.provider.upper()}_API_KEY" if settings.provider in PROVIDERS else ""


def _key(settings: ApiModel) -> str | None:
    """Return the key from a variable of the user's choice; None where the provider looks for it by itself."""
    if settings.key_variable is None:
        return None
    key = os.environ.get(settings.key_variable)
    if not key:
        raise InputError(f"{settings.model}: {settings.key_variable} is not set; it should hold the key")
    return key
