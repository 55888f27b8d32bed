"""Building the demo models: a tiny Llama with a tokenizer of its own, and a LoRA adapter for it.

One thread and fixed seeds: the same machine and versions give the same files, and about half a minute is enough.
"""

import fcntl
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from rusteval.errors import InfrastructureError, InputError
from rusteval.files import write_json_atomic
from rusteval.generation.demo_recipe import (
    ADAPTER,
    BASE,
    MANIFEST,
    TASKS,
    Recipe,
    demo_answer,
    is_current,
    lessons,
    manifest,
)
from rusteval.generation.prompts import Prompt, build_prompt, render
from rusteval.problems.models import Problem

Progress = Callable[[str, int, int, float], None]

_SPECIAL = ("<|pad|>", "<|begin|>", "<|end|>", "<|user|>", "<|assistant|>")
_PAD, _BEGIN, _END = range(3)
_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_CONTEXT = 1024
_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_IGNORED = -100  # label of a token that the loss does not count
_LEARNT = 0.2  # a mean loss above it means that the answers were not learnt


def build_demo_models(
    problems: Mapping[str, Problem],
    output: Path,
    *,
    recipe: Recipe | None = None,
    force: bool = False,
    on_step: Progress | None = None,
) -> bool:
    """Build base, adapter and task list into a folder, unless it holds them already.

    They are made beside the folder and moved there when finished, so that a folder with a `demo.json` is complete.

    Args:
        problems: the suite's problems by task id.
        output: the folder to make; what an earlier or interrupted build left there is replaced.
        recipe: the default one where None.
        force: build even if the folder is complete and current.
        on_step: told (part, step, steps, loss) as training goes on.

    Returns:
        Whether anything was built.

    Raises:
        InputError: the folder holds something else, or cannot be written.
        InfrastructureError: training did not converge on this machine.
    """
    recipe = recipe or Recipe()
    output = output.expanduser().absolute()
    if not force and is_current(output, recipe)[0]:
        return False
    _refuse_foreign(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with _workplace(output.with_name(f".{output.name}.part")) as aside:
            with _reproducible(recipe.seed):
                _build(problems, aside, recipe=recipe, final=output, on_step=on_step or (lambda *_: None))
            if output.exists():
                shutil.rmtree(output)
            aside.rename(output)
    except OSError as error:
        raise InputError(
            f"{output}: the demo models cannot be written there: {error.strerror or error}"
        ) from error
    return True


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """Give an empty folder to build in, which a killed build may have left, and remove it unless it was renamed."""
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError as error:
        raise InputError(f"{folder}: another build is running there; wait for it") from error
    finally:
        os.close(descriptor)


def _refuse_foreign(output: Path) -> None:
    ours = {Path(part).parts[0] for part in (BASE, ADAPTER, TASKS, MANIFEST)}
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; give a folder for the demo models")
    others = (
        sorted(path.name for path in output.glob("*") if path.name not in ours) if output.exists() else []
    )
    if others:
        raise InputError(f"{output}: holds other things ({', '.join(others[:3])}); give a folder of its own")


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """One thread and deterministic kernels while the context lasts; more threads add up in another order."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(mode=deterministic)
        torch.set_num_threads(threads)


def _build(
    problems: Mapping[str, Problem], folder: Path, *, recipe: Recipe, final: Path, on_step: Progress
) -> None:
    base, adapter = folder / BASE, folder / ADAPTER
    for place in (base, adapter):
        place.mkdir(parents=True)
        _write_tokenizer(_train_tokenizer(problems, recipe), place)
    tokenizer = AutoTokenizer.from_pretrained(base)
    losses = {}

    config = _config(recipe, tokenizer)
    model = LlamaForCausalLM(LlamaConfig(**config))
    batch = _batch(tokenizer, lessons(problems, recipe, "base"))
    losses["base"] = _train(model, batch, recipe, recipe.base_steps, lambda *step: on_step("base", *step))
    model.save_pretrained(base, safe_serialization=True)
    write_json_atomic(base / "config.json", config)

    model = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32)
    lora = LoraConfig(
        r=recipe.rank, lora_alpha=2 * recipe.rank, target_modules=list(_LAYERS), task_type="CAUSAL_LM"
    )
    tuned = get_peft_model(model, lora)
    tuned.peft_config["default"].base_model_name_or_path = str(final / BASE)
    batch = _batch(tokenizer, lessons(problems, recipe, "adapter"))
    losses["adapter"] = _train(
        tuned, batch, recipe, recipe.adapter_steps, lambda *step: on_step("adapter", *step)
    )
    tuned.save_pretrained(adapter, safe_serialization=True, save_embedding_layers=False)
    (adapter / "README.md").unlink(missing_ok=True)
    _settle_config(adapter / "adapter_config.json")

    (folder / TASKS).write_text("".join(f"{task.task_id}\n" for task in recipe.tasks), encoding="utf-8")
    versions = {package: version(package) for package in ("torch", "transformers", "peft", "tokenizers")}
    write_json_atomic(folder / MANIFEST, manifest(folder, recipe, versions=versions, losses=losses))


def _settle_config(path: Path) -> None:
    """Write an adapter's settings in a fixed order, without those that are off: older versions refuse unknown names."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["target_modules"].sort()  # a set in PEFT, in another order in every process
    kept = {name: value for name, value in sorted(settings.items()) if value not in (None, False, {})}
    kept.pop("qalora_group_size", None)
    write_json_atomic(path, kept)


def _train_tokenizer(problems: Mapping[str, Problem], recipe: Recipe) -> Tokenizer:
    problems = {task.task_id: problems[task.task_id] for task in recipe.tasks}
    texts = [build_prompt(problem).text for problem in problems.values()]
    for task in recipe.tasks:
        texts.extend(demo_answer(problems[task.task_id], kind) for kind in (*task.base, *task.adapter))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    # It adds the start token by itself, as Llama 3's does: a template that has one too must not give two.
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_SPECIAL[_BEGIN]} $A", special_tokens=[(_SPECIAL[_BEGIN], _BEGIN)]
    )
    return tokenizer


