"""Providers by name, loaded only when one is asked for."""

import importlib
from typing import Any

from rusteval.errors import InputError
from rusteval.generation.api.provider import Provider

_HERE = "rusteval.generation.api"
PROVIDERS = {
    "anthropic": f"{_HERE}.anthropic_provider:AnthropicProvider",
    "google": f"{_HERE}.google_provider:GoogleProvider",
    "openai": f"{_HERE}.openai_provider:OpenAIProvider",
    "xai": f"{_HERE}.xai_provider:XAIProvider",
}
"""Where each provider's class is, as `module:Class`."""


def open_provider(
    name: str,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    exact_sampling: bool = False,
) -> Provider:
    """Return a model at a service.

    Args:
        name: one of `PROVIDERS`, or `module:Class` of a provider that lives elsewhere.
        model: the model's name at the service.
        base_url: another address than the service's own.
        api_key: None is the content of the provider's environment variable.
        exact_sampling: a temperature or top_p that the model refuses ends the run; else it is left out, which is
            told and recorded.

    Raises:
        InputError: there is no such provider, its package or its key is missing, or the address is none.
    """
    provider: Provider = _provider_class(name)(
        model=model, base_url=base_url, api_key=api_key, exact_sampling=exact_sampling
    )
    return provider


def _provider_class(name: str) -> Any:
    module, _, attribute = PROVIDERS.get(name, name).partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(sorted(PROVIDERS))
        raise InputError(
            f"{name}: is no provider ({error}); give one of {known}, or module:Class of your own"
        ) from error
