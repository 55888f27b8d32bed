"""Comparing bench documents."""

import json

import pytest

from bench_documents import PROMPTS, bench_document, documented
from builders import make_task
from rusteval.comparing.compare import CompareSettings, compare_results
from rusteval.comparing.sentences import sentences
from rusteval.comparing.writing import to_document, to_paper
from rusteval.errors import InputError
from rusteval.files import write_jsonl_atomic
from rusteval.statistics.intervals import wilson

POOR = [1, 2, 0]
GOOD = [3, 4, 2]
MANY_POOR = [1, 2, 1, 0, 2, 1, 0, 1, 1, 0, 2, 2, 1, 0, 1, 1]
MANY_GOOD = [4, 4, 3, 4, 2, 4, 4, 3, 4, 4, 4, 2, 3, 4, 4, 4]


@pytest.fixture
def write(tmp_path):
    def write_document(name, document):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write_document


def compare(*paths, **settings):
    return compare_results(paths, settings=CompareSettings(**settings))


def by_key(comparison):
    return {measure.key: measure for measure in comparison.measures}


def test_rates_are_compared_prompt_by_prompt(write):
    found = compare(write("a", bench_document(POOR)), write("b", bench_document(GOOD, degenerate=[0, 0, 1])))
    compiles = by_key(found)["compile_rate"]
    assert compiles.values == pytest.approx([3 / 12, 9 / 12])
    assert compiles.intervals[1] == pytest.approx((0.65, 0.85))  # as the document says
    change = compiles.differences[1]
    assert change.value == pytest.approx(6 / 12)
    # every prompt gains two samples of four: two of the eight patterns of signs reach as far
    assert change.p_value == pytest.approx(2 / 8)
    # and no resample differs, so the interval allows for prompts of a kind that was not drawn
    unseen = wilson(0, 3)[1]
    assert change.interval == pytest.approx((0.5 - unseen * 1.5, 0.5 + unseen * 0.5))
    degenerate = by_key(found)["degenerate_rate"]
    assert degenerate.differences[1].value == pytest.approx(1 / 12)
    assert degenerate.differences[1].p_value == 1.0
    assert found.units.standings(1) == (3, 0, 0)
    assert [row.counts for row in found.units.rows] == [[(1, 4), (3, 4)], [(2, 4), (4, 4)], [(0, 4), (2, 4)]]


def test_the_sentences_say_what_is_beyond_chance(write):
    worse = bench_document(MANY_POOR, degenerate=[4] * 16)
    paths = write("good", bench_document(MANY_GOOD)), write("worse", worse), write("same", worse)
    found = compare(*paths)
    said = sentences(found)
    assert said[0].startswith(
        "worse.json is worse than good.json in samples that compile: 25.0 % against 89.1 %"
    )
    assert "Worse in degenerate samples: 100 % against 0 %, +100.0 points" in said[0]
    again = compare(paths[1], paths[2])
    assert sentences(again) == ["same.json has the same results as worse.json: no difference."]
    sheet = next(sheet for sheet in to_paper(again).sheets if sheet.heading == "Against worse.json")
    assert {row[1] for row in sheet.rows} <= {"no difference", "n/a"}
    level = compare(paths[0], write("level", bench_document([*MANY_GOOD[:15], 3])))
    assert (
        "do not show whether level.json is better than good.json in samples that compile"
        in sentences(level)[0]
    )


def test_documents_with_the_documented_keys_alone_are_compared_by_what_they_have(write):
    found = compare(write("old", documented(MANY_POOR)), write("new", bench_document(MANY_GOOD)))
    compiles = by_key(found)["compile_rate"]
    assert compiles.values == pytest.approx([0.25, 57 / 64])
    assert compiles.differences[1].value == pytest.approx(41 / 64)
    assert by_key(found)["pass_rate"].values[0] is None
    assert by_key(found)["pass_rate"].differences[1].value is None
    assert found.units.success == "compile"
    errors = dict(next(tally for tally in found.tallies if tally.key == "errors").rows)
    assert errors == {"E0308": ["named", 7], "expected one of `!` or `::`": ["named", 0]}
    plain = {row.key: row.written for row in found.plain}
    assert plain["avg_lines"] == ["12.3", "12.3"]
    assert plain["vocabulary"] == ["n/a", "300"]
    assert any(note.startswith("Not recorded for old.json") for note in found.notes)
    json.dumps(to_document(found), allow_nan=False)


def test_rules_warnings_and_further_values_stand_side_by_side(write):
    found = compare(
        write("a", bench_document(GOOD, warned=[1, 1, 0], humaneval=0.3)), write("b", bench_document(POOR))
    )
    tallies = {tally.key: dict(tally.rows) for tally in found.tallies}
    assert tallies["rubric"] == {"No unwrap": ["75.0 % (30 of 40)", "75.0 % (30 of 40)"]}
    assert tallies["warnings"] == {"unused_variables": [2, 0]}
    clean = by_key(found)["clean_rate"]
    assert clean.values == pytest.approx([7 / 9, 1.0])
    assert clean.differences[1].value == pytest.approx(2 / 9)
    plain = {row.key: row.written for row in found.plain}
    assert plain["humaneval_pass@1"] == ["30.0 %", "n/a"]
    assert plain["pass_at_k.1"] == ["30.0 %", "30.0 %"]
    assert "pass_at_k.5" not in plain
    assert plain["distinct_tree_rate"] == ["50.0 %", "50.0 %"]


def test_other_prompts_are_refused_unless_forced(write):
    prompts = [PROMPTS[0], PROMPTS[1], "fn another() {"]
    changes = {
        "suite": {"name": "rust-patterns", "sha256": "cd" * 32},
        "sampling": {"temperature": 0.1},
        "degenerate_rate": 55.0,
    }
    first = write("a", bench_document(POOR))
    second = write("b", bench_document(GOOD, prompts=prompts, changes=changes))
    with pytest.raises(InputError, match="prompts differ"):
        compare(first, second)
    found = compare(first, second, force=True)
    compiles = by_key(found)["compile_rate"]
    assert compiles.values == pytest.approx([3 / 8, 7 / 8])  # of the two prompts in common
    assert compiles.differences[1].value == pytest.approx(4 / 8)
    # a rate over other prompts is no rate of those in common, and these cannot be counted
    assert by_key(found)["degenerate_rate"].values == [0.0, None]
    assert found.left_out == {"a.json": [PROMPTS[2]], "b.json": ["fn another() {"]}
    assert any("Different temperature: a.json 0.8, b.json 0.1." in note for note in found.notes)
    disjoint = write("c", bench_document(GOOD, prompts=["x", "y", "z"]))
    with pytest.raises(InputError, match="no prompt in common"):
        compare(first, disjoint, force=True)


def test_a_document_is_not_compared_with_verdicts(write, tmp_path):
    write_jsonl_atomic(tmp_path / "v.jsonl", (verdict.to_row() for verdict in make_task(["passed"])))
    with pytest.raises(InputError, match=r"is a bench document and .* holds verdicts"):
        compare(write("a", bench_document(POOR)), str(tmp_path / "v.jsonl"))
