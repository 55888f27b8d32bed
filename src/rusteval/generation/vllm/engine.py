"""vLLM in this process: a base model and its adapter, many answers at a time."""

import gc
import importlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.answers import AnswerReader, GrowingAnswer, end_tokens
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.devices import choose_device
from rusteval.generation.engine import EngineOptions, Request, Sampling
from rusteval.generation.prompts import prompt_sha256
from rusteval.generation.samples import Sample
from rusteval.generation.tokenizing import PROBE, answer_room, load_tokenizer, token_ids
from rusteval.generation.vllm.keeper import Keeper
from rusteval.generation.vllm.limits import check_adapter_limits
from rusteval.generation.vllm.log import VllmLog
from rusteval.generation.vllm.proof import adapter_change, score_change
from rusteval.generation.vllm.setup import (
    adapter_folder,
    check_options,
    check_platform,
    engine_arguments,
    engine_facts,
    load_error,
    set_environment,
)

# Requests given to vLLM for each that it draws at a time: it never waits for us, and does not hold all of them.
_WAITING = 3
_PROBED = 20  # tokens whose log probability is compared; vLLM gives no more by itself


class VllmEngine:
    """One resident base model in vLLM, with or without one adapter on it.

    Each sample has a seed of its own. Its draws do not depend on the other samples; the scores may, by rounding,
    where vLLM computes batches of another shape in another order (see `facts["reproducible"]`).

    Attributes:
        source: the base model.
        name: the engine's name in identities and metadata.
        label: the model's name in the samples: the base's, or the adapter's while it is on.
        facts: what is worth recording: versions, device, type of the weights, limits.
    """

    name = "vllm"

    def __init__(
        self,
        source: ModelSource,
        *,
        engine: Any,
        tokenizer: Any,
        facts: dict[str, Any],
        log: VllmLog,
        keeper: Keeper,
    ) -> None:
        self.source = source
        self.label = source.name
        self.facts = facts
        self._engine = engine
        self._tokenizer = tokenizer
        self._reader = AnswerReader(tokenizer, end_tokens=end_tokens(source, tokenizer))
        self._log = log
        self._keeper = keeper
        self._alive = True
        self._adapter: Any = None
        self._numbers = itertools.count(1)
        self._vllm = importlib.import_module("vllm")

    @classmethod
    def load(cls, source: ModelSource, *, options: EngineOptions) -> "VllmEngine":
        """Load a base model: bfloat16 on a GPU, float32 on a processor.

        Args:
            source: what `resolve_model` found.
            options: all are heeded but those of the server; quantisation and copies of the weights are refused.

        Raises:
            InputError: vLLM cannot do what the options ask, or cannot load the model.
            InfrastructureError: the memory does not suffice.
        """
        check_options(source, options)
        place = choose_device(options.device)
        arguments = engine_arguments(source, place=place, options=options)
        tokenizer = load_tokenizer(source)
        log, keeper = VllmLog(options.log_dir), Keeper()
        try:
            with log.capturing():
                engine = _start(source, place=place, arguments=arguments, log=log)
                facts = engine_facts(
                    arguments, name=cls.name, place=place, chat_template=bool(tokenizer.chat_template)
                )
            return cls(source, engine=engine, tokenizer=tokenizer, facts=facts, log=log, keeper=keeper)
        except BaseException:
            keeper.close()
            raise

    def close(self) -> None:
        """End vLLM's processes and free its memory; the engine is of no use afterwards."""
        if self._engine is None:
            return
        core = getattr(self._engine, "engine_core", None)  # versions before 0.8 have none
        if core is not None:
            core.shutdown()
        self._engine = self._adapter = None
        gc.collect()
        importlib.import_module("vllm.distributed.parallel_state").cleanup_dist_env_and_memory()
        self._keeper.close()
        self._log.discard()

    @contextmanager
    def adapter(self, source: ModelSource) -> Iterator[float]:
        """Answer with an adapter on the base while the context lasts; afterwards the base is what it was.

        Args:
            source: an adapter that passed `check_adapter` with this base.

        Yields:
            By how much it changes the log probability of a token after a short prompt, of the likeliest ones.

        Raises:
            InputError: vLLM cannot load it, or it changes nothing.
            InfrastructureError: the base is not what it was afterwards.
        """
        check_adapter_limits(source)
        rank, most = source.config.get("r", 0), self.facts["max_lora_rank"]
        if most is None or rank > most:
            raise InputError(
                f"{source.name}: has rank {rank}, the engine was loaded for {most or 'no adapter'}; "
                "load it for this adapter"
            )
        number = next(self._numbers)
        lora = importlib.import_module("vllm.lora.request").LoRARequest(
            f"adapter-{number}", number, str(adapter_folder(source))
        )
        base = self._next_scores(None)
        try:
            self._engine.add_lora(lora)
        except Exception as error:  # vLLM raises what it likes; told in one line
            raise InputError(
                f"{source.name}: vLLM cannot load the adapter: {self._log.cause_of(error)}"
            ) from error
        try:
            difference = adapter_change(base, self._next_scores(lora), name=source.name)
            self.label, self._adapter = source.name, lora
            yield difference
        finally:
            self.label, self._adapter = self.source.name, None
            if self._alive:
                self._engine.remove_lora(number)
        after = self._next_scores(None)
        if score_change(base, after) >= difference / 2:
            raise InfrastructureError(
                f"{self.source.name}: after {source.name} was taken off, vLLM does not answer as the base any more; "
                "give --engine transformers"
            )

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`.

        A sample's time begins with the step that computes its prompt.

        Raises:
            InputError: a prompt is longer than the model's context.
            InfrastructureError: vLLM died.
        """
        prompted = cache(lambda prompt: token_ids(self._tokenizer, prompt))
        context = self.facts["max_model_len"]
        waiting: deque[_Drawing] = deque()
        for request in requests:
            text, ids = prompted(request.prompt)
            room = answer_room(ids, context=context, task_id=request.task_id)
            limit = min(sampling.max_new_tokens, request.limit or room, room)
            answer = self._reader.begin(request, sampling=sampling, limit=limit)
            waiting.append(_Drawing(request=request, text=text, prompt=ids, limit=limit, answer=answer))
        drawing: dict[str, _Drawing] = {}
        try:
            while waiting or drawing:
                while waiting and len(drawing) < _WAITING * self.facts["max_num_seqs"]:
                    self._give(waiting.popleft(), drawing, sampling)
                drawn = self._step(drawing, on_sample)
                if on_tokens is not None and drawn:
                    on_tokens(drawn)
        except KeyboardInterrupt:
            self._alive = False  # it reached vLLM's processes too
            raise
        except Exception:
            if self._alive:  # else it would go on with them beside the next
                self._engine.abort_request(list(drawing))
            raise

    def _give(self, one: "_Drawing", drawing: "dict[str, _Drawing]", sampling: Sampling) -> None:
        name = str(next(self._numbers))
        settings = self._vllm.SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=one.request.seed,
            max_tokens=one.limit,
            # Ours are all there are: vLLM's own end token is that of whichever tokenizer it finds.
            ignore_eos=True,
            stop_token_ids=sorted(self._reader.end_tokens),
            detokenize=False,
            output_kind=_output_kind("DELTA"),
        )
        prompt = {"prompt_token_ids": list(one.prompt)}
        self._engine.add_request(name, prompt, settings, lora_request=self._adapter)
        drawing[name] = one

    def _step(self, drawing: "dict[str, _Drawing]", on_sample: Callable[[Sample], None]) -> int:
        """Let vLLM compute a step, hand over what is finished, and return how many tokens were drawn."""
        before = time.perf_counter()
        outputs = self._outputs()
        now = time.perf_counter()
        drawn, closed, finished = 0, [], []
        for output in outputs:
            one = drawing.get(output.request_id)
            if one is None:
                continue  # ended already
            if not one.answer.tokens:
                one.started = before
            drawn += one.take(output.outputs[0].token_ids)
            if one.answer.finish_reason is not None:
                finished.append(drawing.pop(output.request_id))
                if not output.finished:
                    closed.append(output.request_id)
            elif output.finished:
                raise InfrastructureError(
                    f"{one.request.task_id}: vLLM broke an answer off ({output.outputs[0].finish_reason}); "
                    f"run again to go on; see {self._log.path}"
                )
        if closed:
            self._engine.abort_request(closed)
        for one in finished:
            on_sample(one.sample(self.label, now))
        return drawn

    def _outputs(self) -> list[Any]:
        try:
            return list(self._engine.step())
        except Exception as error:  # of any kind, from any process; told in one line
            self._alive = False
            raise InfrastructureError(
                f"{self.label}: vLLM died: {self._log.cause_of(error)}; run again to go on; see {self._log.path}"
            ) from error

    def _next_scores(self, lora: Any) -> dict[int, float]:
        """Return the log probabilities of the likeliest tokens after a short prompt."""
        settings = self._vllm.SamplingParams(
            temperature=0,
            max_tokens=1,
            logprobs=_PROBED,
            detokenize=False,
            output_kind=_output_kind("FINAL_ONLY"),
        )
        prompt = {"prompt_token_ids": list(token_ids(self._tokenizer, PROBE)[1])}
        self._engine.add_request(f"probe-{next(self._numbers)}", prompt, settings, lora_request=lora)
        outputs: list[Any] = []
        while not outputs:
            outputs = self._outputs()
        return {token: score.logprob for token, score in outputs[0].outputs[0].logprobs[0].items()}


@dataclass(kw_only=True, eq=False)
class _Drawing:
    """One answer that vLLM draws.

    Attributes:
        text: the prompt's text.
        prompt: its tokens.
        limit: most tokens of the answer.
        started: when the step began that computed the prompt, on the clock of `time.perf_counter`.
    """

    request: Request
    text: str
    prompt: tuple[int, ...]
    limit: int
    answer: GrowingAnswer
    started: float = 0.0

    def take(self, tokens: Sequence[int]) -> int:
        """Add tokens up to the answer's end, and return how many."""
        for taken, token in enumerate(tokens, start=1):
            self.answer.take(token)
            if self.answer.finish_reason is not None:
                return taken
        return len(tokens)

    def sample(self, model: str, now: float) -> Sample:
        return Sample(
            task_id=self.request.task_id,
            completion_id=self.request.completion_id,
            completion=self.answer.completion,
            model=model,
            prompt_sha256=prompt_sha256(self.text),
            seed=self.request.seed,
            finish_reason=self.answer.finish_reason,
            prompt_tokens=len(self.prompt),
            completion_tokens=len(self.answer.tokens),
            generation_ms=round((now - self.started) * 1000, 3),
        )


def _start(source: ModelSource, *, place: torch.device, arguments: dict[str, Any], log: VllmLog) -> Any:
    """Return vLLM's engine.

    Raises:
        InputError: vLLM is for another device, or cannot load the model.
        InfrastructureError: the memory does not suffice.
    """
    set_environment(place)
    try:
        vllm = importlib.import_module("vllm")
        check_platform(place)
        return vllm.LLMEngine.from_engine_args(vllm.EngineArgs(**arguments))
    except InputError:
        raise
    except Exception as error:  # of any kind, from any process; told in one line
        raise load_error(source, cause=log.cause_of(error), log=log.path) from error
    finally:
        log.take_messages()


def _output_kind(name: str) -> Any:
    return importlib.import_module("vllm.sampling_params").RequestOutputKind[name]
