"""The reference engine: a model and its adapter through transformers and PEFT, in this process."""

import gc
import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.adapter_preflight import (
    ADAPTER_WEIGHTS,
    check_logits_change,
    load_tokenizer,
    lora_config,
)
from rusteval.generation.checkpoints import ModelSource, first_line
from rusteval.generation.decoding import Decoder, Row
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import prompt_sha256, render
from rusteval.generation.samples import Sample
from rusteval.generation.stopping import FunctionClosed, could_close

_VERSIONED = ("torch", "transformers", "peft", "tokenizers", "accelerate", "bitsandbytes", "flash-attn")
_PROBE = [{"role": "user", "content": "fn main() {"}]


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
        self, source: ModelSource, *, model: Any, tokenizer: Any, batch_size: int, facts: dict[str, Any]
    ) -> None:
        self.source = source
        self.label = source.name
        self.facts = facts
        self.dtype = str(model.dtype).removeprefix("torch.")
        self._model = model
        self._tokenizer = tokenizer
        self._batch_size = batch_size
        self._end_tokens = _end_tokens(model, tokenizer)
        self._closes = lru_cache(maxsize=None)(lambda token: could_close(tokenizer.decode([token])))

    @classmethod
    def load(
        cls, source: ModelSource, *, device: str = "auto", load_in_4bit: bool = False, batch_size: int = 32
    ) -> "TransformersEngine":
        """Load a base model: bfloat16 on a GPU, float32 on a processor, or 4-bit NF4 as QLoRA trains.

        Args:
            source: what `resolve_model` found.
            device: `auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.
            load_in_4bit: quantise the weights with bitsandbytes while loading; GPU only.
            batch_size: most answers drawn at a time.

        Raises:
            InputError: the device is not there, or the model cannot be loaded.
        """
        place = choose_device(device)
        attention = _attention(place)
        options: dict[str, Any] = {
            "torch_dtype": getattr(torch, planned_dtype(device)),
            "attn_implementation": attention,
            "trust_remote_code": False,
            **source.load_options,
        }
        if place.type == "cuda":
            options["device_map"] = {"": place}
        if load_in_4bit:
            options["quantization_config"] = _four_bits(place)
        tokenizer = load_tokenizer(source)
        model = _load_model(source, options)
        model.eval()
        facts = {
            "engine": cls.name,
            "device": str(place),
            "gpu": torch.cuda.get_device_name(place) if place.type == "cuda" else None,
            "dtype": str(model.dtype).removeprefix("torch."),
            "load_in_4bit": load_in_4bit,
            "attention": attention,
            "chat_template": bool(tokenizer.chat_template),
            "batch_size": batch_size,
            "versions": {package: _version(package) for package in _VERSIONED},
        }
        return cls(source, model=model, tokenizer=tokenizer, batch_size=batch_size, facts=facts)

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
            difference = check_logits_change(wrapped, self._token_ids(_PROBE)[1], name=source.name)
            self.label = source.name
            yield difference
        finally:
            self.label = base_label
            self._model = wrapped.unload()
            del self._model.peft_config  # else the next adapter is taken for a second one

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
        owners: dict[int, tuple[Request, str]] = {}
        rows = []
        for request in requests:
            text, ids = self._token_ids(request.messages)
            row = Row(
                prompt=ids,
                seed=request.seed,
                limit=min(sampling.max_new_tokens, self._room(ids, request.task_id)),
                ended=self._end_test(request, sampling),
            )
            rows.append(row)
            owners[id(row)] = (request, prompt_sha256(text))

        def finished(row: Row) -> None:
            on_sample(self._sample(row, *owners[id(row)]))

        decoder = Decoder(self._model, batch_size=self._batch_size, on_shrink=self._shrunk)
        decoder.run(rows, sampling=sampling, on_row=finished, on_tokens=on_tokens)

    def _shrunk(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self.facts["batch_size"] = batch_size

    def _token_ids(self, messages: Sequence[dict[str, str]]) -> tuple[str, tuple[int, ...]]:
        text = render(self._tokenizer, messages)
        return text, tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _room(self, prompt: tuple[int, ...], task_id: str) -> int:
        """Return how many tokens the context leaves for an answer."""
        context = getattr(self._model.config, "max_position_embeddings", None)
        room = (context or len(prompt) + 1_000_000) - len(prompt)
        if room < 1:
            raise InputError(
                f"{task_id}: its prompt has {len(prompt)} tokens, the model's context only {context}; leave the task out"
            )
        return int(room)

    def _end_test(self, request: Request, sampling: Sampling) -> Callable[[list[int]], str | None]:
        closed = FunctionClosed(request.prompt, request.entry_point)

        def ended(tokens: list[int]) -> str | None:
            if tokens[-1] in self._end_tokens:
                return "stop"
            if sampling.stop_at_function and self._closes(tokens[-1]) and closed(self._decode(tokens)):
                return "function_closed"
            return None

        return ended

    def _decode(self, tokens: list[int]) -> str:
        return str(
            self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def _sample(self, row: Row, request: Request, prompt_hash: str) -> Sample:
        return Sample(
            task_id=request.task_id,
            completion_id=request.completion_id,
            completion=self._decode(row.tokens),
            model=self.label,
            prompt_sha256=prompt_hash,
            seed=request.seed,
            finish_reason=row.finish_reason,
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.tokens),
            generation_ms=round(row.milliseconds, 3),
        )


def choose_device(name: str) -> torch.device:
    """Return the device of a name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        InputError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"--device {name}: unknown; give auto, cpu, cuda or cuda:N") from error
    if device.type not in {"cpu", "cuda"}:
        raise InputError(f"--device {name}: not supported; give auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"--device {name}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; give auto or cpu"
        )
    return device


def planned_dtype(device: str) -> str:
    """Return the name of the weights' type that a model gets on a device: bfloat16 on a GPU, else float32.

    Raises:
        InputError: no such device here.
    """
    return "bfloat16" if choose_device(device).type == "cuda" else "float32"


def _attention(place: torch.device) -> str:
    """Return FlashAttention 2 where it can be used: on a GPU, and built for the installed PyTorch."""
    if place.type != "cuda":
        return "sdpa"
    try:
        importlib.import_module("flash_attn")
    except ImportError:
        return "sdpa"
    return "flash_attention_2"


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


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends an answer: chat models have one for the turn beside one for the text."""
    configured = model.generation_config.eos_token_id
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if token is not None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