def _write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    content = json.loads(tokenizer.to_str())
    # The form that old versions of tokenizers read too: "a b", not ["a", "b"].
    content["model"]["merges"] = [
        merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]
    ]
    write_json_atomic(folder / "tokenizer.json", content)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": _SPECIAL[_BEGIN],
        "eos_token": _SPECIAL[_END],
        "pad_token": _SPECIAL[_PAD],
        "padding_side": "left",
        "model_max_length": _CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": _CHAT_TEMPLATE,
    }
    write_json_atomic(folder / "tokenizer_config.json", settings)


def _config(recipe: Recipe, tokenizer: Any) -> dict[str, Any]:
    """Return the model's config.json, written by hand in the keys that every version of transformers reads."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "hidden_size": recipe.hidden,
        "intermediate_size": recipe.intermediate,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "num_key_value_heads": recipe.heads,
        "head_dim": recipe.hidden // recipe.heads,
        "hidden_act": "silu",
        "max_position_embeddings": _CONTEXT,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "initializer_range": 0.1,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "bos_token_id": _BEGIN,
        "eos_token_id": _END,
        "pad_token_id": _PAD,
        "torch_dtype": "float32",
        "use_cache": True,
    }


def _batch(tokenizer: Any, pairs: list[tuple[Prompt, str]]) -> dict[str, torch.Tensor]:
    """Return all lessons as one batch, padded on the right; the loss counts the answers and their end alone."""
    sequences = []
    for asked, answer in pairs:
        prompt = tokenizer(render(tokenizer, asked), add_special_tokens=False)["input_ids"]
        reply = [*tokenizer(answer, add_special_tokens=False)["input_ids"], _END]
        sequences.append((prompt + reply, [_IGNORED] * len(prompt) + reply))
    longest = max(len(ids) for ids, _ in sequences)
    return {
        "input_ids": torch.tensor([ids + [_PAD] * (longest - len(ids)) for ids, _ in sequences]),
        "labels": torch.tensor([labels + [_IGNORED] * (longest - len(labels)) for _, labels in sequences]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in sequences]),
    }


def _train(
    model: Any,
    batch: dict[str, torch.Tensor],
    recipe: Recipe,
    steps: int,
    on_step: Callable[[int, int, float], None],
) -> float:
    """Train on the whole batch at every step and return the last loss.

    Every answer counts the same at every step, so that a task with two answers is left evenly divided.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, recipe.warm_up))
    model.train()
    loss = float("inf")
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        output = model(**batch)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        loss = float(output.loss.detach())
        on_step(step, steps, loss)
    model.eval()
    if not loss < _LEARNT:
        raise InfrastructureError(
            f"the demo models did not learn their answers here (loss {loss:.3f}); report this machine"
        )
    return loss


def _rate(step: int, steps: int, warm_up: int) -> float:
    """Return the learning rate's factor: rising to 1 over the warm-up, then a cosine down to a tenth."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))
