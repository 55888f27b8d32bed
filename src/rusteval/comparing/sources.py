"""What can be compared, as it was read, and what is known of how it was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.judging.assembly import Protocol
from rusteval.judging.verdict import Verdict
from rusteval.pipeline.result_files import enforce
from rusteval.statistics.tally import is_judged


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that results depend on.

    Attributes:
        key: its name in `Source.facts`.
        label: for readers.
        decisive: whether results that differ in it are about different things.
    """

    key: str
    label: str
    decisive: bool = False


FACTS = (
    Fact(key="suite", label="problems", decisive=True),
    Fact(key="repairs", label="repaired tasks"),
    Fact(key="protocol", label="protocol"),
    Fact(key="policy", label="policy mode"),
    Fact(key="prompt", label="prompt template"),
    Fact(key="temperature", label="temperature"),
    Fact(key="top_p", label="top_p"),
    Fact(key="max_tokens", label="most tokens of an answer"),
    Fact(key="stopping", label="stops when the function is closed"),
    Fact(key="samples_per_task", label="samples of a task or prompt"),
    Fact(key="rustc", label="rustc"),
    Fact(key="sandbox", label="sandbox"),
    Fact(key="timeout", label="time limit of a test run"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One thing that is compared.

    Attributes:
        given: how the user named it.
        model: which model answered; None where that is not recorded.
        facts: by the keys of FACTS, as text; a key is missing where nothing is recorded.
    """

    given: str
    model: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RunSource(Source):
    """Verdicts on the answers of one model.

    Attributes:
        verdicts: one for each sample.
        protocol: by which rules they were judged.
        suite_name: of the problems, where it is recorded.
        k_values: the k of pass@k that were asked when they were made; empty where that is not recorded.
        seed: of the statistics then; None where that is not recorded.
    """

    verdicts: tuple[Verdict, ...]
    protocol: Protocol
    suite_name: str | None = None
    k_values: tuple[int, ...] = ()
    seed: int | None = None

    @property
    def policy(self) -> bool | None:
        """Whether the policy is enforced on these verdicts; None where no answer violates it."""
        violations = [v for v in self.verdicts if v.policy_violation is not None and is_judged(v)]
        return enforce(violations, self.protocol) == violations if violations else None


@dataclass(frozen=True, kw_only=True)
class BenchSource(Source):
    """The document of one `rusteval bench`, or of the tool whose keys it has."""

    document: Mapping[str, Any]


def facts_table(sources: Sequence[Source]) -> list[tuple[str, list[str | None]]]:
    """Return how the results were made, as far as any of them says so."""
    rows = [(fact.label, [source.facts.get(fact.key) for source in sources]) for fact in FACTS]
    return [(label, values) for label, values in rows if any(value is not None for value in values)]
