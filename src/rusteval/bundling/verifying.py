"""A bundle, judged again on this machine."""

import os
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rusteval import __version__
from rusteval.bundling.archive import StrangersArchive, printable
from rusteval.bundling.comparing import Difference, changes_between, differing, reason, same_message
from rusteval.bundling.manifest import Manifest, read_manifest, refuse_damage
from rusteval.bundling.metrics import MetricsDifferences, metrics_differences
from rusteval.bundling.packing import report_versions, versions_of
from rusteval.bundling.published import problem_differences
from rusteval.bundling.reports import report_differences
from rusteval.errors import InputError
from rusteval.generation.samples import Sample
from rusteval.judging.assembly import Protocol
from rusteval.judging.judge import JudgeSettings, default_workers, judge_samples
from rusteval.judging.program import JUDGE_VERSION
from rusteval.judging.sandbox import Sandbox, choose_sandbox
from rusteval.judging.sandbox.self_test import SelfTestReport
from rusteval.judging.toolchain import Toolchain, find_toolchain
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.config import Role, SandboxMode
from rusteval.pipeline.gate import pass_trust_gate
from rusteval.pipeline.rebuilding import StoredRun, load_run
from rusteval.pipeline.recorded import REMEDY
from rusteval.pipeline.result_files import enforce
from rusteval.pipeline.scoring import check_infrastructure
from rusteval.pipeline.versions import clippy_version
from rusteval.status import StatusReporter

