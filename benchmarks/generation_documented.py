"""The loop that the documentation gives: `generate` of transformers over batches of 32 prompts filled up on the left.

Written anew from what the documentation says of it: temperature 0.2, nucleus 0.95, 512 new tokens, every sample's
prompt computed again, one batch after the other, in the order of the samples.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList, set_seed

from generation_work import Work
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.devices import choose_device, planned_dtype
from rusteval.generation.engine import Request
from rusteval.generation.tokenizing import load_tokenizer, token_ids

BATCH = 32
SEED = 1234


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One row of a batch: tokens of its prompt, tokens that were drawn for it, and those that belong to the answer."""

    prompt_tokens: int
    drawn_tokens: int
    useful_tokens: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one call of `generate` took, decoding to text included, and what it gave."""

    seconds: float
    answers: tuple[Answer, ...]


class _StepHook(StoppingCriteria):  # type: ignore[misc]  # transformers comes without types
    """Tells after every step that one was done, and stops nothing."""

    def __init__(self, on_step: Callable[[], None]) -> None:
        self._on_step = on_step

    def __call__(self, input_ids: Any, _scores: Any, **_: object) -> Any:
        self._on_step()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


class DocumentedLoop:
    """A model as `AutoModelForCausalLM` loads it, with all defaults but the type of its weights and the device.

    Args:
        source: the model.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        stopping: let `generate` stop a batch once every row has drawn an end token; with lengths that are drawn
            beforehand, once the longest answer is complete. Without it every batch draws all its tokens.
    """

    def __init__(self, source: ModelSource, *, device: str, stopping: bool) -> None:
        self._tokenizer = load_tokenizer(source)
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._tokenizer.padding_side = "left"
        place = choose_device(device)
        self.dtype = planned_dtype(device)
        self._model: Any = AutoModelForCausalLM.from_pretrained(
            source.location,
            torch_dtype=getattr(torch, self.dtype),
            **({"device_map": {"": place}} if place.type == "cuda" else {}),
            **source.load_options,
        )
        self._model.eval()
        self._end_tokens = _end_tokens(self._model, self._tokenizer)
        self._stopping = stopping
        # Else `generate` would take the model's own end token, whatever it is told.
        self._model.generation_config.eos_token_id = sorted(self._end_tokens) if stopping else None
        self._model.generation_config.pad_token_id = self._tokenizer.pad_token_id
        self.facts = {
            "engine": "transformers generate, documented loop",
            "device": str(place),
            "dtype": self.dtype,
            "attention": self._model.config._attn_implementation,  # noqa: SLF001  (there is no public name)
            "batch_size": BATCH,
            "stops": "a batch, once all its rows have ended" if stopping else "never",
        }

    def batches(self, work: Work) -> list[tuple[Request, ...]]:
        """Return the samples by batch, in their order."""
        rows = work.requests
        return [tuple(rows[first : first + BATCH]) for first in range(0, len(rows), BATCH)]

    def draw(
        self, batch: Sequence[Request], *, work: Work, on_step: Callable[[], None] | None = None
    ) -> Batch:
        """Draw the answers of one batch.

        Args:
            batch: at most 32 requests.
            work: how to draw.
            on_step: called after every step.
        """
        most = work.sampling.max_new_tokens
        limits = [request.limit or most for request in batch]
        began = time.perf_counter()
        prompts = [token_ids(self._tokenizer, request.prompt)[1] for request in batch]
        inputs = self._tokenizer.pad({"input_ids": [list(ids) for ids in prompts]}, return_tensors="pt")
        hooks = StoppingCriteriaList([_StepHook(on_step)]) if on_step is not None else None
        with torch.inference_mode():
            set_seed(SEED)
            output = self._model.generate(
                **inputs.to(self._model.device),
                do_sample=True,
                temperature=work.sampling.temperature,
                top_p=work.sampling.top_p,
                max_new_tokens=max(limits) if self._stopping and work.drawn_lengths else most,
                stopping_criteria=hooks,
            )
        drawn = output[:, inputs["input_ids"].shape[1] :].tolist()
        self._tokenizer.batch_decode(drawn, skip_special_tokens=True)
        seconds = time.perf_counter() - began
        answers = tuple(
            Answer(
                prompt_tokens=len(prompt),
                drawn_tokens=len(tokens),
                useful_tokens=min(limit, self._length(tokens)),
            )
            for prompt, tokens, limit in zip(prompts, drawn, limits, strict=True)
        )
        return Batch(seconds=seconds, answers=answers)

    def _length(self, tokens: list[int]) -> int:
        """Return how many tokens an answer has, its end token included."""
        return next(
            (number for number, token in enumerate(tokens, start=1) if token in self._end_tokens), len(tokens)
        )


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if token is not None)
