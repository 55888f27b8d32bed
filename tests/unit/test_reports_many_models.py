"""The comparison of many models as files."""

import csv
import re
from html.parser import HTMLParser

import pytest

from rusteval.reports.many_charts import draw_comparison
from rusteval.reports.many_pages import Comparison, summary_csv, write_comparison
from rusteval.statistics.many import score_models

HOSTILE = 'a|b*c<script>alert(1)</script>\u202e"x"'


def rows(passed, count=20):
    return [
        {
            "task_id": f"T/{number}",
            "build_passed": True,
            "clippy_passed": number % 3 > 0,
            "test_passed": number < passed,
            "passed": number < passed and number % 3 > 0,
            "outcome": "passed" if number < passed else "failed",
            "error_type": None if number < passed else "assertion_failure",
        }
        for number in range(count)
    ]


def comparison(models, **more):
    scores = score_models(models, clusters={}, seed=1)
    facts = {
        "suite": "mine",
        "tasks": 20,
        "tools": ("build", "clippy", "test"),
        "costs_usd": {},
        "notes": [],
        "made_with": "rustc 1",
        **more,
    }
    return Comparison(scores=scores, **facts)


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the texts of its table cells."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    shown = comparison(
        {HOSTILE: rows(18), "second": rows(3)}, notes=["second: <b>cut off</b>"], costs_usd={"second": 1.5}
    )
    written = write_comparison(shown, folder=folder)
    assert {path.name for path in written} == {path.name for path in folder.iterdir()}
    return folder


def test_the_page_needs_no_network_and_shows_names_as_they_are(folder):
    page = Page((folder / "comparison_report.html").read_text())
    assert not [tag for tag, _ in page.elements if tag in {"script", "link", "iframe", "b"}]
    sources = [attrs["src"] for tag, attrs in page.elements if tag == "img"]
    assert len(sources) == 4
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert all(attrs["alt"] for tag, attrs in page.elements if tag == "img")
    shown = HOSTILE.replace("\u202e", "[U+202E]")
    assert page.texts.count(shown) == 4  # once in each table
    assert "second: <b>cut off</b>" in page.texts


def test_the_text_has_the_same_numbers_and_whole_tables(folder):
    text = (folder / "comparison_report.md").read_text()
    assert "<script>" not in text
    assert "90.0 %" in text
    assert "60.0 % (" in text
    assert "1.5000 USD" in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 4
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_the_summary_has_the_documented_columns_first():
    found = list(csv.reader(summary_csv(comparison({HOSTILE: rows(18)}).scores).splitlines()))
    assert found[0][:6] == [
        "Model",
        "Build_Success_Rate",
        "Clippy_Success_Rate",
        "Test_Success_Rate",
        "Overall_Success_Rate",
        "Total_Samples",
    ]
    assert found[1][:6] == [HOSTILE, "100.00%", "65.00%", "90.00%", "60.00%", "20"]
    assert len(found[0]) == len(found[1])


@pytest.mark.parametrize("count", [1, 12])
def test_charts_are_drawn_for_one_model_and_for_a_dozen_the_same_each_time(count):
    models = {f"model-{number}": rows(number) for number in range(count)}
    first, second = (draw_comparison(comparison(models).scores) for _ in "12")
    assert [chart.name for chart in first] == [
        "overall_success_rates",
        "tool_specific_performance",
        "success_rate_heatmap",
        "performance_breakdown",
    ]
    assert [chart.png for chart in first] == [chart.png for chart in second]
    assert all(chart.png.startswith(b"\x89PNG") for chart in first)


def test_plus_scores_stand_beside_the_others_where_there_are_any(tmp_path):
    own = [{**row, "passed_plus": row["passed"] and n < 6} for n, row in enumerate(rows(18))]
    scores = comparison({"one": own}).scores
    assert scores[0].plus.value == pytest.approx(4 / 20)
    write_comparison(comparison({"one": own}), folder=tmp_path)
    for name in ("comparison_report.md", "comparison_report.html"):
        text = (tmp_path / name).read_text()
        assert "Overall+" in text
        assert text.count("20.0 % (") == 2  # in the lead and in the table
    found = next(csv.DictReader(summary_csv(scores).splitlines()))
    assert (found["Overall_Success_Rate"], found["overall_plus_rate"]) == ("60.00%", "0.200000")
    assert "with the added tests 20.0 %" in draw_comparison(scores)[0].description
    write_comparison(comparison({"one": rows(18)}), folder=tmp_path)
    assert "added" not in "".join(path.read_text() for path in tmp_path.glob("comparison_report.*"))
    assert "plus" not in summary_csv(comparison({"one": rows(18)}).scores)


def test_a_model_of_which_nothing_was_judged_is_shown_as_that(tmp_path):
    nothing = [
        {**row, "outcome": "infra_error", "passed": None, "test_passed": None, "build_passed": None}
        for row in rows(2)
    ]
    nothing = [{**row, "clippy_passed": None} for row in nothing]
    write_comparison(comparison({"good": rows(9), "broken": nothing}), folder=tmp_path)
    assert "| broken | n/a | n/a | n/a | n/a | 20 | 20 |" in (tmp_path / "comparison_report.md").read_text()
