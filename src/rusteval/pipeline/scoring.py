"""Scoring of one sample file from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from rusteval.errors import InfrastructureError, InputError
from rusteval.files import read_jsonl, write_jsonl_atomic
from rusteval.generation.samples import Sample
from rusteval.judging.assembly import Protocol
from rusteval.judging.cache import VerdictCache
from rusteval.judging.human_eval_rust.verdicts import enforce_filter
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.sandbox import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.verdict import Verdict, enforce_policy
from rusteval.problems.models import Suite
from rusteval.statistics.human_eval_rust import documented_metrics
from rusteval.statistics.metrics import compute_metrics
from rusteval.status import StatusReporter

# Above this share of samples that the machinery could not judge, the numbers would not describe the answers.
MAX_INFRA_SHARE = 0.02


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is scored by what: everything but the samples."""

    suite: Suite
    sandbox: Sandbox
    toolchain: Toolchain
    settings: JudgeSettings
    cache: VerdictCache | None
    k_values: tuple[int, ...]
    policy: bool
    seed: int
    protocol: Protocol = "verified"


def read_samples(path: Path) -> list[Sample]:
    """Return the samples of a JSON Lines file (`.gz` too), numbered within their task where they carry no number.

    Raises:
        InputError: the file is missing or empty, or a line is no sample.
    """
    samples: list[Sample] = []
    seen: dict[str, int] = {}
    for number, row in read_jsonl(path):
        index = seen.get(str(row.get("task_id")), 0)
        try:
            sample = Sample.model_validate({"completion_id": index, **row})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{path}: line {number}: {where}: {first['msg'].lower()}") from error
        seen[sample.task_id] = index + 1
        samples.append(sample)
    if not samples:
        raise InputError(f"{path}: holds no sample")
    return samples


def results_path(samples: Path) -> Path:
    """Return where the verdicts of a sample file go: `x.jsonl` gives `x_results.jsonl`, beside it."""
    stem = samples.name.removesuffix(".gz").removesuffix(".jsonl")
    return samples.with_name(f"{stem}_results.jsonl")


def score_file(path: Path, *, scoring: Scoring, reporter: StatusReporter) -> dict[str, object]:
    """Judge a sample file, write its results beside it, and return its metrics.

    Raises:
        InputError: the file is broken, or names a task that the suite does not have.
        InfrastructureError: too many samples could not be judged; the results file is written all the same.
    """
    samples = read_samples(path)
    reporter.begin("judging", model=path.name, unit="distinct programs")
    verdicts = judge_samples(
        samples,
        suite=scoring.suite,
        sandbox=scoring.sandbox,
        toolchain=scoring.toolchain,
        settings=scoring.settings,
        cache=scoring.cache,
        protocol=scoring.protocol,
        on_progress=reporter.update_of,
    )
    if scoring.policy:
        enforce = enforce_policy if scoring.protocol == "verified" else enforce_filter
        verdicts = [enforce(verdict) for verdict in verdicts]
    write_jsonl_atomic(results_path(path), (verdict.to_row() for verdict in verdicts))
    check_infrastructure(verdicts, where=str(path))
    return _metrics(verdicts, scoring=scoring)


def _metrics(verdicts: Sequence[Verdict], *, scoring: Scoring) -> dict[str, object]:
    if scoring.protocol == "human-eval-rust":
        documented = documented_metrics(
            verdicts, k_values=scoring.k_values, rustc_version=scoring.toolchain.version
        )
        counts = {
            "n_tasks": len({verdict.sample.task_id for verdict in verdicts}),
            "n_samples": len(verdicts),
            "infra_errors": sum(verdict.outcome == "infra_error" for verdict in verdicts),
        }
        return {"protocol": scoring.protocol, **documented, **counts}
    return compute_metrics(
        verdicts,
        k_values=scoring.k_values,
        clusters={problem.task_id: problem.entry_point for problem in scoring.suite.problems},
        rustc_version=scoring.toolchain.version,
        seed=scoring.seed,
    )


def check_infrastructure(verdicts: Sequence[Verdict], *, where: str) -> None:
    """Refuse numbers of a run whose machinery failed too often.

    Raises:
        InfrastructureError: more than `MAX_INFRA_SHARE` of the samples have no verdict.
    """
    failed = [verdict for verdict in verdicts if verdict.outcome == "infra_error"]
    if len(failed) > MAX_INFRA_SHARE * len(verdicts):
        raise InfrastructureError(
            f"{where}: {len(failed)} of {len(verdicts)} samples could not be judged "
            f"(first: {failed[0].result}); mend the machine and run the same command again"
        )
