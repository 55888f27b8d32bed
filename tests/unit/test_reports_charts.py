import re
import struct
import xml.etree.ElementTree as ET
from dataclasses import replace

from builders import make_model, make_run, make_suite, make_task, make_verdict
from rusteval.reports.analysis import analyse
from rusteval.reports.charts import CHART_NAMES, draw_charts
from rusteval.reports.charts_effort import effort_chart
from rusteval.reports.charts_failures import code_chart, outcome_chart
from rusteval.reports.charts_scores import category_chart, difference_chart, pass_chart
from rusteval.reports.drawing import LIGHT


def timed(verdict, *, milliseconds, tokens, reason):
    update = {"generation_ms": milliseconds, "completion_tokens": tokens, "finish_reason": reason}
    return verdict.model_copy(update={"sample": verdict.sample.model_copy(update=update)})


def two_kinds(tasks):
    """A suite whose tasks are by turns of the categories `lists` and `$x$`, which is no formula."""
    suite = make_suite(tasks)
    problems = tuple(
        problem.model_copy(update={"category": ("lists", "$x$")[number % 2]})
        for number, problem in enumerate(suite.problems)
    )
    return suite.model_copy(update={"problems": problems})


def recorded_run():
    """A run that has data for every chart."""
    suite = two_kinds(40)
    verdicts = {
        role: [
            timed(verdict, milliseconds=1000.0 + number, tokens=40 + number % 60, reason=reason)
            for number, verdict in enumerate(make_model(suite, samples=4, skill=skill, seed=1))
        ]
        for role, skill, reason in (("base", 0.3, "length"), ("finetuned", 0.6, "function_closed"))
    }
    return make_run(suite=suite, verdicts=verdicts, k_values=(1, 4))


def only(model_verdicts):
    """The one view of a run of a single model."""
    return analyse(
        make_run(tasks=2, verdicts={"base": model_verdicts}, roles=("base",), modes=("no-policy",))
    )[0]


def test_charts_are_whole_pictures_in_print_resolution():
    run = recorded_run()
    charts = draw_charts(run, analyse(run))
    assert tuple(chart.name for chart in charts) == CHART_NAMES
    for chart in charts:
        assert chart.png.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", chart.png[16:24])
        assert 1000 < width < 2500
        assert 300 < height < 1600
        pixels_per_metre = struct.unpack(">I", chart.png[chart.png.index(b"pHYs") + 4 :][:4])[0]
        assert round(pixels_per_metre * 0.0254) == 200
        for svg in (chart.svg, chart.dark_svg):
            assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert chart.svg != chart.dark_svg
        assert chart.description


def test_a_run_draws_only_what_it_has_data_for():
    nothing = make_run(tasks=2, verdicts={"base": make_task(["infra"]), "finetuned": make_task(["infra"])})
    assert [chart.name for chart in draw_charts(nothing, analyse(nothing))] == ["outcomes"]
    single = make_run(tasks=2, verdicts={"base": make_task(["passed"])}, roles=("base",), modes=("policy",))
    assert [chart.name for chart in draw_charts(single, analyse(single))] == ["pass_at_k", "outcomes"]


def test_a_task_id_is_no_formula():
    suite = make_suite(2)
    problems = [
        problem.model_copy(update={"task_id": f"$x_{number}^$"})
        for number, problem in enumerate(suite.problems)
    ]
    suite = suite.model_copy(update={"problems": tuple(problems)})
    models = {role: make_model(suite, samples=2, skill=0.5, seed=1) for role in ("base", "finetuned")}
    run = make_run(suite=suite, verdicts=models, modes=("policy",))
    assert difference_chart(run, analyse(run)[0])


