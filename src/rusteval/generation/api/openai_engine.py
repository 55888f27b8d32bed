"""The engine for any server that speaks OpenAI's protocol: OpenAI itself, other providers, one's own."""

from collections.abc import Callable

from rusteval.generation.api.api_calls import OnCall
from rusteval.generation.api.api_engine import ApiEngine, ApiLimits
from rusteval.generation.api.openai_provider import OpenAIProvider


class OpenAIEngine(ApiEngine):
    """One model behind an address; see `ApiEngine`.

    Args:
        model: the model's name at the server.
        base_url: address up to and with the version, such as `http://localhost:8000/v1`; None is
            `OPENAI_BASE_URL`, or OpenAI's own.
        api_key: None is the content of the environment variable `key_variable`. None at all will do for a server
            whose address is given.
        key_variable: the variable that holds the key; named in errors.
        exact_sampling: a temperature or top_p that the model refuses ends the run; else it is left out, which is
            told and recorded.
        max_concurrency: most requests under way at a time.
        request_timeout_s: longest time of one try, in seconds.
        attempts: most tries of one request; see `RetryPolicy`.
        first_wait_s: wait before the second try where the server does not ask for another, in seconds.
        say: takes lines for the user.
        on_call: takes the record of every request that was sent.

    Raises:
        InputError: the package openai or the key is missing, or an argument is of no use.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
        exact_sampling: bool = True,
        max_concurrency: int = 16,
        request_timeout_s: float = 600,
        attempts: int = 6,
        first_wait_s: float = 2.0,
        say: Callable[[str], None] | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        super().__init__(
            OpenAIProvider(
                model=model,
                base_url=base_url,
                api_key=api_key,
                key_variable=key_variable,
                exact_sampling=exact_sampling,
            ),
            limits=ApiLimits(
                max_concurrency=max_concurrency,
                request_timeout_s=request_timeout_s,
                attempts=attempts,
                first_wait_s=first_wait_s,
            ),
            say=say,
            on_call=on_call,
        )
