"""The engine for a model that a vLLM server serves already, which somebody started before the run."""

from collections.abc import Callable, Sequence

from rusteval.generation.api.api_calls import OnCall
from rusteval.generation.api.openai_engine import OpenAIEngine
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.samples import Sample
from rusteval.generation.vllm.served import KEY_VARIABLE, require_served, server_key

_NO_KEY = "none"  # the client sends one in any case; a server without a key passes over it


class ServedEngine(OpenAIEngine):
    """One model at a server of one's own; see `ApiEngine`. The key is that in `VLLM_API_KEY`, if there is one.

    Args:
        url: scheme, host and port.
        model: the model's name at the server.
        say: takes lines for the user.
        on_call: takes the record of every request that was sent.

    Raises:
        InputError: the package openai is missing.
    """

    def __init__(self, *, url: str, model: str, say: Callable[[str], None], on_call: OnCall) -> None:
        super().__init__(
            model=model,
            base_url=f"{url}/v1",
            api_key=server_key() or _NO_KEY,
            key_variable=KEY_VARIABLE,
            say=say,
            on_call=on_call,
        )
        self._url = url
        self._model = model

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`.

        The server is looked up only here: a run whose answers are all there needs none.

        Raises:
            InputError: nothing answers there, or it does not serve the model; as well as what `ApiEngine` raises.
            InfrastructureError: requests failed for good.
        """
        require_served(self._url, self._model)
        super().generate(requests, sampling=sampling, on_sample=on_sample, on_tokens=on_tokens)
