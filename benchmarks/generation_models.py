"""The model that is drawn with, made on the spot, so that nothing need be downloaded: the demo model, or random weights.

`python generation_models.py JOB RESULT PROGRESS`: started by `generation.py`. Random weights are written into a
folder, so that everything that is measured loads the same ones in its own ordinary way.
"""

import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from generation_progress import Progress
from generation_shapes import DEMO, EMBEDDINGS, SCORES, SHAPES, Shape
from rusteval.files import sha256_text, write_json_atomic
from rusteval.problems.suites import DEFAULT_SUITE, load_problems

FINISHED = "finished.json"

_SPECIAL = ("<|begin|>", "<|end|>", "<|pad|>", "<|user|>", "<|assistant|>")
_BEGIN, _END, _PAD = range(3)
_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
# A tokenizer that is trained on the prompts alone would shorten them more than one that knows all languages.
_LEARNT_TOKENS = 2048
_PADDING_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WEIGHT_SCALE = 0.02
# Standard deviation of a token's score before the temperature divides it: at 0.2 the nucleus then holds few tokens of
# 128,256, as with trained models, and not most of them.
_SCORE_SCALE = 1.25
_SHARD_BYTES = 4_000_000_000


def main(job_file: Path, result_file: Path, progress_file: Path) -> None:
    """Make the model that a job names."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    began = time.perf_counter()
    if job["shape"] == DEMO:
        _build_demo(job)
    else:
        _build_random(job, Progress(progress_file))
    write_json_atomic(result_file, {"seconds": round(time.perf_counter() - began, 2)})


def _build_demo(job: dict[str, Any]) -> None:
    # It needs peft and takes seconds to import; random weights can do without.
    from rusteval.generation.demo_models import build_demo_models  # noqa: PLC0415

    file = None if job["problem_file"] is None else Path(job["problem_file"])
    problems = load_problems(DEFAULT_SUITE, problem_file=file, raw=False)
    build_demo_models(problems.by_id, Path(job["folder"]))


def _build_random(job: dict[str, Any], progress: Progress) -> None:
    shape = SHAPES[job["shape"]]
    build_random_model(
        shape,
        Path(job["folder"]),
        dtype=job["dtype"],
        seed=job["seed"],
        texts=job["texts"],
        on_weights=lambda weights: progress.say(f"{weights:,} of {shape.parameters:,} weights"),
    )


def build_random_model(
    shape: Shape,
    folder: Path,
    *,
    dtype: str,
    seed: int,
    texts: Sequence[str],
    on_weights: Callable[[int], None],
) -> None:
    """Write a model with random weights and a tokenizer for it, unless the folder holds this very one.

    The rows of the special tokens in the last layer are zero: their scores are far below the best ones, so that no
    answer ends before its length is reached.

    Args:
        shape: the model's measures.
        folder: where it goes; what is there is replaced.
        dtype: of the weights.
        seed: of the weights.
        texts: what the tokenizer is trained on.
        on_weights: told now and then how many weights are written.
    """
    made_of = {"config": shape.config(dtype=dtype), "seed": seed, "texts": sha256_text("\n".join(texts))}
    if (folder / FINISHED).is_file() and json.loads((folder / FINISHED).read_text()) == made_of:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json_atomic(folder / "config.json", shape.config(dtype=dtype))
    _write_tokenizer(shape, folder, texts)
    _write_weights(shape, folder, dtype=dtype, seed=seed, on_weights=on_weights)
    write_json_atomic(folder / FINISHED, made_of)


def _write_weights(
    shape: Shape, folder: Path, *, dtype: str, seed: int, on_weights: Callable[[int], None]
) -> None:
    places: dict[str, str] = {}
    written = total = 0
    for number, shard in enumerate(_shards(_tensors(shape, dtype=dtype, seed=seed))):
        name = f"model-{number:05}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, name)
        total += sum(tensor.nbytes for tensor in shard.values())
        written += sum(tensor.numel() for tensor in shard.values())
        on_weights(written)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    write_json_atomic(folder / "model.safetensors.index.json", index)


def _shards(tensors: Iterator[tuple[str, torch.Tensor]]) -> Iterator[dict[str, torch.Tensor]]:
    shard: dict[str, torch.Tensor] = {}
    for name, tensor in tensors:
        shard[name] = tensor
        if sum(part.nbytes for part in shard.values()) >= _SHARD_BYTES:
            yield shard
            shard = {}
    if shard:
        yield shard


def _tensors(shape: Shape, *, dtype: str, seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every weight by name, made where it is quick and brought to the processor's memory."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator(device).manual_seed(seed)
    scores = EMBEDDINGS if shape.tied else SCORES
    for name, size in shape.weights().items():
        if len(size) == 1:  # the norms
            yield name, torch.ones(size, dtype=getattr(torch, dtype))
            continue
        scale = _SCORE_SCALE / math.sqrt(shape.hidden) if name == scores else _WEIGHT_SCALE
        made = torch.empty(size, dtype=getattr(torch, dtype), device=device)
        made.normal_(0, scale, generator=generator)
        if name == scores:
            made[: len(_SPECIAL)] = 0
        yield name, made.cpu()


def _write_tokenizer(shape: Shape, folder: Path, texts: Sequence[str]) -> None:
    """Write a byte-level tokenizer that learnt the texts, filled up with made-up words to the model's vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(_LEARNT_TOKENS, shape.vocabulary // 2),
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    content = json.loads(tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    for number in range(shape.vocabulary):
        if len(vocabulary) == shape.vocabulary:
            break
        vocabulary.setdefault(_word(number), len(vocabulary))
    write_json_atomic(folder / "tokenizer.json", content)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": _SPECIAL[_BEGIN],
        "eos_token": _SPECIAL[_END],
        "pad_token": _SPECIAL[_PAD],
        "padding_side": "left",
        "model_max_length": shape.context,
        "clean_up_tokenization_spaces": False,
        "chat_template": _CHAT_TEMPLATE,
    }
    write_json_atomic(folder / "tokenizer_config.json", settings)


def _word(number: int) -> str:
    """Return a word that no text holds; `Ġ` stands for a space in byte-level tokenizers."""
    letters = ""
    for _ in range(4):
        number, place = divmod(number, len(_PADDING_LETTERS))
        letters += _PADDING_LETTERS[place]
    return f"\u0120{letters}"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
