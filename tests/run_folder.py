"""Results folders of the main job for tests: real problems, answers of ours, judged by the real judge, no model."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from rusteval.files import write_json_atomic
from rusteval.generation.checkpoints import ModelSource
from rusteval.generation.samples import Sample
from rusteval.generation.store import SampleIdentity
from rusteval.judging.trust_gate import TrustReport
from rusteval.pipeline.config import EvaluationConfig, Role
from rusteval.pipeline.court import Court, JudgedSamples, judge_model, load_suites, open_court
from rusteval.pipeline.main_job import _run_view
from rusteval.pipeline.result_files import write_mode, write_problems
from rusteval.reports.run_view import RunView
from rusteval.reports.write import _metadata, write_reports
from rusteval.status import StatusReporter

TASKS = ("HumanEval/2", "HumanEval/23", "HumanEval/35")
FORBIDDEN = "    if false { std::process::abort(); }\n    *number % 1.0\n}"
STARTED, FINISHED = "2026-11-20T11:58:00+00:00", datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "hf_abcdefghijklmnopqrstuvwxyz"
SETUP = {
    "validated_regime": False,
    "demo": True,
    "rustc": "1.95.0",
    "config": {"HF_TOKEN": SECRET, "OUTPUT_DIR": "/home/alice/results"},
    "findings": [{"message": "14 GiB needed for /home/alice/.venvs"}],
    "warnings": ["The model was copied from /home/alice/private/weights yesterday."],
}


def answers(problems: Mapping[str, Any], role: Role) -> list[Sample]:
    """Return answers of both kinds of model: bodies and fenced functions that pass, and three ways to fail."""
    samples = []
    for task in TASKS:
        problem = problems[task]
        whole = f"```rust\n{problem.prompt}\n{problem.canonical_solution}\n```"
        good = [problem.canonical_solution, whole, "    todo!()\n}"]
        chosen = good if role == "finetuned" else ["    todo!()\n}", '    "text"\n}', "I would rather not."]
        samples += [Sample(task_id=task, completion=text, completion_id=i) for i, text in enumerate(chosen)]
    forbidden = Sample(task_id=TASKS[0], completion=FORBIDDEN, completion_id=3)
    return [*samples[:3], forbidden, *samples[3:]]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A model as far as a run records it; the real ones take seconds to import."""

    source: ModelSource
    adapter: None = None
    adapter_facts: None = None

    @property
    def name(self) -> str:
        return self.source.name


class Judged:
    """Answers of two models, judged once; every results folder is written from them."""

    def __init__(
        self,
        place: Path,
        *,
        sandbox_mode: str = "bubblewrap",
        tasks: tuple[str, ...] = TASKS,
        answer: Callable[[Mapping[str, Any], Role], list[Sample]] = answers,
        **settings: object,
    ) -> None:
        self._answer = answer
        self.config = EvaluationConfig(
            output_dir=place / "results", num_samples=3, k_values=(1, 3), tasks=tasks, n_workers=2, **settings,
            sandbox_mode=sandbox_mode, base_model=str(place / "home/alice/base"),
            checkpoint_path=str(place / "home/alice/checkpoint-9"),
        )  # fmt: skip
        self.court = open_court(self.config, load_suites(self.config))
        self.models = {role: _model(path) for role, path in self._places().items()}
        self.samples = {role: self._answers(role) for role in self.models}
        silent = StatusReporter(stream=open("/dev/null", "w"))  # noqa: SIM115, PTH123
        self.judged = {
            role: judge_model(own, court=self.court, name=role, reporter=silent)
            for role, own in self.samples.items()
        }

    def _places(self) -> dict[Role, str]:
        return {"base": self.config.base_model, "finetuned": self.config.checkpoint_path}

    def _answers(self, role: Role) -> list[Sample]:
        own = {
            "model": self._places()[role],
            "generation_ms": 12.5,
            "prompt_tokens": 40,
            "completion_tokens": 9,
        }
        return [sample.model_copy(update=own) for sample in self._answer(self.court.suite.by_id, role)]

    def identity(self, role: Role) -> SampleIdentity:
        """Return what a model's samples are said to be drawn from."""
        return SampleIdentity(
            model=self._places()[role], model_revision="sha256:1", suite_sha256=self.court.suite.sha256,
            prompt_template="completion-1:0", engine="transformers", temperature=0.2, top_p=0.95,
            max_new_tokens=512, seed=1234, seed_scheme="s",
        )  # fmt: skip

    def write(
        self,
        output: Path,
        *,
        roles: Sequence[Role] = ("base", "finetuned"),
        reports: bool = True,
        **settings: object,
    ) -> RunView:
        """Write a results folder as the main job does; without `reports` only what they are made from."""
        changes = {"output_dir": output, **settings}
        config = self.config.model_copy(update=changes)
        protocols = [p for p in self.court.suites if p == "verified" or config.compare_protocols]
        court = Court(**{**vars(self.court), "suites": {p: self.court.suites[p] for p in protocols}})
        judged = {role: _only(self.judged[role], protocols) for role in roles}
        write_problems(output, court.suites)
        for mode in config.modes:
            write_mode(output / mode, judged=judged, mode=mode)
        view = _run_view(
            config,
            court=court,
            models={role: self.models[role] for role in roles},
            identities={role: self.identity(role) for role in roles},
            engine_facts={},
            contamination=None,
            judged=judged,
            trust=TrustReport(suite="humaneval-rust", sandbox="bubblewrap", tasks=3, offenders=()),
            setup=SETUP,
            started=datetime.fromisoformat(STARTED),
        )
        if reports:
            write_reports(view, output_dir=output)
        else:
            write_json_atomic(output / "eval_metadata.json", _metadata(view))
        return view


@cache
def judged_once() -> Judged:
    """Return the answers of two models with their verdicts; they are judged once for all tests."""
    place = Path(tempfile.mkdtemp(prefix="rusteval-tests-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Judged(place)


@cache
def written_once() -> Path:
    """Return the results folder of a whole run, which no test may change."""
    place = judged_once().config.output_dir
    judged_once().write(place)
    (place / "samples").mkdir()
    (place / "samples/vllm.log").write_text(f"HF_TOKEN={SECRET}")
    return place


def _model(path: str) -> Weights:
    Path(path).mkdir(parents=True)
    (Path(path) / "config.json").write_text("{}")
    source = ModelSource(
        name=path, path=Path(path), repo=None, revision=None, subfolder="", is_adapter=False, config={}
    )
    return Weights(source=source)


def _only(judged: JudgedSamples, protocols: Sequence[str]) -> JudgedSamples:
    return JudgedSamples(
        samples=judged.samples,
        verdicts={p: judged.verdicts[p] for p in protocols},
        statistics={p: judged.statistics[p] for p in protocols},
    )


def snapshot(directory: Path) -> dict[str, bytes]:
    """Return the content of every file below a directory, without locks."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def edit_lines(path: Path, change: Any) -> None:
    """Change the rows of a JSON Lines file."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
