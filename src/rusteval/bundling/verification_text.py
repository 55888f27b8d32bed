"""What verifying a bundle found, for a person at a terminal."""

from rusteval.bundling.archive import printable
from rusteval.bundling.verifying import Verification
from rusteval.errors import InputError

_METRICS_SHOWN = 12


def to_text(found: Verification) -> str:
    """Return every difference, the versions there and here, and what was compared."""
    lines = [f"{found.bundle}: run of {found.finished}"]
    lines += ["  versions"]
    for name, (there, here) in found.versions.items():
        mark = "differs" if name in found.other_versions else "same" if there is not None else "not recorded"
        lines.append(f"    {name:<16} {there or '-'} there, {here} here: {mark}")
    part = "all" if found.samples == found.samples_stored else f"of {found.samples_stored:,}, drawn at random"
    lines.append(
        f"  {found.samples:,} samples judged again ({part}): {found.verdicts:,} verdicts, "
        f"{len(found.differences):,} differ"
    )
    lines += [f"    {difference}" for difference in found.differences]
    if found.messages_differ:
        lines.append(f"    {found.messages_differ:,} of the others are the same in other words")
    wrong = [*found.metrics.different, *found.metrics.one_sided]
    lines.append(f"  metrics computed again from the stored verdicts: {len(wrong) or 'no'} values differ")
    lines += [f"    {line}" for line in wrong[:_METRICS_SHOWN]]
    if len(wrong) > _METRICS_SHOWN:
        lines.append(f"    and {len(wrong) - _METRICS_SHOWN} more, which --json names")
    lines.append(
        f"  reports written again from the stored verdicts: {len(found.reports) or 'no'} files differ"
    )
    lines += [f"    {line}" for line in found.reports]
    if found.reports:
        lines.append(
            "    to read reports that these verdicts give, unpack the bundle and `rusteval report` it"
        )
    lines.append(f"  problems: {_problems(found.problems)}")
    lines += [f"    {line}" for line in found.problems or ()]
    return "\n".join(printable(line).replace("\n", " ") for line in lines)


def refuse_differences(found: Verification) -> None:
    """Raise InputError if the run was not reproduced."""
    if found.findings:
        raise InputError(f"{found.bundle}: not reproduced: {'; '.join(found.findings)}")


def _problems(problems: tuple[str, ...] | None) -> str:
    if problems is None:
        return "not compared, as there is nothing to compare them with here"
    return f"{len(problems)} differ from the suite" if problems else "those of the suite"