def test_the_words_of_a_chart_say_the_numbers_that_it_shows():
    failed = [
        make_verdict("types"), make_verdict("types", completion_id=1), make_verdict("borrow", completion_id=2),
        make_verdict("syntax", completion_id=3), make_verdict("wrong", completion_id=4),
        make_verdict("passed", completion_id=5), make_verdict("hangs", completion_id=6),
        make_verdict("infra", completion_id=7),
    ]  # fmt: skip
    view = only(failed)
    codes = code_chart(view)
    assert codes is not None
    assert codes.description == "E0308: Base 28.6 %; E0382: Base 14.3 %; without a code (syntax): Base 14.3 %"
    assert outcome_chart([view]).description == (
        "Base, without policy: passed 12.5 %, wrong answer 12.5 %, over a limit 12.5 %, does not compile 50.0 %, "
        "not judged 12.5 %"
    )
    assert code_chart(only([make_verdict("passed")])) is None


def test_a_number_has_the_colour_and_the_side_of_its_model():
    """The models are close: the number of one must not stand beside the point of the other."""
    verdicts = {
        "base": make_task(["passed", "passed", "wrong"]),
        "finetuned": make_task(["passed", "wrong", "wrong"]),
    }
    run = make_run(tasks=1, verdicts=verdicts, modes=("no-policy",))
    svg = pass_chart(run, analyse(run)).svg.decode()
    drawn = re.findall(r'<!-- (\d+\.\d) -->\s*<g style="fill: (#\w+)" transform="translate\(([\d.]+)', svg)
    places = {value: float(place) for value, _, place in drawn}
    assert {value: colour.upper() for value, colour, _ in drawn} == {
        "66.7": LIGHT.models["base"], "33.3": LIGHT.models["finetuned"],
    }  # fmt: skip
    points = {
        role: float(re.search(rf'<use [^>]*x="([\d.]+)" [^>]*style="fill: {colour}', svg, re.IGNORECASE)[1])
        for role, colour in LIGHT.models.items()
    }
    assert places["66.7"] < points["base"] < points["finetuned"] < places["33.3"]


def test_categories_are_drawn_with_the_rates_of_their_tasks():
    suite = two_kinds(4)
    verdicts = [
        verdict
        for number, problem in enumerate(suite.problems)
        for verdict in make_task(
            ["passed", "wrong"] if number % 2 else ["passed"] * 2, task_id=problem.task_id
        )
    ]
    run = make_run(suite=suite, verdicts={"base": verdicts}, roles=("base",))
    chart = category_chart(run, analyse(run)[0])
    assert chart is not None
    assert chart.description == "$x$ (2 tasks): Base 50.0 %; lists (2 tasks): Base 100 %"


def test_time_and_tokens_are_medians_of_what_the_samples_record():
    verdicts = [
        timed(
            make_verdict("passed", completion_id=number),
            milliseconds=seconds * 1000,
            tokens=tokens,
            reason=reason,
        )
        for number, (seconds, tokens, reason) in enumerate(
            ((1, 10, "stop"), (2, 30, "length"), (9, None, "stop"), (8, None, "content_filter"))
        )
    ]
    chart = effort_chart(only(verdicts))
    assert chart is not None
    assert chart.description == (
        "Base: median of 5 seconds to an answer; Base: median of 20 tokens in an answer; "
        "Base, stopped by itself: 50.0 %; Base, ran into the token limit: 25.0 %; Base, other: 25.0 %"
    )
    untimed = [timed(v, milliseconds=None, tokens=None, reason="stop") for v in verdicts]
    assert effort_chart(only(untimed)).description == "Base, stopped by itself: 100 %"
    assert effort_chart(only([make_verdict("passed")])) is None


def test_one_model_without_recorded_times_does_not_hide_the_other():
    run = recorded_run()
    unrecorded = [
        timed(verdict, milliseconds=None, tokens=None, reason=None) for verdict in run.models[0].verdicts
    ]
    mixed = replace(run, models=(replace(run.models[0], verdicts=tuple(unrecorded)), run.models[1]))
    chart = effort_chart(analyse(mixed)[0])
    assert chart is not None
    assert "Fine-tuned: median of" in chart.description
    assert "Base" not in chart.description.replace("Base, function complete: 0 %", "")
