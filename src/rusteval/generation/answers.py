"""A model's tokens as an answer: its text, and where it ends."""

from functools import lru_cache
from typing import Any

from transformers import AutoConfig, GenerationConfig

from rusteval.errors import InputError
from rusteval.generation.checkpoints import ModelSource, first_line
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.stopping import ClosingScan


class AnswerReader:
    """Reads one model's answers.

    Args:
        tokenizer: the model's.
        end_tokens: the tokens that end an answer.
    """

    def __init__(self, tokenizer: Any, *, end_tokens: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self.end_tokens = end_tokens
        self._marks = lru_cache(maxsize=None)(lambda token: frozenset(tokenizer.decode([token])) & {"}", "`"})

    def may_close(self, token: int) -> bool:
        """Return whether a token can be the last one of a function or of a block of code."""
        return bool(self._marks(token))

    def text(self, tokens: list[int]) -> str:
        """Return the text of tokens, without the special ones."""
        return str(
            self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def begin(self, request: Request, *, sampling: Sampling, limit: int) -> "GrowingAnswer":
        """Return the answer to a request, still without tokens.

        Args:
            request: what is asked.
            sampling: whether the answer ends where its function is closed.
            limit: most tokens.
        """
        scan = ClosingScan(request.problem_prompt, request.entry_point) if sampling.stop_at_function else None
        return GrowingAnswer(self, scan=scan, limit=limit)


class GrowingAnswer:
    """One answer that is being drawn, token by token.

    Attributes:
        tokens: what was drawn of it, the end token included.
        finish_reason: `stop`, `length` or `function_closed`; None while it goes on.
    """

    def __init__(self, reader: AnswerReader, *, scan: ClosingScan | None, limit: int) -> None:
        self.tokens: list[int] = []
        self.finish_reason: str | None = None
        self._reader = reader
        self._scan = scan
        self._limit = limit
        self._closed_at: int | None = None

    def take(self, token: int) -> None:
        """Add a token, and see whether the answer ends with it."""
        self.tokens.append(token)
        if token in self._reader.end_tokens:
            self.finish_reason = "stop"
        elif self._closes(token):
            self.finish_reason = "function_closed"
        elif len(self.tokens) >= self._limit:
            self.finish_reason = "length"

    @property
    def completion(self) -> str:
        """The answer's text, cut where its function is closed."""
        return self._reader.text(self.tokens)[: self._closed_at]

    def _closes(self, token: int) -> bool:
        if self._scan is None or not self._reader.may_close(token):
            return False
        # A character whose last bytes are still to come is shown as a mark, and changes later.
        self._closed_at = self._scan(self._reader.text(self.tokens).rstrip("\ufffd"))
        return self._closed_at is not None


def end_tokens(source: ModelSource, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends an answer: chat models have one for the turn beside one for the text.

    Raises:
        InputError: the model's configuration cannot be read.
    """
    try:
        configured = GenerationConfig.from_pretrained(source.location, **source.load_options).eos_token_id
    except OSError:  # the file is not there; then the model's own settings hold
        configured = None
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{source.name}: its generation_config.json cannot be read: {first_line(error)}"
        ) from error
    if configured is None:
        try:
            config = AutoConfig.from_pretrained(
                source.location, trust_remote_code=False, **source.load_options
            )
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{source.name}: its configuration cannot be read: {first_line(error)}"
            ) from error
        configured = getattr(config, "eos_token_id", None)
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if token is not None)
