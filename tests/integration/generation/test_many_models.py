"""Many models from one file: real servers, a real judge, and the files that users open."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from api_services import ANTHROPIC, OPENAI, chat, message, messages_error
from openai_stand_in import Reply, stand_in

from rusteval.errors import InfrastructureError, InputError
from rusteval.pipeline.many_models.running import RunOptions, run_models
from rusteval.status import StatusReporter
from rusteval.tables import read_rows, write_rows

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "run_evaluation.py"
ADD, TWICE = "add/1", "twice/2"
RIGHT = {
    ADD: "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}",
    TWICE: "pub fn twice(n: i32) -> i32 {\n    2 * n\n}",
}
WRONG = {
    ADD: "pub fn add(a: i32, b: i32) -> i32 {\n    a - b\n}",
    TWICE: "pub fn twice(n: i32) -> i32 {\n    n\n}",
}
TABLE = [
    {
        "task_id": ADD,
        "rust_prompt": "Add two numbers.",
        "rust_test_list": ["assert_eq!(add(1, 2), 3);", "assert_eq!(add(-1, 1), 0);"],
        "rust_code": RIGHT[ADD],
    },
    {
        "task_id": TWICE,
        "rust_prompt": "Double a number.",
        "rust_test_list": ["assert_eq!(twice(4), 8)"],
        "rust_code": RIGHT[TWICE],
    },
]
KEYS = {"OPENAI_API_KEY": "sk-secret-openai-123456", "ANTHROPIC_API_KEY": "sk-secret-anthropic-123456"}


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """Keys of the tests' own, and a current directory with the data set in it."""
    for name in os.environ:
        if name.endswith(("_API_KEY", "_BASE_URL")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    columns = {"task_id": "text", "rust_prompt": "text", "rust_test_list": "texts", "rust_code": "text"}
    write_rows(Path("data.parquet"), TABLE, columns=columns)


def task_of(prompt: str) -> str:
    return ADD if "Add two" in prompt else TWICE


def settings(**models) -> dict:
    return {
        "models": models,
        "generation_params": {"num_samples": 2, "temperature": 0.5, "max_new_tokens": 100},
        "dataset": {"path": "data.parquet"},
        "output": {"base_dir": "outputs"},
        "evaluation": {"sandbox_mode": "bubblewrap", "n_workers": 2},
    }


def api(service, server, model, **more):
    provider = {OPENAI: "openai", ANTHROPIC: "anthropic"}[service]
    return {"model": model, "provider": provider, "base_url": server.url, **more}


def run(config: dict, **options) -> str | None:
    Path("config.yaml").write_text(yaml.safe_dump(config))
    reporter = StatusReporter(stream=sys.stderr)
    return run_models(Path("config.yaml"), options=RunOptions(**options), reporter=reporter)


def rows(path: str) -> list[dict]:
    return [row for _, row in read_rows(Path("outputs", path))]


def lines(path: str) -> list[dict]:
    return [json.loads(line) for line in Path("outputs", path).read_text().splitlines()]


def summary() -> dict[str, dict[str, str]]:
    with Path("outputs/comparison_charts/model_comparison_summary.csv").open() as stream:
        return {row["Model"]: row for row in csv.DictReader(stream)}


def good_and_bad(call):
    """Answer rightly, but refuse the first request of each kind for a while."""
    if call.earlier == 0 and call.number == 0:
        return Reply({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "0"})
    return Reply(chat(RIGHT[task_of(call.prompt)]))


def test_one_file_leads_to_the_documented_results_and_a_second_run_asks_for_nothing(demo):
    answers = [
        {"task_id": task, "completion": f"```rust\n{WRONG[task]}\n```", "model": "old"}
        for task in RIGHT
        for _ in "12"
    ]
    Path("old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    with (
        stand_in(good_and_bad) as openai,
        stand_in(
            lambda call: Reply(message(f"Here:\n```rust\n{WRONG[task_of(call.prompt)]}\n```"))
        ) as claude,
    ):
        config = settings(
            api=[
                api(OPENAI, openai, "GPT_4o/x", price={"input": 10, "output": 20}),
                api(ANTHROPIC, claude, "claude-3-5", num_samples=3, temperature=1.0),
            ],
            replay=[{"model": "old", "file": "old.jsonl"}],
            transformers=[{"model": str(demo.base), "name": "tiny", "device": "cpu", "max_new_tokens": 20}],
        )
        run(config)
        asked = len(openai.calls), len(claude.calls)
        before = {path: path.read_bytes() for path in Path("outputs").rglob("results.parquet")}
        run(config)
        assert (len(openai.calls), len(claude.calls)) == asked
    assert {path: path.read_bytes() for path in Path("outputs").rglob("results.parquet")} == before
    assert len(before) == 4

    predictions = rows("gpt-4o-x/predictions.parquet")
    assert [row["task_id"] for row in predictions] == [ADD, ADD, TWICE, TWICE]
    assert predictions[0]["test_list"] == TABLE[0]["rust_test_list"]
    assert predictions[0]["response"] == RIGHT[ADD]
    assert {row["model_name"] for row in predictions} == {"GPT_4o/x"}
    results = rows("gpt-4o-x/results.parquet")
    assert [row["idx"] for row in results] == [0, 1, 2, 3]
    assert all(row["build_passed"] and row["clippy_passed"] and row["test_passed"] for row in results)
    assert all(not row["test_passed"] and row["build_passed"] for row in rows("claude-3-5/results.parquet"))
    assert "left: -1" in rows("claude-3-5/results.parquet")[0]["test_stderr"]
    assert len(rows("claude-3-5/results.parquet")) == 6
    assert len(rows("tiny/results.parquet")) == 4

    calls = lines("gpt-4o-x/api_calls.jsonl")
    assert [call["status"] for call in calls].count(429) == 1
    assert sum(call["status"] == 200 for call in calls) == 4
    assert {call["cost_usd"] for call in calls} == {None, (10 * 11 + 20 * 7) / 1_000_000}
    charts = {path.name for path in Path("outputs/comparison_charts").iterdir()}
    names = (
        "overall_success_rates",
        "tool_specific_performance",
        "success_rate_heatmap",
        "performance_breakdown",
    )
    assert {f"{name}.png" for name in names} | {"model_comparison_summary.csv"} <= charts
    assert all(
        Path(f"outputs/comparison_charts/{name}.png").read_bytes().startswith(b"\x89PNG") for name in names
    )
    found = summary()
    assert next(iter(found)) == "gpt-4o-x"
    assert found["gpt-4o-x"]["Overall_Success_Rate"] == "100.00%"
    assert found["claude-3-5"]["Test_Success_Rate"] == "0.00%"
    assert found["claude-3-5"]["Total_Samples"] == "6"
    report = Path("outputs/comparison_charts/comparison_report.md").read_text()
    assert "gpt-4o-x: 100 %" in report
    everything = b"".join(path.read_bytes() for path in Path("outputs").rglob("*") if path.is_file())
    assert all(key.encode() not in everything for key in KEYS.values())


def test_a_failed_model_does_not_stop_the_others_and_is_told(capsys):
    with (
        stand_in(lambda call: Reply(chat(RIGHT[task_of(call.prompt)]))) as good,
        stand_in(lambda _: messages_error(401, "no such key", kind="authentication_error")) as bad,
    ):
        config = settings(api=[api(ANTHROPIC, bad, "claude"), api(OPENAI, good, "gpt")])
        with pytest.raises(InfrastructureError, match=r"1 of 2 models failed \(claude: .*no such key"):
            run(config)
        statuses = [call["status"] for call in lines("claude/api_calls.jsonl")]
        assert statuses[0] == 401
        assert set(statuses) <= {401, "cancelled"}
        assert len(statuses) == len(bad.calls)
    assert list(summary()) == ["gpt"]
    assert "claude has no results" in Path("outputs/comparison_charts/comparison_report.md").read_text()
    assert "== claude failed" in capsys.readouterr().err
    assert json.loads(Path("outputs/status.json").read_text())["state"] == "failed"


def test_only_some_models_by_id_or_by_name_and_force_redoes_what_follows():
    answer = dict(WRONG)
    with stand_in(lambda call: Reply(chat(answer[task_of(call.prompt)]))) as server:
        config = settings(api=[api(OPENAI, server, "Org/First_1"), api(OPENAI, server, "second")])
        run(config, models=("Org/First_1",))
        assert not Path("outputs/second").exists()
        run(config, models=("org-first-1", "second"))
        assert {name: row["Test_Success_Rate"] for name, row in summary().items()} == {
            "org-first-1": "0.00%",
            "second": "0.00%",
        }
        answer.update(RIGHT)
        run(config)
        assert summary()["second"]["Test_Success_Rate"] == "0.00%"
        run(config, models=("second",), force=True)
        assert summary()["second"]["Test_Success_Rate"] == "100.00%"
        assert list(Path("outputs/second").glob("samples.jsonl.old-*"))
        asked = len(server.calls)
        run(config, stages=("evaluation",), force=True)
        assert len(server.calls) == asked
        with pytest.raises(
            InputError, match="--models third: not in the settings, which have org-first-1, second"
        ):
            run(config, models=("third",))


def test_the_budget_stops_the_run_cleanly_and_more_of_it_goes_on():
    with stand_in(lambda call: Reply(chat(RIGHT[task_of(call.prompt)]))) as server:
        price = {"input": 0, "output": 1_000_000 / 7}  # a dollar for each answer
        config = settings(api=[api(OPENAI, server, "m", price=price, num_samples=4, max_concurrency=1)])
        config["budget_usd"] = 2.5
        with pytest.raises(InfrastructureError, match=r"budget of 2\.5 USD is used up"):
            run(config)
        spent = sum(call["cost_usd"] or 0 for call in lines("m/api_calls.jsonl"))
        assert 2.5 <= spent < 5
        drawn = len(lines("m/samples.jsonl"))
        assert 0 < drawn < 8
        asked = len(server.calls)
        with pytest.raises(InfrastructureError, match="used up"):
            run(config)
        assert len(server.calls) == asked
        config["budget_usd"] = 100
        run(config)
        assert len(rows("m/results.parquet")) == 8


def test_a_dry_run_asks_nobody_and_writes_nothing():
    with stand_in(lambda _: Reply(chat("never"))) as server:
        config = settings(
            api=[api(OPENAI, server, "gpt", price={"input": 3, "output": 15})],
            vllm=[{"model": "Qwen/Qwen2.5-Coder-7B-Instruct"}],
            replay=[{"model": "old", "file": "missing.jsonl"}],
        )
        text = run(config, dry_run=True)
        assert not server.calls
    assert text is not None
    assert "gpt (openai): 4 of 4 answers to draw, to be judged, at most 0.01 USD" in text
    assert "qwen-qwen2.5-coder-7b-instruct (vllm)" in text
    assert re.search(r"old \(replay\).*\n +cannot be asked: missing.jsonl is not there", text)
    assert not Path("outputs").exists()


def test_answers_made_elsewhere_are_judged_with_tests_of_their_own_reported_apart():
    own = (
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn it_works() { assert_eq!(%s); }\n}"
    )
    answers = [
        {"task_id": ADD, "response": f"```rust\n{RIGHT[ADD]}\n{own % 'add(2, 2), 4'}\n```"},
        {"task_id": ADD, "response": f"```rust\n{WRONG[ADD]}\n{own % 'add(5, 0), 5'}\n```"},
        {"task_id": TWICE, "response": f"```rust\n{RIGHT[TWICE]}\n{own % 'twice(1), 3'}\n```"},
        {"task_id": TWICE, "response": "I do not know."},
    ]
    Path("outputs/mine").mkdir(parents=True)
    write_rows(
        Path("outputs/mine/predictions.parquet"), answers, columns={"task_id": "text", "response": "text"}
    )
    config = settings(replay=[{"model": "mine", "file": "unused.jsonl"}])
    run(config, stages=("evaluation", "visualization"))
    found = rows("mine/results.parquet")
    assert [row["test_passed"] for row in found] == [True, False, True, False]
    assert [row["own_tests_written"] for row in found] == [1, 1, 1, 0]
    assert [row["own_tests_passed"] for row in found] == [True, True, False, None]
    assert found[3]["error_type"] == "no_code"
    assert "2 of 3" in Path("outputs/comparison_charts/comparison_report.md").read_text()


