"""The `vllm-server` engine: base and adapter under one vLLM server, which this project starts and ends."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.adapter_preflight import ADAPTER_WEIGHTS
from rusteval.generation.answers import AnswerReader, end_tokens
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.devices import choose_device
from rusteval.generation.engine import IN_EVERY_BATCH, UP_TO_ROUNDING, EngineOptions, Request, Sampling
from rusteval.generation.prompts import prompt_sha256
from rusteval.generation.samples import Sample
from rusteval.generation.tokenizing import PROBE, answer_room, load_tokenizer, token_ids
from rusteval.generation.vllm.limits import check_adapter_limits
from rusteval.generation.vllm.proof import adapter_change, score_change
from rusteval.generation.vllm.server import BASE_NAME, PATIENCE_S, ServerPlan, VllmServer
from rusteval.generation.vllm.server_client import Client, Drawn, Question, ServerLostError
from rusteval.generation.vllm.server_trials import Abilities, find_abilities, next_scores, post
from rusteval.generation.vllm.setup import adapter_folder, engine_arguments

GROUP_SIZE = 8
LOG_NAME = "vllm-server.log"
# On a processor, requests for the base beside others get what lies in the last place for adapters, and what once
# lay in a place stays there: the last must stay empty, so that only a server started anew takes more adapters.
_CPU_LORA_PLACES = 4
# Of vLLM in this process alone, or given to the server in another way.
_NOT_FOR_SERVER = frozenset({"model", "use_tqdm_on_load", "trust_remote_code"})


class VllmServerEngine:
    """One base model in a vLLM server, and one adapter beside it.

    Attributes:
        source: the base model.
        name: the engine's name in identities and metadata.
        label: the model's name in the samples: the base's, or the adapter's while it is on.
        facts: what is worth recording: version, command line, group size, how often the server was started again.
    """

    name = "vllm-server"

    def __init__(
        self,
        source: ModelSource,
        *,
        server: VllmServer,
        tokenizer: Any,
        client: Client,
        facts: dict[str, Any],
        say: Callable[[str], None],
    ) -> None:
        self.source = source
        self.label = source.name
        self.facts = facts
        self._server = server
        self._tokenizer = tokenizer
        self._client = client
        self._say = say
        self._adapter: ModelSource | None = None
        self._loaded: dict[tuple[Path, int], str] = {}  # names by folder and time of the weights
        self._adapters = 0

    @classmethod
    def load(
        cls,
        source: ModelSource,
        *,
        options: EngineOptions,
        say: Callable[[str], None] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> "VllmServerEngine":
        """Start a server with a base model: bfloat16 on a GPU, float32 on a processor.

        Args:
            source: what `resolve_model` found.
            options: all but `load_in_4bit` are heeded.
            say: told in a line how the start goes on.
            patience_s: how long the server may take until it answers, in seconds.

        Raises:
            InputError: an option cannot be met, vLLM is not installed, or it cannot load the model.
            InfrastructureError: the server does not come up.
        """
        say = say or (lambda _: None)
        _check_options(source, options)
        place = choose_device(options.device)
        arguments = _server_arguments(source, place=place, options=options)
        tokenizer = load_tokenizer(source)
        reader = AnswerReader(tokenizer, end_tokens=end_tokens(source, tokenizer))
        folder = options.log_dir or Path(tempfile.mkdtemp(prefix="rusteval-vllm-server-"))
        plan = ServerPlan(
            model=str(arguments["model"]),
            arguments=server_options(arguments),
            environment=_environment(options),
            python=options.vllm_python,
            port=options.port,
            log=folder.absolute() / LOG_NAME,
            temporary=options.log_dir is None,
            patience_s=patience_s,
        )
        server = VllmServer(plan, say=say)
        abilities = _begin(server, token_ids(tokenizer, PROBE)[1])
        places = int(arguments["max_num_seqs"])
        client = Client(
            server=server,
            model=BASE_NAME,
            group_size=min(GROUP_SIZE, places) if abilities.counts_seeds else 1,
            places=places,
            sends_token_ids=abilities.sends_token_ids,
            reader=reader,
        )
        facts = {
            **_facts(arguments, place=place),
            "chat_template": bool(tokenizer.chat_template),
            "max_model_len": abilities.context,
            "group_size": client.group_size,
            "tokens_counted_by": "token ids" if abilities.sends_token_ids else "log probabilities",
            "command": list(server.command),
            "versions": {"vllm": server.version},
            "adapter": None,
            "restarts": 0,
        }
        return cls(source, server=server, tokenizer=tokenizer, client=client, facts=facts, say=say)

    def close(self) -> None:
        """End the server with all its processes; the engine is of no use afterwards."""
        self._server.stop()
        plan = self._server.plan
        if plan.temporary and not self.facts["restarts"]:
            shutil.rmtree(plan.log.parent, ignore_errors=True)

    @contextmanager
    def adapter(self, source: ModelSource) -> Iterator[float]:
        """Answer with an adapter on the base while the context lasts; afterwards the base is what it was.

        Args:
            source: an adapter that passed `check_adapter` with this base.

        Yields:
            By how much it changes the log probability of a token after a short prompt, of the likeliest ones.

        Raises:
            InputError: vLLM cannot use it, or it changes nothing.
            InfrastructureError: the server mixes up base and adapter.
        """
        check_adapter_limits(source)
        rank, most = source.config.get("r", 0), self.facts["max_lora_rank"]
        if most is None or rank > most:
            raise InputError(
                f"{source.name}: has rank {rank}, the server was started for {most or 'no adapter'}; "
                "start it for this adapter"
            )
        name = self._put_on(source)
        difference = self._prove(source, name)
        try:
            self.label, self._client.model, self._adapter = source.name, name, source
            self.facts["adapter"] = source.name
            yield difference
        finally:
            # It stays loaded: a server that is told to unload one forgets the name and keeps the place.
            self.label, self._client.model, self._adapter = self.source.name, BASE_NAME, None

    def generate(
        self,
        requests: Sequence[Request],
        *,
        sampling: Sampling,
        on_sample: Callable[[Sample], None],
        on_tokens: Callable[[int], None] | None = None,
    ) -> None:
        """Draw every request's answer; see `Engine.generate`. A server that dies is started again.

        What was drawn of an answer before the server died is drawn, and its tokens are reported, once more.

        Raises:
            InputError: a prompt is longer than the model's context.
            InfrastructureError: the server dies again before it has finished one more answer, or refuses a request.
        """
        undone = {
            (request.task_id, request.completion_id): self._question(request, sampling)
            for request in requests
        }
        last_loss: int | None = None
        self._server.forget_log()

        def finished(drawn: Drawn) -> None:
            request = drawn.question.request
            on_sample(self._sample(drawn))
            del undone[request.task_id, request.completion_id]

        while undone:
            work = self._client.draw(
                list(undone.values()),
                sampling=sampling,
                on_drawn=finished,
                on_tokens=on_tokens or (lambda _: None),
            )
            try:
                asyncio.run(work)
            except ServerLostError as error:
                if last_loss == len(undone):
                    raise InfrastructureError(
                        f"{self._server.why_ended()}; it ended twice without an answer in between, "
                        "and the finished answers are kept"
                    ) from error
                last_loss = len(undone)
                self._start_again(f"{self._server.why_ended()}; {last_loss} answers are still to do")

    def _start_again(self, reason: str) -> None:
        self._say(f"   {reason}; it is started again")
        self._server.stop()
        self._loaded.clear()
        self._server.start()
        self.facts["restarts"] += 1
        if self._adapter is not None:
            self._client.model = self._put_on(self._adapter)

    def _question(self, request: Request, sampling: Sampling) -> Question:
        text, ids = token_ids(self._tokenizer, request.prompt)
        room = answer_room(ids, context=self.facts["max_model_len"], task_id=request.task_id)
        return Question(
            request=request,
            prompt=ids,
            prompt_sha256=prompt_sha256(text),
            limit=min(sampling.max_new_tokens, request.limit or room, room),
        )

    def _sample(self, drawn: Drawn) -> Sample:
        question, answer = drawn.question, drawn.answer
        return Sample(
            task_id=question.request.task_id,
            completion_id=question.request.completion_id,
            completion=answer.completion,
            model=self.label,
            prompt_sha256=question.prompt_sha256,
            seed=question.request.seed,
            finish_reason=answer.finish_reason,
            prompt_tokens=len(question.prompt),
            completion_tokens=len(answer.tokens),
            generation_ms=round(drawn.milliseconds, 3),
        )

    def _put_on(self, source: ModelSource) -> str:
        """Load an adapter into the server, unless it is there already, and return its name."""
        if not self._server.running():  # it may have died since its last answer
            self._start_again(str(self._server.why_ended()))
        folder = adapter_folder(source)
        key = (folder, (folder / ADAPTER_WEIGHTS).stat().st_mtime_ns)
        if key in self._loaded:
            return self._loaded[key]
        if self.facts["device"] == "cpu" and len(self._loaded) >= self.facts["max_loras"] - 1:
            self._start_again("vLLM server: has no place for another adapter")
        self._adapters += 1
        # A name of its own each time: vLLM may keep what it computed under an old one.
        name = f"adapter-{self._adapters}"
        answer = post(self._server, "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
        if not answer.is_success:
            raise InputError(
                f"{source.name}: vLLM cannot load the adapter: {answer.text[:300]!r}; see {self._server.plan.log}"
            )
        self._loaded[key] = name
        return name

    def _prove(self, source: ModelSource, name: str) -> float:
        """Ask adapter and base at one time: the one must differ from the base alone, the other must not."""
        probe = token_ids(self._tokenizer, PROBE)[1]
        before = next_scores(self._server, [BASE_NAME], probe)[0]
        changed, base, again = next_scores(self._server, [name, BASE_NAME, name], probe)
        difference = min(adapter_change(before, scores, name=source.name) for scores in (changed, again))
        # On a GPU the scores of a fuller batch are rounded otherwise, which is far less than an adapter does.
        if score_change(before, base) > difference / 2:
            raise InfrastructureError(
                f"vLLM server: while {source.name} is loaded, the base answers as something else; "
                "give --engine transformers"
            )
        return difference


def server_options(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options of vLLM's server that mean the same as keyword arguments of its `EngineArgs`."""
    options: list[str] = []
    for name, value in arguments.items():
        option = name.replace("_", "-")
        if value is None or name in _NOT_FOR_SERVER:
            continue
        if isinstance(value, bool):
            options.append(f"--{option}" if value else f"--no-{option}")
        else:
            options += [f"--{option}", str(value)]
    # Prompts and a line for each request would fill the log.
    return (*options, "--max-log-len", "0", "--disable-uvicorn-access-log")


