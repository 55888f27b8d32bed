"""xAI: OpenAI's protocol at an address and with a key of its own."""

from typing import Any

from rusteval.generation.api.openai_provider import OpenAIProvider


class XAIProvider(OpenAIProvider):
    """A model at xAI; see `OpenAIProvider`. The key is in `XAI_API_KEY`, another address in `XAI_BASE_URL`."""

    name = "xai"
    _address = "https://api.x.ai/v1"
    _address_variable = "XAI_BASE_URL"
    _key_variable = "XAI_API_KEY"

    def _prepare(self, client: Any) -> None:
        # The package takes these from variables that are meant for OpenAI and would send them to xAI.
        client.organization = client.project = None
