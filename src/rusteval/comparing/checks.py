"""Whether results may be put side by side: what differs, what is not recorded, what forbids it."""

from collections import Counter
from collections.abc import Sequence

from rusteval.comparing.sources import FACTS, BenchSource, RunSource, Source
from rusteval.errors import InputError
from rusteval.pipeline.result_files import enforce
from rusteval.reports.bench_rates import prompts_of

_SHOWN = 60


def one_policy(sources: Sequence[RunSource], *, mode: str | None) -> tuple[list[RunSource], list[str]]:
    """Return all sources in the same policy mode, and what is to be said of it.

    Policy mode is a view of verdicts, so it can be had of any; verdicts on which it is enforced have lost the others.

    Args:
        sources: as read.
        mode: the mode that the user asked for, or None.

    Raises:
        InputError: verdicts without policy are asked for, and a source has none.
    """
    enforced = [source for source in sources if source.policy]
    if mode == "no-policy" and enforced:
        raise InputError(
            f"{enforced[0].given}: the policy is enforced on these verdicts; compare with --mode policy, or judge "
            "the samples again with --no-enforce-policy"
        )
    if mode != "policy" and not enforced:
        return [_with_policy(source, "not enforced") for source in sources], []
    notes = []
    if mode is None and len(enforced) < len(sources):
        notes.append(
            f"The policy is enforced on all, because only such verdicts are there of {enforced[0].given}."
        )
    changed = [
        RunSource(**{**vars(source), "verdicts": tuple(enforce(list(source.verdicts), source.protocol))})
        for source in sources
    ]
    return [_with_policy(source, "enforced") for source in changed], notes


def _with_policy(source: RunSource, said: str) -> RunSource:
    counts = Counter(verdict.sample.task_id for verdict in source.verdicts)
    sizes = sorted(set(counts.values()))
    per_task = "-".join(str(size) for size in dict.fromkeys((sizes[0], sizes[-1])))
    known = {"policy": said, "protocol": source.protocol, "samples_per_task": per_task}
    return RunSource(**{**vars(source), "facts": {**source.facts, **known}})


def check_comparable(sources: Sequence[Source], names: Sequence[str], *, force: bool) -> list[str]:
    """Return what differs beside the models and what is not recorded, one sentence each.

    Raises:
        InputError: the results are about different things, and the user does not insist.
    """
    notes = []
    for fact in FACTS:
        values = [source.facts.get(fact.key) for source in sources]
        if len({value for value in values if value is not None}) < 2:  # noqa: PLR2004 -- a difference takes two
            continue
        shown = ", ".join(
            f"{name} {value[:_SHOWN]}" for name, value in zip(names, values, strict=True) if value is not None
        )
        if fact.decisive and not force:
            raise InputError(
                f"the {fact.label} differ ({shown}), so their numbers mean different things; --force compares all the same"
            )
        notes.append(f"Different {fact.label}: {shown}.")
    return notes + _unrecorded(sources, names)


def check_prompts(sources: Sequence[BenchSource], names: Sequence[str], *, force: bool) -> list[str]:
    """Refuse bench documents of different prompts; return what is to be said where the user insists.

    Raises:
        InputError: the prompts differ and the user does not insist, or none is common to all.
    """
    asked = [set(prompts_of(source.document)) for source in sources]
    common = set.intersection(*asked)
    if not common:
        raise InputError(f"{names[0]} and the others have no prompt in common; nothing can be compared")
    if all(prompts == common for prompts in asked):
        return []
    counts = ", ".join(f"{name} {len(prompts)}" for name, prompts in zip(names, asked, strict=True))
    if not force:
        raise InputError(
            f"the prompts differ ({len(common)} in common; {counts}), so rates over all of them mean different "
            "things; --force compares those in common"
        )
    return [f"Only the {len(common)} prompts in common are compared ({counts})."]


def different_prompts(sources: Sequence[RunSource]) -> list[str]:
    """Say which tasks were put to the models in different words, as far as the samples record it."""
    seen: dict[str, set[str]] = {}
    for source in sources:
        for verdict in source.verdicts:
            if verdict.sample.prompt_sha256 is not None:
                seen.setdefault(verdict.sample.task_id, set()).add(verdict.sample.prompt_sha256)
    changed = [task for task, hashes in seen.items() if len(hashes) > 1]
    if not changed:
        return []
    named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")  # noqa: PLR2004 -- names shown
    return [f"{len(changed)} tasks were put to the models in different words ({named})."]


def _unrecorded(sources: Sequence[Source], names: Sequence[str]) -> list[str]:
    known = [fact for fact in FACTS if any(fact.key in source.facts for source in sources)]
    found = []
    for source, name in zip(sources, names, strict=True):
        missing = [fact.label for fact in known if fact.key not in source.facts]
        if missing:
            found.append(f"Not recorded for {name}, and so not checked: {', '.join(missing)}.")
    return found
