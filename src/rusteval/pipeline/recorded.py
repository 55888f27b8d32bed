"""What `eval_metadata.json` must say of a finished run, so that its reports can be written again from its files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from rusteval.errors import InputError
from rusteval.judging.assembly import Protocol
from rusteval.pipeline.config import Mode, Role

METADATA_FILE = "eval_metadata.json"
KEYS_OF_REPORTS = ("warnings", "contaminated")
"""What the writer of reports adds to a run's own metadata."""
REMEDY = "run the same command again, which makes the folder whole without drawing or judging anything twice"


KValues = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class SuiteFacts(BaseModel):
    """The problems: `sha256` is that of the whole suite, `tasks` how many of it were asked."""

    name: str
    source: str
    sha256: str
    tasks: int
    raw: bool = False


class _Counts(BaseModel):
    samples: int


class _Compared(BaseModel):
    protocol: Protocol
    suite_sha256: str
    suite_raw: bool


class JudgingFacts(BaseModel):
    """What judged, and how much; what an older run did not record is None."""

    rustc: str
    sandbox: str
    timeout_s: float = Field(gt=0, le=86_400)
    clippy: bool = True
    clippy_version: str | None = None
    judge_version: int | None = None
    self_test: dict[str, Any] = Field(default_factory=dict)
    statistics: dict[Role, _Counts]
    compared_with: tuple[_Compared, ...] = ()

    @property
    def sandbox_version(self) -> str:
        """The sandbox with its version, where that was recorded."""
        return str(self.self_test.get("version") or self.sandbox)


class _ModelFacts(BaseModel):
    name: str
    revision: str | None = None


class _Identity(BaseModel):
    engine: str
    prompt_template: str


class _Arguments(BaseModel):
    k_values: KValues
    num_samples: int = Field(default=1, ge=1)
    tasks: tuple[str, ...] | None = None
    problem_file: Path | None = None


class RunFacts(BaseModel):
    """The facts of a run that its reports depend on.

    `files` are the SHA-256 of problems, samples and verdicts by path; None in runs of older versions.
    `report_k_values` are the k of pass@k where reports were made with other k than the run's.
    """

    rusteval_version: str
    started: str | None = None
    finished: str
    seed: int = Field(ge=0)
    modes_run: tuple[Mode, ...] = Field(min_length=1)
    arguments: _Arguments
    suite: SuiteFacts
    models: dict[Role, _ModelFacts] = Field(min_length=1)
    sample_identity: dict[Role, _Identity]
    judging: JudgingFacts
    warnings: tuple[str, ...] = ()
    contaminated: dict[str, str] | None = None
    files: dict[str, str] | None = None
    report_k_values: KValues | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Refuse facts of which one names what another does not know."""
        if len(set(self.modes_run)) != len(self.modes_run) or len(set(self.protocols)) != len(self.protocols):
            raise ValueError("a mode or a protocol is named twice")
        if not self.models.keys() <= self.sample_identity.keys() & self.judging.statistics.keys():
            raise ValueError("a model is named that was not drawn from or not judged")
        return self

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols that judged, the run's own first."""
        return ("verified", *(compared.protocol for compared in self.judging.compared_with))

    def suite_of(self, protocol: Protocol) -> SuiteFacts:
        """Return the facts of the problems that a protocol judged by."""
        for compared in self.judging.compared_with:
            if compared.protocol == protocol:
                return self.suite.model_copy(
                    update={"sha256": compared.suite_sha256, "raw": compared.suite_raw}
                )
        return self.suite


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run's metadata: `facts` that are checked, and the whole `document` as plain JSON values."""

    facts: RunFacts
    document: Mapping[str, Any]

    @property
    def own(self) -> dict[str, Any]:
        """The run's own part of the document, without what the writer of reports adds."""
        return {key: value for key, value in self.document.items() if key not in KEYS_OF_REPORTS}


def read_recorded(directory: Path) -> Recorded:
    """Return what a run recorded of itself in its results folder.

    Raises:
        InputError: there is no finished run of the main job, or its metadata is damaged.
    """
    path = directory / METADATA_FILE
    if not path.is_file():
        raise InputError(f"{directory}: {_what_else(directory)}")
    try:
        document = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
        return Recorded(facts=RunFacts.model_validate(document), document=document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InputError(
            f"{path}: {where}: {first['msg'].lower().removeprefix('value error, ')}; {REMEDY}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMEDY}") from error


def shown_config(
    arguments: Mapping[str, Any], *, engines: Iterable[str], prompts: Iterable[str]
) -> dict[str, Any]:
    """Return the settings as reports show them: as given, and what `auto` came to.

    Args:
        arguments: the settings as plain JSON values.
        engines: the engine of each model.
        prompts: the prompt template of each model.
    """
    return {**arguments, "engine_used": _all_of(engines), "prompt_used": _all_of(prompts)}


def _all_of(values: Iterable[str]) -> str:
    """Return what a setting came to, for all models where it is the same."""
    return ", ".join(dict.fromkeys(values))


def _what_else(directory: Path) -> str:
    """Say what is there instead of a finished run, and what to do with it."""
    if not directory.exists():
        return "no such folder; give the results folder of a run"
    scored = directory if directory.is_file() else next(directory.glob("*_results*.jsonl"), None)
    if scored is not None and "_results" in scored.name:
        return (
            f"{scored.name} holds verdicts of `rusteval score`, which have no reports; the same `rusteval score` "
            "prints their metrics again without judging anything twice"
        )
    if directory.is_file():
        return "is a file; give the results folder of a run"
    if any(directory.glob("*/predictions.parquet")):
        return "holds a comparison of many models; `rusteval run --viz-only` draws its reports again"
    if (directory / "status.json").is_file():
        return "the run is not finished; run the same command again, and it goes on where it was"
    return f"holds no {METADATA_FILE}; give the results folder of a run (its --output-dir)"
