"""Progress over training: the numbers, the sentences, and the files."""

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import stats

from bench_documents import PROMPTS, bench_document, documented
from markdown_tables import row_of, table_with
from rusteval.reports.bench_progress import write_progress
from rusteval.reports.bench_rates import (
    CLEAN_RATE,
    COMPILE_RATE,
    PASS_RATE,
    RATES,
    counts_of,
    interval_of,
    paired_difference,
    rate_of,
)
from rusteval.reports.bench_standing import ProgressPoint, collapse_of, standings_of
from rusteval.reports.progress_text import notes_on, sentences

GOOD = [4, 4, 3, 4, 2, 4, 4, 3, 4, 4, 4, 2, 3, 4, 4, 4]
POOR = [1, 2, 3, 0, 2, 1, 0, 3, 1, 0, 2, 2, 1, 0, 3, 1]
HOSTILE = 'a|b*c<script>alert(1)</script>\u202e"x"'


def point(step, document, label=None):
    return ProgressPoint(label=label or f"checkpoint-{step}", step=step, document=document)


def said(points):
    """Return what is said of a training."""
    return " ".join(sentences(points, standings_of(points)))


def test_rates_come_with_the_counts_that_stand_behind_them():
    document = bench_document(GOOD, passed=POOR, warned=[1] * 16)
    assert [rate_of(document, rate) for rate in RATES] == pytest.approx([57 / 64, 22 / 64, 41 / 57, 0.0])
    assert counts_of(document, COMPILE_RATE) == {
        prompt: (count, 4) for prompt, count in zip(PROMPTS, GOOD, strict=True)
    }
    assert counts_of(document, CLEAN_RATE)[PROMPTS[0]] == (3, 4)
    assert interval_of(document, PASS_RATE) == pytest.approx((22 / 64 - 0.1, 22 / 64 + 0.1))


def test_counts_that_contradict_the_rate_are_not_used():
    document = bench_document(GOOD, changes={"compile_success_rate": 12.0})
    assert counts_of(document, COMPILE_RATE) is None
    assert counts_of(documented(GOOD), COMPILE_RATE) is not None  # although rounded to one decimal
    assert counts_of(documented(GOOD), PASS_RATE) is None


def test_the_difference_agrees_with_scipy():
    first, second = bench_document(POOR), bench_document(GOOD)
    found = paired_difference(counts_of(first, COMPILE_RATE), counts_of(second, COMPILE_RATE), seed=3)
    changes = (np.array(GOOD) - np.array(POOR)) / 4
    assert found.difference == pytest.approx(changes.mean())
    # for the mean of so many like-sized clusters the bootstrap says about what Student's t says
    interval = stats.t.interval(0.95, 15, loc=changes.mean(), scale=stats.sem(changes))
    assert found.interval == pytest.approx(interval, abs=0.03)
    exact = stats.permutation_test(
        (np.array(POOR), np.array(GOOD)),
        lambda a, b, axis: (b - a).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**16,
    )
    assert found.p_value == pytest.approx(exact.pvalue, rel=1e-6)
    assert found.clusters == 16


def test_the_last_checkpoint_is_told_to_be_worse_only_beyond_chance():
    best, worse = bench_document(GOOD), bench_document(POOR)
    slightly = bench_document([*GOOD[:15], 3])
    points = [point(1000, worse), point(2000, best), point(3000, worse)]
    assert "Best at step 2000: 89.1 % (79.1 to 99.1 %) of the samples pass their tests." in said(points)
    assert "At the last one, step 3000, it is 34.4 %, -54.7 points: it is worse" in said(points)
    found = standings_of(points)[0]
    alone = paired_difference(counts_of(best, PASS_RATE), counts_of(worse, PASS_RATE), seed=0)
    assert found.p_value == pytest.approx(2 * alone.p_value)  # for the choice among three
    assert found.is_worse
    level = [point(1000, worse), point(2000, best), point(3000, slightly)]
    assert "so it is not shown to be worse" in said(level)
    assert not standings_of(level)[0].is_worse
    assert "training has not gone past its best" in said(points[:2])
    uncounted = [point(1, {"compile_success_rate": 50.0}), point(2, {"compile_success_rate": 40.0})]
    assert "without counts by prompt, chance cannot be told from change" in said(uncounted)
    nothing = bench_document([0] * 16)
    assert "No sample of any checkpoint compiles." in said([point(1, nothing), point(2, nothing)])


