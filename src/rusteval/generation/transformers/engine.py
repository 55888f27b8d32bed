"""The reference engine: a model and its adapter through transformers and PEFT, in this process."""

import gc
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.adapter_preflight import ADAPTER_WEIGHTS
from rusteval.generation.answers import AnswerReader, end_tokens
from rusteval.generation.checkpoints import ModelSource, first_line
from rusteval.generation.devices import choose_device, planned_dtype
from rusteval.generation.engine import UP_TO_ROUNDING, EngineOptions, Request, Sampling
from rusteval.generation.prompts import prompt_sha256
from rusteval.generation.samples import Sample
from rusteval.generation.tokenizing import PROBE, answer_room, load_tokenizer, token_ids
from rusteval.generation.transformers.attention import PLAIN
from rusteval.generation.transformers.attention_choice import ChosenAttention, check_window, choose_attention
from rusteval.generation.transformers.batch_size import MOST, ON_PROCESSOR, free_memory, rows_that_fit
from rusteval.generation.transformers.decoding import Decoder, Row
from rusteval.generation.transformers.peft_adapters import check_logits_change, lora_config

_VERSIONED = ("torch", "transformers", "peft", "tokenizers", "accelerate", "bitsandbytes", "flash-attn")


class TransformersEngine:
    """One resident base model, with or without one adapter on it.

    Each sample is drawn from a stream of its own, so that in exact arithmetic it depends neither on the batch nor
    on its neighbours; in floating point a batch of another shape may round a score differently, and a draw that
    lies within that rounding of a boundary then differs.

    Attributes:
        source: the base model.
        name: the engine's name in identities and metadata.
        label: the model's name in the samples: the base's, or the adapter's while it is on.
        dtype: the weights' type, `bfloat16` or `float32`.
        facts: what is worth recording: versions, device, attention, quantisation, batch size now in use.
    """

    name = "transformers"

    def __init__(
        self,
        source: ModelSource,
        *,
        model: Any,
        tokenizer: Any,
        attention: ChosenAttention,
        options: EngineOptions,
        facts: dict[str, Any],
    ) -> None:
        self.source = source
        self.label = source.name
        self.facts = facts
        self.dtype = str(model.dtype).removeprefix("torch.")
        self._model = model
        self._tokenizer = tokenizer
        self._attention = attention
        self._batch_size = options.batch_size
        self._most = options.batch_size or MOST
        limits = (getattr(model.config, "max_position_embeddings", None), options.context)
        self._context = min((limit for limit in limits if limit is not None), default=None)
        self._reader = AnswerReader(tokenizer, end_tokens=end_tokens(source, tokenizer))

    @classmethod
    def load(cls, source: ModelSource, *, options: EngineOptions) -> "TransformersEngine":
        """Load a base model: bfloat16 on a GPU, float32 on a processor, or 4-bit NF4 as QLoRA trains.

        Args:
            source: what `resolve_model` found.
            options: device, quantisation, batch size and context are heeded.

        Raises:
            InputError: the device is not there, or the model cannot be loaded, or not be drawn from here.
        """
        place = choose_device(options.device)
        arguments: dict[str, Any] = {
            "torch_dtype": getattr(torch, planned_dtype(options.device)),
            "attn_implementation": PLAIN,
            "trust_remote_code": False,
            **source.load_options,
        }
        if place.type == "cuda":
            arguments["device_map"] = {"": place}
        if options.load_in_4bit:
            arguments["quantization_config"] = _four_bits(place)
        tokenizer = load_tokenizer(source)
        model = _load_model(source, arguments)
        model.eval()
        attention = choose_attention(model, token_ids(tokenizer, PROBE)[1], name=source.name)
        facts = {
            "engine": cls.name,
            "device": str(place),
            "gpu": torch.cuda.get_device_name(place) if place.type == "cuda" else None,
            "dtype": str(model.dtype).removeprefix("torch."),
            "load_in_4bit": options.load_in_4bit,
            "attention": attention.attention.label,
            "attention_rejected": attention.rejected,
            "chat_template": bool(tokenizer.chat_template),
            "reproducible": UP_TO_ROUNDING,
            "batch_size": options.batch_size,
            "versions": {package: _version(package) for package in _VERSIONED},
        }
        return cls(
            source, model=model, tokenizer=tokenizer, attention=attention, options=options, facts=facts
        )

    def close(self) -> None:
        """Free the memory that the model takes; the engine is of no use afterwards."""
        self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextmanager
    def adapter(self, source: ModelSource) -> Iterator[float]:
        """Put an adapter on the base while the context lasts; afterwards the base is what it was.

        Args:
            source: what `resolve_model` found; see `check_adapter` for what fits.

        Yields:
            By how much it changes the score of any token after a short prompt.

        Raises:
            InputError: it cannot be loaded, or changes nothing.
        """
        weights = source.file(ADAPTER_WEIGHTS)
        if weights is None:
            raise InputError(f"{source.name}: has no {ADAPTER_WEIGHTS}; save the adapter in that form")
        try:
            # Always from a folder: PEFT 0.17 cannot find a checkpoint below a repository without the hub.
            wrapped = PeftModel.from_pretrained(
                self._model,
                str(weights.parent),
                config=lora_config(source),
                is_trainable=False,
                autocast_adapter_dtype=False,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(f"{source.name}: the adapter cannot be loaded: {first_line(error)}") from error
        base_label = self.label
        try:
            wrapped.eval()
            difference = check_logits_change(wrapped, token_ids(self._tokenizer, PROBE)[1], name=source.name)
            self.label = source.name
            yield difference
        finally:
            self.label = base_label
            self._model = wrapped.unload()
            if hasattr(
                self._model, "peft_config"
            ):  # left by older PEFT: the next adapter is taken for a second one
                del self._model.peft_config

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`.

        Raises:
            InputError: a prompt is longer than the model's context.
            InfrastructureError: the GPU's memory does not suffice for one answer.
        """
        # A prompt is put into tokens once for all its answers.
        prompts = {
            prompt: token_ids(self._tokenizer, prompt) for prompt in {request.prompt for request in requests}
        }
        hashes = {prompt: prompt_sha256(text) for prompt, (text, _) in prompts.items()}
        rows = [self._row(request, prompts[request.prompt][1], sampling) for request in requests]
        owners = {id(row): request for row, request in zip(rows, requests, strict=True)}

        def finished(row: Row) -> None:
            request = owners[id(row)]
            on_sample(self._sample(row, request, hashes[request.prompt]))

        longest = max((row.longest for row in rows), default=0)
        check_window(self._model.config, longest, name=self.source.name)
        decoder = Decoder(
            self._model,
            attention=self._attention.attention,
            batch_size=self._rows_at_a_time(longest),
            on_shrink=self._shrunk,
        )
        decoder.run(rows, sampling=sampling, on_row=finished, on_tokens=on_tokens)

    def _row(self, request: Request, ids: tuple[int, ...], sampling: Sampling) -> Row:
        room = answer_room(ids, context=self._context, task_id=request.task_id)
        limit = min(sampling.max_new_tokens, request.limit or room, room)
        begin = partial(self._reader.begin, request, sampling=sampling, limit=limit)
        return Row(prompt=ids, seed=request.seed, limit=limit, begin=begin)

    def _rows_at_a_time(self, longest: int) -> int:
        """Return the batch size to begin with: as asked for, or by the memory that is there now."""
        fitting = self._most
        if self._batch_size is None:
            fitting = ON_PROCESSOR
            if self._model.device.type == "cuda":
                fitting = rows_that_fit(
                    free=free_memory(self._model.device),
                    longest=longest,
                    position_bytes=self._attention.position_bytes,
                    vocabulary=self._model.get_input_embeddings().num_embeddings,
                )
        self.facts["batch_size"] = min(fitting, self._most)
        return min(fitting, self._most)

    def _shrunk(self, batch_size: int) -> None:
        self._most = batch_size
        self.facts["batch_size"] = batch_size

    def _sample(self, row: Row, request: Request, prompt_hash: str) -> Sample:
        return Sample(
            task_id=request.task_id,
            completion_id=request.completion_id,
            completion=row.answer.completion,
            model=self.label,
            prompt_sha256=prompt_hash,
            seed=request.seed,
            finish_reason=row.answer.finish_reason,
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.answer.tokens),
            generation_ms=round(row.milliseconds, 3),
        )


def _four_bits(place: torch.device) -> Any:
    if place.type != "cuda" or importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(
            "--load-in-4bit: needs a CUDA GPU and the package bitsandbytes; leave the option out"
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _load_model(source: ModelSource, options: dict[str, Any]) -> Any:
    if source.is_adapter:
        raise InputError(f"{source.name}: is an adapter, not a base model; give the model it was trained on")
    try:
        return AutoModelForCausalLM.from_pretrained(source.location, **options)
    except torch.cuda.OutOfMemoryError as error:
        raise InfrastructureError(
            f"{source.name}: does not fit into the GPU's memory; load in 4 bits, or free the GPU"
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{source.name}: cannot be loaded: {first_line(error)}") from error


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