def _check_options(source: ModelSource, options: EngineOptions) -> None:
    """Refuse what this engine cannot do."""
    if source.is_adapter:
        raise InputError(f"{source.name}: is an adapter, not a base model; give the model it was trained on")
    if options.load_in_4bit:
        raise InputError("--load-in-4bit: not with --engine vllm-server; give --engine transformers")
    if not 0 < options.gpu_memory_utilization <= 1:
        raise InputError(
            f"--gpu-memory-utilization {options.gpu_memory_utilization}: give a share above 0, at most 1"
        )
    place = choose_device(options.device)
    gpus = 1 if place.index is not None else torch.cuda.device_count()
    wanted = options.tensor_parallel_size * options.data_parallel_size
    if place.type == "cuda" and wanted > gpus:
        raise InputError(
            f"--tensor-parallel-size {options.tensor_parallel_size} and --data-parallel-size "
            f"{options.data_parallel_size} need {wanted} GPUs, but there are {gpus}; give less"
        )


def _environment(options: EngineOptions) -> dict[str, str]:
    """Return what vLLM reads from the environment alone."""
    place = choose_device(options.device)
    variables = {}
    if options.lora_rank is not None:
        variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    if place.type == "cuda" and place.index is not None:
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        variables["CUDA_VISIBLE_DEVICES"] = visible[place.index] if visible else str(place.index)
    if place.type == "cpu":
        # GiB of keys and values; unset, it is a share of all memory.
        variables["VLLM_CPU_KVCACHE_SPACE"] = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "2")
        # Two processes instead of three, each of which takes most of a minute of one core to begin.
        variables["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    return variables


def _begin(server: VllmServer, probe: Sequence[int]) -> Abilities:
    """Start a server and find out what it can do; nothing of it stays where that fails."""
    try:
        server.start()
        return find_abilities(server, probe)
    except BaseException:
        server.stop()
        if server.plan.temporary and not server.plan.log.exists():
            server.plan.log.parent.rmdir()
        raise


def _server_arguments(source: ModelSource, *, place: torch.device, options: EngineOptions) -> dict[str, Any]:
    """Return the settings of vLLM's engine behind the server."""
    arguments = engine_arguments(source, place=place, options=options)
    arguments["data_parallel_size"] = options.data_parallel_size
    if options.lora_rank is not None and place.type == "cpu":
        arguments["max_loras"] = _CPU_LORA_PLACES
    return arguments


def _facts(arguments: Mapping[str, Any], *, place: torch.device) -> dict[str, Any]:
    invariant = os.environ.get("VLLM_BATCH_INVARIANT", "0") == "1"
    return {
        "engine": VllmServerEngine.name,
        "device": str(place),
        "gpu": torch.cuda.get_device_name(place) if place.type == "cuda" else None,
        "dtype": arguments["dtype"],
        "load_in_4bit": False,
        "max_num_seqs": arguments["max_num_seqs"],
        "max_lora_rank": arguments.get("max_lora_rank"),
        "max_loras": arguments.get("max_loras"),
        "tensor_parallel_size": arguments["tensor_parallel_size"],
        "data_parallel_size": arguments["data_parallel_size"],
        "prefix_caching": arguments["enable_prefix_caching"],
        "reproducible": IN_EVERY_BATCH if invariant and place.type == "cuda" else UP_TO_ROUNDING,
    }