def test_a_collapse_is_named_with_its_begin():
    fallen = bench_document([0] * 16, degenerate=[4] * 16, collapse="64 of 64 samples repeat `{`")
    points = [point(step, bench_document(GOOD)) for step in (1000, 2000)]
    ending = [*points, point(9000, fallen), point(10000, fallen)]
    assert said(ending).startswith(
        "From step 9000 on the model repeats itself: 64 of 64 samples repeat `{`. "
    )
    assert collapse_of(ending) == (ending[2], True)
    assert "At step 500, though not at the end, the model repeats" in said([point(500, fallen), *points])
    assert "At the last checkpoint, step 9000, the model repeats itself" in said(ending[:3])
    assert collapse_of(points) is None


def test_many_checkpoints_with_missing_values_come_as_rows_and_curves(tmp_path):
    documents = [documented(POOR) if n % 5 == 0 else bench_document(GOOD, humaneval=0.3) for n in range(100)]
    points = [point(n * 100, one) for n, one in enumerate(documents)]
    whole = write_progress(points, folder=tmp_path)
    names = {"progress.md", "progress.html", "progress.csv", "progress.json"}
    pictures = {
        f"{name}.{form}" for name in ("progress_success", "progress_output") for form in ("png", "svg")
    }
    assert {path.name for path in whole} == names | pictures == {path.name for path in tmp_path.iterdir()}
    rows = list(csv.DictReader((tmp_path / "progress.csv").read_text().splitlines()))
    assert len(rows) == 100
    assert (rows[5]["pass_rate"], rows[5]["pass_rate_ci95_low"]) == ("", "")
    assert float(rows[6]["pass_rate"]) == pytest.approx(57 / 64)
    assert float(rows[6]["humaneval_pass@1"]) == 0.3
    table = table_with((tmp_path / "progress.md").read_text(), ["Checkpoint"])
    assert row_of(table, "checkpoint-500")[1:3] == ["34.4 %", "n/a"]
    document = json.loads((tmp_path / "progress.json").read_text())
    assert document["best"]["pass_rate"]["best_step"] == 100
    assert document["sentences"] == sentences(points, standings_of(points))


def test_what_the_prompts_allow_is_said_where_it_is_the_same_for_all():
    bounds = [{"suite": {"floor_rate": floor, "ceiling_rate": 100.0}} for floor in (12.5, 12.5, 6.45)]
    points = [point(step, bench_document(GOOD, changes=one)) for step, one in enumerate(bounds)]
    assert "Writing nothing at all makes 12.5 % of the samples compile" in " ".join(notes_on(points[:2]))
    assert "Writing nothing" not in " ".join(notes_on(points))


def test_a_single_checkpoint_with_few_values_leaves_no_picture_of_an_earlier_run(tmp_path):
    (tmp_path / "progress_output.png").write_bytes(b"of an earlier run")
    bare = {key: value for key, value in documented(GOOD).items() if not key.startswith("avg_")}
    write_progress([point(7, bare)], folder=tmp_path)
    assert (tmp_path / "progress_success.png").exists()
    assert not (tmp_path / "progress_output.png").exists()
    assert "Step 7: 89.1 % of the samples compile." in (tmp_path / "progress.md").read_text()
    with pytest.raises(ValueError, match="at least one"):
        write_progress([], folder=tmp_path)


class Elements(HTMLParser):
    """The elements of a page and its texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.images, self.texts = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data):
        self.texts.append(data)


def test_checkpoints_without_steps_of_their_own_go_by_names_which_are_shown_as_they_are(tmp_path):
    warm = bench_document(GOOD, changes={"sampling": {"temperature": 1.2}})
    points = [point(1000, bench_document(POOR), label=HOSTILE), point(1000, warm, label="run-b")]
    write_progress(points, folder=tmp_path)
    page = Elements((tmp_path / "progress.html").read_text())
    assert not page.tags & {"script", "link", "iframe", "b"}
    assert page.images
    assert all(
        image["src"].startswith("data:image/svg+xml;base64,") and image["alt"] for image in page.images
    )
    assert HOSTILE.replace("\u202e", "[U+202E]") in page.texts
    text = (tmp_path / "progress.md").read_text()
    assert "<script" not in text
    assert (
        len({len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")}) == 1
    )
    assert "Best at run-b:" in text
    assert "measured with different temperatures: 0.8, 1.2" in text