Versions = Mapping[str, tuple[object, object]]


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """How a bundle is judged again; `n_workers` None is as many as suit the machine.

    `sample` is how many samples are judged, drawn at random anew each time; None for all.
    """

    sandbox_mode: SandboxMode = "auto"
    n_workers: int | None = None
    sample: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What came out.

    Attributes:
        bundle: the archive.
        finished: when the run finished, ISO 8601.
        versions: there and here, by name.
        samples: how many samples were judged again, of `samples_stored`.
        verdicts: how many verdicts that are: each sample has one of every protocol.
        differences: those that differ.
        messages_differ: verdicts that are the same but say it in other words.
        metrics: what of `metrics.json` is not what the stored verdicts give.
        reports: files that are not what is written here from the stored verdicts, or that no run has.
        problems: tasks that differ from the suite as this version has it; None where there is nothing to compare with.
    """

    bundle: Path
    finished: str
    versions: Versions
    samples: int
    samples_stored: int
    verdicts: int
    differences: tuple[Difference, ...]
    messages_differ: int
    metrics: MetricsDifferences
    reports: tuple[str, ...]
    problems: tuple[str, ...] | None

    @property
    def other_versions(self) -> Versions:
        """The versions that differ."""
        return _other(self.versions)

    @property
    def findings(self) -> list[str]:
        """What speaks against the run, a few words each; empty where it was reproduced."""
        found = []
        if self.differences:
            found.append(f"{len(self.differences)} of {self.verdicts} verdicts differ")
        if self.metrics.different or (
            self.metrics.one_sided and "rusteval_reports" not in self.other_versions
        ):
            number = len(self.metrics.different) + len(self.metrics.one_sided)
            found.append(f"{number} values of metrics.json are not what the stored verdicts give")
        if self.reports and not {"rusteval_reports", "drawing"} & self.other_versions.keys():
            found.append(f"{len(self.reports)} reports are not what the stored verdicts give")
        if self.problems:
            found.append(f"{len(self.problems)} problems are not those of the suite as this version has it")
        return found

    def to_dict(self) -> dict[str, object]:
        """Return one object of JSON values."""
        return {
            **asdict(self),
            "bundle": str(self.bundle),
            "reproduced": not self.findings,
            "versions": {name: {"run": old, "here": new} for name, (old, new) in self.versions.items()},
            "other_versions": sorted(self.other_versions),
            "reports": list(self.reports),
            "differences": [difference.to_dict() for difference in self.differences],
            "problems": None if self.problems is None else list(self.problems),
        }


def verify_bundle(path: Path, *, settings: VerifySettings, reporter: StatusReporter) -> Verification:
    """Check every hash of a bundle, judge its samples again, and say what differs.

    No verdict is taken from the bundle or from the cache of verdicts.

    Raises:
        InputError: the bundle is damaged, or its files do not fit together.
        SandboxUnavailableError: no sandbox passed its self-test, or there is no compiler.
        InfrastructureError: the trust gate failed, or too many samples could not be judged here.
    """
    with tempfile.TemporaryDirectory(prefix="rusteval-verify-") as scratch:
        directory = Path(scratch)
        manifest = unpack_bundle(path, into=directory, reporter=reporter)
        with naming_bundle(path, directory):
            stored = load_run(directory)
            metrics = metrics_differences(stored, directory)
        reporter.begin("writing reports, to compare them")
        with tempfile.TemporaryDirectory(prefix="rusteval-verify-") as again:
            reports = report_differences(stored, directory, scratch=Path(again))
    toolchain = find_toolchain(environ=os.environ)
    sandbox, self_test = choose_sandbox(settings.sandbox_mode, toolchain=toolchain)
    bench = _Bench(stored=stored, toolchain=toolchain, sandbox=sandbox, settings=settings, reporter=reporter)
    versions = _versions(stored, manifest, toolchain=toolchain, self_test=self_test)
    bench.pass_gate()
    chosen = _choose(stored, settings.sample)
    differences: list[Difference] = []
    verdicts = messages = 0
    for role, positions in chosen.items():
        for protocol in stored.suites:
            old = _as_stored(stored, role, protocol, positions)
            new = bench.judge([verdict.sample for verdict in old], protocol=protocol, role=role)
            differences += bench.compare(old, new, role=role, protocol=protocol, versions=versions)
            pairs = zip(old, new, strict=True)
            messages += sum(not changes_between(a, b) and not same_message(a, b) for a, b in pairs)
            verdicts += len(old)
    return Verification(
        bundle=path,
        finished=manifest.finished,
        versions=versions,
        samples=sum(len(positions) for positions in chosen.values()),
        samples_stored=sum(len(own["verified"]) for own in stored.verdicts.values()),
        verdicts=verdicts,
        differences=tuple(differences),
        messages_differ=messages,
        metrics=metrics,
        reports=reports,
        problems=problem_differences(stored, say=reporter.say),
    )


def unpack_bundle(path: Path, *, into: Path, reporter: StatusReporter) -> Manifest:
    """Write a bundle's files into a directory, and return its manifest.

    Raises:
        InputError: the bundle is damaged, or is none.
    """
    reporter.begin("checking the bundle")
    with StrangersArchive(path) as archive:
        manifest = read_manifest(archive)
        hashes = {name: file.sha256 for name, file in manifest.files.items()}
        refuse_damage(archive, archive.unpack(into, hashes=hashes))
    return manifest


@contextmanager
def naming_bundle(path: Path, directory: Path) -> Iterator[None]:
    """Let errors about files of an unpacked bundle name the bundle, as the directory will be gone."""
    try:
        yield
    except InputError as error:
        told = str(error).replace(f"{directory}/", "").replace(str(directory), "its content")
        told = told.replace(REMEDY, "its files do not fit together, so get or make the bundle again")
        raise InputError(f"{path}: {printable(told)}") from error


def _versions(
    stored: StoredRun, manifest: Manifest, *, toolchain: Toolchain, self_test: SelfTestReport
) -> Versions:
    there = versions_of(stored.recorded.facts)
    there |= {name: manifest.versions.get(name) for name in report_versions()}
    here: dict[str, str | int | None] = {
        "rusteval": __version__,
        "judge": JUDGE_VERSION,
        "rustc": toolchain.version,
        "clippy": clippy_version(toolchain) or "not installed",
        "sandbox": self_test.version or self_test.sandbox,
        **report_versions(),
    }
    return {name: (there[name], here[name]) for name in here}


def _other(versions: Versions) -> Versions:
    """Return the versions that differ; one that the run did not record is not said to."""
    return {name: pair for name, pair in versions.items() if pair[0] is not None and pair[0] != pair[1]}


def _choose(stored: StoredRun, number: int | None) -> dict[Role, list[int]]:
    """Return the positions of the samples that are judged again, by role."""
    every = [(role, i) for role, own in stored.verdicts.items() for i in range(len(own["verified"]))]
    if number is not None and number < len(every):
        # Whoever made the bundle must not be able to foresee which.
        every = sorted(random.SystemRandom().sample(every, number))
    return {role: own for role in stored.verdicts if (own := [i for other, i in every if other == role])}


def _as_stored(stored: StoredRun, role: Role, protocol: Protocol, positions: Sequence[int]) -> list[Verdict]:
    """Return verdicts as the first mode of the run holds them."""
    own = [stored.verdicts[role][protocol][position] for position in positions]
    return own if "no-policy" in stored.view.modes else enforce(own, protocol)


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """What judges here."""

    stored: StoredRun
    toolchain: Toolchain
    sandbox: Sandbox
    settings: VerifySettings
    reporter: StatusReporter

    @property
    def judge_settings(self) -> JudgeSettings:
        """The limits of the run, and as many workers as are wanted here."""
        return JudgeSettings(
            timeout_s=self.stored.recorded.facts.judging.timeout_s,
            n_workers=self.settings.n_workers or default_workers(),
        )

    def pass_gate(self) -> None:
        """Prove that this machine judges these problems rightly."""
        suite, arguments = self.stored.view.suite, self.stored.recorded.facts.arguments
        pass_trust_gate(
            suite,
            sandbox=self.sandbox,
            toolchain=self.toolchain,
            settings=self.judge_settings,
            cache=None,
            reporter=self.reporter,
            strict=not suite.raw and arguments.problem_file is None,
        )

    def judge(self, samples: Sequence[Sample], *, protocol: Protocol, role: Role) -> list[Verdict]:
        """Return the verdicts on samples as the first mode of the run has them, each judged here and now."""
        stage = "judging again" if protocol == "verified" else f"judging again as {protocol} does"
        self.reporter.begin(stage, model=role, unit="distinct programs")
        verdicts = self._judge(samples, protocol)
        check_infrastructure(verdicts, where=f"{role}, {protocol}")
        return verdicts

    def compare(
        self,
        old: Sequence[Verdict],
        new: Sequence[Verdict],
        *,
        role: Role,
        protocol: Protocol,
        versions: Versions,
    ) -> list[Difference]:
        """Return what differs; each such sample is judged once more, to tell unsteady answers from the rest."""
        found = list(differing(old, new))
        if not found:
            return []
        self.reporter.begin("judging once more what differs", model=role, unit="distinct programs")
        again = self._judge([old[position].sample for position in found], protocol)
        return [
            Difference(
                role=role,
                protocol=protocol,
                task_id=old[position].sample.task_id,
                completion_id=old[position].sample.completion_id,
                changes=changes_between(old[position], new[position]),
                why=reason(old[position], new[position], again=second, versions=_other(versions)),
            )
            for position, second in zip(found, again, strict=True)
        ]

    def _judge(self, samples: Sequence[Sample], protocol: Protocol) -> list[Verdict]:
        verdicts = judge_samples(
            samples,
            suite=self.stored.suites[protocol],
            sandbox=self.sandbox,
            toolchain=self.toolchain,
            settings=self.judge_settings,
            cache=None,
            protocol=protocol,
            on_progress=self.reporter.update_of,
        )
        return verdicts if "no-policy" in self.stored.view.modes else enforce(verdicts, protocol)