def test_stages_without_what_they_need_say_so():
    config = settings(replay=[{"model": "mine", "file": "unused.jsonl"}])
    with pytest.raises(InfrastructureError, match="run the inference of this model first"):
        run(config, stages=("evaluation",))
    with pytest.raises(InputError, match="no model has results yet"):
        run(config, stages=("visualization",))


def start(tmp_path: Path) -> subprocess.Popen:
    command = [sys.executable, SCRIPT, "--all", "--config", "config.yaml"]
    with (tmp_path / "log.txt").open("ab") as log:
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, start_new_session=True)


def test_killed_and_run_again_every_answer_is_there_once(tmp_path):
    def patient(call):
        time.sleep(0.05)
        return Reply(chat(RIGHT[task_of(call.prompt)]))

    with stand_in(patient) as server:
        config = settings(api=[api(OPENAI, server, "m", num_samples=60, max_concurrency=2)])
        Path("config.yaml").write_text(yaml.safe_dump(config))
        for enough in (10, 60):
            process = start(tmp_path)
            while process.poll() is None and len(server.calls) < enough:
                time.sleep(0.01)
            assert process.poll() is None, (tmp_path / "log.txt").read_text()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert not Path("outputs/m/predictions.parquet").exists()
        process = start(tmp_path)
        assert process.wait(120) == 0, (tmp_path / "log.txt").read_text()
        assert len(server.calls) <= 120 + 2 * 2 * 2  # what was under way at a kill is asked for again
    found = rows("m/results.parquet")
    assert [(row["task_id"], row["completion_id"]) for row in found] == [
        (task, index) for task in (ADD, TWICE) for index in range(60)
    ]
    assert all(row["passed"] for row in found)


def test_the_command_explains_every_mistake_in_the_settings_at_once(tmp_path):
    Path("config.yaml").write_text(
        "models:\n  api:\n    - {model: a, provider: opnai}\nbudgt: 3\noutput: {base: x}\n"
    )
    process = start(tmp_path)
    assert process.wait(60) == 2
    said = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.split(": ")[:3] for line in said] == [
        ["error", "config.yaml:3", "models.api[0].provider"],
        ["error", "config.yaml:4", "budgt"],
        ["error", "config.yaml:5", "output.base"],
    ]
